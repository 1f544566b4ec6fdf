"""The peak signal-to-noise ratio."""

# Keras carries no types: its classes are `Any`, and so are its decorators.
# mypy: disable-error-code="misc,untyped-decorator,no-any-return"

import math
from numbers import Real
from typing import Any

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="zoo_diagnostics")
class PSNR(keras.metrics.Mean):
    """Computes the peak signal-to-noise ratio in decibels: `20 log10(maxi / rmse)`.

    The squared errors of all samples since the last reset are pooled first and the logarithm is
    taken once. The figure then follows from the epoch's RMSE alone, whatever the batch size, it
    equals `keras.ops.psnr` of all samples at once, and one perfect sample cannot make the mean
    infinite, as it would in a mean of the samples' own ratios.

    The root mean square error counts as at least `eps * maxi`, where `eps` is the spacing of
    floating-point numbers at 1: what is smaller is rounding. So perfect predictions give
    `-20 log10(eps)`, 138.47 dB in float32, and never infinity. Before the first sample, or when
    all samples weigh nothing, the result is 0, as in Keras's own metrics. NaN in the data
    gives NaN.

    Args:
        maxi: The largest possible value of the signal (its peak), in the signal's unit: 1 for
            images in [0, 1], 255 for images of 8 bits.
        name: Name of the metric.
        dtype: Dtype of the computation; anything narrower than float32 is raised to float32.

    Input shape:
        `y_true` and `y_pred`: the same, `(batch, ...)`; an axis of length 1 at the end may be
        missing in one. `sample_weight`: `(batch,)`, or one weight for each element.

    Output shape:
        A scalar, in decibels.

    Raises:
        ValueError: When `maxi` is not a finite number above 0, or shapes disagree.

    Source: Huynh-Thu and Ghanbari (2008), Electronics Letters 44 (13), 800-801.

    Example:
    ```python
    metric = PSNR(maxi=1.0)
    metric.update_state(np.zeros((2, 3)), np.full((2, 3), 0.1))
    metric.result()  # 20.0
    ```
    """

    def __init__(self, maxi: float = 1.0, name: str = "psnr", dtype: str | None = None) -> None:
        if isinstance(maxi, bool) or not (isinstance(maxi, Real) and 0 < float(maxi) < math.inf):
            raise ValueError(
                "`maxi` is the largest possible value of the signal: a finite number above 0. "
                f"Received: maxi={maxi!r}. Give 1.0 for data in [0, 1], 255 for 8-bit images."
            )
        given = keras.dtype_policies.get(dtype or keras.config.floatx()).compute_dtype
        super().__init__(name=name, dtype=keras.backend.result_type(given, "float32"))
        self.maxi: float = float(maxi)
        self._direction = "up"  # for callbacks that ask which way is better

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds the squared errors of one batch.

        Args:
            y_true: The targets, `(batch, ...)`.
            y_pred: The predictions, of the same shape.
            sample_weight: How much each sample, or each element, counts; 1 when omitted.
        """
        # Dividing by the peak before squaring keeps the squares of large signals finite.
        y_true = ops.cast(ops.convert_to_tensor(y_true), self.dtype) / self.maxi
        y_pred = ops.cast(ops.convert_to_tensor(y_pred), self.dtype) / self.maxi
        y_true, y_pred = _of_one_shape(y_true, y_pred)
        super().update_state(ops.square(y_true - y_pred), sample_weight=sample_weight)

    def result(self) -> Any:
        """Returns the ratio in decibels over all samples since the last reset, a scalar."""
        floor = float(np.finfo(self.dtype).eps) ** 2
        mean_square = ops.maximum(super().result(), floor)
        decibels = -10.0 * ops.log10(mean_square)
        return ops.where(ops.equal(self.count, 0), ops.zeros_like(decibels), decibels)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that rebuild this metric."""
        return {**super().get_config(), "maxi": self.maxi}


def _of_one_shape(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Adds a missing last axis of length 1; any other difference would broadcast, silently."""
    if len(y_true.shape) == len(y_pred.shape) - 1 and y_pred.shape[-1] == 1:
        y_true = ops.expand_dims(y_true, -1)
    elif len(y_pred.shape) == len(y_true.shape) - 1 and y_true.shape[-1] == 1:
        y_pred = ops.expand_dims(y_pred, -1)
    pairs = zip(y_true.shape, y_pred.shape, strict=False)
    if len(y_true.shape) != len(y_pred.shape) or any(
        None not in pair and pair[0] != pair[1] for pair in pairs
    ):
        raise ValueError(
            "`y_true` and `y_pred` must have the same shape. Received: "
            f"y_true.shape={tuple(y_true.shape)}, y_pred.shape={tuple(y_pred.shape)}. "
            "Reshape the targets, or the model's output."
        )
    return y_true, y_pred
