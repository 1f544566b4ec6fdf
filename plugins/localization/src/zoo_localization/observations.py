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

    @classmethod
    def at(cls, locations: Any, model_size: int, width: int = 1) -> ObservationOperator:
        """Return H for observations at explicit states.

        Args:
            locations: The state of each observation, counted from 0, in the order of the
                observations: every `d`-th state, beginning with state `d - 1`.
            model_size: Number of states, N.
            width: As of the class.

        Returns:
            H.

        Raises:
            ValueError: If the locations are none, out of the ring, unsorted, duplicated, or of
                another pattern.
        """
        places = _checked_locations(locations, model_size)
        operator = cls(model_size, int(places[0]) + 1, width)
        if not np.array_equal(places, operator.states):
            raise ValueError(
                f"locations must be every d-th state, beginning with state d - 1, to the end of "
                f"the ring: of model_size={model_size} states and a first one at {places[0]} that "
                f"is {_listed(operator.states)}, got {_listed(places)}. "
                f"{_way_out(places, model_size)}"
            )
        return operator

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


def _checked_locations(locations: Any, model_size: int) -> NDArray[np.int64]:
    places = np.asarray(locations)
    if places.ndim != 1 or places.size == 0 or not np.issubdtype(places.dtype, np.integer):
        raise ValueError(
            f"locations must be a list of whole numbers, one state an observation, got shape "
            f"{places.shape} of {places.dtype}."
        )
    if places.min() < 0 or places.max() >= model_size:
        j = int(np.argmax((places < 0) | (places >= model_size)))
        raise ValueError(
            f"locations must lie on the ring, from 0 to {model_size - 1}; location {j} is "
            f"{places[j]}."
        )
    if np.any(np.diff(places) <= 0):
        _refuse_order(places)
    return places


def _refuse_order(places: NDArray[np.int64]) -> None:
    first = {int(place): j for j, place in reversed(list(enumerate(places)))}
    for j, place in enumerate(places):
        if first[int(place)] != j:
            raise ValueError(
                f"locations {first[int(place)]} and {j} are both state {place}. Take the mean of "
                f"the two observations, with the error variance of a mean."
            )
    j = int(np.argmax(np.diff(places) < 0)) + 1
    raise ValueError(
        f"locations must be sorted: location {j} is {places[j]} and follows {places[j - 1]}. Sort "
        f"them, and the observations, R and the columns of the gain with them."
    )


def _way_out(places: NDArray[np.int64], model_size: int) -> str:
    """Say how to come from other observed states to those that are expected."""
    steps = np.unique(np.diff(places))
    if len(steps) != 1 or len(places) != model_size // steps[0]:
        return "Renumber the states so that they are, or interpolate to such a network."
    shift = int(steps[0] - 1 - places[0])
    return (
        f"These are one every d = {steps[0]} states: turn the ring, np.roll(gain, {shift}, "
        f"axis=-2) of gains and np.roll(mean, {shift}, axis=-1) of means, and add {shift} to the "
        f"locations."
    )


def _listed(places: NDArray[np.int64]) -> str:
    return np.array2string(places, separator=", ", threshold=8)


class ObservationError:
    """R, checked once, for as many updates as there are.

    Args:
        error: A variance for all observations, one variance each `(nobs,)`, or the matrix itself
            `(nobs, nobs)`; in the square of the observations' unit.
        nobs: Number of observations.

    Attributes:
        variances: R's diagonal, `(nobs,)`.
        is_diagonal: Whether that is all of R.

    Raises:
        ValueError: If the shape is another, or R is not symmetric positive definite.
    """

    def __init__(self, error: Any, nobs: int) -> None:
        try:
            error = np.asarray(error, dtype=np.float64)
        except (TypeError, ValueError):
            raise ValueError(f"R must be numbers, got {error!r}.") from None
        if error.shape not in ((), (nobs,), (nobs, nobs)):
            raise ValueError(
                f"R must be one variance, {nobs} variances or a {nobs} x {nobs} matrix for "
                f"nobs={nobs} observations, got shape {error.shape}."
            )
        self.nobs = nobs
        diagonal = np.diag(error) if error.ndim == 2 else np.broadcast_to(error, nobs)
        self.variances: FloatArray = np.array(diagonal)
        self.is_diagonal = error.ndim < 2 or not np.any(error - np.diag(diagonal))
        self._root = None if self.is_diagonal else _root(error)
        is_good = bool(np.isfinite(diagonal).all()) and bool((diagonal > 0).all())
        if not is_good or (self._root is None and not self.is_diagonal):
            raise ValueError(
                f"R must be a covariance with variances above 0 (symmetric, positive definite), "
                f"got {np.array2string(error, threshold=8, precision=3)}: an observation without "
                f"error is best given a small variance."
            )
        self._std = np.sqrt(self.variances)

    @property
    def matrix(self) -> FloatArray:
        """R as a matrix, `(nobs, nobs)`."""
        return np.diag(self.variances) if self._root is None else self._root @ self._root.T

    def drawn_from(self, white: FloatArray) -> FloatArray:
        """Turn independent standard normal numbers `(..., nobs)` into errors of covariance R.

        They keep their precision, float32 or float64.
        """
        root = self._std if self._root is None else self._root.T
        root = root.astype(white.dtype, copy=False)
        return np.asarray(white * root if self._root is None else white @ root)


def _root(matrix: FloatArray) -> FloatArray | None:
    """Return the lower triangular root of a covariance, or nothing where it is none."""
    if not np.isfinite(matrix).all() or not np.allclose(matrix, matrix.T, rtol=1e-12):
        return None
    try:
        return np.asarray(np.linalg.cholesky(matrix))
    except np.linalg.LinAlgError:
        return None


def observation_error(error: Any, nobs: int) -> ObservationError:
    """Return R, checked; one that was checked already is returned as it is.

    Args:
        error: A variance, variances `(nobs,)`, a matrix `(nobs, nobs)`, or an `ObservationError`.
        nobs: Number of observations.

    Returns:
        R.

    Raises:
        ValueError: If R is no covariance of so many observations.
    """
    if not isinstance(error, ObservationError):
        return ObservationError(error, nobs)
    if error.nobs != nobs:
        raise ValueError(f"R is of {error.nobs} observations, and there are nobs={nobs}.")
    return error


def draw_errors(error: Any, shape: tuple[int, ...], rng: Any) -> FloatArray:
    """Draw observation errors.

    Args:
        error: R, as `observation_error` takes it.
        shape: `(..., nobs)`.
        rng: Where they come from: a generator, or what draws `standard_normal(shape)` like one.

    Returns:
        Errors of that shape, of mean 0 and covariance R.
    """
    return observation_error(error, shape[-1]).drawn_from(rng.standard_normal(shape))
