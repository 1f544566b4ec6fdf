"""Where the weights come from: checked arrays, and the distance to the observation."""

import math
import reprlib
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray


def check_fixed(fixed_weights: Any) -> NDArray[np.float64]:
    """Returns the weights as an array whose largest element is 1.

    Only their ratios matter, and these ratios then survive in float32 whatever their scale.

    Args:
        fixed_weights: A number, nested lists or an array.

    Raises:
        ValueError: When they are no rectangular array of finite numbers, none negative and at
            least one positive.
    """
    try:
        weights = np.asarray(fixed_weights)
    except ValueError:  # NumPy's word for rows of unequal lengths
        weights = np.asarray(None)
    good = weights.dtype.kind in "iuf"
    if not good or not np.all(np.isfinite(weights) & (weights >= 0)) or not np.any(weights > 0):
        raise ValueError(
            "`fixed_weights` must be finite numbers in lists of equal lengths, none negative, "
            f"at least one above 0. Received: fixed_weights={reprlib.repr(fixed_weights)}. "
            "Give an element 0 to leave it out."
        )
    return weights.astype("float64") / float(weights.max())


def check_distance(distance_scale: Any, obs_dens: Any) -> None:
    """Checks the two arguments of the weighting by distance, which come together or not at all.

    Raises:
        ValueError: When only one is given, or one is out of its range.
    """
    received = f"Received: distance_scale={distance_scale!r}, obs_dens={obs_dens!r}."
    if distance_scale is None or obs_dens is None:
        if distance_scale is not obs_dens:
            raise ValueError(
                f"`distance_scale` and `obs_dens` are given together or not at all. {received}"
            )
        return
    if isinstance(distance_scale, bool) or not (
        isinstance(distance_scale, Real) and 0 < float(distance_scale) < math.inf
    ):
        raise ValueError(
            f"`distance_scale` must be a number of grid points above 0. {received} "
            "Without it all elements weigh the same."
        )
    if isinstance(obs_dens, bool) or not isinstance(obs_dens, Integral) or obs_dens < 1:
        raise ValueError(
            f"`obs_dens` must be a whole number of grid points, 1 or more. {received} "
            "With 2, every second state variable is observed."
        )


def distance_weights(
    sample_shape: Sequence[int | None], distance_scale: float, obs_dens: int
) -> NDArray[np.float64]:
    """Returns `exp(-(d / distance_scale)^2 / 2)` for each element of a gain.

    `d` is the distance, in grid points on a periodic domain of `model_size` points, between state
    `i` and observation `j` at state `obs_dens*(j+1) - 1`. It is 0 at the observation itself.

    Args:
        sample_shape: Shape of one gain, `(model_size, nobs)`.
        distance_scale: Distance in grid points at which the weight has fallen to `exp(-1/2)`.
        obs_dens: Grid points from one observation to the next.

    Returns:
        Array of shape `(model_size, nobs)`.

    Raises:
        ValueError: When the shape is no gain's, or has no room for the observations.
    """
    if len(sample_shape) != 2 or None in sample_shape:
        raise ValueError(
            "Weights by distance need gains of known shape (batch, model_size, nobs). Received: "
            f"samples of shape {tuple(sample_shape)}. Use `fixed_weights` for anything else."
        )
    model_size, nobs = (int(length or 0) for length in sample_shape)
    if obs_dens * nobs > model_size:
        raise ValueError(
            f"`obs_dens` puts observation {nobs - 1} at state {obs_dens * nobs - 1}, outside of "
            f"the {model_size} states. Received: obs_dens={obs_dens}, gains of shape "
            f"{(model_size, nobs)}. It is at most {model_size // nobs} here."
        )
    state = np.arange(model_size)[:, np.newaxis]
    observation = obs_dens * np.arange(1, nobs + 1) - 1
    apart = np.abs(state - observation)
    distance = np.minimum(apart, model_size - apart)
    with np.errstate(over="ignore"):  # the weight at an infinite ratio is 0, as it should be
        weights: NDArray[np.float64] = np.exp(-0.5 * np.square(distance / distance_scale))
    return weights
