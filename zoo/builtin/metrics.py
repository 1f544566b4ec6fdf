"""The one metric that Keras knows by a string only."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="zoo")  # type: ignore[untyped-decorator]
def accuracy(y_true: Any, y_pred: Any) -> Any:
    """How often predictions match targets, whichever way the classes are written.

    As Keras does for the string `"accuracy"`: binary for one prediction a sample, sparse for
    targets that are class numbers, categorical otherwise.

    Args:
        y_true: Targets, `(batch, 1)`, `(batch,)` or one-hot `(batch, classes)`.
        y_pred: Predictions, `(batch, 1)` or `(batch, classes)`.

    Returns:
        A value of 0 or 1 for each sample.
    """
    classes = y_pred.shape[-1]
    if classes == 1:
        return keras.metrics.binary_accuracy(y_true, y_pred)
    if len(y_true.shape) < len(y_pred.shape) or y_true.shape[-1] == 1:
        return keras.metrics.sparse_categorical_accuracy(y_true, y_pred)
    return keras.metrics.categorical_accuracy(y_true, y_pred)
