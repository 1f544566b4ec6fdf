"""The evaluator of the core."""

from collections.abc import Mapping
from typing import Any

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
    results = model.evaluate(found, return_dict=True, verbose=0)
    return {name: float(value) for name, value in results.items()}
