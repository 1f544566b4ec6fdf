"""Truths, how they are observed, and the filter that follows them; `twin_experiment` runs both."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from zoo_localization.deterministic import relax_to_prior_spread, square_root_update
from zoo_localization.enkf import apply_gain, inflate, matrix_update, serial_update
from zoo_localization.localization import Localization
from zoo_localization.lorenz96 import attractor_state, step
from zoo_localization.observations import (
    ObservationError,
    ObservationOperator,
    draw_errors,
    observation_error,
)

FloatArray = NDArray[np.float64]
Update = Literal["matrix", "serial", "square_root"]


class Generators:
    """Random generators side by side: each draws what its own row of an array gets.

    Args:
        generators: One for each entry of an array's first axis.
    """

    def __init__(self, generators: Sequence[np.random.Generator]) -> None:
        self.generators = list(generators)

    def standard_normal(self, shape: tuple[int, ...], dtype: Any = np.float64) -> NDArray[Any]:
        """Draw standard normal numbers of a shape whose first axis is the generators."""
        drawn = np.empty(shape, dtype)
        for row, generator in zip(drawn, self.generators, strict=True):
            generator.standard_normal(dtype=dtype, out=row)
        return drawn


Rng = np.random.Generator | Generators


class Twin(ABC):
    """A truth and how it is observed: what a twin experiment needs of a model."""

    @property
    @abstractmethod
    def operator(self) -> ObservationOperator:
        """H."""

    @property
    @abstractmethod
    def error(self) -> Any:
        """R, as `observation_error` takes it."""

    @cached_property
    def checked_error(self) -> ObservationError:
        """R, checked once."""
        return observation_error(self.error, self.operator.nobs)

    @abstractmethod
    def start(self, rng: np.random.Generator) -> FloatArray:
        """Return a truth on the attractor, `(model_size,)`."""

    @abstractmethod
    def step(self, states: FloatArray) -> FloatArray:
        """Advance `(..., model_size)` states to the next observation."""

    def starts(self, rngs: Sequence[np.random.Generator]) -> FloatArray:
        """Return a truth for each of several generators, `(generators, model_size)`."""
        return np.stack([self.start(rng) for rng in rngs])

    def observe(self, truth: FloatArray, rng: Rng) -> FloatArray:
        """Return a noisy observation of truths `(..., model_size)`: `(..., nobs)`."""
        exact = self.operator(truth)
        errors: FloatArray = draw_errors(self.checked_error, exact.shape, rng)
        return exact + errors

    def first_ensemble(self, truth: FloatArray, members: int, rng: Rng) -> FloatArray:
        """Return members around a first guess that is itself off the truth by as much.

        Args:
            truth: Shape `(..., model_size)`.
            members: How many.
            rng: Where the differences come from.

        Returns:
            Shape `(..., members, model_size)`.
        """
        noise = rng.standard_normal((*truth.shape[:-1], members + 1, truth.shape[-1]))
        return np.asarray(truth[..., None, :] + noise[..., :1, :] + noise[..., 1:, :])


@dataclass(frozen=True)
class Lorenz96Twin(Twin):
    """A Lorenz-96 truth and how it is observed, once per step.

    Args:
        model_size: Number of states, N.
        obs_dens: States per observation.
        forcing: F.
        dt: Step, and time between observations, in model time units.
        obs_error_variance: Variance of the independent observation errors.
    """

    model_size: int = 40
    obs_dens: int = 1
    forcing: float = 8.0
    dt: float = 0.05
    obs_error_variance: float = 1.0

    @property
    def operator(self) -> ObservationOperator:
        """H."""
        return ObservationOperator(self.model_size, self.obs_dens)

    @property
    def error(self) -> float:
        """R: the variance that all observations have."""
        return self.obs_error_variance

    def start(self, rng: np.random.Generator) -> FloatArray:
        """Return a truth on the attractor, `(model_size,)`."""
        return attractor_state(self.model_size, rng, dt=self.dt, forcing=self.forcing)

    def step(self, states: FloatArray) -> FloatArray:
        """Advance `(..., model_size)` states to the next observation."""
        return step(states, self.dt, self.forcing)


@dataclass(frozen=True, eq=False)
class Filter:
    """An ensemble Kalman filter's settings.

    Args:
        inflation: Factor on the posterior spread; or one for each of the ensembles side by side.
        localization: Taper matrix, curve, function of the gain (`"matrix"` only), or `None`; see
            `localize`.
        update: `"matrix"` or `"serial"`, with perturbed observations; `"square_root"`: serial,
            without.
        relaxation: How much of the prior's spread the posterior gets back, before the inflation.
        taper_of_ensemble: Gives the taper matrix of each prior ensemble, `(..., members,
            model_size)` and H, instead of `localization`; `nice.nice_taper` does.
        gain_of_ensemble: Gives the gain itself, of prior, H and R, instead of all that (`"matrix"`
            only); `nice.nice_gain` does.
        compiled: Whether serial updates are compiled by Numba (the extra `sim`).

    Raises:
        ValueError: If there are two localizations, or the update is another.
    """

    inflation: Any = 1.0
    localization: Localization = None
    update: Update = "matrix"
    relaxation: float = 0.0
    taper_of_ensemble: Callable[[FloatArray, ObservationOperator], FloatArray] | None = None
    gain_of_ensemble: Callable[[FloatArray, ObservationOperator, Any], FloatArray] | None = None
    compiled: bool = False

    def __post_init__(self) -> None:
        """Check that there is one localization at most."""
        names = ("localization", "taper_of_ensemble", "gain_of_ensemble")
        given = [name for name in names if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are two ways to localize: give one of them.")
        if self.update not in get_args(Update):
            raise ValueError(
                f'update must be "matrix" or "serial", got {self.update!r}; without perturbed '
                f'observations it is "square_root".'
            )
        if self.gain_of_ensemble is not None and self.update != "matrix":
            raise ValueError(
                f'gain_of_ensemble gives the gain of all observations, and update="{self.update}" '
                f'takes them one by one. Use update="matrix", or taper_of_ensemble.'
            )

    def analyse(
        self, prior: FloatArray, observation: FloatArray, twin: Twin, rng: Rng
    ) -> FloatArray:
        """Return the relaxed and inflated posterior of `(..., members, model_size)` members."""
        posterior = self._update(prior, observation, twin, rng)
        return inflate(relax_to_prior_spread(posterior, prior, self.relaxation), self.inflation)

    def rows(self, chosen: Any) -> Filter:
        """Return the filter of some of the ensembles side by side.

        Args:
            chosen: What picks them from the first axis.
        """
        settings = np.asarray(self.inflation)
        taper = self.localization
        has_rows = isinstance(taper, np.ndarray) and taper.ndim > 2
        return replace(
            self,
            inflation=settings[chosen] if settings.ndim else self.inflation,
            localization=taper[chosen] if has_rows else taper,  # type: ignore[index]
        )

    def _update(
        self, prior: FloatArray, observation: FloatArray, twin: Twin, rng: Any
    ) -> FloatArray:
        operator, error = twin.operator, twin.checked_error
        if self.gain_of_ensemble is not None:
            gain = self.gain_of_ensemble(prior, operator, error)
            return apply_gain(gain, prior, observation, operator, error, rng)
        localization = self.localization
        if self.taper_of_ensemble is not None:
            localization = self.taper_of_ensemble(prior, operator)
        arguments = (prior, observation, operator, error)
        if self.update == "matrix":
            return matrix_update(*arguments, rng, localization)
        if self.update == "serial":
            return serial_update(*arguments, rng, localization, compiled=self.compiled)
        return square_root_update(*arguments, localization, compiled=self.compiled)
