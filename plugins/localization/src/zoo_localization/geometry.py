"""Where the observations sit on the ring of states, and how far each state is from them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]


def check_geometry(model_size: int, nobs: int, obs_dens: int) -> None:
    """Check that `nobs` observations, one every `obs_dens` states, fit on the ring.

    Args:
        model_size: Number of states, N.
        nobs: Number of observations.
        obs_dens: States per observation.

    Raises:
        ValueError: If a number is not positive, or the last observation lies beyond the last state.
    """
    for name, value in (("model_size", model_size), ("nobs", nobs), ("obs_dens", obs_dens)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(f"{name} must be a positive integer, got {value!r}.")
    if obs_dens * nobs > model_size:
        raise ValueError(
            f"The last of nobs={nobs} observations would sit at state {obs_dens * nobs - 1}, but "
            f"model_size={model_size} ends at state {model_size - 1}. Lower obs_dens={obs_dens} to "
            f"at most {model_size // nobs}, or check the shape of the gain (states first)."
        )


def observed_states(nobs: int, obs_dens: int) -> IntArray:
    """Return the state index of each observation: `obs_dens*(j+1) - 1`, shape `(nobs,)`."""
    return obs_dens * (np.arange(nobs, dtype=np.int64) + 1) - 1


def offsets(model_size: int, nobs: int, obs_dens: int) -> IntArray:
    """Return how many states row `i` lies downstream of observation `j`, around the ring.

    Args:
        model_size: Number of states, N.
        nobs: Number of observations.
        obs_dens: States per observation.

    Returns:
        `(i - (obs_dens*(j+1) - 1)) mod N`, shape `(model_size, nobs)`.

    Raises:
        ValueError: If the observations do not fit on the ring.
    """
    check_geometry(model_size, nobs, obs_dens)
    rows = np.arange(model_size, dtype=np.int64)[:, None]
    return (rows - observed_states(nobs, obs_dens)) % model_size


def distances(model_size: int, nobs: int, obs_dens: int) -> IntArray:
    """Return the periodic distance between row `i` and observation `j`, in grid points.

    Arguments and errors as in `offsets`; the shape is `(model_size, nobs)`.
    """
    offset = offsets(model_size, nobs, obs_dens)
    return np.minimum(offset, model_size - offset)
