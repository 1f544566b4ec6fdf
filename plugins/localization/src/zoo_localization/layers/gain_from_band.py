"""`GainFromBand`: a gain put together from its features and what a network says of them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo_localization.layers.gain_band import band_to_gain
from zoo_localization.layers.gain_shapes import Shape


@keras.saving.register_keras_serializable(package="zoo_localization")
class GainFromBand(keras.layers.Layer):  # type: ignore[misc]  # Keras is untyped
    """Blend the gains that `GainFeatures` gives, and correct the blend.

    `out = sum_m (weight_m + correction_m) * gain_m + correction_last * s_state * s_obs`, over the
    raw and the re-localized gains `m`; 0 outside the band. The weights, one for each gain, offset
    and state of a cell, are learned, and start as the mean of the re-localized gains (of the raw
    one where there are none). A correction of 0 everywhere leaves that blend, so a network whose
    last layer starts at 0 starts from a fair localization.

    Args:
        **kwargs: The base layer's arguments.

    Input shape:
        A list: the output of `GainFeatures`, `(batch, nobs, width, (3 + m)*obs_dens + 2)` with `m`
        re-localized gains, and the correction, `(batch, nobs, width, (2 + m)*obs_dens)`.

    Output shape:
        The gain, `(batch, nobs*obs_dens, nobs)`, in the units of the raw one.

    Raises:
        ValueError: If the two inputs do not fit together.
    """

    def build(self, input_shape: list[Shape]) -> None:
        """Check the shapes, and make the weights."""
        count, width, obs_dens = self._sizes(input_shape)
        start = np.zeros((width, count, obs_dens), np.float32)
        start[:, -1 if count == 1 else slice(1, None)] = 1.0 / max(count - 1, 1)
        self.blend = self.add_weight(
            name="blend",
            shape=(width, count * obs_dens),
            initializer=lambda shape, dtype=None: ops.convert_to_tensor(
                start.reshape(shape), dtype=dtype
            ),
        )
        self.built = True

    def call(self, inputs: list[Any]) -> Any:
        """Return the gain."""
        features, correction = inputs
        count, _, obs_dens = self._sizes([features.shape, correction.shape])
        gains = count * obs_dens
        total = features[..., :gains] * (self.blend + correction[..., :gains])
        band = correction[..., gains:]
        for gain in range(count):
            band = band + total[..., gain * obs_dens : (gain + 1) * obs_dens]
        # The features are in units of the two standard deviations, whose logarithms stand last.
        unit = ops.exp(features[..., -2:-1] + features[..., -1:])
        return band_to_gain(band * unit)

    def compute_output_shape(self, input_shape: list[Shape]) -> tuple[int | None, ...]:
        """Return `(batch, nobs*obs_dens, nobs)`."""
        _, _, obs_dens = self._sizes(input_shape)
        batch, nobs = input_shape[0][:2]
        return batch, int(nobs or 0) * obs_dens, nobs

    def _sizes(self, shapes: list[Shape]) -> tuple[int, int, int]:
        """Return how many gains there are, the band's width, and the states of a cell."""
        features, correction = shapes if len(shapes) == 2 else ((), ())
        is_pair = len(features) == len(correction) == 4 and tuple(features[:3]) == tuple(
            correction[:3]
        )
        if is_pair:
            known, corrected = int(features[3] or 0), int(correction[3] or 0)
            obs_dens = known - 2 - corrected
            if obs_dens > 0 and corrected % obs_dens == 0 and corrected > obs_dens:
                return corrected // obs_dens - 1, int(features[2] or 0), obs_dens
        raise ValueError(
            f"{type(self).__name__} needs the output of GainFeatures, (batch, nobs, width, (3 + m)*"
            f"obs_dens + 2) with m re-localized gains, and a correction (batch, nobs, width, (2 + "
            f"m)*obs_dens), got {[tuple(shape) for shape in shapes]}."
        )
