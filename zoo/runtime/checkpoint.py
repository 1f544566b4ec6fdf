"""The whole state of a training in one file that is there or not, never in between."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.errors import RunError
from zoo.files import write_atomically
from zoo.registry.tensors import TensorFile, encode
from zoo.runs import MODEL_PREFIX, History
from zoo.runtime.callback_state import restored_lists, state_of
from zoo.runtime.conditions import conditions

FORMAT = "zoo-checkpoint-1"
OPTIMIZER_PREFIX = "optimizer/"
CALLBACK_PREFIX = "callback/"


def save(
    path: Path,
    model: Any,
    callbacks: Sequence[Any],
    epoch: int,
    history: History,
    batches: int = 0,
) -> None:
    """Writes the state after an epoch.

    Args:
        path: The file, replaced as a whole.
        model: The model, with its optimizer.
        callbacks: The callbacks of the config, in order.
        epoch: How many epochs are done.
        history: Each metric's value per epoch.
        batches: How many batches the epoch had, where that is known.

    Raises:
        RunError: `not-finite`, if a variable is NaN or infinite; the old file stays.
    """
    tensors = {f"{MODEL_PREFIX}{v.path}": np.asarray(v) for v in model.variables}
    if len(tensors) != len(model.variables):
        raise RunError("two variables of the model have the same path", "defect")
    when = f"epoch {epoch}" + (f", in its last batch ({batches}) or after it" if batches else "")
    for name, array in tensors.items():
        _check_finite(name.removeprefix(MODEL_PREFIX), array, when)
    for index, variable in enumerate(model.optimizer.variables):
        array = tensors[f"{OPTIMIZER_PREFIX}{index}"] = np.asarray(variable)
        _check_finite(f"{variable.path} of the optimizer", array, when)
    states, not_kept = [], []
    for index, callback in enumerate(callbacks):
        state = state_of(callback)
        states.append(state.plain)
        not_kept += [f"{type(callback).__name__}.{name}" for name in state.not_kept]
        prefix = f"{CALLBACK_PREFIX}{index}/"
        tensors |= {f"{prefix}{name}": array for name, array in state.arrays.items()}
    metadata = {
        "format": FORMAT,
        "epoch": str(epoch),
        "history": json.dumps(history),
        "callbacks": json.dumps(states),
        "not_kept": json.dumps(not_kept),
        "ended": json.dumps(bool(getattr(model, "stop_training", False))),
        "conditions": json.dumps(conditions()),
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
        prefix = f"{CALLBACK_PREFIX}{index}/"
        arrays = {
            path.removeprefix(prefix): array
            for path, array in content.tensors.items()
            if path.startswith(prefix)
        }
        for name, value in {**plain, **restored_lists(arrays)}.items():
            setattr(callback, name, value)


def ended(content: TensorFile) -> bool:
    """Tells whether a callback had ended the training by itself at a checkpoint."""
    return bool(json.loads(content.metadata.get("ended", "false")))


def doubts(content: TensorFile) -> Iterator[str]:
    """Says why a training that goes on here may differ from one without a break."""
    before, now = json.loads(content.metadata.get("conditions", "{}")), conditions()
    changed = [
        f"{name} {value}, now {now.get(name)}"
        for name, value in before.items()
        if now.get(name) != value
    ]
    if changed:
        yield f"the results may differ in the last bits: its checkpoint is of {'; '.join(changed)}"
    not_kept = json.loads(content.metadata.get("not_kept", "[]"))
    if not_kept:
        yield f"the results may differ: a checkpoint cannot keep {', '.join(not_kept)}"


def _check_finite(name: str, array: np.ndarray[Any, Any], when: str) -> None:
    # Of bfloat16, NumPy knows no more than that it is somebody's type.
    if array.dtype.kind in "fcV" and not np.isfinite(array).all():
        raise RunError(
            f"{name} became NaN or infinite in {when}",
            "not-finite",
            suggestion="lower the learning rate or clip the gradients; the last good "
            "checkpoint is kept",
        )
