"""What a dataset returns, checked before anything is trained on it."""

import contextlib
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np

from zoo.errors import RunError, StorageError, ZooError, in_one_line
from zoo.progress import progress
from zoo.resolve import Part
from zoo.runtime.instantiate import Instantiator

SPLITS = ("train", "validation", "test")

Split = Any
"""`(x, y)` or `(x, y, sample_weight)` of arrays or dicts of arrays, or a Keras-readable dataset."""


def load_data(part: Part, instantiator: Instantiator, model: Any) -> dict[str, Split]:
    """Calls a dataset and checks what it returns against the model.

    Args:
        part: The dataset and its arguments.
        instantiator: Makes the arguments.
        model: The Keras model that it is for.

    Raises:
        ConfigError: If an argument is wrong.
        RunError: If the data does not fit the model, is empty, or is not finite.
        StorageError: If a file cannot be read.
    """
    instantiator.check(part)
    try:
        label = f"making the data, {part.component.name}"
        with contextlib.redirect_stdout(sys.stderr), progress(label, live=False):
            data = instantiator.call(part)
    except ZooError as error:
        raise error.located(file=str(instantiator.file), key=part.key) from None
    except Exception as error:  # a plugin may raise anything
        raise _failed(error, part, str(instantiator.file)) from error
    try:
        return _checked(data, model)
    except ZooError as error:
        raise error.located(file=str(instantiator.file), key=part.key) from None


def _failed(error: Exception, part: Part, file: str) -> ZooError:
    if isinstance(error, FileNotFoundError):
        return StorageError(f"there is no file {error.filename}", file=file, key=part.key)
    message = f"the dataset {part.component.name} fails: {in_one_line(error)}"
    return RunError(message, file=file, key=part.key)


def split_parts(split: Split) -> tuple[Any, Any, Any] | None:
    """Gives `(x, y, sample_weight)` of a split that holds arrays; None for a dataset."""
    if not isinstance(split, tuple | list) or len(split) not in (2, 3):
        return None
    return split[0], split[1], split[2] if len(split) == 3 else None


def gives_samples(split: Split) -> bool:
    """Tells whether a dataset gives any of its samples by number, so that the zoo batches them.

    Such a dataset has `sample_count` and `samples(numbers, epoch)`, which gives `(x, y)` or
    `(x, y, sample_weight)`; it need not fit in memory.
    """
    return hasattr(split, "samples") and hasattr(split, "sample_count")


def fitted(values: Any, names: list[str]) -> Any:
    """Shapes the inputs or targets of a split as the model takes them.

    A model with one input takes an array, one with several a dict by name; a dataset may always
    return a dict.
    """
    if isinstance(values, Mapping):
        chosen = {name: values[name] for name in names if name in values}
        return chosen if len(names) > 1 else next(iter(chosen.values()))
    if isinstance(values, list | tuple) and len(names) > 1:
        return dict(zip(names, values, strict=True))
    return values


def input_names(model: Any) -> list[str]:
    """Gives the names of a model's inputs."""
    return [tensor.name for tensor in model.inputs]


def output_names(model: Any) -> list[str]:
    """Gives the names of a model's outputs; a single output has the name of its node."""
    outputs = model.output
    return list(outputs) if isinstance(outputs, dict) else [str(model.output_names[0])]


def _checked(data: Any, model: Any) -> dict[str, Split]:
    if not isinstance(data, Mapping) or "train" not in data:
        raise RunError(
            'a dataset returns {"train": (x, y)} and may add "validation" and "test"; '
            f"received {type(data).__name__}"
        )
    for name in SPLITS:
        if name in data:
            _check_split(name, data[name], model)
    return dict(data)


def shown(split: Split) -> Split:
    """Gives what is checked of a split: of one that gives samples, the first."""
    if not gives_samples(split):
        return split
    try:
        return split.samples(np.arange(1), 0)
    except Exception as error:  # a plugin may raise anything
        raise RunError(f"a sample cannot be read: {in_one_line(error)}") from error


def _check_split(name: str, split: Split, model: Any) -> None:
    if gives_samples(split) and split.sample_count < 1:
        raise RunError(f"the split {name} has no samples")
    parts = split_parts(shown(split))
    if parts is None:
        if not hasattr(split, "__getitem__") and not hasattr(split, "__iter__"):
            raise RunError(f"the split {name} is a {type(split).__name__}; it should be (x, y)")
        return
    x, y, weight = parts
    counts = {}
    for what, values, names in (("x", x, input_names(model)), ("y", y, output_names(model))):
        for label, array in named_arrays(what, values, names):
            counts[label] = _check_array(f"{label} of {name}", array)
    if weight is not None:
        for label, array in named_arrays("sample_weight", weight, output_names(model)):
            counts[label] = _check_array(f"{label} of {name}", array)
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{label} {count}" for label, count in counts.items())
        raise RunError(f"the split {name} has arrays of different lengths: {listed}")
    _check_shapes(name, fitted(x, input_names(model)), model)


def named_arrays(what: str, values: Any, names: list[str]) -> Iterator[tuple[str, Any]]:
    """Gives the arrays that belong to a model's inputs or outputs, each with its label.

    Args:
        what: `x`, `y` or `sample_weight`.
        values: What the dataset gives for it.
        names: The names of the inputs or outputs.

    Raises:
        RunError: If one is missing.
    """
    if isinstance(values, Mapping):
        if what == "x":
            for missing in (name for name in names if name not in values):
                raise RunError(
                    f"the model has the input {missing!r}; the data has {', '.join(values)}"
                )
        if not any(name in values for name in names):
            raise RunError(f"{what} has {', '.join(values)}; the model has {', '.join(names)}")
        yield from ((f"{what}[{name}]", values[name]) for name in names if name in values)
    elif isinstance(values, list | tuple) and len(names) > 1:
        if len(values) != len(names):
            raise RunError(f"{what} has {len(values)} arrays; the model has {', '.join(names)}")
        yield from ((f"{what}[{name}]", array) for name, array in zip(names, values, strict=True))
    else:
        if what in ("x", "y") and len(names) > 1:
            role = "inputs" if what == "x" else "outputs"
            raise RunError(f"{what} is one array; the model has the {role} {', '.join(names)}")
        yield what, values


def _check_array(label: str, values: Any) -> int:
    array = np.asarray(values)
    if array.dtype.kind not in "fiub" and not (array.dtype.kind in "SU" and label[0] == "x"):
        is_text = label[0] == "y" and array.dtype.kind in "SUO"
        hint = "for a class, write its number, from 0" if is_text else None
        raise RunError(f"{label} holds {array.dtype}; numbers are needed", suggestion=hint)
    if array.ndim == 0 or array.shape[0] == 0:
        raise RunError(f"{label} has no samples")
    if array.dtype.kind == "f" and not (finite := np.isfinite(array)).all():
        place = tuple(int(index) for index in np.argwhere(~finite)[0])
        raise RunError(
            f"{label} holds {array[place]} at {list(place)}, and "
            f"{int((~finite).sum())} values that are not finite in all",
            "not-finite",
            suggestion="clean the data; training on it would spoil the weights",
        )
    return int(array.shape[0])


def _check_shapes(name: str, x: Any, model: Any) -> None:
    for tensor, array in zip(model.inputs, keras.tree.flatten(x), strict=False):
        values = np.asarray(array)
        if values.dtype.kind in "SU" and tensor.dtype != "string":
            raise RunError(f"x of {name} holds text; the input {tensor.name} takes {tensor.dtype}")
        shape, wanted = values.shape[1:], tuple(tensor.shape[1:])
        fits = len(shape) == len(wanted) and all(
            size in (None, got) for size, got in zip(wanted, shape, strict=True)
        )
        if not fits:
            raise RunError(
                f"x of {name} has samples of shape {shape}; the input {tensor.name} takes {wanted}"
            )
