"""The frame in which every observation looks alike: gains as images of observation and offset."""

from __future__ import annotations

from typing import Any

from keras import ops

from zoo_localization.layers.gain_shapes import Shape, gain_size


def band_shape(layer: str, shape: Shape, half_width: int) -> tuple[int, int, int]:
    """Return `(nobs, width, obs_dens)` of the band of a gain.

    Args:
        layer: The layer's class name, for the message.
        shape: A gain's, `(batch, model_size, nobs)` or with a last axis of 1.
        half_width: Observations to either side of a column's own that the band holds.

    Returns:
        The band's shape without the batch axis.

    Raises:
        ValueError: If it is no gain, the observations do not divide the ring evenly, or the band
            would meet itself behind the ring.
    """
    size, nobs = gain_size(layer, shape)
    if size % nobs:
        raise ValueError(
            f"{layer} needs a ring that its observations divide evenly, got model_size={size} and "
            f"nobs={nobs}."
        )
    if not 1 <= half_width <= nobs // 2:
        raise ValueError(
            f"{layer} needs a half_width from 1 to nobs//2 = {nobs // 2} observations, so that the "
            f"band does not meet itself behind the ring, got {half_width!r}."
        )
    return nobs, 2 * half_width, size // nobs


def gain_to_band(gain: Any, half_width: int) -> Any:
    """Cut the band around the observations out of a gain.

    `band[b, j, w, q] = gain[b, obs_dens*((j + w - half_width) mod nobs) + q, j]`. Nothing but
    copies of slices: the rows of a ring written twice, read with a stride one longer, move by one
    from each column to the next.

    Args:
        gain: Shape `(batch, model_size, nobs)`; the sizes are known.
        half_width: Observations to either side.

    Returns:
        Shape `(batch, nobs, 2*half_width, obs_dens)`.
    """
    size, nobs = gain.shape[1:]
    cells = ops.reshape(gain, (-1, nobs, size // nobs, nobs))
    cells = ops.roll(ops.transpose(cells, (0, 3, 1, 2)), half_width, axis=2)
    twice = ops.reshape(ops.concatenate([cells, cells], axis=2), (-1, 2 * nobs**2, size // nobs))
    skewed = ops.pad(twice, ((0, 0), (0, nobs), (0, 0)))
    return ops.reshape(skewed, (-1, nobs, 2 * nobs + 1, size // nobs))[:, :, : 2 * half_width]


def band_to_gain(band: Any) -> Any:
    """Put a band back into a gain, with 0 outside it: the inverse of `gain_to_band`.

    Args:
        band: Shape `(batch, nobs, 2*half_width, obs_dens)`; the sizes are known.

    Returns:
        Shape `(batch, nobs*obs_dens, nobs)`.
    """
    nobs, width, obs_dens = band.shape[1:]
    skewed = ops.pad(band, ((0, 0), (0, 0), (0, 2 * nobs + 1 - width), (0, 0)))
    flat = ops.reshape(skewed, (-1, nobs * (2 * nobs + 1), obs_dens))[:, : 2 * nobs**2]
    twice = ops.reshape(flat, (-1, nobs, 2 * nobs, obs_dens))
    cells = ops.roll(twice[:, :, :nobs] + twice[:, :, nobs:], -(width // 2), axis=2)
    return ops.reshape(ops.transpose(cells, (0, 2, 3, 1)), (-1, nobs * obs_dens, nobs))
