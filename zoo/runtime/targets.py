"""Whether the targets of a dataset are what a model's losses can be computed of."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoo.catalog.discovery import CORE
from zoo.errors import RunError
from zoo.resolve import Part
from zoo.runtime.data import SPLITS, Split, named_arrays, output_names, shown, split_parts

_SPARSE = ("sparse_categorical_crossentropy", "SparseCategoricalCrossentropy")
_OF_CLASSES = ("categorical_crossentropy", "CategoricalCrossentropy")


def check_targets(
    data: Mapping[str, Split], elementwise: Sequence[str], losses: Mapping[str, Part], model: Any
) -> None:
    """Refuses targets that Keras would refuse late, or stretch without a word.

    Args:
        data: What the dataset returned.
        elementwise: The outputs whose loss compares element by element.
        losses: The loss of each output.
        model: The Keras model.

    Raises:
        RunError: If a target is missing, its shape is not the output's, or a label is none of the
            output's classes.
    """
    names = output_names(model)
    tensors = model.output if isinstance(model.output, dict) else {names[0]: model.output}
    shapes = {name: tuple(tensor.shape[1:]) for name, tensor in tensors.items()}
    for split in (name for name in SPLITS if name in data):
        parts = split_parts(shown(data[split]))
        if parts is None:
            continue
        _refuse_missing(split, parts[1], losses)
        for label, array in named_arrays("y", parts[1], names):
            name = label[2:-1] if label != "y" else names[0]
            loss = losses.get(name)
            values = np.asarray(array)
            if name in elementwise and not _alike(values.shape[1:], shapes[name]):
                _refuse_shape(f"{label} of {split}", values, name, shapes[name], loss)
            if _is_of_keras(loss, _SPARSE):
                _check_labels(f"{label} of {split}", values, name, shapes[name][-1:], loss)


def _is_of_keras(loss: Part | None, names: Sequence[str]) -> bool:
    return loss is not None and loss.component.distribution == CORE and loss.component.name in names


def _refuse_missing(split: str, y: Any, losses: Mapping[str, Part]) -> None:
    if not isinstance(y, Mapping):
        return
    missing = [name for name in losses if name not in y]
    if missing:
        raise RunError(
            f"the data of {split} has no {missing[0]!r}; it has {', '.join(map(str, y))}",
            suggestion=f"the output {missing[0]} has a loss: add its targets under that name",
        )


def _refuse_shape(
    label: str, values: Any, output: str, wanted: tuple[int | None, ...], loss: Part | None
) -> None:
    of_labels = _is_of_keras(loss, _OF_CLASSES) and values.size == len(values)
    hint = "for labels as whole numbers, use the loss sparse_categorical_crossentropy"
    raise RunError(
        f"{label} has samples of shape {values.shape[1:]}; the output {output} gives {wanted}",
        suggestion=hint if of_labels else None,
    )


def _check_labels(
    label: str, values: Any, output: str, last: tuple[int | None, ...], loss: Part | None
) -> None:
    arguments = loss.arguments if loss is not None else {}
    classes = last[0] if last else None
    if classes is None or arguments.get("axis", -1) != -1 or not values.size:
        return
    ignored = arguments.get("ignore_class")
    wrong = values[(values < 0) | (values >= classes)]
    wrong = wrong if ignored is None else wrong[wrong != ignored]
    if not wrong.size:
        return
    worst = wrong.max() if wrong.max() >= classes else wrong.min()
    more = f"units = {int(worst) + 1} in its layer, or " if worst >= classes else ""
    raise RunError(
        f"{label} holds the label {worst:g}; the output {output} gives {classes} classes",
        suggestion=f"{more}labels from 0 to {classes - 1}",
    )


def _alike(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    # Keras itself adds or drops one last axis of 1.
    longer, shorter = (shape, wanted) if len(shape) > len(wanted) else (wanted, shape)
    if len(longer) == len(shorter) + 1 and longer[-1] == 1:
        longer = longer[:-1]
    return len(longer) == len(shorter) and all(
        None in (a, b) or a == b for a, b in zip(longer, shorter, strict=True)
    )
