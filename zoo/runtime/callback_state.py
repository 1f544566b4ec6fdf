"""What a callback remembers, as a checkpoint can keep it without running any code."""

import datetime
import enum
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from types import ModuleType
from typing import Any

import keras
import numpy as np

from zoo.registry.tensors import Tensors

# Keras learns the direction in each process anew, and turns the sign of `min_delta` round then.
_NOT_STATE = ("params", "validation_data", "min_delta", "monitor_op")
_PLAIN = bool | int | float | str | None
# What does not change by itself, or belongs to the training rather than to the callback.
_NO_MEMORY = (
    *(bytes, tuple, frozenset, range, type, ModuleType, io.IOBase, PurePath, re.Pattern),
    *(enum.Enum, np.dtype, datetime.date, datetime.timedelta),
    *(keras.Layer, keras.Optimizer, keras.Loss, keras.Variable, keras.callbacks.Callback),
)


@dataclass
class CallbackState:
    """What is kept of a callback.

    Attributes:
        plain: Attributes that JSON can hold.
        arrays: Attributes that are arrays, by `name`, or lists of them, by `name/place`.
        not_kept: The names of those that may matter and that neither can hold.
    """

    plain: dict[str, Any] = field(default_factory=dict)
    arrays: Tensors = field(default_factory=dict)
    not_kept: list[str] = field(default_factory=list)


def state_of(callback: Any) -> CallbackState:
    """Takes what a callback remembers."""
    state = CallbackState()
    # Keras's own are known: what is left out of them is made anew when a training begins.
    known = type(callback).__module__.partition(".")[0] == "keras"
    for name, value in vars(callback).items():
        if name in _NOT_STATE:
            continue
        if isinstance(value, np.generic):
            value = value.item()
        if _is_plain(value):
            state.plain[name] = value
        elif isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
            state.arrays[name] = value
        elif isinstance(value, list) and all(isinstance(item, np.ndarray) for item in value):
            state.arrays |= {f"{name}/{place}": array for place, array in enumerate(value)}
        elif not known and not callable(value) and not isinstance(value, _NO_MEMORY):
            state.not_kept.append(name)
    return state


def restored_lists(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Gives the attributes that arrays by `name` and `name/place` stand for."""
    found: dict[str, Any] = {}
    lists: dict[str, dict[int, Any]] = {}
    for path, array in arrays.items():
        name, slash, place = path.rpartition("/")
        if slash:
            lists.setdefault(name, {})[int(place)] = array
        else:
            found[path] = array
    return found | {name: [items[n] for n in sorted(items)] for name, items in lists.items()}


def _is_plain(value: Any) -> bool:
    if isinstance(value, enum.Enum):
        return False
    if type(value) is list:
        return all(_is_plain(item) for item in value)
    if type(value) is dict:
        return all(type(key) is str and _is_plain(item) for key, item in value.items())
    return isinstance(value, _PLAIN)
