"""Filters that lose their truth: how that is noticed, and what is said of them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
# A filter this many times further off than its own spread says takes no notice of observations.
_MOST_ERRORS_PER_SPREAD = 5.0


class FilterDivergedError(ValueError):
    """The settings make a filter that loses the truth, so its figures mean nothing."""


@dataclass
class DivergenceGuard:
    """Watches filters, and says so when one has lost its truth.

    That is when it does no better than guessing the mean state, or believes itself five times as
    near to the truth as it is: the analyses of such a filter ignore the observations, and it does
    not find back, although its error may stay below that of guessing.

    Args:
        window: Cycles over which squares are averaged.
        name: What to call the filter.
        remedy: What to use instead, where one is lost.
        remedy_of_forecast: The same where the model blows up.
    """

    window: int = 50
    name: str = "the filter"
    remedy: str = "more members, more inflation, or a smaller localization cutoff"
    remedy_of_forecast: str = "a smaller dt, less inflation, or a smaller localization cutoff"
    _errors: deque[FloatArray] = field(default_factory=deque)
    _guesses: deque[FloatArray] = field(default_factory=deque)
    _spreads: deque[FloatArray] = field(default_factory=deque)

    def lost(self, ensemble: FloatArray, truth: FloatArray) -> NDArray[np.bool_]:
        """Return which filters are lost after this cycle.

        Args:
            ensemble: Posterior members, `(..., members, model_size)`.
            truth: Shape `(..., model_size)`.

        Returns:
            Shape `(...)`: where a member is not finite, or the mean squared error over the window
            is no less than the truth's own variance around the ring, or than 25 times the
            ensemble's variance.
        """
        error = ((ensemble.mean(axis=-2) - truth) ** 2).mean(axis=-1)
        spread = ensemble.var(axis=-2, ddof=1).mean(axis=-1)
        for history, value in zip(
            self._histories, (error, truth.var(axis=-1), spread), strict=True
        ):
            history.append(np.asarray(value))
            if len(history) > self.window:
                history.popleft()
        is_lost = ~np.isfinite(ensemble).all(axis=(-2, -1))
        if len(self._errors) == self.window:
            errors, guesses, spreads = (np.sum(history, axis=0) for history in self._histories)
            is_lost |= (errors >= guesses) | (errors >= _MOST_ERRORS_PER_SPREAD**2 * spreads)
        return np.asarray(is_lost)

    def keep(self, chosen: Any) -> None:
        """Go on with some of the filters side by side."""
        for history in self._histories:
            for i, value in enumerate(history):
                history[i] = value[chosen]

    def words(self, cycle: int, row: Any = ()) -> str:
        """Return what to say of a filter that is lost."""
        error, guess, spread = (
            np.sqrt(np.mean([value[row] for value in history])) for history in self._histories
        )
        return (
            f"{self.name} diverged by cycle {cycle}: over the last {len(self._errors)} cycles its "
            f"analysis RMSE is {error:.3g}, its spread {spread:.3g}, and the RMSE of guessing the "
            f"mean state {guess:.3g}. Use {self.remedy}."
        )

    @property
    def _histories(self) -> tuple[deque[FloatArray], ...]:
        return self._errors, self._guesses, self._spreads

    def check(self, ensemble: FloatArray, truth: FloatArray, cycle: int) -> None:
        """Check that one filter is not lost after this cycle.

        Args:
            ensemble: Posterior members, `(members, model_size)`.
            truth: Shape `(model_size,)`.
            cycle: Number of the cycle, for the message.

        Raises:
            FilterDivergedError: If it is.
        """
        if self.lost(ensemble, truth):
            raise FilterDivergedError(self.words(cycle))


def check_forecast(prior: FloatArray, cycle: int, guard: DivergenceGuard | None = None) -> None:
    """Check that the model did not blow up on the way from one analysis to the next.

    Args:
        prior: Prior members, any shape.
        cycle: Number of the cycle, for the message.
        guard: What watches the filter, and has its name.

    Raises:
        FilterDivergedError: If a value is not finite.
    """
    if not np.isfinite(prior).all():
        guard = guard or DivergenceGuard()
        raise FilterDivergedError(
            f"{guard.name} diverged by cycle {cycle}: its members hold NaN or infinite values "
            f"after the forecast. Use {guard.remedy_of_forecast}."
        )
