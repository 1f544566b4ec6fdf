"""`LocalizationVector`: one vector for every sample, learned or fixed, to start a network from."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo_localization.layers.gain_shapes import Shape, gain_size
from zoo_localization.tapers import gaspari_cohn_vector


@keras.saving.register_keras_serializable(package="zoo_localization")
class LocalizationVector(keras.layers.Layer):  # type: ignore[misc]  # Keras is untyped
    """Give the same localization vector for every sample, starting from Gaspari and Cohn's.

    Only the gain's batch size and number of states are looked at. `trainable = false` keeps the
    vector as it starts; otherwise it is learned and, under a squared-error loss, tends to the
    static regression vector.

    Args:
        cutoff: Distance, in grid points, at which the vector starts as 0; `None` starts at 1.
        half: Whether to give `model_size//2 + 1` values, for a vector mirrored around the ring,
            instead of `model_size`.
        **kwargs: The base layer's arguments.

    Input shape:
        A gain, `(batch, model_size, nobs)` or `(batch, model_size, nobs, 1)`.

    Output shape:
        `(batch, model_size//2 + 1)` or `(batch, model_size)`, without units.

    Raises:
        ValueError: If `cutoff` is not positive, or the input is not a gain.

    Source:
        The first vector: Gaspari & Cohn (1999), doi:10.1002/qj.49712555417, equation 4.10.
    """

    def __init__(self, cutoff: float | None = None, half: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if cutoff is not None and not cutoff > 0:
            raise ValueError(f"cutoff must be a positive number of grid points, got {cutoff!r}.")
        self.cutoff = cutoff
        self.half = half

    def build(self, input_shape: Shape) -> None:
        """Make the vector."""
        shape = self.compute_output_shape(input_shape)
        size = input_shape[1]

        def start(shape: Any, dtype: Any = None) -> Any:
            if self.cutoff is None:
                return ops.ones(shape, dtype=dtype)
            return ops.convert_to_tensor(
                gaspari_cohn_vector(int(size or 0), self.cutoff)[: shape[0]], dtype=dtype
            )

        self.vector = self.add_weight(name="vector", shape=shape[1:], initializer=start)
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Return the vector, repeated along the batch."""
        batch = ops.shape(inputs)[0]
        return ops.broadcast_to(self.vector[None], (batch, self.vector.shape[0]))

    def compute_output_shape(self, input_shape: Shape) -> tuple[int | None, ...]:
        """Return `(batch, length)`."""
        # Only the rows matter, so an unknown number of observations is no hindrance.
        nobs = 1 if len(input_shape) > 2 and input_shape[2] is None else None
        size, _ = gain_size(type(self).__name__, input_shape, nobs=nobs)
        return (input_shape[0], size // 2 + 1 if self.half else size)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again."""
        return {**super().get_config(), "cutoff": self.cutoff, "half": self.half}
