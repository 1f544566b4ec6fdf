"""What can be published without Keras."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from zoo.registry.publishing import Candidate


def a_candidate(name: str = "tiny", **changes: Any) -> Candidate:
    """A model of two small arrays, changed as told."""
    candidate = Candidate(
        name=name,
        description="A small model.",
        source="",
        config=f'zoo = 1\nname = "{name}"\n',
        tensors={
            "dense/kernel": np.arange(6, dtype="float32").reshape(2, 3),
            "dense/bias": np.zeros(3, "float32"),
        },
        fingerprint="a" * 64,
        graph={},
        plugins={},
        keras="3.15.1",
    )
    return replace(candidate, **changes)
