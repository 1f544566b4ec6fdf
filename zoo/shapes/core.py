"""Rules for Keras's dense, embedding, activation, noise and normalization layers."""

from typing import Any

from zoo.shapes.forms import Arguments, Rule, Shape, Unknown, known
from zoo.shapes.reading import axis_of, between, features, not_taken, one, positive, unlisted


def low_rank(arguments: Arguments, kernel: Shape) -> list[Shape]:
    """Gives the shapes of the two factors that `lora_rank` adds beside a kernel."""
    rank = arguments.get("lora_rank")
    return [(*kernel[:-1], rank), (rank, kernel[-1])] if rank else []


def bias(arguments: Arguments, *shape: int) -> list[Shape]:
    """Gives the shape of the bias, where there is one."""
    return [shape] if arguments["use_bias"] else []


def _dense(arguments: Arguments, shapes: Any) -> Any:
    units = positive(arguments, "units")
    shape = one(shapes, least=2)
    kernel = (features(shape), units)
    added = low_rank(arguments, kernel)
    return known((*shape[:-1], units), kernel, *bias(arguments, units), *added)


def _embedding(arguments: Arguments, shapes: Any) -> Any:
    table = (positive(arguments, "input_dim"), positive(arguments, "output_dim"))
    if arguments.get("weights") is not None:
        raise Unknown
    return known((*one(shapes), table[1]), table, *low_rank(arguments, table))


def _same(_arguments: Arguments, shapes: Any) -> Any:
    return known(one(_only(shapes)))


def _only(shapes: Any) -> Any:
    # These give back whatever structure they are given.
    if isinstance(shapes, list):
        raise Unknown
    return shapes


def _ranged(shapes_rank: int | None, *ranges: tuple[str, float, float | None]) -> Rule:
    def rule(arguments: Arguments, shapes: Any) -> Any:
        for name, least, most in ranges:
            between(arguments, name, least, most)
        given = _only(shapes) if shapes_rank is None else unlisted(shapes)
        return known(one(given, shapes_rank))

    return rule


def _dropout(arguments: Arguments, shapes: Any) -> Any:
    between(arguments, "rate", 0, 1)
    noise = arguments.get("noise_shape")
    if noise is not None:
        sizes = [] if isinstance(noise, str | dict) or not hasattr(noise, "__iter__") else noise
        if not sizes or not all(isinstance(size, int) and size > 0 for size in sizes):
            raise not_taken("a list of positive integers", "noise_shape", noise)
    return _same(arguments, shapes)


def _prelu(arguments: Arguments, shapes: Any) -> Any:
    shape = one(shapes)
    slopes = list(shape[1:])
    shared = arguments["shared_axes"]
    for axis in [shared] if isinstance(shared, int) else shared or []:
        slopes[axis - 1] = 1
    for axis, size in enumerate(slopes, start=1):
        if size is None:
            raise ValueError(f"expects an input whose axis {axis} has a known size")
    return known(shape, slopes)


def _batch_normalization(arguments: Arguments, shapes: Any) -> Any:
    shape = one(shapes)
    size = features(shape, axis_of(arguments["axis"], "axis", len(shape)))
    count = 2 + sum(bool(arguments[name]) for name in ("scale", "center"))
    return known(shape, *[(size,)] * (count + 3 * bool(arguments["renorm"])))


def _layer_normalization(arguments: Arguments, shapes: Any) -> Any:
    shape = one(shapes)
    axes = _axes(arguments, shape)
    count = sum(bool(arguments[name]) for name in ("scale", "center"))
    return known(shape, *[_sizes(axes, shape) for _ in range(count)])


def _rms_normalization(arguments: Arguments, shapes: Any) -> Any:
    shape = one(shapes)
    return known(shape, _sizes(_axes(arguments, shape), shape))


def _axes(arguments: Arguments, shape: Shape) -> list[int]:
    axes = arguments["axis"]
    listed = [axes] if isinstance(axes, int) else axes or ()
    return [axis_of(axis, "axis", len(shape)) for axis in listed]


def _sizes(axes: list[int], shape: Shape) -> tuple[int, ...]:
    return tuple(features(shape, axis) for axis in axes)


def _group_normalization(arguments: Arguments, shapes: Any) -> Any:
    groups = arguments["groups"]
    if not isinstance(groups, int) or (groups <= 0 and groups != -1):
        raise not_taken("a positive integer, or -1,", "groups", groups)
    shape = one(shapes)
    size = features(shape, axis_of(arguments["axis"], "axis", len(shape)))
    if groups != -1 and size % groups:
        raise ValueError(f"expects an input whose channels its 'groups' divide, here {groups}")
    count = sum(bool(arguments[name]) for name in ("scale", "center"))
    return known(shape, *[(size,)] * count)


def _unit_normalization(arguments: Arguments, shapes: Any) -> Any:
    shape = one(_only(shapes))
    _axes(arguments, shape)
    return known(shape)


def _normalization(arguments: Arguments, shapes: Any) -> Any:
    mean, variance = arguments["mean"], arguments["variance"]
    if (mean is None) != (variance is None):
        raise ValueError("takes 'mean' and 'variance' together, or neither")
    shape = one(shapes)
    sizes = _sizes(_axes(arguments, shape), shape)
    if mean is None:
        return known(shape, sizes, sizes, ())
    if isinstance(mean, list) or isinstance(variance, list):
        _check_statistics(mean, variance, sizes)
    return known(shape)


def _check_statistics(mean: Any, variance: Any, sizes: tuple[int, ...]) -> None:
    lengths = {len(item) if isinstance(item, list) else 0 for item in (mean, variance)}
    if len(lengths) > 1:
        raise ValueError("takes a 'mean' and a 'variance' of one length")
    if len(sizes) != 1:
        raise Unknown
    if lengths.isdisjoint({1, sizes[0]}):
        raise ValueError(f"expects an input with as many features as its 'mean', {min(lengths)}")


_RATE = ("rate", 0, 1)

CORE: dict[str, Rule] = {
    "Dense": _dense,
    "Embedding": _embedding,
    **dict.fromkeys(("Activation", "ELU", "Softmax", "Masking", "Identity"), _same),
    **dict.fromkeys(("ActivityRegularization", "Rescaling"), _same),
    "LeakyReLU": _ranged(None, ("negative_slope", 0, None)),
    "ReLU": _ranged(
        None, ("max_value", 0, None), ("negative_slope", 0, None), ("threshold", 0, None)
    ),
    "PReLU": _prelu,
    "Dropout": _dropout,
    **dict.fromkeys(("AlphaDropout", "GaussianDropout"), _ranged(None, _RATE)),
    "GaussianNoise": _ranged(None, ("stddev", 0, 1)),
    **{f"SpatialDropout{n}D": _ranged(n + 2, _RATE) for n in (1, 2, 3)},
    "BatchNormalization": _batch_normalization,
    "GroupNormalization": _group_normalization,
    "LayerNormalization": _layer_normalization,
    "RMSNormalization": _rms_normalization,
    "UnitNormalization": _unit_normalization,
    "Normalization": _normalization,
}
"""The rule of each layer by its name."""
