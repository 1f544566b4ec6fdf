"""What the data of a training is, in a few numbers an array."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from zoo.errors import in_one_line
from zoo.runtime.data import (
    SPLITS,
    Split,
    gives_samples,
    input_names,
    named_arrays,
    output_names,
    split_parts,
)

Row = dict[str, Any]

_MOST_VALUES = 10_000_000
"""Of a larger array, samples at equal distances are looked at."""

_FIRST = 32
"""How many samples are read of a dataset that gives them by number."""


def data_summary(data: Mapping[str, Split], model: Any) -> list[Row]:
    """Summarizes each array of a dataset.

    Args:
        data: What the dataset returned, checked.
        model: The Keras model.

    Returns:
        A row an array: `split`, `array`, `shape` with the samples first, `dtype`, `mean`, `std`,
        `min`, `max`, and `of`, which says of what the statistics are.
    """
    return [row for name in SPLITS if name in data for row in _of_split(name, data[name], model)]


def _of_split(name: str, split: Split, model: Any) -> Iterator[Row]:
    try:
        count = None
        if gives_samples(split):
            count = int(split.sample_count)
            split = split.samples(np.arange(min(count, _FIRST)), 0)
        parts = split_parts(split)
        if parts is None:
            yield {"split": name, "array": type(split).__name__}
            return
        names = (input_names(model), output_names(model), output_names(model))
        for what, values, known in zip(("x", "y", "sample_weight"), parts, names, strict=True):
            if values is not None:
                for label, array in named_arrays(what, values, known):
                    yield {"split": name, "array": label, **_statistics(array, count)}
    except Exception as error:  # noqa: BLE001  # a summary is never worth a training
        print(f"no summary of {name}: {in_one_line(error)}", file=sys.stderr)


def _statistics(values: Any, count: int | None) -> Row:
    array = np.asarray(values)
    of = "all" if count is None else f"the first {len(array)}"
    row = {"shape": [count or len(array), *array.shape[1:]], "dtype": str(array.dtype), "of": of}
    if array.dtype.kind not in "fiub" or not array.size:
        return row
    step = -(-array.size // _MOST_VALUES)
    if step > 1:
        array, row["of"] = array[::step], f"every {step}th sample"
    return row | {
        "mean": float(array.mean(dtype=np.float64)),
        "std": float(array.std(dtype=np.float64)),
        "min": float(array.min()),
        "max": float(array.max()),
    }
