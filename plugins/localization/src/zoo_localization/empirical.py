"""Empirical localization functions: a curve learned from a filter that knew its truth."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_localization.observations import ObservationOperator, observation_error
from zoo_localization.tapers import roll_columns, static_vector

FloatArray = NDArray[np.float64]


class EmpiricalLocalization:
    """The curve that would have brought single observations' analyses nearest to the truth.

    At each offset `r` it is the `a` of the least `sum (x_t - x - a k (y - H x))^2` over all states
    and observations `r` apart, with `x` the prior mean, `k` the gain of that observation alone, and
    for `(y - H x)` and its square what they are on average over the observation's error.

    Args:
        operator: H.
        error: R, as `observation_error` takes it; its variances count.

    Raises:
        ValueError: If R is no covariance.

    Source:
        Anderson & Lei (2013), doi:10.1175/MWR-D-12-00330.1, section 2.
    """

    def __init__(self, operator: ObservationOperator, error: Any) -> None:
        self.operator = operator
        self.variances = observation_error(error, operator.nobs).variances
        shape = (operator.model_size, operator.nobs)
        self._products, self._squares = np.zeros(shape), np.zeros(shape)

    def watch(self, prior: FloatArray, truth: FloatArray) -> None:
        """Learn from priors and their truths, as `run_twin_experiments` shows them.

        Args:
            prior: Members, `(..., members, model_size)`.
            truth: Shape `(..., model_size)`.
        """
        for members, true in zip(
            prior.reshape(-1, *prior.shape[-2:]), truth.reshape(-1, truth.shape[-1]), strict=True
        ):
            mean = members.mean(axis=0)
            differences = members - mean
            observed = self.operator(differences)
            degrees = len(members) - 1
            variance = (observed**2).sum(axis=0) / degrees
            gain = differences.T @ (observed / (degrees * (variance + self.variances)))
            errors = true - mean
            innovation = self.operator(errors)
            self._products += errors[:, None] * gain * innovation
            self._squares += gain**2 * (innovation**2 + self.variances)

    def curve(self, *, half: bool = True) -> FloatArray:
        """Return the curve against the offset from an observation, `(model_size,)`.

        Args:
            half: Whether the offsets `r` and `N - r` are one, so that it is its own mirror image.

        Raises:
            ValueError: If nothing was watched.
        """
        if not self._squares.any():
            raise ValueError(
                "no prior was watched. Run a twin experiment with watch=..., more cycles than its "
                "spin_up and a filter that does not diverge."
            )
        square, product = (
            roll_columns(sums, self.operator.obs_dens).sum(axis=1)
            for sums in (self._squares, self._products)
        )
        return static_vector(square, product, half=half)
