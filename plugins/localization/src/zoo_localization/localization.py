"""The ways of localizing a gain: nothing, a taper matrix, a curve, or a function of the gain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_localization.observations import ObservationOperator
from zoo_localization.tapers import taper_matrix, unmirror

FloatArray = NDArray[np.float64]
GainFunction = Callable[[FloatArray], Any]
# A taper matrix `(model_size, nobs)`; a curve against the offset from the observation, in full
# `(model_size,)` or its mirrored half `(model_size//2 + 1,)`; a function of the gain; or nothing.
Localization = FloatArray | GainFunction | None


def localize(
    gain: FloatArray, localization: Localization, operator: ObservationOperator
) -> FloatArray:
    """Localize a gain.

    Args:
        gain: Shape `(..., model_size, nobs)`.
        localization: What multiplies the gain, or a function from gains `(batch, model_size, nobs)`
            to gains of the same shape, such as a Keras model.
        operator: H.

    Returns:
        The localized gain, float64.

    Raises:
        ValueError: If the taper has another shape, or the function gives another shape or values
            that are not finite.
    """
    if localization is None:
        return gain
    if not callable(localization):
        return np.asarray(gain * taper_of(localization, operator))
    batch = gain.reshape(-1, *gain.shape[-2:])
    found = np.asarray(localization(batch), dtype=np.float64)
    if found.shape != batch.shape or not np.isfinite(found).all():
        raise ValueError(
            f"localization is a function, and must give finite gains of the shape it is given, "
            f"(batch, model_size, nobs) = {batch.shape}; it gave shape {found.shape} with "
            f"{int((~np.isfinite(found)).sum())} values not finite."
        )
    return found.reshape(gain.shape)


def taper_of(localization: Localization, operator: ObservationOperator) -> FloatArray:
    """Return the matrix that multiplies a gain.

    Args:
        localization: A taper matrix or a curve; `None` for ones.
        operator: H.

    Returns:
        Shape `(model_size, nobs)`.

    Raises:
        ValueError: If `localization` is a function, of another shape, or not finite.
    """
    size, nobs = operator.model_size, operator.nobs
    if localization is None:
        return np.ones((size, nobs))
    if callable(localization):
        raise ValueError(
            "localization must be a taper or a curve for a serial update, which never has the gain "
            "of all observations; it is a function of that gain. Use the matrix update."
        )
    values = np.asarray(localization, dtype=np.float64)
    is_known = values.shape in ((size, nobs), (size,), (size // 2 + 1,))
    if not is_known or not np.isfinite(values).all():
        raise ValueError(
            f"localization must be a finite taper of shape (model_size, nobs) = {(size, nobs)}, "
            f"got shape {values.shape}; or a curve of {size} or {size // 2 + 1} values, or a "
            f"function of the gain."
        )
    if values.ndim == 2:
        return values
    full = values if values.size == size else unmirror(values, size)
    return taper_matrix(full, nobs, operator.obs_dens)
