"""Without perturbed observations: the serial square-root filter, and relaxation of its spread."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_localization.enkf import (
    anomalies,
    check_ensemble,
    check_observation,
    independent_error,
)
from zoo_localization.localization import Localization, taper_of
from zoo_localization.observations import ObservationOperator
from zoo_localization.serial import assimilate_serially

FloatArray = NDArray[np.float64]


def square_root_update(
    ensemble: FloatArray,
    observation: FloatArray,
    operator: ObservationOperator,
    error: Any,
    localization: Localization = None,
    *,
    compiled: bool = False,
) -> FloatArray:
    """Update an ensemble deterministically, with one observation after the other.

    With K the gain of one observation, `mean += K (y - H mean)`, and each member's difference from
    the mean `x' -= a K H x'` with `a = 1 / (1 + sqrt(R / (H P H' + R)))`. Without localization mean
    and covariance become exactly the Kalman filter's, in whatever order the observations come. With
    the observations taken one by one, the ensemble adjustment filter gives the same members.

    Args:
        ensemble: Prior members, `(..., members, model_size)`.
        observation: y, `(..., nobs)`.
        operator: H.
        error: R, as `observation_error` takes it; diagonal.
        localization: Taper matrix or curve, as `localize` takes it; `None` for none.
        compiled: Whether to have Numba do it (the extra `sim`).

    Returns:
        The posterior members.

    Raises:
        ValueError: If an argument is not such or not finite, or R is not diagonal.

    Source:
        Whitaker & Hamill (2002), doi:10.1175/1520-0493(2002)130<1913:EDAWPO>2.0.CO;2, equation 13;
        Anderson (2001), doi:10.1175/1520-0493(2001)129<2884:AEAKFF>2.0.CO;2.
    """
    checked = independent_error(error, operator.nobs)
    ensemble = check_ensemble(ensemble, operator)
    target = check_observation(observation, ensemble, operator)[..., None, :]
    taper = taper_of(localization, operator, ensemble.shape[:-2])
    return assimilate_serially(
        ensemble, target, operator, checked.variances, taper, square_root=True, compiled=compiled
    )


def relax_to_prior_spread(
    posterior: FloatArray, prior: FloatArray, relaxation: float
) -> FloatArray:
    """Give the posterior members back a part of the spread that the analysis took.

    At each state, differences from the mean are multiplied by `1 + r (s_b - s_a) / s_a`, with the
    prior's and the posterior's standard deviations `s_b` and `s_a`.

    Args:
        posterior: Members, `(..., members, model_size)`.
        prior: The members before the analysis, same shape.
        relaxation: r; 0 leaves the posterior alone, 1 restores the prior's spread.

    Returns:
        The relaxed members; where the posterior has no spread, as they were.

    Raises:
        ValueError: If `relaxation` is not a number from 0 on, or the shapes differ.

    Source:
        Whitaker & Hamill (2012), doi:10.1175/MWR-D-11-00276.1, equation 2.
    """
    if not (math.isfinite(relaxation) and relaxation >= 0):
        raise ValueError(f"relaxation must be a factor from 0 (none) on, got {relaxation!r}.")
    if posterior.shape != prior.shape:
        raise ValueError(
            f"posterior and prior must be of one shape (..., members, model_size), got "
            f"{posterior.shape} and {prior.shape}."
        )
    if relaxation == 0:
        return posterior
    differences = anomalies(posterior)
    before = prior.std(axis=-2, ddof=1, keepdims=True)
    after = posterior.std(axis=-2, ddof=1, keepdims=True)
    lost = np.divide(before - after, after, out=np.zeros_like(after), where=after > 0)
    return np.asarray(posterior + relaxation * lost * differences)
