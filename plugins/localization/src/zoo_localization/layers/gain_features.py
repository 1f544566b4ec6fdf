"""`GainFeatures`: what a gain says about its ensemble, laid out for convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo_localization.geometry import observed_states
from zoo_localization.layers.gain_band import band_shape, gain_to_band
from zoo_localization.layers.gain_shapes import Shape, without_last_axis
from zoo_localization.tapers import gaspari_cohn_taper

# Variances below this share of R are taken for it: their logarithm would run away.
_LEAST_VARIANCE = 1e-4


@keras.saving.register_keras_serializable(package="zoo_localization")
class GainFeatures(keras.layers.Layer):  # type: ignore[misc]  # Keras is untyped
    """Turn a gain into an image of observation and offset, with the covariances behind it.

    With R known, a gain determines the covariances it came from: `H P H' + R = (I - H K)^-1 R` and
    `P H' = K (H P H' + R)`. Rows are counted from their own observation, so a convolution that is
    circular in the observations treats all alike, and what is rolled around the ring gives what is
    rolled. Channels, in order:

    - the gain; its re-localized forms, of `P H'` under a Gaspari-Cohn taper of each cutoff;
      `P H'`; and `P H'` with state and observation exchanged: `obs_dens` channels each, one for
      each state of a cell, in units of R over the pair's standard deviations;
    - the logarithm of the observation's standard deviation, and that of the state's.

    Standard deviations are those of the prior at the observations, smoothed over three of them.

    Args:
        half_width: Observations to either side of a column's own that the image holds.
        cutoffs: Gaspari-Cohn cutoffs of the re-localized gains, in grid points.
        obs_error_variance: R, the variance of all observation errors, in the square of the
            observations' units.
        **kwargs: The base layer's arguments.

    Input shape:
        The raw gain of point observations, `(batch, model_size, nobs)` or `(batch, model_size,
        nobs, 1)`, with `model_size` a multiple of `nobs`.

    Output shape:
        `(batch, nobs, 2*half_width, (3 + len(cutoffs))*obs_dens + 2)`.

    Raises:
        ValueError: If the input is not such a gain, or an argument is out of its range.

    Source:
        The identities follow from the gain's definition, Evensen (2003),
        doi:10.1007/s10236-003-0036-9, equation 20.
    """

    def __init__(
        self,
        half_width: int = 40,
        cutoffs: Sequence[float] = (160.0, 320.0),
        obs_error_variance: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not obs_error_variance > 0:
            raise ValueError(
                f"obs_error_variance must be a positive variance, got {obs_error_variance!r}."
            )
        if not all(cutoff > 0 for cutoff in cutoffs):
            raise ValueError(f"cutoffs must be positive numbers of grid points, got {cutoffs!r}.")
        self.half_width = half_width
        self.cutoffs = [float(cutoff) for cutoff in cutoffs]
        self.obs_error_variance = obs_error_variance

    def build(self, input_shape: Shape) -> None:
        """Check the shape, and lay out the tapers."""
        nobs, _, obs_dens = band_shape(type(self).__name__, input_shape, self.half_width)
        size = nobs * obs_dens
        self._states = observed_states(nobs, obs_dens).astype(np.int32)
        self._tapers = [gaspari_cohn_taper(size, obs_dens, cutoff) for cutoff in self.cutoffs]
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Return the image."""
        # Half precision has no linear solver, and would not be enough for one.
        dtype = keras.backend.result_type(self.compute_dtype, "float32")
        gain = ops.cast(without_last_axis(inputs, 3), dtype)
        nobs = gain.shape[2]
        cross = self._cross_covariance(gain)
        gains = [
            gain,
            *(self._regained(cross * ops.cast(taper, cross.dtype)) for taper in self._tapers),
        ]
        variance = ops.diagonal(self._observed(cross), axis1=1, axis2=2) / self.obs_error_variance
        variance = ops.maximum(variance, _LEAST_VARIANCE)
        around = [ops.roll(variance, shift, axis=1) for shift in (-1, 0, 1)]
        log_std = ops.log(sum(around) / 3.0) / 2.0
        exchanged = _exchange(cross / self.obs_error_variance)
        fields = [*gains, cross / self.obs_error_variance, exchanged]
        bands = ops.concatenate([gain_to_band(field, self.half_width) for field in fields], axis=-1)
        # The standard deviation of the observation that an image's row is of, and the one that is
        # `offset` further on.
        rows = ops.broadcast_to(log_std[:, None, :], (ops.shape(gain)[0], nobs, nobs))
        here = ops.broadcast_to(log_std[:, :, None, None], ops.shape(bands[..., :1]))
        there = gain_to_band(ops.transpose(rows, (0, 2, 1)), self.half_width)
        image = ops.concatenate([bands * ops.exp(-here - there), here, there], axis=-1)
        return ops.cast(image, self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> tuple[int | None, ...]:
        """Return `(batch, nobs, 2*half_width, channels)`."""
        nobs, width, obs_dens = band_shape(type(self).__name__, input_shape, self.half_width)
        return (input_shape[0], nobs, width, (3 + len(self.cutoffs)) * obs_dens + 2)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again."""
        return {
            **super().get_config(),
            "half_width": self.half_width,
            "cutoffs": self.cutoffs,
            "obs_error_variance": self.obs_error_variance,
        }

    def _observed(self, field: Any) -> Any:
        return ops.take(field, self._states, axis=1)

    def _cross_covariance(self, gain: Any) -> Any:
        """Return `P H' = K (I - H K)^-1 R`, solved as a system of the transpose."""
        identity = ops.eye(gain.shape[2], dtype=gain.dtype)
        rest = ops.transpose(identity - self._observed(gain), (0, 2, 1))
        solved = ops.solve(rest, ops.transpose(gain, (0, 2, 1)))
        return ops.transpose(solved, (0, 2, 1)) * self.obs_error_variance

    def _regained(self, cross: Any) -> Any:
        """Return the gain of a localized `P H'`."""
        observed = self._observed(cross)
        symmetric = (observed + ops.transpose(observed, (0, 2, 1))) / 2.0
        error = self.obs_error_variance * ops.eye(cross.shape[2], dtype=cross.dtype)
        return ops.transpose(
            ops.solve(symmetric + error, ops.transpose(cross, (0, 2, 1))), (0, 2, 1)
        )


def _exchange(field: Any) -> Any:
    """Exchange cells and observations: `out[obs_dens*p + q, j] = field[obs_dens*j + q, p]`."""
    size, nobs = field.shape[1:]
    cells = ops.reshape(field, (-1, nobs, size // nobs, nobs))
    return ops.reshape(ops.transpose(cells, (0, 3, 2, 1)), (-1, size, nobs))
