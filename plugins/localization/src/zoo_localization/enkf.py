"""The stochastic ensemble Kalman filter (perturbed observations), serial and matrix form.

Every function takes leading axes for independent filters that run side by side: an ensemble is
`(..., members, model_size)`, an observation `(..., nobs)`, a gain `(..., model_size, nobs)`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_localization.localization import Localization, localize, taper_of
from zoo_localization.observations import ObservationOperator, error_covariance

FloatArray = NDArray[np.float64]


def anomalies(ensemble: FloatArray) -> FloatArray:
    """Return the members' differences from their mean, shape of the ensemble."""
    return np.asarray(ensemble - ensemble.mean(axis=-2, keepdims=True))


def inflate(ensemble: FloatArray, inflation: float) -> FloatArray:
    """Multiply the members' differences from their mean by `inflation`.

    Args:
        ensemble: Shape `(..., members, model_size)`.
        inflation: Factor on the spread (its square on the variance); 1 leaves it alone.

    Returns:
        The inflated ensemble.

    Raises:
        ValueError: If `inflation` is not a positive finite number.
    """
    if not (math.isfinite(inflation) and inflation > 0):
        raise ValueError(f"inflation must be a positive factor, 1 for none, got {inflation!r}.")
    if inflation == 1:
        return ensemble
    mean = ensemble.mean(axis=-2, keepdims=True)
    return np.asarray(mean + inflation * (ensemble - mean))


def check_ensemble(ensemble: FloatArray, operator: ObservationOperator) -> None:
    """Check that a gain can be computed from an ensemble.

    Args:
        ensemble: Shape `(..., members, model_size)`.
        operator: H.

    Raises:
        ValueError: If there are fewer than two members, a value is not finite, or the members
            agree exactly on an observed state.
    """
    if ensemble.ndim < 2 or ensemble.shape[-2] < 2:
        raise ValueError(
            f"ensemble must be (..., members, model_size) with at least 2 members, got shape "
            f"{ensemble.shape}: one member has no covariance."
        )
    if not np.isfinite(ensemble).all():
        raise ValueError(
            "ensemble holds NaN or infinite values: the filter has diverged, or its input was bad. "
            "More inflation, a smaller cutoff or a smaller dt may help."
        )
    observed = operator(ensemble)
    collapsed = (observed == observed[..., :1, :]).all(axis=-2)
    if collapsed.any():
        raise ValueError(
            f"ensemble has zero variance at observation {int(np.argwhere(collapsed)[0, -1])}: all "
            f"members agree there, so its observation would be ignored. Perturb the members, or "
            f"inflate more."
        )


def kalman_gain(ensemble: FloatArray, operator: ObservationOperator, error: Any) -> FloatArray:
    """Return the Kalman gain of an ensemble's sample covariance.

    `K = P H' (H P H' + R)^-1`, with `P` the sample covariance (divided by members - 1).

    Args:
        ensemble: Prior members, `(..., members, model_size)`.
        operator: H.
        error: R, as `error_covariance` takes it.

    Returns:
        Shape `(..., model_size, nobs)`, in state units per observation unit.

    Raises:
        ValueError: If the ensemble has no covariance, or R is no covariance.

    Source:
        Evensen (2003), doi:10.1007/s10236-003-0036-9, equation 20.
    """
    check_ensemble(ensemble, operator)
    return _gain(anomalies(ensemble), operator, error_covariance(error, operator.nobs))


def matrix_update(
    ensemble: FloatArray,
    observation: FloatArray,
    operator: ObservationOperator,
    error: Any,
    rng: np.random.Generator,
    localization: Localization = None,
) -> FloatArray:
    """Update an ensemble with all observations at once.

    `x_m += (localization * K) (y + eps_m - H x_m)`; the perturbations `eps_m` are centred, so that
    the posterior mean is exactly that of the unperturbed observation.

    Args:
        ensemble: Prior members, `(..., members, model_size)`.
        observation: y, `(..., nobs)`.
        operator: H.
        error: R, as `error_covariance` takes it.
        rng: Where the perturbations come from.
        localization: Taper matrix, curve, or function of the gain, as `localize` takes it; `None`
            for none.

    Returns:
        The posterior members.

    Raises:
        ValueError: If an argument is not such, or not finite.

    Source:
        Burgers, van Leeuwen & Evensen (1998), doi:10.1175/1520-0493(1998)126<1719:ASITEK>2.0.CO;2.
    """
    matrix = error_covariance(error, operator.nobs)
    gain = localize(kalman_gain(ensemble, operator, matrix), localization, operator)
    innovations = _innovations(ensemble, observation, operator, matrix, rng)
    return np.asarray(ensemble + innovations @ np.swapaxes(gain, -1, -2))


def serial_update(
    ensemble: FloatArray,
    observation: FloatArray,
    operator: ObservationOperator,
    error: Any,
    rng: np.random.Generator,
    localization: Localization = None,
) -> FloatArray:
    """Update an ensemble with one observation after the other.

    Arguments, result and source as of `matrix_update`. Without localization both are draws from
    the same posterior; with it they differ, because the taper acts on each single-observation gain.
    The localization cannot be a function of the gain.

    Raises:
        ValueError: If an argument is not such, or R is not diagonal.
    """
    variances = independent_variances(error, operator.nobs)
    check_ensemble(ensemble, operator)
    taper = taper_of(localization, operator)
    targets = _perturbed(ensemble, observation, operator, np.diag(variances), rng)
    posterior = np.array(ensemble, dtype=np.float64)
    for j in range(operator.nobs):
        observed = operator.one(posterior, j)
        gain, _ = single_gain(posterior, observed, float(variances[j]))
        gain *= taper[:, j]
        posterior += (targets[..., j] - observed)[..., None] * gain[..., None, :]
    return posterior


def single_gain(
    ensemble: FloatArray, observed: FloatArray, error_variance: float
) -> tuple[FloatArray, FloatArray]:
    """Return the gain of one observation, and the variance of what the members have there.

    Args:
        ensemble: Members, `(..., members, model_size)`.
        observed: What each has at the observation, `(..., members)`.
        error_variance: The observation's own entry of R.

    Returns:
        The gain `(..., model_size)` and the variance of `observed`, `(...)`.
    """
    spread = observed - observed.mean(axis=-1, keepdims=True)
    degrees = spread.shape[-1] - 1
    variance = (spread**2).sum(axis=-1) / degrees
    covariance = np.einsum("...m,...mi->...i", spread, anomalies(ensemble))
    return covariance / degrees / (variance + error_variance)[..., None], variance


def independent_variances(error: Any, nobs: int) -> FloatArray:
    """Return the diagonal of R, which a serial update needs to be all there is of it.

    Args:
        error: R, as `error_covariance` takes it.
        nobs: Number of observations.

    Returns:
        Shape `(nobs,)`.

    Raises:
        ValueError: If R is no covariance, or not diagonal.
    """
    matrix = error_covariance(error, nobs)
    variances = np.diag(matrix)
    if np.any(matrix != np.diag(variances)):
        raise ValueError(
            "R must be diagonal for the serial update, which takes the observations as "
            "independent. Use the matrix update, or transform the observations first."
        )
    return variances


def check_observation(
    observation: FloatArray, ensemble: FloatArray, operator: ObservationOperator
) -> FloatArray:
    """Return an observation as float64, once checked.

    Args:
        observation: y, `(..., nobs)`.
        ensemble: Members, `(..., members, model_size)`.
        operator: H.

    Returns:
        y.

    Raises:
        ValueError: If the shape does not fit the ensemble, or a value is not finite.
    """
    observation = np.asarray(observation, dtype=np.float64)
    expected = (*ensemble.shape[:-2], operator.nobs)
    if observation.shape != expected or not np.isfinite(observation).all():
        raise ValueError(
            f"observation must be finite and of shape {expected}, got shape {observation.shape} "
            f"with {int((~np.isfinite(observation)).sum())} values not finite. Leave a missing "
            f"observation out of the operator."
        )
    return observation


def _gain(
    perturbations: FloatArray, operator: ObservationOperator, error: FloatArray
) -> FloatArray:
    observed = operator(perturbations)
    degrees = perturbations.shape[-2] - 1
    cross = np.swapaxes(observed, -1, -2) @ perturbations / degrees
    innovation = np.swapaxes(observed, -1, -2) @ observed / degrees + error
    return np.asarray(np.swapaxes(np.linalg.solve(innovation, cross), -1, -2))


def _innovations(
    ensemble: FloatArray,
    observation: FloatArray,
    operator: ObservationOperator,
    error: FloatArray,
    rng: np.random.Generator,
) -> FloatArray:
    return _perturbed(ensemble, observation, operator, error, rng) - operator(ensemble)


def _perturbed(
    ensemble: FloatArray,
    observation: FloatArray,
    operator: ObservationOperator,
    error: FloatArray,
    rng: np.random.Generator,
) -> FloatArray:
    observation = check_observation(observation, ensemble, operator)
    white = rng.standard_normal((*ensemble.shape[:-1], operator.nobs))
    noise = white @ np.linalg.cholesky(error).T
    return observation[..., None, :] + anomalies(noise)
