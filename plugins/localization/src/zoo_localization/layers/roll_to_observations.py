"""`RollToObservations`: each column of a gain turned so that row 0 is its own observation."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo_localization.checks import check_positive_integers
from zoo_localization.geometry import check_geometry, observed_states
from zoo_localization.layers.gain_shapes import Shape, gain_size, without_last_axis


@keras.saving.register_keras_serializable(package="zoo_localization")
class RollToObservations(keras.layers.Layer):  # type: ignore[misc]  # Keras is untyped
    """Roll each column of a gain until its own observation is in row 0.

    `out[b, r, j] = kg[b, (r + obs_dens*(j+1) - 1) mod N, j]`: row `r` then is the same distance
    downstream of the observation in every column, which is what a network needs to see in order to
    treat all observations alike.

    Args:
        obs_dens: States per observation.
        **kwargs: The base layer's arguments.

    Input shape:
        A gain, `(batch, model_size, nobs)` or `(batch, model_size, nobs, 1)`.

    Output shape:
        `(batch, model_size, nobs)`, in the gain's units.

    Raises:
        ValueError: If the input is not a gain, or the observations do not fit on the ring.
    """

    def __init__(self, obs_dens: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_positive_integers(obs_dens=obs_dens)
        self.obs_dens = obs_dens

    def build(self, input_shape: Shape) -> None:
        """Check the shape and lay out, once, where each entry comes from."""
        size, nobs = gain_size(type(self).__name__, input_shape)
        check_geometry(size, nobs, self.obs_dens)
        rows = (np.arange(size)[:, None] + observed_states(nobs, self.obs_dens)) % size
        self._index = (rows * nobs + np.arange(nobs)).astype(np.int32)
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Return the rolled gain."""
        gain = without_last_axis(inputs, 3)
        flat = ops.reshape(gain, (-1, self._index.size))
        return ops.take(flat, self._index, axis=1)

    def compute_output_shape(self, input_shape: Shape) -> tuple[int | None, ...]:
        """Return `(batch, model_size, nobs)`."""
        return (input_shape[0], *gain_size(type(self).__name__, input_shape))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again."""
        return {**super().get_config(), "obs_dens": self.obs_dens}
