"""The weighted mean squared error."""

# Keras carries no types: its classes are `Any`, and so are its decorators.
# mypy: disable-error-code="misc,untyped-decorator,no-any-return"

import reprlib
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from zoo_weighted_loss.weights import check_distance, check_fixed, distance_weights


@keras.saving.register_keras_serializable(package="zoo_weighted_loss")
class WeightedMSE(keras.losses.Loss):
    """Computes `sum(w * (y_true - y_pred)^2) / sum(w)` for each sample.

    Dividing by the sum of the weights makes the loss a mean: weights that are all alike give the
    mean squared error, and only the ratios of the weights matter. They come in one of three ways:

    - from a model input, through the parameter `weights` of `call`;
    - from the config, as `fixed_weights`;
    - for a Kalman gain, from the distance between state and observation: `distance_scale` and
      `obs_dens` give `exp(-(d / distance_scale)^2 / 2)`, with `d` in grid points, periodic.

    With none of them the loss is the mean squared error.

    Args:
        fixed_weights: Nested lists of numbers, none negative, that broadcast to one sample.
        distance_scale: Distance at which the weight has fallen to `exp(-1/2)`, in grid points.
        obs_dens: Grid points from one observation to the next; observation `j` is at state
            `obs_dens*(j+1) - 1`.
        reduction: How Keras puts the samples' losses together.
        name: Name of the loss.
        dtype: Dtype of inputs and result; the sums are never narrower than float32.

    Input shape:
        `y_true`, `y_pred`: the same, `(batch, ...)`; for weights by distance a gain,
        `(batch, model_size, nobs)`; `y_true` may miss a last axis of length 1.
        `sample_weight`: `(batch,)`.

    Output shape:
        `(batch,)` from `call`, in the square of the unit of `y_true`; then reduced.

    Raises:
        ValueError: When weights come in two ways, are negative, not finite or all zero, or when
            shapes disagree.

    Source: weighted least squares; the Gaussian in the distance follows the use of distance in
    covariance localization, Houtekamer and Mitchell (2001), Monthly Weather Review 129, 123-137.
    """

    def __init__(
        self,
        fixed_weights: list[Any] | None = None,
        distance_scale: float | None = None,
        obs_dens: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "weighted_mse",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        check_distance(distance_scale, obs_dens)
        if fixed_weights is not None and distance_scale is not None:
            raise ValueError(
                "`fixed_weights` and `distance_scale` are two ways to give the weights. Received "
                f"both, distance_scale={distance_scale!r}. Leave one out."
            )
        self._fixed = None if fixed_weights is None else check_fixed(fixed_weights)
        self.fixed_weights = None if fixed_weights is None else np.asarray(fixed_weights).tolist()
        self.distance_scale = None if distance_scale is None else float(distance_scale)
        self.obs_dens = None if obs_dens is None else int(obs_dens)

    def call(self, y_true: Any, y_pred: Any, weights: Any = None) -> Any:
        """Returns the loss of each sample.

        Args:
            y_true: The targets, `(batch, ...)`.
            y_pred: The predictions, of the same shape.
            weights: As many axes as `y_pred`, each as long as there or of length 1. The zoo binds
                it to the model input called `weights`, where there is one. A negative or
                non-finite weight makes the sample's loss NaN, which stops a training; a sample
                whose weights are all 0 has loss 0.
        """
        dtype = keras.backend.result_type(self.dtype, "float32")
        y_true = ops.cast(ops.convert_to_tensor(y_true), dtype)
        y_pred = ops.cast(ops.convert_to_tensor(y_pred), dtype)
        if len(y_true.shape) == len(y_pred.shape) - 1 and y_pred.shape[-1] == 1:
            y_true = ops.expand_dims(y_true, -1)  # one target a sample, as Keras's losses take it
        _must_fit("y_true", y_true.shape, y_pred.shape, stretch=False)
        weights = self._weights_of(y_pred.shape) if weights is None else self._bound(weights)
        weights = ops.cast(weights, dtype)
        name = "fixed_weights" if self._fixed is not None else "weights"
        _must_fit(name, weights.shape, y_pred.shape, stretch=True)
        weights = ops.where(weights < 0, np.nan, weights)
        if tuple(weights.shape[1:]) != tuple(
            y_pred.shape[1:]
        ):  # each value counts in the sum of the weights
            weights = ops.broadcast_to(weights, ops.shape(y_pred))
        axes = tuple(range(1, len(y_pred.shape)))
        total = ops.sum(weights * ops.square(y_true - y_pred), axis=axes)
        return ops.divide_no_nan(total, ops.sum(weights, axis=axes))

    def _bound(self, weights: Any) -> Any:
        """Returns the weights that come from a model input, which must be the only ones."""
        if self._fixed is not None or self.distance_scale is not None:
            raise ValueError(
                "`weights` is bound to a model input on top of `fixed_weights` or "
                f"`distance_scale`. Received: distance_scale={self.distance_scale!r}, "
                f"fixed_weights={reprlib.repr(self.fixed_weights)}. "
                "Leave those out, or rename the input."
            )
        return ops.convert_to_tensor(weights)

    def _weights_of(self, shape: tuple[int | None, ...]) -> NDArray[np.float64]:
        """Returns the weights of one sample of the batch, with an axis for each in `shape`."""
        if self.distance_scale is not None and self.obs_dens is not None:
            return distance_weights(shape[1:], self.distance_scale, self.obs_dens)[np.newaxis]
        fixed = np.ones(()) if self._fixed is None else self._fixed
        missing = max(1, len(shape) - fixed.ndim)  # at the front, the batch axis among them
        return fixed.reshape((1,) * missing + fixed.shape)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that rebuild this loss."""
        own = ("fixed_weights", "distance_scale", "obs_dens", "dtype")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}


def _must_fit(
    name: str, shape: tuple[int | None, ...], target: tuple[int | None, ...], stretch: bool
) -> None:
    """Refuses a shape that broadcasting would take in silence."""
    fits = len(shape) == len(target) and all(
        None in (have, want) or have == want or (stretch and have == 1)
        for have, want in zip(shape, target, strict=True)
    )
    if not fits:
        rule = "Every axis is as long as there, or 1" if stretch else "Both have the same shape"
        raise ValueError(
            f"`{name}` does not fit `y_pred`. Received, the batch axis first: "
            f"{name}.shape={tuple(shape)}, y_pred.shape={tuple(target)}. {rule}: reshape `{name}`."
        )
