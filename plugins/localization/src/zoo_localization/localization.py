"""The ways of localizing a gain: nothing, a taper matrix, a curve, or a function of the gain."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_localization.finite import first_place, not_finite
from zoo_localization.model_localization import as_localization, checked_mean, is_model
from zoo_localization.observations import ObservationOperator
from zoo_localization.tapers import taper_matrix, unmirror

FloatArray = NDArray[np.float64]
GainFunction = Callable[..., Any]
# A taper matrix `(model_size, nobs)`, or one each for ensembles side by side, with their leading
# axes; a curve against the offset from the observation, in full `(model_size,)` or its mirrored
# half `(model_size//2 + 1,)`; a Keras model; a function of the gain, and of the ensemble mean if
# one of its parameters is called `mean`; or nothing.
Localization = FloatArray | GainFunction | None


def localize(
    gain: FloatArray,
    localization: Localization,
    operator: ObservationOperator,
    mean: FloatArray | None = None,
) -> FloatArray:
    """Localize a gain.

    Args:
        gain: Shape `(..., model_size, nobs)`.
        localization: What multiplies the gain, or a function from gains `(batch, model_size, nobs)`
            to gains of the same shape, such as `as_localization` makes of a Keras model; a model
            itself is made one. A function with a parameter `mean` is also given that, `(batch,
            model_size)`; with a default it does without where there is none.
        operator: H.
        mean: Mean of the prior ensemble, `(..., model_size)`, for a model or a function that takes
            it.

    Returns:
        The localized gain, float64.

    Raises:
        ValueError: If the gain or the mean does not fit the operator or is not finite; if the taper
            has another shape; or if the function gives another shape or values that are not finite.
    """
    gain = np.asarray(gain)
    check_gain(gain, operator)
    if localization is None:
        return gain
    if not callable(localization):
        return np.asarray(gain * taper_of(localization, operator, gain.shape[:-2]))
    if is_model(localization):
        localization = as_localization(localization, obs_dens=operator.obs_dens)
    batch = gain.reshape(-1, *gain.shape[-2:])
    wanted = _mean_for(localization, mean, gain.shape[:-1])
    found = np.asarray(localization(batch, **wanted), dtype=np.float64)
    if found.shape != batch.shape or not np.isfinite(found).all():
        raise ValueError(
            f"localization is a function, and must give finite gains of the shape it is given, "
            f"(batch, model_size, nobs) = {batch.shape}; it gave shape {found.shape} with "
            f"{not_finite(found)}. A model that gives something else than a gain is made one by "
            f"as_localization."
        )
    return found.reshape(gain.shape)


def check_gain(gain: FloatArray, operator: ObservationOperator) -> None:
    """Check that a gain is one of this operator's.

    Args:
        gain: Shape `(..., model_size, nobs)`.
        operator: H.

    Raises:
        ValueError: If the shape is another, or a value is not finite.
    """
    expected = (operator.model_size, operator.nobs)
    if gain.shape[-2:] != expected:
        raise ValueError(
            f"gain must be (..., model_size, nobs) with model_size, nobs = {expected}, states "
            f"first, got shape {gain.shape}."
        )
    if not np.isfinite(gain).all():
        place = first_place(~np.isfinite(gain))
        raise ValueError(
            f"gain must be finite, and holds {gain[place]} at index {place}. The ensemble "
            f"behind it has NaN or no variance."
        )


def _mean_for(
    function: GainFunction, mean: FloatArray | None, leading: tuple[int, ...]
) -> dict[str, FloatArray]:
    """Return the argument `mean` of a function that takes one, if there is one to give."""
    try:
        parameter = inspect.signature(function).parameters.get("mean")
    except (TypeError, ValueError):
        return {}  # a compiled function may have no signature
    if parameter is None or (mean is None and parameter.default is not parameter.empty):
        return {}
    if mean is None:
        raise ValueError(
            f"localization is a function that takes the ensemble mean: give localize the argument "
            f"mean, of shape (..., model_size) = {leading}."
        )
    return {"mean": checked_mean(mean, leading)}


def taper_of(
    localization: Localization, operator: ObservationOperator, leading: tuple[int, ...] = ()
) -> FloatArray:
    """Return the matrix that multiplies a gain.

    Args:
        localization: A taper matrix or a curve; `None` for ones.
        operator: H.
        leading: Leading axes of the gains, which a taper may have too.

    Returns:
        Shape `(model_size, nobs)`, with leading axes where the taper has them.

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
    try:
        values = np.asarray(localization, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(
            f"localization must be numbers, a function of the gain, or None, got "
            f"{localization!r}. gaspari_cohn_vector(model_size, cutoff) gives Gaspari and Cohn's."
        ) from None
    shapes = ((size, nobs), (size,), (size // 2 + 1,), (*leading, size, nobs))
    is_known = values.shape in shapes
    if not is_known or not np.isfinite(values).all():
        raise ValueError(
            f"localization must be a finite taper of shape (model_size, nobs) = {(size, nobs)}, "
            f"got shape {values.shape}; or a curve of {size} or {size // 2 + 1} values, or a "
            f"function of the gain."
        )
    if values.ndim >= 2:
        return values
    full = values if values.size == size else unmirror(values, size)
    return taper_matrix(full, nobs, operator.obs_dens)
