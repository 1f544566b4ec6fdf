"""Breaking one rule at a time."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from zoo import testing
from zoo.runtime.model import BoundModel
from zoo.testing import check_component


@pytest.fixture
def broken() -> Callable[..., str]:
    """Checks a component against one rule, which it has to break, and gives the message."""

    def check(rule: str, kind: str, component: Any, *args: Any, **kwargs: Any) -> str:
        names = [known.name for known in getattr(testing, kind).RULES]
        assert rule in names
        skip = [name for name in names if name != rule]
        with pytest.raises(AssertionError) as caught:
            check_component(component, *args, kind=kind, skip=skip, **kwargs)
        text = str(caught.value)
        assert text.splitlines()[0].endswith(" breaks a rule")
        assert f"[{rule}] " in text
        for word in ("  rule:   ", "  remedy: "):
            assert word in text
        return text

    return check


def one_weight() -> keras.Model:
    """Makes a model that trains in half the time of the kit's own."""
    inputs = keras.Input((3,), name="x")
    outputs = keras.layers.Dense(1, use_bias=False, name="y")(inputs)
    model = BoundModel(inputs=inputs, outputs=outputs)
    model.compile(keras.optimizers.SGD(0.05), "mse", jit_compile=False)
    return model


@pytest.fixture
def small() -> dict[str, Any]:
    """A model and data for what depends on neither."""
    x = np.random.default_rng(0).normal(size=(12, 3)).astype("float32")
    y = np.tanh(x.sum(axis=1, keepdims=True))
    ends = {"train": (0, 6), "validation": (6, 9), "test": (9, 12)}
    data = {split: (x[low:high], y[low:high]) for split, (low, high) in ends.items()}
    return {"model": one_weight, "data": data}
