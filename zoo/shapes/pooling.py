"""Rules for Keras's pooling layers."""

from functools import partial
from typing import Any

from zoo.shapes.forms import Arguments, Rule, Unknown, known
from zoo.shapes.reading import as_counts, counts, image, not_taken, put_together, unlisted


def _pooling(dimensions: int, arguments: Arguments, shapes: Any) -> Any:
    pool = counts(arguments, "pool_size", dimensions)
    strides = pool
    if arguments["strides"] is not None:
        strides = counts(arguments, "strides", dimensions)
    padding = arguments["padding"]
    if padding not in ("valid", "same"):
        raise not_taken("valid or same", "padding", padding)
    first, channels, sizes = image(arguments, unlisted(shapes), dimensions)
    found: list[int | None] = []
    for index, size in enumerate(sizes):
        reach = pool[index] if padding == "valid" else 1
        if size is not None and size < reach:
            axis = index + (2 if first else 1)
            raise ValueError(
                f"expects an input of at least {reach} along axis {axis} for its 'pool_size'"
            )
        found.append(None if size is None else (size - reach) // strides[index] + 1)
    return known(put_together(None, channels, found, first=first))


def _global_pooling(dimensions: int, arguments: Arguments, shapes: Any) -> Any:
    first, channels, _ = image(arguments, unlisted(shapes), dimensions)
    sizes = (1,) * dimensions if arguments["keepdims"] else ()
    return known(put_together(None, channels, sizes, first=first))


def _adaptive_pooling(dimensions: int, arguments: Arguments, shapes: Any) -> Any:
    sizes = as_counts(arguments["output_size"], "output_size", dimensions)
    if not isinstance(shapes, tuple) or len(shapes) != dimensions + 2:
        raise Unknown  # Keras looks at the number of axes only when it runs
    first, channels, _ = image(arguments, shapes, dimensions)
    return known(put_together(None, channels, sizes, first=first))


POOLING: dict[str, Rule] = {
    f"{prefix}{kind}Pooling{n}D": partial(rule, n)
    for prefix, rule in (
        ("", _pooling),
        ("Global", _global_pooling),
        ("Adaptive", _adaptive_pooling),
    )
    for kind in ("Average", "Max")
    for n in (1, 2, 3)
}
"""The rule of each layer by its name."""
