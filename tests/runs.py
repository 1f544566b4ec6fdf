"""In what two runs differ, down to the last bit."""

from __future__ import annotations

import numpy as np

from zoo.runs import Run


def differences(run: Run, other: Run) -> list[str]:
    """Says in what two runs are not the same: history, weights, optimizer, and all that is kept."""
    first, second = run.checkpoint(), other.checkpoint()
    found = [f"history {run.history} and {other.history}"] if run.history != other.history else []
    found += [
        f"{key}: {first.metadata.get(key)} and {second.metadata.get(key)}"
        for key in {**first.metadata, **second.metadata}
        if first.metadata.get(key) != second.metadata.get(key)
    ]
    for name in {**first.tensors, **second.tensors}:
        a, b = first.tensors.get(name), second.tensors.get(name)
        if a is None or b is None or a.dtype != b.dtype or not np.array_equal(a, b):
            found.append(f"the bits of {name}")
    return found
