"""Gradients beside finite differences."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from zoo.runtime.steps import value_and_gradients
from zoo.testing.rules import Broken

_STEP = 1e-6
_TOLERANCE = 1e-5
_DIRECTIONS = 2


def must_match_differences(
    results: Callable[[], list[Any]], variables: Mapping[str, Any], seed: int, *, away: bool = True
) -> None:
    """Compares derivatives along random directions with central differences in float64.

    The results are weighted with random numbers and summed, so that no two of them can cancel.

    Args:
        results: Computes a list of float64 tensors from the variables.
        variables: `keras.Variable`s of float64, by the name that a message gives them.
        seed: Seeds weights and directions.
        away: Whether to go away from where the variables were made, which hides gradients where
            it is 0, and may be a kink.

    Raises:
        Broken: If a derivative differs, or a result is not float64.
    """
    random = np.random.default_rng(seed)
    for variable in variables.values() if away else ():
        variable.assign(variable + 0.1 * random.normal(size=variable.shape))
    first = results()
    for tensor in first:
        if keras.backend.standardize_dtype(tensor.dtype) != "float64":
            raise Broken(f"made for float64 it gives {tensor.dtype}")
    weights = [random.normal(size=tensor.shape) for tensor in first]

    def total() -> Any:
        return sum(
            keras.ops.sum(tensor * weight)
            for tensor, weight in zip(results(), weights, strict=True)
        )

    if not first or not variables:
        return
    _, gradients = value_and_gradients(total, variables.values())
    for (name, variable), gradient in zip(variables.items(), gradients, strict=True):
        for _ in range(_DIRECTIONS):
            direction = random.normal(size=variable.shape)
            slope = 0.0 if gradient is None else float(np.sum(np.asarray(gradient) * direction))
            difference = _difference(total, variable, direction)
            scale = max(abs(difference), 1e-3 * float(np.linalg.norm(direction)), 1e-3)
            if not abs(slope - difference) <= _TOLERANCE * scale * 10:
                said = (
                    "there is no gradient" if gradient is None else f"the gradient says {slope:.6g}"
                )
                raise Broken(f"by {name}, {said} where differences give {difference:.6g}")


def _difference(total: Callable[[], Any], variable: Any, direction: Any) -> float:
    middle = variable.numpy()
    step = _STEP * max(1.0, float(np.abs(middle).max(initial=0.0)))
    values = []
    for sign in (1, -1):
        variable.assign(middle + sign * step * direction)
        values.append(float(total()))
    variable.assign(middle)
    return (values[0] - values[1]) / (2 * step)
