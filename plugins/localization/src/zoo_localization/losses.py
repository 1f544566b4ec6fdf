"""Losses for localization networks: on the gain, and on the state that it analyses."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo_localization.layers.gain_shapes import (
    check_sizes,
    gain_size,
    vector_length,
    without_last_axis,
)


class _GainLoss(keras.losses.Loss):  # type: ignore[misc]  # Keras is untyped
    """A loss that knows, and checks when told, the size of a gain."""

    def __init__(
        self,
        model_size: int | None = None,
        nobs: int | None = None,
        batch_size: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_sizes(model_size, nobs)
        self.model_size = model_size
        self.nobs = nobs
        self.batch_size = batch_size

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this loss again."""
        own = {"model_size": self.model_size, "nobs": self.nobs, "batch_size": self.batch_size}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="zoo_localization")
class LocLoss(_GainLoss):
    """Mean squared error of the raw gain times a predicted localization vector.

    `loss[b] = mean over i, j of (kg_true[b, i, j] - kg_raw[b, i, j] * full[b, i])**2`

    where `full` is `loc_f` when it has N values and its mirror image around the ring when it has
    `N//2 + 1`. There is no shift: both gains need their columns rolled beforehand by
    `-(obs_dens*j + obs_dens - 1)`, so that row 0 is each column's own observation. On such gains it
    equals the mean squared error of `Loc_by_1D` on the gains before the roll.

    The third parameter is the model's input of that name; the zoo binds it by name.

    Args:
        model_size: Number of states, N; follows from the gain, checked when given.
        nobs: Number of observations; follows from the gain, checked when given.
        batch_size: Has no effect: any batch size works. Accepted for older configs.
        name: The loss's name.
        **kwargs: The base loss's arguments, `reduction` and `dtype`.

    Input shape:
        `y_true` (the reference gain) and `kg_raw`: `(batch, model_size, nobs)` or with a last axis
        of 1. `y_pred` (`loc_f`): `(batch, length)` or `(batch, length, 1)`, with `length` either
        `model_size//2 + 1` or `model_size`.

    Output shape:
        `(batch,)` before reduction, in the gain's units squared.

    Raises:
        ValueError: If the shapes are not such.

    Source:
        Wang, Lei, Anderson, Tan & Zhang (2023), doi:10.1029/2023MS003642.
    """

    def __init__(
        self,
        model_size: int | None = None,
        nobs: int | None = None,
        batch_size: int | None = None,
        name: str = "loc_loss",
        **kwargs: Any,
    ) -> None:
        super().__init__(model_size, nobs, batch_size, name=name, **kwargs)

    def call(self, y_true: Any, y_pred: Any, kg_raw: Any) -> Any:
        """Return one value a sample."""
        owner = type(self).__name__
        size, nobs = gain_size(owner, kg_raw.shape, self.model_size, self.nobs)
        gain_size(owner, y_true.shape, size, nobs)
        length = vector_length(owner, y_pred.shape, size)
        loc_f = without_last_axis(y_pred, 2)
        if length != size:
            # What lies behind the far end of the ring is read backwards from it.
            loc_f = ops.concatenate([loc_f, ops.flip(loc_f[:, 1 : size - length + 1], 1)], axis=1)
        raw = ops.cast(without_last_axis(kg_raw, 3), loc_f.dtype)
        true = ops.cast(without_last_axis(y_true, 3), loc_f.dtype)
        return ops.mean(ops.square(true - raw * loc_f[:, :, None]), axis=(1, 2))


@keras.saving.register_keras_serializable(package="zoo_localization")
class XtLoss(_GainLoss):
    """Mean squared error of the state that a predicted gain analyses, against the truth.

    `xa = xf + kg_pred @ innovation`, `loss[b] = mean over i of (xt[b, i] - xa[b, i])**2`

    Args:
        model_size: Number of states, N; follows from the gain, checked when given.
        nobs: Number of observations; follows from the gain, checked when given.
        batch_size: Has no effect: any batch size works. Accepted for older configs.
        name: The loss's name.
        **kwargs: The base loss's arguments, `reduction` and `dtype`.

    Input shape:
        `y_true`: the truth, the forecast mean and the innovation, one after the other,
        `(batch, 2*model_size + nobs, 1)` or without the last axis. `y_pred` (`kg_pred`):
        `(batch, model_size, nobs)` or with a last axis of 1.

    Output shape:
        `(batch,)` before reduction, in the state's units squared.

    Raises:
        ValueError: If the shapes are not such.

    Source:
        Wang, Lei, Anderson, Tan & Zhang (2023), doi:10.1029/2023MS003642.
    """

    def __init__(
        self,
        model_size: int | None = None,
        nobs: int | None = None,
        batch_size: int | None = None,
        name: str = "xt_loss",
        **kwargs: Any,
    ) -> None:
        super().__init__(model_size, nobs, batch_size, name=name, **kwargs)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return one value a sample."""
        size, nobs = gain_size(type(self).__name__, y_pred.shape, self.model_size, self.nobs)
        gain = without_last_axis(y_pred, 3)
        states = ops.cast(self._states(y_true, size, nobs), gain.dtype)
        truth, forecast = states[:, :size], states[:, size : 2 * size]
        innovation = states[:, 2 * size :]
        # Product and sum, as in LocLoss; a matmul would round to fewer digits on some devices.
        analysis = forecast + ops.sum(gain * innovation[:, None, :], axis=2)
        return ops.mean(ops.square(truth - analysis), axis=1)

    def _states(self, y_true: Any, size: int, nobs: int) -> Any:
        shape = tuple(y_true.shape)
        right_rank = len(shape) == 2 or (len(shape) == 3 and shape[2] == 1)
        if not right_rank or shape[1] not in (None, 2 * size + nobs):
            raise ValueError(
                f"{type(self).__name__} needs y_true of shape (batch, {2 * size + nobs}, 1): "
                f"{size} true states, {size} forecast states, {nobs} innovations, to go with a "
                f"gain of {size} states and {nobs} observations; got {shape}. The dataset "
                f'lorenz96_gains gives it with target = "state".'
            )
        return without_last_axis(y_true, 2)


@keras.saving.register_keras_serializable(package="zoo_localization")
class RelativeGainLoss(keras.losses.Loss):  # type: ignore[misc]  # Keras is untyped
    """Squared error of a predicted gain over that of the raw gain.

    `loss[b] = sum over i, j of (kg_true - kg_pred)**2 / sum over i, j of (kg_true - kg_raw)**2`: 1
    for a model that does nothing, and each sample counts alike, whether its day is hard or not. Its
    root is the ratio that `gain_rmse` reports.

    The third parameter is the model's input of that name; the zoo binds it by name.

    Args:
        name: The loss's name.
        **kwargs: The base loss's arguments, `reduction` and `dtype`.

    Input shape:
        `y_true` (the reference gain), `y_pred` and `kg_raw`: `(batch, model_size, nobs)` or with a
        last axis of 1.

    Output shape:
        `(batch,)` before reduction, without units.

    Raises:
        ValueError: If the shapes are not such.
    """

    def __init__(self, name: str = "relative_gain_loss", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def call(self, y_true: Any, y_pred: Any, kg_raw: Any) -> Any:
        """Return one value a sample."""
        owner = type(self).__name__
        size, nobs = gain_size(owner, kg_raw.shape)
        gain_size(owner, y_true.shape, size, nobs)
        gain_size(owner, y_pred.shape, size, nobs)
        pred = without_last_axis(y_pred, 3)
        true, raw = (ops.cast(without_last_axis(gain, 3), pred.dtype) for gain in (y_true, kg_raw))
        found = ops.sum(ops.square(true - pred), axis=(1, 2))
        before = ops.sum(ops.square(true - raw), axis=(1, 2))
        # A raw gain that is the reference already leaves nothing to be relative to.
        return found / ops.maximum(before, keras.config.epsilon())
