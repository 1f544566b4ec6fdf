"""`Loc_by_1D`: a Kalman gain times one localization vector, shifted to each observation."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo_localization.checks import check_positive_integers
from zoo_localization.geometry import distances, offsets
from zoo_localization.layers.gain_shapes import (
    Shape,
    check_sizes,
    gain_size,
    vector_length,
    without_last_axis,
)


@keras.saving.register_keras_serializable(package="zoo_localization")
class LocBy1D(keras.layers.Layer):  # type: ignore[misc]  # Keras is untyped
    """Localize a Kalman gain with one vector, shifted to where each observation sits.

    With observation `j` at state `o_j = obs_dens*(j+1) - 1`,

    `kg_pred[b, i, j] = kg_raw[b, i, j] * full[b, (i - o_j) mod N]`

    where `full` is `loc_f` itself when it has `N` values (entry `r` is for the state `r` points
    downstream of the observation), and its mirror image, `full[r] = loc_f[min(r, N - r)]`, when it
    has `N//2 + 1`.

    Args:
        obs_dens: States per observation.
        model_size: Number of states, N; follows from the gain, checked when given.
        nobs: Number of observations; follows from the gain, checked when given.
        batch_size: Has no effect: any batch size works. Accepted for older configs.
        **kwargs: The base layer's arguments.

    Input shape:
        A list `[kg_raw, loc_f]`: the gain `(batch, model_size, nobs)` or
        `(batch, model_size, nobs, 1)`; the vector `(batch, length)` or `(batch, length, 1)`, with
        `length` either `model_size//2 + 1` or `model_size`.

    Output shape:
        `(batch, model_size, nobs)`, in the gain's units.

    Raises:
        ValueError: If the inputs are not such a pair, or the observations do not fit on the ring.

    Source:
        Wang, Lei, Anderson, Tan & Zhang (2023), doi:10.1029/2023MS003642, section 2.
    """

    def __init__(
        self,
        obs_dens: int,
        model_size: int | None = None,
        nobs: int | None = None,
        batch_size: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_positive_integers(obs_dens=obs_dens)
        check_sizes(model_size, nobs)
        self.obs_dens = obs_dens
        self.model_size = model_size
        self.nobs = nobs
        self.batch_size = batch_size

    def build(self, input_shape: list[Shape]) -> None:
        """Check both shapes and lay out, once, which value of the vector each entry takes."""
        gain, vector = self._pair(input_shape)
        size, nobs = gain_size(type(self).__name__, gain, self.model_size, self.nobs)
        length = vector_length(type(self).__name__, vector, size)
        index = offsets if length == size else distances
        self._index = index(size, nobs, self.obs_dens).astype(np.int32)
        self.built = True

    def call(self, inputs: list[Any]) -> Any:
        """Return the localized gain."""
        kg_raw, loc_f = inputs
        gain = without_last_axis(kg_raw, 3)
        vector = without_last_axis(loc_f, 2)
        return gain * ops.take(vector, self._index, axis=1)

    def compute_output_shape(self, input_shape: list[Shape]) -> tuple[int | None, ...]:
        """Return `(batch, model_size, nobs)`."""
        gain, _ = self._pair(input_shape)
        return (gain[0], *gain_size(type(self).__name__, gain, self.model_size, self.nobs))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again."""
        own = {
            "obs_dens": self.obs_dens,
            "model_size": self.model_size,
            "nobs": self.nobs,
            "batch_size": self.batch_size,
        }
        return {**super().get_config(), **own}

    def _pair(self, input_shape: Any) -> list[Shape]:
        is_list = isinstance(input_shape, list | tuple) and len(input_shape) == 2
        if not is_list or not all(isinstance(shape, list | tuple) for shape in input_shape):
            raise ValueError(
                f"{type(self).__name__} needs a list of two inputs, [kg_raw, loc_f]; got the shape "
                f'{input_shape}. In a model config: inputs = ["kg_raw", "loc_f"].'
            )
        return list(input_shape)
