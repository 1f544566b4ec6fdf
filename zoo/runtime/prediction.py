"""Predictions for arrays by name."""

from typing import Any

import numpy as np

from zoo.errors import RunError
from zoo.runtime.data import output_names

Array = np.ndarray[Any, Any]


def predict(model: Any, arrays: dict[str, Array], batch_size: int = 32) -> dict[str, Array]:
    """Predicts for the arrays of a file.

    Args:
        model: A Keras model.
        arrays: Each input by its name; an array without a name (`""`) is the only input. A sample
            without a batch axis gives an output without one.
        batch_size: Samples at a time.

    Returns:
        Each output by its name.

    Raises:
        RunError: If the arrays are not what the model takes.
    """
    single = False
    values = {}
    for tensor in model.inputs:
        array = _chosen(tensor.name, arrays, len(model.inputs))
        values[tensor.name], unbatched = _batched(tensor, array)
        single = single or unbatched
    if len({array.shape[0] for array in values.values()}) > 1:
        raise RunError("the inputs have different numbers of samples")
    x = values if len(values) > 1 else next(iter(values.values()))
    results = model.predict(x, batch_size=batch_size, verbose=0)
    if not isinstance(results, dict):
        results = {output_names(model)[0]: results}
    if wrong := [name for name, array in results.items() if not np.isfinite(array).all()]:
        raise RunError(f"the prediction of {', '.join(wrong)} is not finite", "not-finite")
    return {name: array[0] if single else array for name, array in results.items()}


def _chosen(name: str, arrays: dict[str, Array], count: int) -> Array:
    if name in arrays:
        return arrays[name]
    if count == 1 and len(arrays) == 1:
        return next(iter(arrays.values()))
    there = ", ".join(key or "one array without a name" for key in arrays)
    raise RunError(
        f"the model takes the input {name!r}; the file has {there}",
        suggestion=f"write an .npz with an array called {name}",
    )


def _batched(tensor: Any, array: Array) -> tuple[Array, bool]:
    if array.dtype.kind not in "fiub":
        raise RunError(f"{tensor.name} holds {array.dtype}; numbers are needed")
    wanted = tuple(tensor.shape[1:])
    unbatched = array.ndim == len(wanted)
    batch = array[np.newaxis] if unbatched else array
    shape = batch.shape[1:]
    fits = len(shape) == len(wanted) and all(
        size in (None, got) for size, got in zip(wanted, shape, strict=True)
    )
    if not fits or not batch.size:
        raise RunError(
            f"{tensor.name} has the shape {array.shape}; the model takes {wanted} a sample",
        )
    if not np.isfinite(batch).all():
        place = tuple(int(index) for index in np.argwhere(~np.isfinite(array))[0])
        raise RunError(f"{tensor.name} holds {array[place]} at {list(place)}", "not-finite")
    return batch, unbatched
