"""`StateBand`: the states around each observation, laid out like a gain's features."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo_localization.checks import check_positive_integers
from zoo_localization.layers.gain_band import gain_to_band
from zoo_localization.layers.gain_shapes import Shape


@keras.saving.register_keras_serializable(package="zoo_localization")
class StateBand(keras.layers.Layer):  # type: ignore[misc]  # Keras is untyped
    """Lay a state out around each observation, to stand beside what `GainFeatures` gives.

    `out[b, j, w, q] = (x[b, obs_dens*((j + w - half_width) mod nobs) + q] - offset) * scale`, and
    after those the same of the observation's own cell, `w = half_width`, at every place.

    Args:
        nobs: Number of observations.
        half_width: As of `GainFeatures`.
        scale: What the states are multiplied with; the inverse of their spread.
        offset: What is subtracted before, in the state's units.
        **kwargs: The base layer's arguments.

    Input shape:
        A state, such as an ensemble's mean, `(batch, model_size)`.

    Output shape:
        `(batch, nobs, 2*half_width, 2*obs_dens)`, with `obs_dens = model_size / nobs`.

    Raises:
        ValueError: If the input is no state, or the observations do not divide it evenly.
    """

    def __init__(
        self,
        nobs: int,
        half_width: int = 40,
        scale: float = 1.0,
        offset: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_positive_integers(nobs=nobs, half_width=half_width)
        if half_width > nobs // 2:
            raise ValueError(
                f"half_width must be at most nobs//2 = {nobs // 2}, so that the band does not meet "
                f"itself behind the ring, got {half_width!r}."
            )
        self.nobs, self.half_width = nobs, half_width
        self.scale, self.offset = scale, offset

    def build(self, input_shape: Shape) -> None:
        """Check the shape."""
        self.compute_output_shape(input_shape)
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Return the image."""
        size = inputs.shape[1]
        states = (inputs - self.offset) * self.scale
        columns = ops.broadcast_to(states[:, :, None], (ops.shape(inputs)[0], size, self.nobs))
        around = gain_to_band(columns, self.half_width)
        own = ops.broadcast_to(
            around[:, :, self.half_width : self.half_width + 1], ops.shape(around)
        )
        return ops.concatenate([around, own], axis=-1)

    def compute_output_shape(self, input_shape: Shape) -> tuple[int | None, ...]:
        """Return `(batch, nobs, 2*half_width, 2*obs_dens)`."""
        size = input_shape[1] if len(input_shape) == 2 else None
        if size is None or size % self.nobs:
            raise ValueError(
                f"{type(self).__name__} needs a state of shape (batch, model_size) that nobs="
                f"{self.nobs} observations divide evenly, got {tuple(input_shape)}."
            )
        return input_shape[0], self.nobs, 2 * self.half_width, 2 * (size // self.nobs)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again."""
        names = ("nobs", "half_width", "scale", "offset")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
