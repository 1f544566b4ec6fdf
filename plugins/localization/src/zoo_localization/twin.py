"""Twin experiments: a filter follows a truth of which it sees only noisy observations."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from zoo_localization.deterministic import relax_to_prior_spread, square_root_update
from zoo_localization.enkf import inflate, matrix_update, serial_update
from zoo_localization.localization import Localization
from zoo_localization.lorenz96 import attractor_state, step
from zoo_localization.observations import ObservationOperator, draw_errors

FloatArray = NDArray[np.float64]


class FilterDivergedError(ValueError):
    """The settings make a filter that loses the truth, so its figures mean nothing."""


class Twin(ABC):
    """A truth and how it is observed: what a twin experiment needs of a model."""

    @property
    @abstractmethod
    def operator(self) -> ObservationOperator:
        """H."""

    @property
    @abstractmethod
    def error(self) -> Any:
        """R, as `error_covariance` takes it."""

    @abstractmethod
    def start(self, rng: np.random.Generator) -> FloatArray:
        """Return a truth on the attractor, `(model_size,)`."""

    @abstractmethod
    def step(self, states: FloatArray) -> FloatArray:
        """Advance `(..., model_size)` states to the next observation."""

    def observe(self, truth: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Return a noisy observation of the truth, `(nobs,)`."""
        exact = self.operator(truth)
        return np.asarray(exact + draw_errors(self.error, exact.shape, rng))

    def first_ensemble(
        self, truth: FloatArray, members: int, rng: np.random.Generator
    ) -> FloatArray:
        """Return members around a first guess that is itself off the truth by as much."""
        noise = rng.standard_normal((members + 1, truth.size))
        return np.asarray(truth + noise[0] + noise[1:])


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


@dataclass(frozen=True)
class Filter:
    """An ensemble Kalman filter's settings.

    Args:
        inflation: Factor on the posterior spread.
        localization: Taper matrix, curve, function of the gain (`"matrix"` only), or `None`.
        update: `"matrix"` or `"serial"`, with perturbed observations; `"square_root"`: serial,
            without.
        relaxation: How much of the prior's spread the posterior gets back, before the inflation.
        taper_of_ensemble: Gives the taper matrix of each prior ensemble, `(members, model_size)`
            and H, instead of `localization`; `nice.nice_taper` does.

    Raises:
        ValueError: If there are two localizations.
    """

    inflation: float = 1.0
    localization: Localization = None
    update: Literal["matrix", "serial", "square_root"] = "matrix"
    relaxation: float = 0.0
    taper_of_ensemble: Callable[[FloatArray, ObservationOperator], FloatArray] | None = None

    def __post_init__(self) -> None:
        """Check that there is one localization at most."""
        if self.localization is not None and self.taper_of_ensemble is not None:
            raise ValueError(
                "localization and taper_of_ensemble are two ways to localize: give one of them."
            )

    def analyse(
        self,
        prior: FloatArray,
        observation: FloatArray,
        twin: Twin,
        rng: np.random.Generator,
    ) -> FloatArray:
        """Return the relaxed and inflated posterior of `(members, model_size)` prior members."""
        arguments = (prior, observation, twin.operator, twin.error)
        localization = self.localization
        if self.taper_of_ensemble is not None:
            localization = self.taper_of_ensemble(prior, twin.operator)
        if self.update == "matrix":
            posterior = matrix_update(*arguments, rng, localization)
        elif self.update == "serial":
            posterior = serial_update(*arguments, rng, localization)
        elif self.update == "square_root":
            posterior = square_root_update(*arguments, localization)
        else:
            raise ValueError(
                f'update must be "matrix" or "serial", got {self.update!r}; without perturbed '
                f'observations it is "square_root".'
            )
        return inflate(relax_to_prior_spread(posterior, prior, self.relaxation), self.inflation)


@dataclass
class DivergenceGuard:
    """Watches a filter, and says so when it does no better than guessing the mean state.

    Args:
        window: Cycles over which the error is averaged.
    """

    window: int = 50
    _errors: deque[float] = field(default_factory=deque)
    _guesses: deque[float] = field(default_factory=deque)

    def check(self, ensemble: FloatArray, truth: FloatArray, cycle: int) -> float:
        """Return the RMSE of the ensemble mean.

        Args:
            ensemble: Posterior members, `(members, model_size)`.
            truth: Shape `(model_size,)`.
            cycle: Number of the cycle, for the message.

        Returns:
            The root of the mean squared error over the states.

        Raises:
            FilterDivergedError: If a member is not finite, or the mean squared error over the
                window is no less than the truth's own variance around the ring.
        """
        error = float(np.mean((ensemble.mean(axis=0) - truth) ** 2))
        for history, value in ((self._errors, error), (self._guesses, float(np.var(truth)))):
            history.append(value)
            if len(history) > self.window:
                history.popleft()
        is_lost = len(self._errors) == self.window and sum(self._errors) >= sum(self._guesses)
        if not np.isfinite(ensemble).all() or is_lost:
            raise FilterDivergedError(
                f"the filter diverged by cycle {cycle}: over the last {len(self._errors)} cycles "
                f"its analysis RMSE is {np.sqrt(np.mean(self._errors)):.3g}, that of guessing the "
                f"mean state {np.sqrt(np.mean(self._guesses)):.3g}. Use more members, more "
                f"inflation, or a smaller localization cutoff."
            )
        return float(np.sqrt(error))


def check_finite(prior: FloatArray, cycle: int) -> None:
    """Check that the model did not blow up on the way from one analysis to the next.

    Args:
        prior: Prior members, any shape.
        cycle: Number of the cycle, for the message.

    Raises:
        FilterDivergedError: If a value is not finite.
    """
    if not np.isfinite(prior).all():
        raise FilterDivergedError(
            f"the filter diverged by cycle {cycle}: its members hold NaN or infinite values after "
            f"the forecast. Use a smaller dt, less inflation, or a smaller localization cutoff."
        )


@dataclass(frozen=True)
class TwinResult:
    """What a twin experiment gave, cycle by cycle, spin-up left out.

    Args:
        rmse: RMSE of the analysis mean, `(cycles,)`, in the state's unit.
        spread: Root of the mean posterior variance, `(cycles,)`.
    """

    rmse: FloatArray
    spread: FloatArray


def run_twin_experiment(
    twin: Twin,
    kalman_filter: Filter,
    members: int,
    *,
    cycles: int,
    spin_up: int = 200,
    seed: int = 0,
) -> TwinResult:
    """Cycle a filter against a truth.

    Args:
        twin: The truth and its observations.
        kalman_filter: The filter.
        members: Members of the ensemble.
        cycles: Cycles that count.
        spin_up: Cycles before those.
        seed: Decides everything random.

    Returns:
        Errors and spread.

    Raises:
        FilterDivergedError: If the filter loses the truth.
        ValueError: If an argument makes no filter.
    """
    rng = np.random.default_rng(seed)
    truth = twin.start(rng)
    ensemble = twin.first_ensemble(truth, members, rng)
    guard = DivergenceGuard()
    rmse, spread = [], []
    for cycle in range(spin_up + cycles):
        truth, prior = twin.step(truth), twin.step(ensemble)
        check_finite(prior, cycle)
        ensemble = kalman_filter.analyse(prior, twin.observe(truth, rng), twin, rng)
        rmse.append(guard.check(ensemble, truth, cycle))
        spread.append(float(np.sqrt(ensemble.var(axis=0, ddof=1).mean())))
    return TwinResult(np.array(rmse[spin_up:]), np.array(spread[spin_up:]))
