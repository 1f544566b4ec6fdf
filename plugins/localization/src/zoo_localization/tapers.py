"""Localization without a network: Gaspari and Cohn's function, and static regression."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_localization.finite import not_finite
from zoo_localization.geometry import check_geometry, distances, observed_states, offsets

FloatArray = NDArray[np.float64]


def gaspari_cohn(distance: Any, cutoff: float) -> FloatArray:
    """Return Gaspari and Cohn's fifth-order piecewise rational taper.

    Args:
        distance: Distances, any shape, any unit.
        cutoff: Where the taper reaches 0, in the same unit: the full support radius, twice the
            length `c` of the paper.

    Returns:
        Values in [0, 1], the shape of `distance`.

    Raises:
        ValueError: If `cutoff` is not a positive finite number.

    Source:
        Gaspari & Cohn (1999), doi:10.1002/qj.49712555417, equation 4.10.
    """
    if not (np.isfinite(cutoff) and cutoff > 0):
        raise ValueError(f"cutoff must be a positive distance, got {cutoff!r}.")
    z = np.abs(np.asarray(distance, dtype=np.float64)) / (cutoff / 2)
    near = 1 - z**2 * (5 / 3 - z * (5 / 8 + z * (1 / 2 - z / 4)))
    # Beyond the support the second branch is never used; 1 keeps its 1/z finite there and at 0.
    w = np.where((z > 1) & (z < 2), z, 1.0)
    far = 4 - 2 / (3 * w) + w * (-5 + w * (5 / 3 + w * (5 / 8 + w * (-1 / 2 + w / 12))))
    return np.where(z <= 1, near, np.where(z < 2, np.maximum(far, 0.0), 0.0))


def gaspari_cohn_vector(model_size: int, cutoff: float) -> FloatArray:
    """Return the taper against the offset around a ring of `model_size` states, from 0 on.

    Args:
        model_size: Number of states, N.
        cutoff: Full support radius in grid points.

    Returns:
        Shape `(model_size,)`; its first `model_size//2 + 1` values are the mirrored half.

    Raises:
        ValueError: If `cutoff` is not positive.
    """
    offset = np.arange(model_size)
    return gaspari_cohn(np.minimum(offset, model_size - offset), cutoff)


def gaspari_cohn_taper(model_size: int, obs_dens: int, cutoff: float) -> FloatArray:
    """Return the taper matrix for an observation every `obs_dens` states.

    Args:
        model_size: Number of states, N.
        obs_dens: States per observation.
        cutoff: Full support radius in grid points.

    Returns:
        Shape `(model_size, model_size//obs_dens)`.

    Raises:
        ValueError: If `cutoff` is not positive, or there is no room for one observation.
    """
    return gaspari_cohn(distances(model_size, model_size // obs_dens, obs_dens), cutoff)


def taper_matrix(vector: Any, nobs: int, obs_dens: int) -> FloatArray:
    """Shift a full localization vector to each observation.

    Args:
        vector: Shape `(model_size,)`, against the offset from the observation.
        nobs: Number of observations.
        obs_dens: States per observation.

    Returns:
        Shape `(model_size, nobs)`.

    Raises:
        ValueError: If the observations do not fit on the ring.
    """
    full = np.asarray(vector, dtype=np.float64)
    return full[offsets(full.size, nobs, obs_dens)]


def unmirror(half: Any, model_size: int) -> FloatArray:
    """Return the full vector of a mirrored half, `full[r] = half[min(r, N - r)]`.

    Args:
        half: Shape `(model_size//2 + 1,)`.
        model_size: Number of states, N.

    Returns:
        Shape `(model_size,)`.

    Raises:
        ValueError: If `half` has another length.
    """
    values = np.asarray(half, dtype=np.float64)
    if values.shape != (model_size // 2 + 1,):
        raise ValueError(
            f"half must have model_size//2 + 1 = {model_size // 2 + 1} values, got shape "
            f"{values.shape}."
        )
    offset = np.arange(model_size)
    return values[np.minimum(offset, model_size - offset)]


def roll_columns(gains: Any, obs_dens: int, *, back: bool = False) -> Any:
    """Roll each column of a gain until its observation is in row 0, or back again.

    Column `j` is rolled by `-(obs_dens*j + obs_dens - 1)`.

    Args:
        gains: Shape `(..., model_size, nobs)`.
        obs_dens: States per observation.
        back: Whether to undo the roll.

    Returns:
        A copy of the same shape and dtype.

    Raises:
        ValueError: If the observations do not fit on the ring.
    """
    gains = np.asarray(gains)
    size, nobs = gains.shape[-2:]
    check_geometry(size, nobs, obs_dens)
    shift = observed_states(nobs, obs_dens) * (-1 if back else 1)
    rows = (np.arange(size)[:, None] + shift) % size
    return gains[..., rows, np.arange(nobs)]


def static_regression(raw: Any, reference: Any, obs_dens: int, *, half: bool = False) -> FloatArray:
    """Fit one vector, by least squares of the reference gain on the raw gain at each offset.

    `full[r] = sum(raw * reference) / sum(raw**2)` over all samples and entries at offset `r`.

    Args:
        raw: Raw gains, `(batch, model_size, nobs)`.
        reference: Reference gains, same shape.
        obs_dens: States per observation.
        half: Whether to pool the offsets `r` and `N - r`: the best vector that is its own mirror
            image, still given in full.

    Returns:
        Shape `(model_size,)`; 0 where every raw gain is 0.

    Raises:
        ValueError: If the shapes differ, a value is not finite, or the observations do not fit on
            the ring.

    Source:
        Anderson & Lei (2013), doi:10.1175/MWR-D-12-00330.1 (empirical localization functions).
    """
    raw, reference = np.asarray(raw), np.asarray(reference)
    if raw.shape != reference.shape or raw.ndim != 3:
        raise ValueError(
            f"raw and reference must both be (batch, model_size, nobs), got {raw.shape} and "
            f"{reference.shape}."
        )
    for name, gains in (("raw", raw), ("reference", reference)):
        if not np.isfinite(gains).all():
            raise ValueError(f"{name} must be finite, got {not_finite(gains)}.")
    square, product = offset_sums(raw, raw, obs_dens), offset_sums(raw, reference, obs_dens)
    return static_vector(square, product, half=half)


def static_vector(square: FloatArray, product: FloatArray, *, half: bool = False) -> FloatArray:
    """Fit the vector of `static_regression` from sums, as `offset_sums` gives them.

    Args:
        square: Sums of what is multiplied, squared, `(model_size,)`.
        product: Sums of what is multiplied times what is wanted, same shape.
        half: As of `static_regression`.

    Returns:
        Shape `(model_size,)`; 0 where there is nothing to fit.
    """
    if half:
        square, product = (s + s[-np.arange(s.size)] for s in (square, product))
    return np.divide(product, square, out=np.zeros_like(product), where=square > 0)


def tuned_cutoff(raw: Any, reference: Any, obs_dens: int) -> float:
    """Return the Gaspari-Cohn cutoff under which raw gains come nearest to reference gains.

    Args:
        raw: Raw gains, `(batch, model_size, nobs)`.
        reference: Reference gains, same shape.
        obs_dens: States per observation.

    Returns:
        The best of the cutoffs 1, 1.25, ... to twice the ring, in grid points.

    Raises:
        ValueError: If the observations do not fit on the ring.
    """
    return best_cutoff(offset_sums(raw, raw, obs_dens), offset_sums(raw, reference, obs_dens))


def best_cutoff(square: FloatArray, product: FloatArray) -> float:
    """Return the cutoff of `tuned_cutoff` from sums, as `offset_sums` gives them."""
    # The squared error of any taper follows from two sums an offset; no pair is looked at again.
    cutoffs = np.arange(1.0, 2 * square.size + 0.25, 0.25)
    tapers = (gaspari_cohn_vector(square.size, float(cutoff)) for cutoff in cutoffs)
    errors = [float(np.sum(taper**2 * square - 2 * taper * product)) for taper in tapers]
    return float(cutoffs[int(np.argmin(errors))])


def offset_sums(left: Any, right: Any, obs_dens: int) -> FloatArray:
    """Return `sum(left * right)` over samples and entries at each offset, shape `(model_size,)`."""
    per_entry = np.einsum("bij,bij->ij", left, right, dtype=np.float64)
    return np.asarray(roll_columns(per_entry, obs_dens).sum(axis=1))
