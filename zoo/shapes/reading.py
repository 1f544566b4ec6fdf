"""How rules read arguments and inputs: what every rule has to refuse, said alike."""

import functools
import json
import os
from pathlib import Path
from typing import Any

from zoo.errors import as_written
from zoo.shapes.forms import Arguments, Shape, Unknown

_AXES = {
    0: (),
    1: ("steps",),
    2: ("rows", "columns"),
    3: ("planes", "rows", "columns"),
}
CHANNELS_LAST, CHANNELS_FIRST = "channels_last", "channels_first"

WANTS_A_LIST = "expects a list of inputs"
"""What is said of one input where several are wanted."""


def one(shapes: Any, rank: int | None = None, form: str = "", *, least: int = 0) -> Shape:
    """Gives the shape of the only input.

    Args:
        shapes: What the rule was given.
        rank: How many axes it has to have, the batch included; None for any number.
        form: Those axes in words.
        least: How many axes it has to have at least.
    """
    if isinstance(shapes, list):
        raise ValueError("expects one input, not a list of inputs")
    if not isinstance(shapes, tuple):
        raise Unknown
    shape: Shape = shapes
    if rank is not None and len(shape) != rank:
        raise ValueError(f"expects an input of shape {form or f'with {rank} axes'}")
    if len(shape) < least:
        raise ValueError(f"expects an input of at least {least} axes, batch included")
    return shape


def unlisted(shapes: Any) -> Any:
    """Leaves alone what is no list of one input, of which some layers make what they will."""
    if isinstance(shapes, list) and len(shapes) == 1:
        raise Unknown
    return shapes


def several(shapes: Any, least: int = 1, most: int | None = None) -> list[Shape]:
    """Gives the shapes of a list of inputs."""
    if isinstance(shapes, tuple):
        raise ValueError(WANTS_A_LIST)
    if not isinstance(shapes, list):
        raise Unknown
    if len(shapes) < least or (most is not None and len(shapes) > most):
        count = f"{least}" if least == most else f"{least} to {most}" if most else f"{least}"
        raise ValueError(f"expects a list of {count} inputs")
    return shapes


def image(arguments: Arguments, shapes: Any, dimensions: int) -> tuple[bool, int | None, Shape]:
    """Reads the only input as an image of so many dimensions.

    Returns:
        Whether channels come first, how many there are, and the sizes of the other axes.
    """
    first = channels_first(arguments)
    names = _AXES[dimensions]
    axes = ("batch", "channels", *names) if first else ("batch", *names, "channels")
    shape = one(shapes, dimensions + 2, f"({', '.join(axes)})")
    return (True, shape[1], shape[2:]) if first else (False, shape[-1], shape[1:-1])


def put_together(batch: int | None, channels: int | None, sizes: Any, *, first: bool) -> Shape:
    """Puts an image's shape together again."""
    return (batch, channels, *sizes) if first else (batch, *sizes, channels)


def channels_first(arguments: Arguments) -> bool:
    """Tells which of the two layouts `data_format` asks for."""
    value = arguments["data_format"]
    layout = _usual_layout() if value is None else str(value).lower()
    if layout not in (CHANNELS_LAST, CHANNELS_FIRST):
        raise not_taken(f"{CHANNELS_LAST} or {CHANNELS_FIRST}", "data_format", value)
    return layout == CHANNELS_FIRST


@functools.cache
def _usual_layout() -> str:
    # What Keras itself reads when it starts.
    folder = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    try:
        settings = json.loads((folder / "keras.json").read_text(encoding="utf-8"))
        return str(settings.get("image_data_format", CHANNELS_LAST))
    except (OSError, ValueError, AttributeError, RuntimeError):
        return CHANNELS_LAST


def positive(arguments: Arguments, name: str) -> int:
    """Gives an argument that has to be a positive integer."""
    value = arguments[name]
    if not isinstance(value, int) or value <= 0:
        raise not_taken("a positive integer", name, value)
    return value


def between(arguments: Arguments, name: str, least: float, most: float | None = None) -> None:
    """Refuses a number out of its range."""
    value = arguments[name]
    if value is None or not isinstance(value, int | float):
        return
    if value < least or (most is not None and value > most):
        span = f"from {least} to {most}" if most is not None else f"of at least {least}"
        raise not_taken(f"a number {span}", name, value)


def counts(arguments: Arguments, name: str, number: int, least: int = 1) -> tuple[int, ...]:
    """Gives an argument that is an integer, or a list of one for each axis."""
    value = arguments[name]
    return as_counts(value, name, number, least)


def as_counts(value: Any, name: str, number: int, least: int = 1) -> tuple[int, ...]:
    """Reads `3` or `[3, 3]` as one integer for each axis."""
    values = (value,) * number if isinstance(value, int) else tuple(value)
    if len(values) != number or not all(isinstance(v, int) and v >= least for v in values):
        many = f", or {number} of them," if number > 1 else ""
        raise not_taken(f"an integer from {least} on{many}", name, value)
    return values


def pairs(arguments: Arguments, name: str, number: int) -> list[tuple[int, ...]]:
    """Gives an argument that says how much at either end of each axis: `1`, `[[0, 1], [1, 1]]`."""
    value = arguments[name]
    if isinstance(value, int):
        return [as_counts(value, name, 2, 0)] * number
    values = tuple(value)
    if len(values) != number:
        raise not_taken(f"an integer, or {number} of them,", name, value)
    return [as_counts(item, name, 2, 0) for item in values]


def axis_of(axis: Any, name: str, rank: int) -> int:
    """Gives an axis counted from the front."""
    if not isinstance(axis, int):
        raise Unknown
    if not -rank <= axis < rank:
        raise ValueError(f"expects an input that has the axis {axis} of '{name}'")
    return axis % rank


def features(shape: Shape, axis: int = -1) -> int:
    """Gives the size of an axis that has weights, and so has to be known."""
    size = shape[axis]
    if size is None:
        which = "last axis" if axis == -1 else f"axis {axis}"
        raise ValueError(f"expects an input whose {which} has a known size")
    return size


def not_taken(what: str, name: str, value: Any) -> ValueError:
    """Words that an argument has to be something else."""
    return ValueError(f"takes {what} as '{name}'; received {as_written(value)}")
