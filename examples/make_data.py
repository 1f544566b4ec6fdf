"""Writes the data of the examples, from what ships with scikit-learn, into `examples/data/`.

    python examples/make_data.py

Nothing is downloaded, and every run writes the same numbers. It takes seconds.
"""

import csv
import sys
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent / "data"
TEST_SHARE = 0.2


def diabetes(folder: Path) -> Path:
    """Writes a table of 442 patients: ten measurements, and how the disease went on in a year.

    Rows are shuffled, so that those at the end are a fair test split.
    """
    from sklearn.datasets import load_diabetes

    data = load_diabetes(scaled=False)
    order = np.random.default_rng(0).permutation(len(data.data))
    path = folder / "diabetes.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*data.feature_names, "progression"])
        writer.writerows([*data.data[row].tolist(), float(data.target[row])] for row in order)
    return path


def digits(folder: Path) -> Path:
    """Writes 1,797 images of handwritten digits, 8 by 8 grey pixels in [0, 1], and their labels."""
    images, labels, tested = _digits()
    path = folder / "digits.npz"
    np.savez(
        path, x=images[tested:], y=labels[tested:], x_test=images[:tested], y_test=labels[:tested]
    )
    return path


def pairs(folder: Path, count: int = 4000, test_count: int = 1000) -> Path:
    """Writes pairs of those images: is the left digit the larger one, and what is their sum?

    No image of a test pair is in a training pair.
    """
    images, labels, tested = _digits()
    random = np.random.default_rng(1)
    arrays = {}
    for suffix, rows, size in (
        ("", np.arange(tested, len(images)), count),
        ("_test", np.arange(tested), test_count),
    ):
        left, right = random.choice(rows, size=(2, size))
        arrays[f"left{suffix}"] = images[left]
        arrays[f"right{suffix}"] = images[right]
        arrays[f"larger{suffix}"] = (labels[left] > labels[right]).astype("float32")[:, None]
        arrays[f"sum{suffix}"] = (labels[left] + labels[right]).astype("float32")[:, None]
    path = folder / "pairs.npz"
    np.savez(path, **arrays)
    return path


def _digits() -> tuple[np.ndarray, np.ndarray, int]:
    """Gives shuffled images and labels, and how many of them, from the start, are for testing."""
    from sklearn.datasets import load_digits

    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.images))
    images = (data.images[order, :, :, None] / 16).astype("float32")
    return images, data.target[order], round(len(images) * TEST_SHARE)


def main() -> None:
    """Writes all of it, and says where."""
    try:
        FOLDER.mkdir(exist_ok=True)
        for make in (diabetes, digits, pairs):
            print(make(FOLDER))
    except ModuleNotFoundError as missing:
        sys.exit(f"{missing}; the data comes from scikit-learn: pip install scikit-learn")


if __name__ == "__main__":
    main()
