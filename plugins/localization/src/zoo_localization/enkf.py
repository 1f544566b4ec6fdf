"""The stochastic ensemble Kalman filter (perturbed observations), serial and matrix form.

Every function takes leading axes for independent filters that run side by side: an ensemble is
`(..., members, model_size)`, an observation `(..., nobs)`, a gain `(..., model_size, nobs)`.
The matrix update of a float32 ensemble sums over members in float32, solves in float64, and gives
float32: what makes thousands of members cheap.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_localization.finite import first_place, not_finite
from zoo_localization.localization import Localization, localize, taper_of
from zoo_localization.observations import (
    ObservationError,
    ObservationOperator,
    observation_error,
)
from zoo_localization.serial import assimilate_serially

FloatArray = NDArray[np.float64]
# Beside a variance so many times as large R is lost in float64.
_VANISHING = 1e14


def anomalies(ensemble: FloatArray) -> FloatArray:
    """Return the members' differences from their mean, shape of the ensemble."""
    return np.asarray(ensemble - ensemble.mean(axis=-2, keepdims=True))


def inflate(ensemble: FloatArray, inflation: Any) -> FloatArray:
    """Multiply the members' differences from their mean by `inflation`.

    Args:
        ensemble: Shape `(..., members, model_size)`.
        inflation: Factor on the spread (its square on the variance), 1 leaves it alone; or one for
            each of the ensembles side by side, `(...)`.

    Returns:
        The inflated ensemble.

    Raises:
        ValueError: If `inflation` is not a positive finite number.
    """
    factors = np.asarray(inflation, dtype=np.float64)
    if not (np.isfinite(factors).all() and (factors > 0).all()):
        raise ValueError(f"inflation must be a positive factor, 1 for none, got {inflation!r}.")
    if (factors == 1).all():
        return ensemble
    mean = ensemble.mean(axis=-2, keepdims=True)
    factors = factors[..., None, None].astype(ensemble.dtype, copy=False)
    return np.asarray(mean + factors * (ensemble - mean))


def check_ensemble(ensemble: Any, operator: ObservationOperator) -> NDArray[Any]:
    """Return an ensemble as an array, once checked that a gain can be computed from it.

    Args:
        ensemble: Shape `(..., members, model_size)`.
        operator: H.

    Returns:
        The same members.

    Raises:
        ValueError: If there are fewer than two members, a value is not finite, or the members
            agree exactly on an observed state.
    """
    members: NDArray[Any] = np.asarray(ensemble)
    if members.ndim < 2 or members.shape[-2] < 2:
        raise ValueError(
            f"ensemble must be (..., members, model_size) with at least 2 members, got shape "
            f"{members.shape}: one member has no covariance."
        )
    if not np.isfinite(members).all():
        raise ValueError(
            f"ensemble holds NaN or infinite values, {not_finite(members)}: the filter has "
            f"diverged, or its input was bad. More inflation, a smaller cutoff or a smaller dt may "
            f"help."
        )
    collapsed = _collapsed(members, operator)
    if collapsed.any():
        raise ValueError(
            f"ensemble has zero variance at observation {first_place(collapsed)[-1]}: all "
            f"members agree there, so its observation would be ignored. Perturb the members, or "
            f"inflate more."
        )
    return members


def unusable(ensemble: FloatArray, operator: ObservationOperator) -> NDArray[np.bool_]:
    """Return which of the ensembles side by side have no gain, shape `(...)`.

    Args:
        ensemble: Shape `(..., members, model_size)`.
        operator: H.
    """
    is_finite = np.isfinite(ensemble).all(axis=(-2, -1))
    return np.asarray(~is_finite | _collapsed(ensemble, operator).any(axis=-1))


def _collapsed(ensemble: FloatArray, operator: ObservationOperator) -> NDArray[np.bool_]:
    """Return at which observations all members agree, `(..., nobs)`."""
    observed = operator(ensemble)
    return np.asarray((observed == observed[..., :1, :]).all(axis=-2))


def kalman_gain(ensemble: FloatArray, operator: ObservationOperator, error: Any) -> FloatArray:
    """Return the Kalman gain of an ensemble's sample covariance.

    `K = P H' (H P H' + R)^-1`, with `P` the sample covariance (divided by members - 1).

    Args:
        ensemble: Prior members, `(..., members, model_size)`.
        operator: H.
        error: R, as `observation_error` takes it.

    Returns:
        Shape `(..., model_size, nobs)`, in state units per observation unit.

    Raises:
        ValueError: If the ensemble has no covariance, or R is no covariance.

    Source:
        Evensen (2003), doi:10.1007/s10236-003-0036-9, equation 20.
    """
    ensemble = check_ensemble(ensemble, operator)
    return _gain(anomalies(ensemble), operator, observation_error(error, operator.nobs))


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
        error: R, as `observation_error` takes it.
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
    checked = observation_error(error, operator.nobs)
    ensemble = np.asarray(ensemble)
    raw = kalman_gain(ensemble, operator, checked)
    gain = localize(raw, localization, operator, ensemble.mean(axis=-2))
    return apply_gain(gain, ensemble, observation, operator, checked, rng)


def apply_gain(
    gain: FloatArray,
    ensemble: FloatArray,
    observation: FloatArray,
    operator: ObservationOperator,
    error: Any,
    rng: np.random.Generator,
) -> FloatArray:
    """Update an ensemble with all observations at once, by a gain that is there already.

    Args:
        gain: K, localized or not, `(..., model_size, nobs)`.
        ensemble: Prior members, `(..., members, model_size)`.
        observation: y, `(..., nobs)`.
        operator: H.
        error: R, as `observation_error` takes it.
        rng: Where the perturbations come from.

    Returns:
        The posterior members, float32 if `ensemble` is.

    Raises:
        ValueError: If an argument is not such, or not finite.
    """
    checked = observation_error(error, operator.nobs)
    innovations = _perturbed(ensemble, observation, operator, checked, rng) - operator(ensemble)
    transposed = np.swapaxes(gain, -1, -2).astype(innovations.dtype, copy=False)
    return np.asarray(ensemble + innovations @ transposed)


def serial_update(
    ensemble: FloatArray,
    observation: FloatArray,
    operator: ObservationOperator,
    error: Any,
    rng: np.random.Generator,
    localization: Localization = None,
    *,
    compiled: bool = False,
) -> FloatArray:
    """Update an ensemble with one observation after the other.

    Arguments, result and source as of `matrix_update`. Without localization both are draws from
    the same posterior; with it they differ, because the taper acts on each single-observation gain.
    The localization cannot be a function of the gain. `compiled` has Numba do it (the extra `sim`).

    Raises:
        ValueError: If an argument is not such, or R is not diagonal.
    """
    checked = independent_error(error, operator.nobs)
    ensemble = check_ensemble(ensemble, operator)
    taper = taper_of(localization, operator, ensemble.shape[:-2])
    targets = _perturbed(ensemble, observation, operator, checked, rng)
    return assimilate_serially(
        ensemble, targets, operator, checked.variances, taper, compiled=compiled
    )


def independent_error(error: Any, nobs: int) -> ObservationError:
    """Return R, of which a serial update needs the diagonal to be all there is.

    Args:
        error: R, as `observation_error` takes it.
        nobs: Number of observations.

    Returns:
        R, checked.

    Raises:
        ValueError: If R is no covariance, or not diagonal.
    """
    checked = observation_error(error, nobs)
    if not checked.is_diagonal:
        raise ValueError(
            "R must be diagonal for the serial update, which takes the observations as "
            "independent. Use the matrix update, or transform the observations first."
        )
    return checked


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
            f"with {not_finite(observation)}. Leave a missing observation out of the operator."
        )
    return observation


def _gain(
    perturbations: FloatArray, operator: ObservationOperator, error: ObservationError
) -> FloatArray:
    observed = operator(perturbations)
    if (observed**2).max() > _VANISHING * error.variances.min():
        raise ValueError(
            f"ensemble has no gain in float64: its members are up to {np.abs(observed).max():.3g} "
            f"off their mean at the observations, where R goes down to "
            f"{error.variances.min():.3g}. The filter has diverged, or R is in another unit."
        )
    degrees = perturbations.shape[-2] - 1
    if error.is_diagonal and degrees < operator.nobs:
        # Fewer members than observations: Woodbury's identity leaves a system of the members' size.
        weighted = observed / error.variances
        inner = weighted @ np.swapaxes(observed, -1, -2) + degrees * np.eye(degrees + 1)
        return np.asarray(np.swapaxes(perturbations, -1, -2) @ np.linalg.solve(inner, weighted))
    cross = np.swapaxes(observed, -1, -2) @ perturbations / degrees
    innovation = np.swapaxes(observed, -1, -2) @ observed / degrees + error.matrix
    return np.asarray(np.swapaxes(np.linalg.solve(innovation, cross), -1, -2))


def _perturbed(
    ensemble: FloatArray,
    observation: FloatArray,
    operator: ObservationOperator,
    error: ObservationError,
    rng: np.random.Generator,
) -> FloatArray:
    observation = check_observation(observation, ensemble, operator)
    if not hasattr(rng, "standard_normal"):
        raise ValueError(
            f"rng must be a numpy.random.Generator, got {rng!r}: numpy.random.default_rng(seed) "
            f"makes one."
        )
    dtype: Any = np.float32 if ensemble.dtype == np.float32 else np.float64
    white = rng.standard_normal((*ensemble.shape[:-1], operator.nobs), dtype)
    noise = anomalies(error.drawn_from(white))
    return np.asarray(observation[..., None, :].astype(dtype) + noise)
