"""`BandConv2D`: a convolution over observations, around the ring, and offsets, between two ends."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo_localization.checks import check_positive_integers
from zoo_localization.layers.gain_shapes import Shape


@keras.saving.register_keras_serializable(package="zoo_localization")
class BandConv2D(keras.layers.Layer):  # type: ignore[misc]  # Keras is untyped
    """Convolve an image of observations, which form a ring, and offsets, which do not.

    `out = x + activation(scale * (kernel * x + bias) + shift)`, without `x +` unless `residual`.
    The first axis is padded with its other end, the second with zeros, so the size stays. `scale`
    and `shift` differ from offset to offset (one each for a channel and an offset), because how far
    a state is from its observation matters; all observations share all weights.

    Args:
        filters: Channels that come out.
        kernel_size: Odd width of the kernel on both axes.
        dilation: Step between the kernel's observations.
        offset_dilation: Step between the kernel's places along the offsets.
        activation: Name of a Keras activation, or `None`.
        residual: Whether the input is added to the output.
        offset_scale: Whether there are a scale and a shift.
        kernel_initializer: Start of the kernel; `"zeros"` makes a layer that starts by doing
            nothing.
        **kwargs: The base layer's arguments.

    Input shape:
        `(batch, nobs, width, channels)`.

    Output shape:
        `(batch, nobs, width, filters)`.

    Raises:
        ValueError: If the input is no image, a size does not divide, the dilated kernel is longer
            than the ring, or `residual` meets another number of channels.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        dilation: int = 1,
        offset_dilation: int = 1,
        activation: Any = None,
        residual: bool = False,
        offset_scale: bool = True,
        kernel_initializer: Any = "he_normal",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_positive_integers(
            filters=filters,
            kernel_size=kernel_size,
            dilation=dilation,
            offset_dilation=offset_dilation,
        )
        if kernel_size % 2 == 0:
            raise ValueError(
                f"kernel_size must be odd for the kernel to have a middle, got {kernel_size!r}."
            )
        self.filters, self.kernel_size = filters, kernel_size
        self.dilation, self.offset_dilation = dilation, offset_dilation
        self.activation = keras.activations.get(activation)
        self.residual, self.offset_scale = residual, offset_scale
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape: Shape) -> None:
        """Check the shape, and make the weights."""
        nobs, width, channels = self._sizes(input_shape)
        reach = self.kernel_size // 2 * self.dilation
        if reach > nobs:
            raise ValueError(
                f"{type(self).__name__} reaches {reach} observations to either side (kernel_size "
                f"// 2 * dilation), more than the ring's {nobs}. Lower the dilation."
            )
        if self.residual and self.filters != channels:
            raise ValueError(
                f"residual needs as many filters as channels come in, {channels}, got "
                f"filters={self.filters}."
            )
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.kernel_size, self.kernel_size, channels, self.filters),
            initializer=self.kernel_initializer,
        )
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")
        if self.offset_scale:
            shape = (width, self.filters)
            self.scale = self.add_weight(name="scale", shape=shape, initializer="ones")
            self.shift = self.add_weight(name="shift", shape=shape, initializer="zeros")
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Return the convolved image."""
        nobs = inputs.shape[1]
        half = self.kernel_size // 2
        ring, ends = half * self.dilation, half * self.offset_dilation
        padded = inputs
        if half:
            padded = ops.concatenate([inputs[:, nobs - ring :], inputs, inputs[:, :ring]], axis=1)
            padded = ops.pad(padded, ((0, 0), (0, 0), (ends, ends), (0, 0)))
        found = ops.conv(
            padded,
            self.kernel,
            padding="valid",
            data_format="channels_last",
            dilation_rate=(self.dilation, self.offset_dilation),
        )
        found = found + self.bias
        if self.offset_scale:
            found = found * self.scale + self.shift
        found = self.activation(found)
        return inputs + found if self.residual else found

    def compute_output_shape(self, input_shape: Shape) -> tuple[int | None, ...]:
        """Return `(batch, nobs, width, filters)`."""
        nobs, width, _ = self._sizes(input_shape)
        return input_shape[0], nobs, width, self.filters

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again."""
        names = (
            "filters",
            "kernel_size",
            "dilation",
            "offset_dilation",
            "residual",
            "offset_scale",
        )
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in names},
            "activation": keras.activations.serialize(self.activation),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }

    def _sizes(self, shape: Shape) -> tuple[int, int, int]:
        """Return `(nobs, width, channels)` of an image."""
        if len(shape) != 4 or None in shape[1:]:
            raise ValueError(
                f"{type(self).__name__} needs an image of known shape (batch, nobs, width, "
                f"channels), got {tuple(shape)}."
            )
        nobs, width, channels = (int(size or 0) for size in shape[1:])
        return nobs, width, channels
