"""Periodic padding: what leaves a ring or a torus on one side comes in on the other."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo_localization.checks import is_count
from zoo_localization.layers.gain_shapes import Shape

_Pair = tuple[int, int]


class _PeriodicPadding(keras.layers.Layer):  # type: ignore[misc]  # Keras is untyped
    """What the one- and the two-dimensional padding have in common."""

    axes: tuple[int, ...]
    axis_names: tuple[str, ...]
    padding: tuple[_Pair, ...]

    def build(self, input_shape: Shape) -> None:
        """Check the rank: batch, the padded axes, channels."""
        rank = len(self.axes) + 2
        if len(input_shape) != rank:
            names = ("batch", *self.axis_names, "channels")
            raise ValueError(
                f"{type(self).__name__} needs an input of rank {rank}, ({', '.join(names)}), got "
                f"shape {tuple(input_shape)}. Put a Reshape layer before it."
            )
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Return the padded tensor."""
        outputs = inputs
        for axis, (before, after) in zip(self.axes, self.padding, strict=True):
            outputs = _wrap(outputs, axis, before, after)
        return outputs

    def compute_output_shape(self, input_shape: Shape) -> tuple[int | None, ...]:
        """Return the input's shape, each padded axis longer by its padding."""
        shape = list(input_shape)
        for axis, (before, after) in zip(self.axes, self.padding, strict=True):
            size = shape[axis]
            shape[axis] = None if size is None else size + before + after
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again."""
        return {**super().get_config(), "padding": self.padding}


@keras.saving.register_keras_serializable(package="zoo_localization")
class PeriodicPadding1D(_PeriodicPadding):
    """Pad the middle axis of a sequence periodically, as NumPy's `pad(mode="wrap")` does.

    Padding longer than the axis goes round more than once; padding 0 leaves the axis alone.

    Args:
        padding: Steps to add: an integer for both ends, or a pair `(before, after)`.
        **kwargs: The base layer's arguments.

    Input shape:
        `(batch, steps, channels)`.

    Output shape:
        `(batch, before + steps + after, channels)`.

    Raises:
        ValueError: If `padding` is negative or of another form, or the input's rank is not 3.
    """

    axes = (1,)
    axis_names = ("steps",)

    def __init__(self, padding: int | _Pair = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.padding = (_ends(_only(padding)),)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again."""
        return {**super().get_config(), "padding": self.padding[0]}


@keras.saving.register_keras_serializable(package="zoo_localization")
class PeriodicPadding2D(_PeriodicPadding):
    """Pad both middle axes of an image periodically, as NumPy's `pad(mode="wrap")` does.

    Padding longer than the axis goes round more than once; padding 0 leaves the axis alone.

    Args:
        padding: Points to add: an integer for all four sides, a pair `(rows, columns)`, or a pair
            of pairs `((top, bottom), (left, right))`.
        **kwargs: The base layer's arguments.

    Input shape:
        `(batch, rows, columns, channels)`.

    Output shape:
        `(batch, top + rows + bottom, left + columns + right, channels)`.

    Raises:
        ValueError: If `padding` is negative or of another form, or the input's rank is not 4.
    """

    axes = (1, 2)
    axis_names = ("rows", "columns")

    def __init__(self, padding: int | _Pair | tuple[_Pair, _Pair] = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        both = padding if isinstance(padding, list | tuple) else (padding, padding)
        if len(both) != 2:
            raise ValueError(
                f"padding must be an integer, a pair (rows, columns), or a pair of pairs ((top, "
                f"bottom), (left, right)), got {padding!r}."
            )
        self.padding = (_ends(both[0]), _ends(both[1]))


def _only(padding: Any) -> Any:
    """Take the pair out of `((before, after),)`, the form in which a list of axes holds it."""
    is_nested = isinstance(padding, list | tuple) and len(padding) == 1
    return padding[0] if is_nested else padding


def _ends(value: Any) -> _Pair:
    """Read `3` or `(1, 2)` as `(before, after)`."""
    ends = value if isinstance(value, list | tuple) else (value, value)
    if len(ends) != 2 or not all(is_count(end, 0) for end in ends):
        raise ValueError(
            f"padding must be made of integers that are not negative, one for both ends of an axis "
            f"or a pair (before, after), got {value!r}."
        )
    return (int(ends[0]), int(ends[1]))


def _wrap(tensor: Any, axis: int, before: int, after: int) -> Any:
    """Pad one axis; slices and copies, because their gradient is no scatter as a gather's is."""
    if before == after == 0:
        return tensor
    size = tensor.shape[axis]
    if size is None:
        length = ops.shape(tensor)[axis]
        return ops.take(tensor, ops.arange(-before, length + after) % length, axis=axis)
    rounds_before, rest_before = divmod(before, size)
    rounds_after, rest_after = divmod(after, size)
    head = [_slice(tensor, axis, size - rest_before, size)] if rest_before else []
    tail = [_slice(tensor, axis, 0, rest_after)] if rest_after else []
    whole = [tensor] * (rounds_before + 1 + rounds_after)
    return ops.concatenate([*head, *whole, *tail], axis=axis)


def _slice(tensor: Any, axis: int, start: int, stop: int) -> Any:
    return tensor[(slice(None),) * axis + (slice(start, stop),)]
