"""`ScaleBlend`: long waves of one gain, short waves of another that is only tapered."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo_localization.checks import check_positive_integers
from zoo_localization.geometry import check_geometry, distances
from zoo_localization.layers.gain_shapes import Shape, gain_size, without_last_axis
from zoo_localization.tapers import gaspari_cohn


@keras.saving.register_keras_serializable(package="zoo_localization")
class ScaleBlend(keras.layers.Layer):  # type: ignore[misc]  # Keras is untyped
    """Take a gain's long waves along the states from one gain, and its short ones from another.

    `out = S kg_long + (I - S) (GC * kg_raw)`: `S` smooths every column around the ring with a
    Gaussian, `GC` is Gaspari and Cohn's taper. A network that is trained on squared errors of gains
    gives the mean of all gains that the raw one may stand for, which fades in the short waves: a
    filter loses them. There the raw gain near its observation is noisy, but whole.

    Args:
        obs_dens: States per observation.
        cutoff: Where the taper of the raw gain reaches 0, in grid points.
        std: Standard deviation of the Gaussian, in grid points: waves of length L keep
            `exp(-(2 pi std / L)**2 / 2)` of the first gain. 0 keeps all of it.
        **kwargs: The base layer's arguments.

    Input shape:
        A list `[kg_long, kg_raw]` of two gains, `(batch, model_size, nobs)` each, or with a last
        axis of 1.

    Output shape:
        `(batch, model_size, nobs)`, in the gains' units.

    Raises:
        ValueError: If an argument is out of its range, or the inputs are not two such gains.

    Source:
        The taper: Gaspari & Cohn (1999), doi:10.1002/qj.49712555417, equation 4.10.
    """

    def __init__(self, obs_dens: int, cutoff: float, std: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_positive_integers(obs_dens=obs_dens)
        if not 0 < cutoff < np.inf:
            raise ValueError(f"cutoff must be a positive number of grid points, got {cutoff!r}.")
        if not 0 <= std < np.inf:
            raise ValueError(f"std must be a number of grid points, 0 or more, got {std!r}.")
        self.obs_dens, self.cutoff, self.std = obs_dens, cutoff, std

    def build(self, input_shape: list[Shape]) -> None:
        """Check the shapes, and lay out the taper and the smoother."""
        size, nobs = self._size(input_shape)
        taper = gaspari_cohn(distances(size, nobs, self.obs_dens), self.cutoff)
        self._taper = taper.astype(np.float32)
        self._smoother = _gaussian_smoother(size, self.std).astype(np.float32)
        self.built = True

    def call(self, inputs: list[Any]) -> Any:
        """Return the blend."""
        long, raw = (without_last_axis(gain, 3) for gain in inputs)
        short = raw * ops.cast(self._taper, raw.dtype)
        return short + ops.matmul(ops.cast(self._smoother, raw.dtype), long - short)

    def compute_output_shape(self, input_shape: list[Shape]) -> tuple[int | None, ...]:
        """Return `(batch, model_size, nobs)`."""
        return (input_shape[0][0], *self._size(input_shape))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again."""
        own = {"obs_dens": self.obs_dens, "cutoff": self.cutoff, "std": self.std}
        return {**super().get_config(), **own}

    def _size(self, shapes: Any) -> tuple[int, int]:
        is_list = isinstance(shapes, list | tuple) and len(shapes) == 2
        if not is_list or not all(isinstance(shape, list | tuple) for shape in shapes):
            raise ValueError(
                f"{type(self).__name__} needs a list of two gains, [kg_long, kg_raw]; got the "
                f'shape {shapes}. In a model config: inputs = ["kg_long", "kg_raw"].'
            )
        first, second = (gain_size(type(self).__name__, shape) for shape in shapes)
        if first != second:
            raise ValueError(
                f"{type(self).__name__} needs two gains of the same states and observations, got "
                f"{first} and {second}."
            )
        check_geometry(*first, self.obs_dens)
        return first


def _gaussian_smoother(size: int, std: float) -> Any:
    """Return the matrix that smooths a ring of `size` states with a Gaussian, rows summing to 1."""
    offset = np.arange(size)
    distance = np.minimum(offset, size - offset)
    weights = np.exp(-0.5 * (distance / std) ** 2) if std > 0 else (distance == 0) * 1.0
    rows = (offset[:, None] - offset) % size
    return (weights / weights.sum())[rows]
