"""The datasets of the core: NumPy archives, CSV tables and synthetic data."""

import csv as csv_module
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from zoo.arrays import read_npz

Array = np.ndarray[Any, Any]
Splits = dict[str, tuple[Any, ...]]

_WEIGHT = "sample_weight"


def npz(path: str, validation_split: float = 0.0, test_split: float = 0.0) -> Splits:
    """Arrays from a NumPy archive.

    The archive holds `x` and `y`, or one array per input and output under its name; a split other
    than training has the same names with `_validation` or `_test` behind them. `sample_weight` is
    optional. Object arrays are never read, since they are pickles.

    Args:
        path: The `.npz` file.
        validation_split: The share of the training samples, taken from the end, that becomes
            the validation split where the archive has none.
        test_split: Likewise for the test split, taken from the end before that.

    Returns:
        `{"train": (x, y), "validation": (x, y), "test": (x, y)}`, with `x` and `y` as arrays or
        as dicts by name.

    Raises:
        ValueError: If the file is not such an archive, or a share is not in [0, 1).
        OSError: If it cannot be read.
    """
    by_split: dict[str, dict[str, Array]] = {}
    for name, array in read_npz(Path(path)).items():
        base, split = _name_and_split(name)
        by_split.setdefault(split, {})[base] = array
    if "train" not in by_split:
        raise ValueError(f"{path} has no training arrays, such as `x` and `y`")
    data = {split: _split(arrays) for split, arrays in by_split.items()}
    return split_off(data, validation_split, test_split)


def csv(
    path: str,
    outputs: Sequence[str],
    inputs: Sequence[str] | None = None,
    delimiter: str = ",",
    validation_split: float = 0.0,
    test_split: float = 0.0,
) -> Splits:
    """Rows of a CSV file with a header, every cell a number.

    Args:
        path: The file.
        outputs: The columns that the model is to give, as `y` of shape `(rows, outputs)`.
        inputs: The columns that it takes, as `x` of shape `(rows, inputs)`; by default all
            others.
        delimiter: What stands between cells.
        validation_split: The share of the rows, taken from the end, for validation.
        test_split: The share of the rows, taken from the end before that, for testing.

    Returns:
        `{"train": (x, y), ...}` with float32 arrays.

    Raises:
        ValueError: If a column is missing or a cell is not a number.
        OSError: If the file cannot be read.
    """
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv_module.reader(file, delimiter=delimiter)
        header = next(reader, [])
        rows = [_numbers(row, header, path, reader.line_num) for row in reader if row]
    taken = inputs if inputs is not None else [name for name in header if name not in outputs]
    for name in (*taken, *outputs):
        if name not in header:
            raise ValueError(f"{path} has no column {name!r}; it has {', '.join(header)}")
    table = np.array(rows, dtype="float32").reshape(len(rows), len(header))
    x = table[:, [header.index(name) for name in taken]]
    y = table[:, [header.index(name) for name in outputs]]
    return split_off({"train": (x, y)}, validation_split, test_split)


def synthetic(
    x_shape: Sequence[int] | Mapping[str, Sequence[int]],
    y_shape: Sequence[int],
    samples: int = 256,
    noise: float = 0.1,
    validation_samples: int = 64,
    test_samples: int = 64,
    seed: int = 0,
    targets: Literal["numbers", "labels"] = "numbers",
) -> Splits:
    """A random linear map with a tanh and noise: something to learn, for examples and tests.

    Args:
        x_shape: The shape of one input sample, or that of each input by its name.
        y_shape: The shape of one target.
        samples: How many training samples.
        noise: The standard deviation of the noise on the targets.
        validation_samples: How many validation samples.
        test_samples: How many test samples.
        seed: Seeds the map, the inputs and the noise.
        targets: `labels` instead of `numbers` is which number of a target is the largest, and of
            a single one whether it is positive, as 0 or 1.

    Returns:
        `{"train": (x, y), "validation": (x, y), "test": (x, y)}` with float32 arrays, or dicts of
        them; labels of several are int64.
    """
    generator = np.random.default_rng(seed)
    shapes = x_shape if isinstance(x_shape, Mapping) else {"": x_shape}
    sizes_x, size_y = [int(np.prod(shape)) for shape in shapes.values()], int(np.prod(y_shape))
    size_x = sum(sizes_x)
    matrix = generator.normal(size=(size_x, size_y)) / np.sqrt(size_x)

    def draw(count: int) -> tuple[Any, Array]:
        x = generator.normal(size=(count, size_x))
        y = np.tanh(x @ matrix) + noise * generator.normal(size=(count, size_y))
        parts = np.split(x.astype("float32"), np.cumsum(sizes_x)[:-1], axis=1)
        by_name = {
            name: part.reshape(count, *shape)
            for part, (name, shape) in zip(parts, shapes.items(), strict=True)
        }
        numbers = y.reshape(count, *y_shape).astype("float32")
        return by_name.get("", by_name), _labels(y) if targets == "labels" else numbers

    sizes = {"train": samples, "validation": validation_samples, "test": test_samples}
    return {split: draw(count) for split, count in sizes.items() if count}


def _labels(y: Array) -> Array:
    return (y > 0).astype("float32") if y.shape[1] == 1 else y.argmax(axis=1)


def split_off(data: Splits, validation_split: float, test_split: float) -> Splits:
    """Takes validation and test splits off the end of the training samples."""
    for split, share in (("test", test_split), ("validation", validation_split)):
        if not 0.0 <= share < 1.0:
            raise ValueError(f"{split}_split is {share}; it is a share from 0 to below 1")
        if share and split not in data:
            train = data["train"]
            count = len(_first(train[0]))
            kept = count - max(1, round(count * share))
            if kept < 1:
                raise ValueError(f"{split}_split = {share} leaves none of {count} samples")
            data["train"] = tuple(_part(values, slice(None, kept)) for values in train)
            data[split] = tuple(_part(values, slice(kept, None)) for values in train)
    return data


def _name_and_split(name: str) -> tuple[str, str]:
    for split in ("validation", "test", "train"):
        if name.endswith(f"_{split}"):
            return name.removesuffix(f"_{split}"), split
    return name, "train"


def _split(arrays: Mapping[str, Array]) -> tuple[Any, ...]:
    # Without `x` or `y`, the model's names choose among all arrays.
    named = {name: array for name, array in arrays.items() if name not in ("x", "y", _WEIGHT)}
    weight = [arrays[_WEIGHT]] if _WEIGHT in arrays else []
    return (arrays.get("x", named), arrays.get("y", named), *weight)


def _numbers(row: list[str], header: list[str], path: str, line: int) -> list[float]:
    if len(row) != len(header):
        raise ValueError(f"{path}:{line} has {len(row)} cells; the header has {len(header)}")
    try:
        return [float(cell) for cell in row]
    except ValueError:
        wrong = next(name for name, cell in zip(header, row, strict=True) if not _is_number(cell))
        raise ValueError(
            f"{path}:{line}: the column {wrong!r} is not a number; of a class, write its number, "
            f"from 0"
        ) from None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _first(values: Any) -> Any:
    return next(iter(values.values())) if isinstance(values, Mapping) else values


def _part(values: Any, where: slice) -> Any:
    if isinstance(values, Mapping):
        return {name: array[where] for name, array in values.items()}
    return values[where]
