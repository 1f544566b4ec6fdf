"""Observations of a state: which states are seen, and how well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_localization.geometry import check_geometry, observed_states

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class ObservationOperator:
    """H: every `obs_dens`-th state, observation `j` at state `obs_dens*(j+1) - 1`.

    Args:
        model_size: Number of states, N.
        obs_dens: States per observation.

    Raises:
        ValueError: If there is no room for one observation.
    """

    model_size: int
    obs_dens: int = 1

    def __post_init__(self) -> None:
        """Check that the observations fit on the ring."""
        check_geometry(self.model_size, 1, self.obs_dens)

    @property
    def nobs(self) -> int:
        """Number of observations."""
        return self.model_size // self.obs_dens

    @property
    def states(self) -> NDArray[np.int64]:
        """Index of the observed states, shape `(nobs,)`."""
        return observed_states(self.nobs, self.obs_dens)

    @property
    def matrix(self) -> FloatArray:
        """H as a matrix, shape `(nobs, model_size)`."""
        return np.eye(self.model_size)[self.states]

    def __call__(self, states: FloatArray) -> FloatArray:
        """Observe `(..., model_size)` states without error: `(..., nobs)`."""
        if states.shape[-1] != self.model_size:
            raise ValueError(
                f"states must end in model_size={self.model_size} values, got shape {states.shape}."
            )
        return states[..., self.states]


def error_covariance(error: Any, nobs: int) -> FloatArray:
    """Return R as a matrix.

    Args:
        error: A variance for all observations, one variance each `(nobs,)`, or the matrix itself
            `(nobs, nobs)`; in the square of the observations' unit.
        nobs: Number of observations.

    Returns:
        Shape `(nobs, nobs)`, symmetric and positive definite.

    Raises:
        ValueError: If the shape is another, or R is not symmetric positive definite.
    """
    error = np.asarray(error, dtype=np.float64)
    if error.shape not in ((), (nobs,), (nobs, nobs)):
        raise ValueError(
            f"R must be one variance, {nobs} variances or a {nobs} x {nobs} matrix for nobs={nobs} "
            f"observations, got shape {error.shape}."
        )
    matrix = np.diag(np.broadcast_to(error, nobs)) if error.ndim < 2 else error
    is_symmetric = bool(np.isfinite(matrix).all()) and np.allclose(matrix, matrix.T, rtol=1e-12)
    if not is_symmetric or np.linalg.eigvalsh(matrix).min() <= 0:
        raise ValueError(
            f"R must be a covariance with variances above 0 (symmetric, positive definite), got "
            f"{np.array2string(error, threshold=8, precision=3)}. An observation without error is "
            f"best given a small variance."
        )
    return np.array(matrix)
