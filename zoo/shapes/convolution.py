"""Rules for Keras's convolutions."""

from functools import partial
from typing import Any

from zoo.shapes.core import bias, low_rank
from zoo.shapes.forms import Arguments, Rule, Shape, Unknown, known
from zoo.shapes.reading import counts, image, not_taken, positive, put_together


def _convolution(dimensions: int, arguments: Arguments, shapes: Any) -> Any:
    filters, groups = positive(arguments, "filters"), positive(arguments, "groups")
    if filters % groups:
        raise ValueError(f"takes 'groups' that divide its {filters} filters; received {groups}")
    window = _Window(arguments, dimensions, causal=dimensions == 1, strict=True)
    first, channels, sizes = image(arguments, shapes, dimensions)
    if _channels(channels) % groups:
        raise ValueError(f"expects an input whose channels its 'groups' divide, here {groups}")
    kernel = (*window.kernel, _channels(channels) // groups, filters)
    output = put_together(None, filters, window.over(sizes, first=first), first=first)
    return known(output, kernel, *bias(arguments, filters), *low_rank(arguments, kernel))


def _depthwise(dimensions: int, arguments: Arguments, shapes: Any) -> Any:
    multiplier = positive(arguments, "depth_multiplier")
    window = _Window(arguments, dimensions)
    first, channels, sizes = image(arguments, shapes, dimensions)
    kernel = (*window.kernel, _channels(channels), multiplier)
    filters = _channels(channels) * multiplier
    output = put_together(None, filters, window.over(sizes, first=first), first=first)
    return known(output, kernel, *bias(arguments, filters))


def _separable(dimensions: int, arguments: Arguments, shapes: Any) -> Any:
    multiplier = positive(arguments, "depth_multiplier")
    filters = positive(arguments, "filters")
    window = _Window(arguments, dimensions)
    first, channels, sizes = image(arguments, shapes, dimensions)
    depthwise = (*window.kernel, _channels(channels), multiplier)
    pointwise = (*(1,) * dimensions, _channels(channels) * multiplier, filters)
    output = put_together(None, filters, window.over(sizes, first=first), first=first)
    return known(output, depthwise, pointwise, *bias(arguments, filters))


def _transposed(dimensions: int, arguments: Arguments, shapes: Any) -> Any:
    filters = positive(arguments, "filters")
    window = _Window(arguments, dimensions, strict=True)
    padding: tuple[int | None, ...] = (None,) * dimensions
    if arguments["output_padding"] is not None:
        padding = counts(arguments, "output_padding", dimensions, 0)
        if any((p or 0) >= stride for p, stride in zip(padding, window.strides, strict=True)):
            raise not_taken("less than its strides", "output_padding", arguments["output_padding"])
    first, channels, sizes = image(arguments, shapes, dimensions)
    kernel = (*window.kernel, filters, _channels(channels))
    output = put_together(None, filters, window.spread(sizes, padding), first=first)
    return known(output, kernel, *bias(arguments, filters))


def _channels(channels: int | None) -> int:
    if channels is None:
        raise ValueError("expects an input with a known number of channels")
    return channels


class _Window:
    """The window of a convolution: what of it is read, and how it moves.

    Args:
        arguments: The layer's arguments.
        dimensions: The number of axes it moves along.
        causal: Whether `padding = "causal"` is accepted.
        strict: Whether strides and dilation exclude each other.
    """

    def __init__(
        self, arguments: Arguments, dimensions: int, *, causal: bool = False, strict: bool = False
    ) -> None:
        self.kernel = counts(arguments, "kernel_size", dimensions)
        self.strides = counts(arguments, "strides", dimensions)
        self.dilation = counts(arguments, "dilation_rate", dimensions)
        padding = arguments["padding"]
        if not isinstance(padding, str):
            raise Unknown
        self.padding = padding.lower()
        accepted = ("valid", "same", "causal") if causal else ("valid", "same")
        if self.padding not in accepted:
            listed = " or ".join(accepted)
            raise not_taken(listed, "padding", padding)
        if strict and max(self.strides) > 1 and max(self.dilation) > 1:
            raise ValueError("takes 'dilation_rate' or strides greater than 1, not both")

    def over(self, sizes: Shape, *, first: bool) -> list[int | None]:
        """Gives the sizes that come out of a convolution."""
        found: list[int | None] = []
        for index, size in enumerate(sizes):
            reach = self.dilation[index] * (self.kernel[index] - 1) + 1
            if size is None:
                found.append(None)
                continue
            if self.padding == "valid" and size < reach:
                axis = index + (2 if first else 1)
                raise ValueError(
                    f"expects an input of at least {reach} along axis {axis} for its 'kernel_size'"
                )
            rest = size - (reach if self.padding == "valid" else 1)
            found.append(rest // self.strides[index] + 1)
        return found

    def spread(self, sizes: Shape, padding: tuple[int | None, ...]) -> list[int | None]:
        """Gives the sizes that come out of a transposed convolution."""
        found: list[int | None] = []
        for index, size in enumerate(sizes):
            stride, more = self.strides[index], padding[index]
            reach = self.dilation[index] * (self.kernel[index] - 1) + 1
            if size is None:
                found.append(None)
            elif self.padding == "valid":
                end = max(reach, stride) - reach if more is None else more
                found.append((size - 1) * stride + reach + end)
            else:
                ends = (size - 1) * stride + reach % 2 + (more or 0)
                found.append(size * stride if more is None else ends)
        return found


CONVOLUTIONS: dict[str, Rule] = {
    **{f"Conv{n}D": partial(_convolution, n) for n in (1, 2, 3)},
    **{f"Conv{n}DTranspose": partial(_transposed, n) for n in (1, 2, 3)},
    **{f"DepthwiseConv{n}D": partial(_depthwise, n) for n in (1, 2)},
    **{f"SeparableConv{n}D": partial(_separable, n) for n in (1, 2)},
}
"""The rule of each layer by its name."""
