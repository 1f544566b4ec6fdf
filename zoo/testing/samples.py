"""What components are tried on: arrays, their rows, and how two results are compared."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from zoo.testing.rules import Broken

BATCH = 5
"""How many samples a batch has: odd, so that a half is a partial batch."""

Array = npt.NDArray[Any]
Samples = Any
"""A shape without its batch axis, an array with it, or a list or dict of those."""


def arrays_of(samples: Samples, seed: int, low: float = -1.0, high: float = 1.0) -> Any:
    """Makes arrays of what a caller gave.

    Args:
        samples: A shape, a tuple of integers, is filled with random numbers; an array stays as
            it is; lists and dicts are gone through.
        seed: Seeds the numbers.
        low: The least number.
        high: The largest number.

    Raises:
        ValueError: If it is none of these, or an array has fewer than two samples.
    """
    return _arrays(samples, np.random.default_rng(seed), low, high)


def _arrays(samples: Samples, random: np.random.Generator, low: float, high: float) -> Any:
    if isinstance(samples, Mapping):
        return {name: _arrays(item, random, low, high) for name, item in samples.items()}
    if isinstance(samples, list):
        return [_arrays(item, random, low, high) for item in samples]
    if isinstance(samples, tuple) and all(isinstance(size, int) for size in samples):
        return random.uniform(low, high, size=(BATCH, *samples)).astype("float32")
    if not hasattr(samples, "shape") or not hasattr(samples, "dtype"):
        raise ValueError(
            f"{samples!r} is neither a shape nor an array. Give a shape without the batch axis, "
            "as a tuple of integers such as (8, 3), an array with it, or a list or dict of those"
        )
    array = np.asarray(samples)
    if array.ndim == 0 or len(array) < 3:
        raise ValueError(
            f"an array of shape {array.shape} has too few samples to make batches of. Give at "
            "least 3 along the first axis"
        )
    return array


def rows(arrays: Any, chosen: Any) -> Any:
    """Gives the chosen samples of every array."""
    return keras.tree.map_structure(lambda array: array[chosen], arrays)


def count_of(arrays: Any) -> int:
    """Gives the number of samples."""
    return len(keras.tree.flatten(arrays)[0])


def as_arrays(tensors: Any) -> list[Array]:
    """Gives a result, whatever its structure, as a flat list of arrays."""
    flat = keras.tree.flatten(tensors)
    return [np.asarray(keras.ops.convert_to_numpy(tensor)) for tensor in flat if tensor is not None]


def is_float(tensor: Any) -> bool:
    """Tells whether an array, tensor or variable holds floating-point numbers."""
    return "float" in str(getattr(tensor.dtype, "name", tensor.dtype))


def must_agree(
    got: Sequence[Any], expected: Sequence[Any], what: str, tolerance: float = 1e-5
) -> None:
    """Compares two flat lists of arrays.

    Args:
        got: The one.
        expected: The other.
        what: How the difference is worded, such as `"jit differs from eager"`.
        tolerance: The largest difference, relative to the largest number expected, or to 1.

    Raises:
        Broken: If they differ.
    """
    if len(got) != len(expected):
        raise Broken(f"{what}: {len(got)} results against {len(expected)}")
    for one, other in zip(got, expected, strict=True):
        one, other = np.asarray(one), np.asarray(other)
        if one.shape != other.shape:
            raise Broken(f"{what}: shape {one.shape} against {other.shape}")
        if one.dtype.kind not in "fiub" and one.dtype.name != "bfloat16":
            same = one == other
        else:
            one, other = one.astype("float64"), other.astype("float64")
            largest = np.max(np.abs(other[np.isfinite(other)]), initial=1.0)
            same = np.isclose(one, other, rtol=0.0, atol=tolerance * largest, equal_nan=True)
        if not np.all(same):
            place = tuple(int(i) for i in np.argwhere(~np.asarray(same))[0])
            at = f" at {list(place)}" if place else ""
            raise Broken(f"{what}: {one[place]} against {other[place]}{at}")


def must_be_finite(arrays: Sequence[Array], what: str) -> None:
    """Refuses NaN and infinities.

    Raises:
        Broken: If there are any.
    """
    for array in arrays:
        numbers = array.astype("float64") if array.dtype.kind in "fiu" else np.zeros(1)
        if not np.isfinite(numbers).all():
            place = tuple(int(i) for i in np.argwhere(~np.isfinite(numbers))[0])
            raise Broken(f"{what} holds {numbers[place]} at {list(place)}")
