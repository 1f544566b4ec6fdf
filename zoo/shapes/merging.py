"""Rules for Keras's layers that merge several inputs, attention among them."""

from typing import Any

from zoo.shapes.core import bias
from zoo.shapes.forms import Arguments, Rule, Shape, Unknown, known
from zoo.shapes.reading import axis_of, between, features, not_taken, positive, several


def _elementwise(_arguments: Arguments, shapes: Any) -> Any:
    return known(_broadcast(several(shapes)))


def _subtract(_arguments: Arguments, shapes: Any) -> Any:
    return known(_broadcast(several(shapes, 2, 2)))


def _broadcast(shapes: list[Shape]) -> Shape:
    merged = shapes[0][1:]
    for shape in shapes[1:]:
        long, short = merged, shape[1:]
        if len(long) < len(short):
            long, short = short, long
        ahead = long[: len(long) - len(short)]
        axes = zip(long[len(ahead) :], short, strict=True)
        merged = (*ahead, *(_common(one, other) for one, other in axes))
    return (None, *merged)


def _common(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return None
    if one != other and 1 not in (one, other):
        raise ValueError("expects inputs of one shape, apart from axes of size 1")
    return other if one == 1 else one


def _concatenate(arguments: Arguments, shapes: Any) -> Any:
    listed = several(shapes)
    if len(listed) == 1 and arguments["axis"] >= len(listed[0]):
        return known(listed[0])  # nothing is done along it
    if len({len(shape) for shape in listed}) > 1:
        raise ValueError("expects inputs with equally many axes")
    rank = len(listed[0])
    axis = axis_of(arguments["axis"], "axis", rank)
    for other in set(range(rank)) - {axis}:
        if len({shape[other] for shape in listed} - {None}) > 1:
            raise ValueError(f"expects inputs that differ along its 'axis' {axis} alone")
    sizes = [shape[axis] for shape in listed]
    whole = None if None in sizes else sum(size for size in sizes if size is not None)
    return known((*listed[0][:axis], whole, *listed[0][axis + 1 :]))


def _dot(arguments: Arguments, shapes: Any) -> Any:
    left, right = several(shapes, 2, 2)
    axes = arguments["axes"]
    if not isinstance(axes, int) and (
        not isinstance(axes, list) or len(axes) != 2 or not all(isinstance(a, int) for a in axes)
    ):
        raise not_taken("an axis, or two of them,", "axes", axes)
    pair = [axes, axes] if isinstance(axes, int) else axes
    if 0 in pair:
        raise not_taken("axes from 1 on", "axes", axes)
    along = [axis_of(a, "axes", len(s)) for a, s in zip(pair, (left, right), strict=True)]
    if left[along[0]] != right[along[1]]:
        raise ValueError(
            f"expects inputs of one size along its 'axes', {along[0]} of the first and {along[1]} "
            f"of the second"
        )
    rest = [size for i, size in enumerate(left) if i != along[0]]
    rest += [size for i, size in enumerate(right) if i not in (0, along[1])]
    return known((*rest, 1) if len(rest) == 1 else rest)


def _attention(arguments: Arguments, shapes: Any) -> Any:
    if arguments["score_mode"] not in ("dot", "concat"):
        raise not_taken("dot or concat", "score_mode", arguments["score_mode"])
    listed = several(shapes, 2, 3)
    scalars = [arguments["use_scale"], arguments["score_mode"] == "concat"]
    return known((*listed[0][:-1], listed[1][-1]), *[() for scalar in scalars if scalar])


def _additive_attention(arguments: Arguments, shapes: Any) -> Any:
    listed = several(shapes, 2, 3)
    scale = [(features(listed[0]),)] if arguments["use_scale"] else []
    return known((*listed[0][:-1], listed[1][-1]), *scale)


def _multi_head_attention(arguments: Arguments, shapes: Any) -> Any:
    heads, key_size = positive(arguments, "num_heads"), positive(arguments, "key_dim")
    given = arguments["value_dim"]
    value_size = key_size if given is None else positive(arguments, "value_dim")
    between(arguments, "dropout", 0, 1)
    if shapes is None:
        raise Unknown
    if not isinstance(shapes, dict) or not {"query", "value"} <= set(shapes):
        raise ValueError("expects a table of inputs, with 'query' and 'value'")
    query, value = shapes["query"], shapes["value"]
    key: Any = shapes.get("key", value)
    if any(not isinstance(shape, tuple) or len(shape) != 3 for shape in (query, value, key)):
        raise Unknown  # only sequences are counted here
    if value[1] != key[1]:
        raise ValueError("expects input 'key' and input 'value' of equally many steps")
    if arguments["output_shape"] is not None:
        size = arguments["output_shape"]
        output = (size,) if isinstance(size, int) else tuple(size)
    else:
        output = (features(query),)
    projections = [(query, key_size), (key, key_size), (value, value_size)]
    if arguments["use_gate"]:
        projections.append((query, value_size))
    weights = [(heads, value_size, *output), *bias(arguments, *output)]
    for shape, size in projections:
        weights += [(features(shape), heads, size), *bias(arguments, heads, size)]
    return known((*query[:-1], *output), *weights)


MERGING: dict[str, Rule] = {
    **dict.fromkeys(("Add", "Average", "Maximum", "Minimum", "Multiply"), _elementwise),
    "Subtract": _subtract,
    "Concatenate": _concatenate,
    "Dot": _dot,
    "Attention": _attention,
    "AdditiveAttention": _additive_attention,
    "MultiHeadAttention": _multi_head_attention,
}
"""The rule of each layer by its name."""
