"""Noise-informed covariance estimation (NICE): a localization that needs neither distance nor data.

Powers of a sample correlation damp small, noisy entries more than large ones. How far to go is what
the size of the sampling errors, known in advance, decides.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from zoo_localization.enkf import anomalies, check_ensemble
from zoo_localization.observations import ObservationOperator, error_covariance

FloatArray = NDArray[np.float64]
# Even, for the corrected matrix to stay a correlation matrix (Schur's product theorem).
_LARGEST_EXPONENT = 10
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(15)


def correlation_std(correlation: FloatArray, members: int) -> FloatArray:
    """Return how far a sample correlation lies off, as a standard deviation.

    Fisher's transform: `atanh` of the sample correlation is nearly normal with variance
    `1 / (members - 3)`.

    Args:
        correlation: Correlations, any shape.
        members: Members of the sample.

    Returns:
        Standard deviations, same shape.

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
    grid = np.linspace(0.0, 1.0, 2001)
    centres = np.arctanh(np.minimum(grid, 1 - 1e-12))
    values = np.tanh(centres[:, None] + _NODES / math.sqrt(members - 3))
    weights = _WEIGHTS / _WEIGHTS.sum()
    mean = values @ weights
    table = np.sqrt(((values - mean[:, None]) ** 2) @ weights)
    table[-1] = 0.0
    return np.asarray(np.interp(np.abs(correlation), grid, table))


def nice_factor(correlation: FloatArray, members: int, tolerance: float = 1.0) -> FloatArray:
    """Return what multiplies each sample correlation `r`.

    The factor is `(1 - a) r^(g-2) + a r^g`, with the smallest even `g` for which `|r^g r - r|` is
    more than the expected sampling error (Frobenius norms; Morozov's discrepancy principle), and
    the `a` from 0 to 1 for which the correction is just as large as that error.

    Args:
        correlation: Sample correlations, `(n, n)`, or a block of them `(n, m)`.
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
    expected = tolerance * float(np.linalg.norm(correlation_std(correlation, members)))
    weaker, square = np.ones_like(correlation), correlation**2
    for _ in range(_LARGEST_EXPONENT // 2):
        stronger = weaker * square
        if np.linalg.norm((stronger - 1) * correlation) > expected:
            blend = _blend((weaker - 1) * correlation, (stronger - 1) * correlation, expected)
            return np.asarray((1 - blend) * weaker + blend * stronger)
        weaker = stronger
    return weaker


def nice_covariance(ensemble: FloatArray, tolerance: float = 1.0) -> FloatArray:
    """Return an ensemble's covariance, its correlations corrected.

    Args:
        ensemble: Shape `(members, n)`.
        tolerance: As of `nice_factor`.

    Returns:
        Shape `(n, n)`, with the sample variances on its diagonal; positive semi-definite.

    Raises:
        ValueError: If `tolerance` is not positive, or there are fewer than 4 members.
    """
    covariance = np.cov(ensemble, rowvar=False)
    return np.asarray(
        covariance * nice_factor(_correlation(ensemble, ensemble), len(ensemble), tolerance)
    )


def nice_gain(
    ensemble: FloatArray, operator: ObservationOperator, error: object, tolerance: float = 1.0
) -> FloatArray:
    """Return the Kalman gain of the corrected covariance.

    Args:
        ensemble: Prior members, `(members, model_size)`.
        operator: H.
        error: R, as `error_covariance` takes it.
        tolerance: As of `nice_factor`.

    Returns:
        Shape `(model_size, nobs)`, in state units per observation unit.

    Raises:
        ValueError: If the ensemble has no covariance, R is no covariance, or an argument is out of
            its range.
    """
    check_ensemble(ensemble, operator)
    cross = operator(nice_covariance(ensemble, tolerance))
    innovation = operator(cross.T) + error_covariance(error, operator.nobs)
    return np.asarray(np.linalg.solve(innovation, cross.T).T)


def nice_taper(
    ensemble: FloatArray, operator: ObservationOperator, tolerance: float = 1.0
) -> FloatArray:
    """Return the factors for the correlations of states with observations, as a taper of a gain.

    Args:
        ensemble: Prior members, `(members, model_size)`.
        operator: H.
        tolerance: As of `nice_factor`.

    Returns:
        Shape `(model_size, nobs)`, for any update's `localization`.

    Raises:
        ValueError: If the ensemble has no covariance, or an argument is out of its range.
    """
    check_ensemble(ensemble, operator)
    correlation = _correlation(ensemble, operator(ensemble))
    return nice_factor(correlation, len(ensemble), tolerance)


def _blend(weaker: FloatArray, stronger: FloatArray, norm: float) -> float:
    """Return `a` from 0 to 1 with `|(1 - a) weaker + a stronger| = norm`, solved as a quadratic."""
    step = stronger - weaker
    square, half = float(np.sum(step**2)), float(np.sum(weaker * step))
    rest = float(np.sum(weaker**2)) - norm**2
    # `rest` is not positive and `half` not negative, so this root is the one in [0, 1].
    return -rest / (half + math.sqrt(half**2 - square * rest))


def _correlation(ensemble: FloatArray, observed: FloatArray) -> FloatArray:
    """Return sample correlations of states with observations; 0 where the members agree."""
    left, right = (_standardized(anomalies(values)) for values in (ensemble, observed))
    return np.asarray(np.clip(left.T @ right, -1.0, 1.0))


def _standardized(values: FloatArray) -> FloatArray:
    norms = np.linalg.norm(values, axis=0)
    return np.asarray(np.divide(values, norms, out=np.zeros_like(values), where=norms > 0))
