"""The whole state of a training in one file that is there or not, never in between."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.errors import RunError
from zoo.files import write_atomically
from zoo.registry.tensors import TensorFile, Tensors, encode
from zoo.runs import MODEL_PREFIX, History

FORMAT = "zoo-checkpoint-1"
OPTIMIZER_PREFIX = "optimizer/"
CALLBACK_PREFIX = "callback/"

_PLAIN = bool | int | float | str | None
# Keras turns the sign of `min_delta` round when it learns the direction, in each process anew.
_NOT_STATE = ("params", "validation_data", "min_delta")


def save(path: Path, model: Any, callbacks: Sequence[Any], epoch: int, history: History) -> None:
    """Writes the state after an epoch.

    Args:
        path: The file, replaced as a whole.
        model: The model, with its optimizer.
        callbacks: The callbacks of the config, in order.
        epoch: How many epochs are done.
        history: Each metric's value per epoch.

    Raises:
        RunError: `not-finite`, if a variable is NaN or infinite; the old file stays.
    """
    tensors = {f"{MODEL_PREFIX}{v.path}": np.asarray(v) for v in model.variables}
    if len(tensors) != len(model.variables):
        raise RunError("two variables of the model have the same path", "defect")
    for name, array in tensors.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise RunError(
                f"{name.removeprefix(MODEL_PREFIX)} became NaN or infinite in epoch {epoch}",
                "not-finite",
                suggestion="lower the learning rate or clip the gradients; the last good "
                "checkpoint is kept",
            )
    tensors |= {
        f"{OPTIMIZER_PREFIX}{index}": np.asarray(variable)
        for index, variable in enumerate(model.optimizer.variables)
    }
    states = []
    for index, callback in enumerate(callbacks):
        plain, arrays = _state(callback)
        states.append(plain)
        tensors |= {f"{CALLBACK_PREFIX}{index}/{name}": array for name, array in arrays.items()}
    metadata = {
        "format": FORMAT,
        "epoch": str(epoch),
        "history": json.dumps(history),
        "callbacks": json.dumps(states),
    }
    write_atomically(path, encode(tensors, metadata))


def restore(content: TensorFile, model: Any) -> tuple[int, History]:
    """Puts a checkpoint back into a model and its optimizer.

    Returns:
        How many epochs are done, and the history.

    Raises:
        RunError: If the checkpoint is of another model.
    """
    if content.metadata.get("format") != FORMAT:
        raise RunError("the checkpoint is not one of the zoo")
    model.optimizer.build(model.trainable_variables)
    pairs = [(f"{MODEL_PREFIX}{variable.path}", variable) for variable in model.variables]
    pairs += [
        (f"{OPTIMIZER_PREFIX}{index}", variable)
        for index, variable in enumerate(model.optimizer.variables)
    ]
    for name, variable in pairs:
        array = content.tensors.get(name)
        if array is None or array.shape != tuple(variable.shape):
            raise RunError(
                f"the checkpoint does not fit the model: {name}",
                suggestion="resume with the config and the versions that the run began with",
            )
    for name, variable in pairs:
        variable.assign(content.tensors[name])
    return int(content.metadata["epoch"]), json.loads(content.metadata["history"])


def restore_callbacks(content: TensorFile, callbacks: Sequence[Any]) -> None:
    """Puts the callbacks' own state back, after Keras has reset them at the start."""
    states = json.loads(content.metadata["callbacks"])
    for index, (callback, plain) in enumerate(zip(callbacks, states, strict=True)):
        for name, value in plain.items():
            setattr(callback, name, value)
        prefix = f"{CALLBACK_PREFIX}{index}/"
        lists: dict[str, dict[int, Any]] = {}
        for path, array in content.tensors.items():
            if path.startswith(prefix):
                name, _, place = path.removeprefix(prefix).rpartition("/")
                lists.setdefault(name, {})[int(place)] = array
        for name, arrays in lists.items():
            setattr(callback, name, [arrays[place] for place in sorted(arrays)])


def _state(callback: Any) -> tuple[dict[str, Any], Tensors]:
    plain: dict[str, Any] = {}
    arrays: Tensors = {}
    for name, value in vars(callback).items():
        if name in _NOT_STATE:
            continue
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, _PLAIN):
            plain[name] = value
        elif isinstance(value, list) and all(isinstance(item, np.ndarray) for item in value):
            arrays |= {f"{name}/{place}": array for place, array in enumerate(value)}
    return plain, arrays
