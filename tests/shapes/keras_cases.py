"""Random arguments and inputs for Keras's layers; most fit, some do not."""

import math
import random
from collections.abc import Callable
from typing import Any

Case = tuple[dict[str, Any], Any]
"""The arguments, and the shapes without batch: one, a list of them, or a table of them."""


class Draw:
    """Draws arguments and shapes; most fit, some do not."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)

    def one(self, *values: Any) -> Any:
        return self.random.choice(values)

    def size(self) -> int:
        return self.random.randint(1, 9)

    def count(self, number: int, *, most: int = 3, least: int = 1) -> Any:
        """An integer or a list of them, as `kernel_size` takes it; seldom a wrong one."""
        least -= self.random.random() < 0.05
        if self.random.random() < 0.05:
            number += 1
        draw = [self.random.randint(least, most) for _ in range(number)]
        return draw[0] if self.random.random() < 0.5 else draw

    def shape(self, rank: int, *, any_size: bool = True) -> list[int | None]:
        """A shape without batch, as a rule of that rank; seldom of another, or of unknown size."""
        if self.random.random() < 0.08:
            rank = max(rank + self.one(-1, 1), 0)
        shape: list[int | None] = [self.size() for _ in range(rank)]
        for axis in range(len(shape)):
            if any_size and self.random.random() < 0.1:
                shape[axis] = None
        return shape

    def some(self, **values: tuple[Any, ...]) -> dict[str, Any]:
        """Some of the arguments, each with one of its values."""
        return {
            name: self.one(*choices)
            for name, choices in values.items()
            if self.random.random() < 0.6
        }


def _layout(draw: Draw) -> dict[str, Any]:
    return draw.some(data_format=("channels_last", "channels_first"))


def _dense(draw: Draw) -> Case:
    arguments = {"units": draw.one(1, 3, 8, -1, 0)}
    more = draw.some(use_bias=(True, False), lora_rank=(2, 3))
    return arguments | more, draw.shape(draw.one(1, 2, 3, 0))


def _embedding(draw: Draw) -> Case:
    arguments = {"input_dim": draw.one(5, 1, 0), "output_dim": draw.one(3, 2, -2)}
    return arguments | draw.some(lora_rank=(2,)), draw.shape(draw.one(0, 1, 2))


def _plain(**arguments: Any) -> Callable[[Draw], Case]:
    def draw_case(draw: Draw) -> Case:
        drawn = {name: draw.one(*values) for name, values in arguments.items()}
        return drawn, draw.shape(draw.one(1, 2, 3))

    return draw_case


def _optional(ranks: tuple[int, ...] = (1, 2, 3), **arguments: Any) -> Callable[[Draw], Case]:
    return lambda draw: (draw.some(**arguments), draw.shape(draw.one(*ranks)))


def _spatial(rank: int) -> Callable[[Draw], Case]:
    return lambda draw: ({"rate": draw.one(0.1, 0.5, 1.5)}, draw.shape(rank))


_AXES = (-1, 1, 2, 0, -3, 5)
_SCALED = {"scale": (True, False), "center": (True, False)}


def _groups(draw: Draw) -> Case:
    arguments = draw.some(groups=(1, 2, 3, -1, 0), axis=(-1, 1), **_SCALED)
    return arguments, draw.shape(draw.one(2, 3))


def _normalization(draw: Draw) -> Case:
    arguments = draw.some(axis=(-1, 1, 0, 4, [1, 2]))
    statistics = draw.one({}, {"mean": 1.0, "variance": 2.0}, {"mean": 1.0})
    lists = {"mean": [1.0, 2.0], "variance": draw.one([1.0, 2.0], [1.0])}
    return arguments | draw.one(statistics, lists), draw.shape(draw.one(1, 2, 3))


def _convolution(n: int, kind: str) -> Callable[[Draw], Case]:
    def draw_case(draw: Draw) -> Case:
        arguments = {"kernel_size": draw.count(n), **_layout(draw)}
        arguments |= draw.some(
            padding=("same", "valid", "SAME", "causal"),
            strides=(1, draw.count(n)),
            dilation_rate=(1, draw.count(n, most=2)),
            use_bias=(True, False),
        )
        if kind != "depthwise":
            arguments["filters"] = draw.one(1, 2, 6, -1)
        if kind in ("depthwise", "separable"):
            arguments |= draw.some(depth_multiplier=(1, 2, 0))
        if kind == "transposed":
            arguments |= draw.some(output_padding=(0, draw.count(n, most=1, least=0)))
        if kind == "plain":
            arguments |= draw.some(groups=(1, 2, 3), lora_rank=(2,))
        return arguments, draw.shape(n + 1)

    return draw_case


def _pooling(n: int) -> Callable[[Draw], Case]:
    def draw_case(draw: Draw) -> Case:
        arguments = draw.some(
            pool_size=(draw.count(n),), strides=(draw.count(n),), padding=("same", "valid", "Same")
        )
        return arguments | _layout(draw), draw.shape(n + 1)

    return draw_case


def _global_pooling(n: int) -> Callable[[Draw], Case]:
    return lambda draw: (draw.some(keepdims=(True, False)) | _layout(draw), draw.shape(n + 1))


def _adaptive_pooling(n: int) -> Callable[[Draw], Case]:
    def draw_case(draw: Draw) -> Case:
        size = [draw.size() for _ in range(n)]
        return {"output_size": draw.one(size[0], size)} | _layout(draw), draw.shape(n + 1)

    return draw_case


def _reshape(draw: Draw) -> Case:
    shape = [draw.size() for _ in range(draw.one(1, 2, 3))]
    count = math.prod(shape)
    target = draw.one([count], [-1], [1, count], [2, -1], [-1, 3], [count + 1], [-1, -1], [-2], [])
    return {"target_shape": target}, [*shape[:-1], draw.one(shape[-1], shape[-1], None)]


def _permute(draw: Draw) -> Case:
    rank = draw.one(1, 2, 3)
    order = draw.random.sample(range(1, rank + 1), rank)
    return {"dims": draw.one(order, order, [*order, 1])}, draw.shape(rank)


def _repeat(draw: Draw) -> Case:
    return {"n": draw.one(1, 4, 0)}, draw.shape(1)


def _resized(n: int, name: str) -> Callable[[Draw], Case]:
    def draw_case(draw: Draw) -> Case:
        least = 1 if name == "size" else 0
        value: Any = draw.count(n, least=least)
        if name != "size":
            ends = [[draw.one(0, 1, 2), draw.one(0, 1, 2)] for _ in range(n)]
            value = draw.one(draw.size() // 3, ends[0] if n == 1 else ends)
        has_layout = n > 1 or name == "padding"
        arguments = draw.some(**{name: (value,)}) | (_layout(draw) if has_layout else {})
        return arguments, draw.shape(n + 1)

    return draw_case


def _merged(draw: Draw) -> Case:
    shape = draw.shape(draw.one(0, 1, 2, 3))
    shapes = []
    for _ in range(draw.one(1, 2, 2, 2, 3)):
        other = [draw.one(size, size, 1, draw.size(), None) for size in shape]
        shapes.append(draw.one(shape, shape, other, other[1:]))
    return {}, draw.one(shapes, shapes, shapes, shapes, shapes[0])


def _concatenated(draw: Draw) -> Case:
    shape = draw.shape(draw.one(1, 2, 3))
    axis = draw.one(-1, -1, 1, 2, 0, 4, -5)
    shapes = []
    for _ in range(draw.one(1, 2, 3)):
        other = list(shape)
        if 0 < axis <= len(shape):
            other[axis - 1] = draw.size()
        elif axis == -1:
            other[-1:] = [draw.size()] if shape else []
        shapes.append(draw.one(other, other, other, draw.shape(len(shape))))
    return {"axis": axis}, shapes


def _dotted(draw: Draw) -> Case:
    size = draw.size()
    left, right = [size, draw.size()], [draw.size(), size]
    axes = draw.one([1, 2], [1, -1], [2, 1], 1, -1, 2, [1, 2, 3], 5)
    pair = draw.one([left, right], [left, right], [[size], [size]], [left], [[size], left])
    return {"axes": axes}, pair


def _attended(draw: Draw) -> Case:
    width = draw.size()
    shapes = [[draw.size(), width] for _ in range(draw.one(1, 2, 2, 3, 3, 4))]
    return draw.some(use_scale=(True, False)), shapes


def _scored(draw: Draw) -> Case:
    arguments, shapes = _attended(draw)
    return arguments | draw.some(score_mode=("dot", "concat", "none")), shapes


def _multi_head(draw: Draw) -> Case:
    arguments = {"num_heads": draw.one(1, 2, 0), "key_dim": draw.one(1, 3)}
    arguments |= draw.some(
        value_dim=(2, 4), use_bias=(True, False), output_shape=(5, [6]), use_gate=(True, False)
    )
    steps = draw.size()
    shapes = {"query": draw.shape(2, any_size=False), "value": [steps, draw.size()]}
    if draw.one(True, False):
        shapes["key"] = [draw.one(steps, steps, steps + 1), draw.size()]
    return arguments, draw.one(shapes, shapes, shapes, list(shapes.values()), shapes["value"])


def _recurrent(draw: Draw) -> Case:
    arguments = {"units": draw.one(1, 2, 3, 0)}
    arguments |= draw.some(
        return_sequences=(True, False), return_state=(True, False), use_bias=(True, False)
    )
    return arguments | draw.one({}, {}, {}, {"stateful": True}), draw.shape(2)


def _gated(draw: Draw) -> Case:
    arguments, shape = _recurrent(draw)
    return arguments | draw.some(reset_after=(True, False)), shape


def _inner(kind: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, **arguments}


def _both_ways(draw: Draw) -> Case:
    arguments, shape = _recurrent(draw)
    layer = _inner(draw.one("LSTM", "GRU", "SimpleRNN"), arguments)
    given = {"layer": layer, **draw.some(merge_mode=("concat", "sum", "ave", "mul", "max"))}
    if draw.random.random() < 0.2:
        given["backward_layer"] = {**layer, "go_backwards": True}
    return given, shape


def _each_step(draw: Draw) -> Case:
    kind = draw.one("Dense", "Conv1D", "Flatten", "LSTM")
    more = {"units": 3} if kind in ("Dense", "LSTM") else {}
    more |= {"filters": 2, "kernel_size": 2} if kind == "Conv1D" else {}
    return {"layer": _inner(kind, more)}, draw.shape(draw.one(2, 3), any_size=False)


_RATE = (0.0, 0.3, 1, 1.5, -0.1)

CASES: dict[str, Callable[[Draw], Case]] = {
    "Dense": _dense,
    "Embedding": _embedding,
    "Activation": _plain(activation=("relu", "tanh")),
    **dict.fromkeys(("Masking", "Identity"), _plain()),
    "ELU": _optional(alpha=(0.5, 2.0)),
    "Softmax": _optional(axis=(-1, 1)),
    "ActivityRegularization": _optional(l1=(0.1,)),
    "Rescaling": _plain(scale=(0.5, 2)),
    "LeakyReLU": _optional(negative_slope=(0.1, -0.1)),
    "ReLU": _optional(max_value=(6, -1), negative_slope=(0.1, -0.1), threshold=(0.2, -0.2)),
    "PReLU": _optional(shared_axes=([1], [1, 2], [3], [5])),
    "Dropout": lambda d: (
        {"rate": d.one(*_RATE)} | d.some(noise_shape=([1, 2], [0, 1], "a")),
        d.shape(2),
    ),
    **dict.fromkeys(("AlphaDropout", "GaussianDropout"), _plain(rate=_RATE)),
    "GaussianNoise": _plain(stddev=_RATE),
    **{f"SpatialDropout{n}D": _spatial(n + 1) for n in (1, 2, 3)},
    "BatchNormalization": _optional(axis=_AXES, renorm=(True, False), **_SCALED),
    "LayerNormalization": _optional(axis=(*_AXES, [1, 2]), **_SCALED),
    "RMSNormalization": _optional(axis=(*_AXES, [1, 2])),
    "GroupNormalization": _groups,
    "UnitNormalization": _optional(axis=(*_AXES, [1, 2])),
    "Normalization": _normalization,
    **{f"Conv{n}D": _convolution(n, "plain") for n in (1, 2, 3)},
    **{f"Conv{n}DTranspose": _convolution(n, "transposed") for n in (1, 2, 3)},
    **{f"DepthwiseConv{n}D": _convolution(n, "depthwise") for n in (1, 2)},
    **{f"SeparableConv{n}D": _convolution(n, "separable") for n in (1, 2)},
    **{f"{kind}Pooling{n}D": _pooling(n) for kind in ("Max", "Average") for n in (1, 2, 3)},
    **{
        f"{prefix}{kind}Pooling{n}D": make(n)
        for prefix, make in (("Global", _global_pooling), ("Adaptive", _adaptive_pooling))
        for kind in ("Max", "Average")
        for n in (1, 2, 3)
    },
    "Flatten": lambda d: (_layout(d), d.shape(d.one(0, 1, 2, 3))),
    "Reshape": _reshape,
    "Permute": _permute,
    "RepeatVector": _repeat,
    **{f"UpSampling{n}D": _resized(n, "size") for n in (1, 2, 3)},
    **{f"ZeroPadding{n}D": _resized(n, "padding") for n in (1, 2, 3)},
    **{f"Cropping{n}D": _resized(n, "cropping") for n in (1, 2, 3)},
    **dict.fromkeys(("Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract"), _merged),
    "Concatenate": _concatenated,
    "Dot": _dotted,
    "Attention": _scored,
    "AdditiveAttention": _attended,
    "MultiHeadAttention": _multi_head,
    "LSTM": _recurrent,
    "GRU": _gated,
    "SimpleRNN": _recurrent,
    "Bidirectional": _both_ways,
    "TimeDistributed": _each_step,
}
