"""The evaluator of the core."""

from collections.abc import Mapping
from typing import Any

import keras

from zoo.progress import Steps, progress
from zoo.runtime.batches import batches


def metrics(
    model: Any, data: Mapping[str, Any], split: str = "", batch_size: int = 32
) -> dict[str, float]:
    """The model's own loss and metrics on a split of its data.

    Args:
        model: The compiled model.
        data: What the dataset returned.
        split: Which split; by default the last of test, validation and train that is there.
        batch_size: Samples in a batch.

    Returns:
        Each value by the metric's name.

    Raises:
        ValueError: If there is no such split.
    """
    chosen = split or next(name for name in ("test", "validation", "train") if name in data)
    if chosen not in data:
        raise ValueError(f"the data has no split {split!r}; it has {', '.join(data)}")
    found = batches(data[chosen], model, batch_size)
    with progress(f"batches of {chosen}", _count(found)) as advance:
        shown = [_Shown(advance)]
        results = model.evaluate(found, return_dict=True, verbose=0, callbacks=shown)
    return {name: float(value) for name, value in results.items()}


class _Shown(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Tells of each batch."""

    def __init__(self, advance: Steps) -> None:
        super().__init__()
        self._advance = advance

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self._advance()


def _count(found: Any) -> int | None:
    try:
        return len(found)
    except TypeError:  # nobody knows how many there will be
        return None
