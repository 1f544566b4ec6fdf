"""Observations of a state: which states are seen, and how well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_localization.geometry import check_geometry, observed_states
from zoo_localization.sliding_sums import sliding_sum, wrap

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class ObservationOperator:
    """H: every `obs_dens`-th state, observation `j` at state `obs_dens*(j+1) - 1`.

    Args:
        model_size: Number of states, N.
        obs_dens: States per observation.
        width: States that an observation is the mean of, around its own and across the ends of the
            ring; 1 sees single points. Wang et al. (2023), doi:10.1029/2023MS003642, have both
            1 and 241.

    Raises:
        ValueError: If there is no room for one observation, or `width` is even, or longer than the
            ring.
    """

    model_size: int
    obs_dens: int = 1
    width: int = 1

    def __post_init__(self) -> None:
        """Check that the observations fit on the ring."""
        check_geometry(self.model_size, 1, self.obs_dens)
        is_count = isinstance(self.width, int | np.integer) and not isinstance(self.width, bool)
        if not is_count or not 1 <= self.width <= self.model_size or self.width % 2 == 0:
            raise ValueError(
                f"width must be an odd number of states from 1 to model_size={self.model_size}, so "
                f"that it has a middle on the ring, got {self.width!r}."
            )

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
        return np.ascontiguousarray(self(np.eye(self.model_size)).T)

    def __call__(self, states: FloatArray) -> FloatArray:
        """Observe `(..., model_size)` states without error: `(..., nobs)`."""
        if states.shape[-1] != self.model_size:
            raise ValueError(
                f"states must end in model_size={self.model_size} values, got shape {states.shape}."
            )
        if self.width == 1:
            return states[..., self.states]
        half = self.width // 2
        return sliding_sum(wrap(states, half, half), self.width)[..., self.states] / self.width

    def one(self, states: FloatArray, j: int) -> FloatArray:
        """Make observation `j` alone of `(..., model_size)` states: `(...)`."""
        centre = int(self.states[j])
        if self.width == 1:
            return states[..., centre]
        window = np.arange(centre - self.width // 2, centre + self.width // 2 + 1)
        return np.asarray(states[..., window % self.model_size].mean(axis=-1))


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


def draw_errors(error: Any, shape: tuple[int, ...], rng: np.random.Generator) -> FloatArray:
    """Draw observation errors.

    Args:
        error: R, as `error_covariance` takes it.
        shape: `(..., nobs)`.
        rng: Where they come from.

    Returns:
        Errors of that shape, of mean 0 and covariance R.
    """
    white = rng.standard_normal(shape)
    if np.ndim(error) < 2:
        return np.asarray(np.sqrt(error) * white)
    return np.asarray(white @ np.linalg.cholesky(error).T)
