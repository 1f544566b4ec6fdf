"""Noise-informed covariance estimation (NICE): a localization that needs neither distance nor data.

Powers of a sample correlation damp small, noisy entries more than large ones. How far to go is what
the size of the sampling errors, known in advance, decides.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from zoo_localization.enkf import anomalies, check_ensemble
from zoo_localization.gain_algebra import covariances_of_gain
from zoo_localization.observations import (
    ObservationError,
    ObservationOperator,
    observation_error,
)

FloatArray = NDArray[np.float64]
# Even, for the corrected matrix to stay a correlation matrix (Schur's product theorem).
_LARGEST_EXPONENT = 10
_GRID = np.linspace(0.0, 1.0, 2001)
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(15)


def correlation_std(correlation: FloatArray, members: int) -> FloatArray:
    """Return how far a sample correlation lies off, as a standard deviation.

    Fisher's transform: `atanh` of the sample correlation is nearly normal with variance
    `1 / (members - 3)`.

    Args:
        correlation: Correlations, any shape.
        members: Members of the sample.

    Returns:
        Standard deviations, same shape. The code that the authors of NICE published takes
        `(1 - r^2) / sqrt(members)`: 5 % less for small correlations of 10 members.

    Raises:
        ValueError: If there are fewer than 4 members.

    Source:
        Fisher (1921), On the probable error of a coefficient of correlation.
    """
    if members < 4:
        raise ValueError(
            f"members must be at least 4 for the error of a correlation to be known, got {members}."
        )
    # The function of one variable is tabulated: matrices have hundreds of thousands of entries.
    return np.asarray(np.interp(np.abs(correlation), _GRID, _std_on_grid(members)))


@cache
def _std_on_grid(members: int) -> FloatArray:
    centres = np.arctanh(np.minimum(_GRID, 1 - 1e-12))
    values = np.tanh(centres[:, None] + _NODES / math.sqrt(members - 3))
    weights = _WEIGHTS / _WEIGHTS.sum()
    mean = values @ weights
    table = np.sqrt(((values - mean[:, None]) ** 2) @ weights)
    table[-1] = 0.0
    return np.asarray(table)


def nice_factor(correlation: FloatArray, members: int, tolerance: float = 1.0) -> FloatArray:
    """Return what multiplies each sample correlation `r`.

    The factor is `(1 - a) r^(g-2) + a r^g`, with the smallest even `g` for which `|r^g r - r|` is
    more than the expected sampling error (Frobenius norms; Morozov's discrepancy principle), and
    the `a` from 0 to 1 for which the correction is just as large as that error.

    Args:
        correlation: Sample correlations, `(..., n, n)`, or a block of them `(..., n, m)`; each
            matrix of a batch has its own exponent.
        members: Members of the sample.
        tolerance: Factor on the expected sampling error.

    Returns:
        Same shape, values from 0 to 1, and 1 where the correlation is 1.

    Raises:
        ValueError: If `tolerance` is not positive, or there are fewer than 4 members.

    Source:
        Vishny, Morzfeld, Gwirtz, Bach, Dunbar & Hodyss (2024), doi:10.1029/2024MS004417.
    """
    if not (math.isfinite(tolerance) and tolerance > 0):
        raise ValueError(f"tolerance must be a positive factor, got {tolerance!r}.")
    expected = tolerance * np.linalg.norm(correlation_std(correlation, members), axis=(-2, -1))
    square = correlation**2
    factor = weaker = np.ones_like(correlation)
    is_open = np.ones(expected.shape, bool)
    for _ in range(_LARGEST_EXPONENT // 2):
        stronger = weaker * square
        too_far = np.linalg.norm((stronger - 1) * correlation, axis=(-2, -1)) > expected
        blend = _blend((weaker - 1) * correlation, (stronger - 1) * correlation, expected)
        # Where this power is not too much either, all of it is taken for now.
        share = np.where(too_far, blend, 1.0)[..., None, None]
        factor = np.where(is_open[..., None, None], weaker + share * (stronger - weaker), factor)
        is_open &= ~too_far
        if not is_open.any():
            break
        weaker = stronger
    return np.asarray(factor)


def nice_covariance(ensemble: FloatArray, tolerance: float = 1.0) -> FloatArray:
    """Return an ensemble's covariance, its correlations corrected.

    Args:
        ensemble: Shape `(..., members, n)`.
        tolerance: As of `nice_factor`.

    Returns:
        Shape `(..., n, n)`, with the sample variances on its diagonal; positive semi-definite.

    Raises:
        ValueError: If `tolerance` is not positive, or there are fewer than 4 members.
    """
    return _corrected(ensemble, ensemble, tolerance)


def nice_gain(
    ensemble: FloatArray, operator: ObservationOperator, error: object, tolerance: float = 1.0
) -> FloatArray:
    """Return the Kalman gain of corrected covariances.

    Those of the states with the observations, and those of the observations with each other, are
    corrected as two matrices.

    Args:
        ensemble: Prior members, `(..., members, model_size)`.
        operator: H.
        error: R, as `observation_error` takes it.
        tolerance: As of `nice_factor`.

    Returns:
        Shape `(..., model_size, nobs)`, in state units per observation unit.

    Raises:
        ValueError: If the ensemble has no covariance, R is no covariance, or an argument is out of
            its range.
    """
    ensemble = check_ensemble(ensemble, operator)
    observed = operator(ensemble)
    cross = _corrected(ensemble, observed, tolerance)
    innovation = _corrected(observed, observed, tolerance)
    return _solved(cross, innovation, observation_error(error, operator.nobs))


def nice_gain_of_gain(
    gain: FloatArray,
    operator: ObservationOperator,
    error: object,
    members: int,
    tolerance: float = 1.0,
) -> FloatArray:
    """Return what `nice_gain` gives, from the raw gain alone.

    With R known the raw gain determines the covariances, but for the variances of states that are
    not observed: those are interpolated between the observed ones.

    Args:
        gain: Raw gain of an ensemble, `(..., model_size, nobs)`.
        operator: H, of points.
        error: R, as `observation_error` takes it.
        members: Members of the ensemble.
        tolerance: As of `nice_factor`.

    Returns:
        Shape `(..., model_size, nobs)`.

    Raises:
        ValueError: If the observations are no points, the gain is none of an ensemble, or an
            argument is out of its range.
    """
    if operator.width != 1:
        raise ValueError(
            f"the gain of averages over width={operator.width} states does not tell the variances "
            f"of the states. Use nice_gain, which sees the ensemble."
        )
    checked = observation_error(error, operator.nobs)
    cross, innovation = covariances_of_gain(gain, operator, checked)
    observed = np.sqrt(np.diagonal(innovation, axis1=-2, axis2=-1))
    std = np.apply_along_axis(_interpolated, -1, observed, operator)
    scales = std[..., :, None] * observed[..., None, :]
    among = observed[..., :, None] * observed[..., None, :]
    cross = cross * nice_factor(np.clip(cross / scales, -1, 1), members, tolerance)
    innovation = innovation * nice_factor(np.clip(innovation / among, -1, 1), members, tolerance)
    return _solved(cross, innovation, checked)


def nice_taper(
    ensemble: FloatArray, operator: ObservationOperator, tolerance: float = 1.0
) -> FloatArray:
    """Return the factors for the correlations of states with observations, as a taper of a gain.

    Args:
        ensemble: Prior members, `(..., members, model_size)`.
        operator: H.
        tolerance: As of `nice_factor`.

    Returns:
        Shape `(..., model_size, nobs)`, for any update's `localization`.

    Raises:
        ValueError: If the ensemble has no covariance, or an argument is out of its range.
    """
    ensemble = check_ensemble(ensemble, operator)
    correlation = _correlation(ensemble, operator(ensemble))
    return nice_factor(correlation, ensemble.shape[-2], tolerance)


def _blend(weaker: FloatArray, stronger: FloatArray, norm: FloatArray) -> FloatArray:
    """Return `a` from 0 to 1 with `|(1 - a) weaker + a stronger| = norm`, solved as a quadratic."""
    step = stronger - weaker
    square, half = (np.sum(other * step, axis=(-2, -1)) for other in (step, weaker))
    rest = np.sum(weaker**2, axis=(-2, -1)) - norm**2
    # Where `stronger` is too much, `rest` is not positive and `half` not negative, so that this
    # root is the one in [0, 1].
    root = half + np.sqrt(np.maximum(half**2 - square * rest, 0))
    return np.asarray(np.divide(-rest, root, out=np.ones_like(rest), where=root > 0))


def _corrected(left: FloatArray, right: FloatArray, tolerance: float) -> FloatArray:
    """Return the covariances of two samples of the same members, corrected."""
    members = left.shape[-2]
    covariance = np.swapaxes(anomalies(left), -1, -2) @ anomalies(right) / (members - 1)
    return np.asarray(covariance * nice_factor(_correlation(left, right), members, tolerance))


def _solved(cross: FloatArray, innovation: FloatArray, error: ObservationError) -> FloatArray:
    solved = np.linalg.solve(innovation + error.matrix, np.swapaxes(cross, -1, -2))
    return np.asarray(np.swapaxes(solved, -1, -2))


def _correlation(ensemble: FloatArray, observed: FloatArray) -> FloatArray:
    """Return sample correlations of states with observations; 0 where the members agree."""
    left, right = (_standardized(anomalies(values)) for values in (ensemble, observed))
    return np.asarray(np.clip(np.swapaxes(left, -1, -2) @ right, -1.0, 1.0))


def _interpolated(known: FloatArray, operator: ObservationOperator) -> FloatArray:
    """Return what is known at the observations at all states, around the ring."""
    size = operator.model_size
    return np.interp(np.arange(size), operator.states, known, period=size)


def _standardized(values: FloatArray) -> FloatArray:
    norms = np.linalg.norm(values, axis=-2, keepdims=True)
    return np.asarray(np.divide(values, norms, out=np.zeros_like(values), where=norms > 0))
