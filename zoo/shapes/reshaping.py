"""Rules for Keras's layers that reshape, pad, crop and repeat."""

import math
from functools import partial
from typing import Any

from zoo.shapes.forms import Arguments, Rule, Shape, known
from zoo.shapes.reading import (
    channels_first,
    counts,
    image,
    not_taken,
    one,
    pairs,
    positive,
    put_together,
)


def _flatten(arguments: Arguments, shapes: Any) -> Any:
    channels_first(arguments)
    shape = one(shapes, least=1)
    return known((shape[0], None if None in shape[1:] else math.prod(_all_known(shape[1:]))))


def _reshape(arguments: Arguments, shapes: Any) -> Any:
    target = tuple(arguments["target_shape"])
    if not all(isinstance(size, int) and size >= -1 for size in target) or target.count(-1) > 1:
        raise not_taken(
            "a list of integers, of which one may be -1,", "target_shape", arguments["target_shape"]
        )
    shape = one(shapes)
    if None in shape[1:]:
        return known((shape[0], *(None if size == -1 else size for size in target)))
    count = math.prod(_all_known(shape[1:]))
    rest = math.prod(size for size in target if size != -1)
    fits = rest != 0 and count % rest == 0 if -1 in target else count == rest
    if not fits:
        wanted = f"a multiple of {rest:,}" if -1 in target else f"{rest:,}"
        raise ValueError(f"expects an input of {wanted} values for its 'target_shape'")
    return known((shape[0], *(count // rest if size == -1 else size for size in target)))


def _all_known(sizes: Shape) -> list[int]:
    return [size for size in sizes if size is not None]


def _permute(arguments: Arguments, shapes: Any) -> Any:
    order = tuple(arguments["dims"])
    whole = all(isinstance(axis, int) for axis in order)
    if not whole or sorted(order) != list(range(1, len(order) + 1)):
        raise not_taken("each axis once, counted from 1,", "dims", arguments["dims"])
    shape = one(shapes, len(order) + 1, f"with the {len(order) + 1} axes of its 'dims' and a batch")
    return known((shape[0], *(shape[axis] for axis in order)))


def _repeat_vector(arguments: Arguments, shapes: Any) -> Any:
    times = positive(arguments, "n")
    batch, size = one(shapes, 2, "(batch, features)")
    return known((batch, times, size))


def _up_sampling(dimensions: int, arguments: Arguments, shapes: Any) -> Any:
    several = dimensions > 1
    factors = counts(arguments, "size", dimensions) if several else (positive(arguments, "size"),)
    return _image_changed(dimensions, arguments, shapes, lambda i, size: size * factors[i])


def _zero_padding(dimensions: int, arguments: Arguments, shapes: Any) -> Any:
    ends = _ends(dimensions, arguments, "padding")
    return _image_changed(dimensions, arguments, shapes, lambda i, size: size + sum(ends[i]))


def _cropping(dimensions: int, arguments: Arguments, shapes: Any) -> Any:
    ends = _ends(dimensions, arguments, "cropping")

    def rest(index: int, size: int) -> int:
        if size <= sum(ends[index]):
            raise ValueError(
                f"expects an input of more than {sum(ends[index])} along each axis that it crops "
                f"by 'cropping'"
            )
        return size - sum(ends[index])

    return _image_changed(dimensions, arguments, shapes, rest)


def _ends(dimensions: int, arguments: Arguments, name: str) -> list[tuple[int, ...]]:
    if dimensions == 1:
        return [counts(arguments, name, 2, 0)]
    return pairs(arguments, name, dimensions)


def _image_changed(dimensions: int, arguments: Arguments, shapes: Any, change: Any) -> Any:
    # Layers of one dimension may have no `data_format`: then channels come last.
    layout = arguments if "data_format" in arguments else {"data_format": "channels_last"}
    first, channels, sizes = image(layout, shapes, dimensions)
    changed = [None if size is None else change(i, size) for i, size in enumerate(sizes)]
    return known(put_together(None, channels, changed, first=first))


RESHAPING: dict[str, Rule] = {
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Permute": _permute,
    "RepeatVector": _repeat_vector,
    **{f"UpSampling{n}D": partial(_up_sampling, n) for n in (1, 2, 3)},
    **{f"ZeroPadding{n}D": partial(_zero_padding, n) for n in (1, 2, 3)},
    **{f"Cropping{n}D": partial(_cropping, n) for n in (1, 2, 3)},
}
"""The rule of each layer by its name."""
