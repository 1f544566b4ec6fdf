"""Trains each example, and prints it beside a model of scikit-learn on the same test split.

    python examples/make_data.py
    python examples/compare.py

About a minute on two cores, most of it start-up. Runs go to a temporary folder and nothing
is published.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).resolve().parent
Figures = dict[str, float]


def ridge_on_diabetes(data: Path) -> Figures:
    """Fits a linear model with a penalty, which cross-validation chooses."""
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    table = np.loadtxt(data / "diabetes.csv", delimiter=",", skiprows=1)
    tested = round(len(table) * 0.2)
    train, test = table[:-tested], table[-tested:]
    model = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 3, 20)))
    model.fit(train[:, :-1], train[:, -1])
    mae = np.abs(model.predict(test[:, :-1]) - test[:, -1]).mean()
    return {"r2": model.score(test[:, :-1], test[:, -1]), "mae": float(mae)}


def logistic_on_digits(data: Path) -> Figures:
    """Fits a logistic regression to the pixels."""
    from sklearn.linear_model import LogisticRegression

    arrays = np.load(data / "digits.npz")
    model = LogisticRegression(max_iter=1000).fit(_rows(arrays["x"]), arrays["y"])
    return {"accuracy": float(model.score(_rows(arrays["x_test"]), arrays["y_test"]))}


def linear_on_pairs(data: Path) -> Figures:
    """Fits a logistic and a linear regression to the pixels of both images side by side."""
    from sklearn.linear_model import LogisticRegression, Ridge

    arrays = np.load(data / "pairs.npz")
    x, test = (
        np.hstack([_rows(arrays[f"left{split}"]), _rows(arrays[f"right{split}"])])
        for split in ("", "_test")
    )
    larger = LogisticRegression(max_iter=1000).fit(x, arrays["larger"].ravel())
    total = Ridge().fit(x, arrays["sum"].ravel())
    error = total.predict(test) - arrays["sum_test"].ravel()
    return {
        "larger_accuracy": float(larger.score(test, arrays["larger_test"].ravel())),
        "sum_mae": float(np.abs(error).mean()),
    }


PEERS: dict[str, tuple[str, Callable[[Path], Figures]]] = {
    "diabetes-mlp": ("RidgeCV", ridge_on_diabetes),
    "digits-cnn": ("LogisticRegression", logistic_on_digits),
    "digits-pair": ("LogisticRegression, Ridge", linear_on_pairs),
}


def trained(name: str, *options: str) -> Figures:
    """Trains an example by the command, and gives its figures on the test split."""
    with tempfile.TemporaryDirectory() as folder:
        run = f"{folder}/run"
        _zoo("train", str(FOLDER / f"{name}.toml"), "--run", run, "--quiet", *options)
        return dict(_zoo("evaluate", run)["results"]["metrics"])


def _zoo(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "zoo", *arguments, "--json"]
    done = subprocess.run(command, cwd=FOLDER, stdout=subprocess.PIPE, check=True)
    return dict(json.loads(done.stdout))


def _rows(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1)


def main() -> None:
    """Prints the table."""
    if not (FOLDER / "data").is_dir():
        sys.exit("there is no data yet: python examples/make_data.py")
    print(f"{'example':14}{'metric':17}{'zoo':>8}{'peer':>8}  peer")
    for name, (called, peer) in PEERS.items():
        begun = time.perf_counter()
        found = trained(name)
        seconds = time.perf_counter() - begun
        for metric, value in peer(FOLDER / "data").items():
            print(f"{name:14}{metric:17}{found[metric]:8.3f}{value:8.3f}  {called}")
        print(f"{'':14}{seconds:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
