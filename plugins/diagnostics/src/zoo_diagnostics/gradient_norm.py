"""The size of the gradient, step by step."""

# Keras carries no types: its classes are `Any`, and so are its decorators.
# mypy: disable-error-code="misc,untyped-decorator,no-any-return"

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

# Below the smallest normal number XLA flushes to zero, and a division by it is infinite.
_SMALLEST = float(np.finfo("float32").tiny)


@keras.saving.register_keras_serializable(package="zoo_diagnostics")
class GradientNorm(keras.metrics.Metric):
    """Computes the global L2 norm of the gradients, averaged over the epoch's steps.

    The norm of one step is that of all gradients laid end to end, `sqrt(sum_v sum_i g[v,i]^2)`:
    a value that falls towards zero while the loss stays high says that the optimization is stuck.

    Ask for it in a model config; the training hands it `gradients`, by the parameter's name.
    Outside of such a training, call `update_state(gradients)` after each step.

    A step whose gradients are not finite does not enter the mean: an optimizer that scales the
    loss skips such steps and goes on, and one of them must not hide the epoch. When no step of
    the epoch had finite gradients, the result is NaN. Before the first step it is 0.

    Args:
        per_element: Whether to divide each step's norm by the number of gradient elements, as the
            source of this metric does.
        name: Name of the metric.
        dtype: Dtype of the computation; anything narrower than float32 is raised to float32.

    Source: the Euclidean norm of the gradient; `clip_by_global_norm` is its usual other use.

    Example:
    ```python
    metric = GradientNorm()
    metric.update_state([np.array([3.0, 0.0]), None, np.array([[4.0]])])
    metric.result()  # 5.0
    ```
    """

    def __init__(
        self,
        per_element: bool = False,
        name: str = "gradient_norm",
        dtype: str | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.per_element = per_element
        self._precise = keras.backend.result_type(self.dtype, "float32")
        self.total = self._counter("total")
        self.steps = self._counter("steps")
        self.skipped = self._counter("skipped")

    def _counter(self, name: str) -> Any:
        return self.add_variable(shape=(), initializer="zeros", dtype=self._precise, name=name)

    def update_state(self, gradients: Sequence[Any]) -> None:
        """Adds the gradients of one step.

        Args:
            gradients: One tensor of any shape for each trainable variable, in the units of the
                loss over those of the variable; `None` where the loss does not depend on it.

        Raises:
            TypeError: When `gradients` is not a list or tuple.
        """
        if not isinstance(gradients, list | tuple):
            raise TypeError(
                "`gradients` must be a list with one tensor (or None) for each trainable variable. "
                f"Received: {type(gradients).__name__}. A single tensor goes into a list of one."
            )
        tensors = [
            ops.cast(ops.convert_to_tensor(gradient), self._precise)
            for gradient in gradients
            if gradient is not None
        ]
        norm = _global_norm(tensors, self._precise)
        if self.per_element:
            elements = sum(ops.cast(ops.size(tensor), self._precise) for tensor in tensors)
            norm = ops.divide_no_nan(norm, elements)
        finite = ops.isfinite(norm)
        self.total.assign_add(ops.where(finite, norm, ops.zeros_like(norm)))
        self.steps.assign_add(ops.cast(finite, self._precise))
        self.skipped.assign_add(ops.cast(ops.logical_not(finite), self._precise))

    def result(self) -> Any:
        """Returns the mean norm of the steps since the last reset, a scalar."""
        mean = ops.divide_no_nan(self.total, self.steps)
        only_skipped = ops.logical_and(ops.equal(self.steps, 0), ops.greater(self.skipped, 0))
        return ops.where(only_skipped, ops.full_like(mean, np.nan), mean)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that rebuild this metric."""
        return {**super().get_config(), "per_element": self.per_element}


def _global_norm(tensors: list[Any], dtype: str) -> Any:
    """Returns the L2 norm of all tensors, squaring only what the largest has been divided out of.

    Gradients of 1e25 or 1e-25 are representable in float32; their squares are not.
    """
    largest = ops.zeros((), dtype)
    for tensor in tensors:
        # `initial` stands for a tensor without elements.
        largest = ops.maximum(largest, ops.max(ops.abs(tensor), initial=0.0))
    scale = ops.where(largest >= _SMALLEST, largest, ops.ones_like(largest))
    squares = ops.zeros((), dtype)
    for tensor in tensors:
        squares = squares + ops.sum(ops.square(tensor / scale))
    return scale * ops.sqrt(squares)
