"""The ways in which Keras runs a model, and the precisions."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

MODES: dict[str, dict[str, Any]] = {
    "eager": {"run_eagerly": True},
    "graph": {"run_eagerly": False, "jit_compile": False},
    "jit": {"run_eagerly": False, "jit_compile": True},
}
"""What `compile` is given for each way."""


@contextmanager
def policy(name: str) -> Iterator[None]:
    """Makes layers under a dtype policy, as a config's `precision` does."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
