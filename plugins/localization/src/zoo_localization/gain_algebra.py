"""What a Kalman gain says of the covariances that it was made of."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_localization.finite import first_place
from zoo_localization.localization import check_gain
from zoo_localization.observations import ObservationError, ObservationOperator, observation_error

FloatArray = NDArray[np.float64]


def covariances_of_gain(
    gain: Any, operator: ObservationOperator, error: Any
) -> tuple[FloatArray, FloatArray]:
    """Return the covariances behind a gain, which with R known it determines.

    From `K = P H' S^-1` with `S = H P H' + R` follows `I - H K = R S^-1`, and so
    `S = (I - H K)^-1 R`, `P H' = K S` and `H P H' = S - R`.

    Args:
        gain: K, `(..., model_size, nobs)`, not localized.
        operator: H.
        error: R, as `observation_error` takes it.

    Returns:
        `P H'`, `(..., model_size, nobs)`, and `H P H'`, `(..., nobs, nobs)`; float64.

    Raises:
        ValueError: If the gain does not fit the operator, is not finite, or `H K` has an eigenvalue
            at or above 1, which no covariance gives.
    """
    checked = observation_error(error, operator.nobs)
    gain = np.asarray(gain, dtype=np.float64)
    check_gain(gain, operator)
    influence = np.swapaxes(operator(np.swapaxes(gain, -1, -2)), -1, -2)
    _check_influence(influence, checked)
    matrix = checked.matrix
    innovation = np.linalg.solve(np.eye(operator.nobs) - influence, matrix)
    return gain @ innovation, innovation - matrix


def _check_influence(influence: FloatArray, error: ObservationError) -> None:
    """Check that every eigenvalue of `H K` is below 1."""
    # Where the symmetric part is below 1, so are the eigenvalues; that takes a Cholesky
    # factorization, and they themselves a hundred times as long.
    std = np.sqrt(error.variances)
    scaled = influence * std / std[:, None]
    try:
        np.linalg.cholesky(np.eye(error.nobs) - (scaled + np.swapaxes(scaled, -1, -2)) / 2)
    except np.linalg.LinAlgError:
        largest = np.linalg.eigvals(influence).real.max(axis=-1)
        is_too_large = largest >= 1 - 1e-12
        if is_too_large.any():
            place = first_place(is_too_large)
            of = f" of gain {', '.join(map(str, place))}" if place else ""
            raise ValueError(
                f"H K{of} has the eigenvalue {largest[place]:.6g}, and no covariance gives one at "
                f"or above 1. Give the raw gain, not a localized one, with the R that it was made "
                f"with."
            ) from None
