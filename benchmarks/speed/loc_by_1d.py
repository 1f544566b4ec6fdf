"""The layer Loc_by_1D against the least that its reads and writes take."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.speed.timing import Act, Figure, in_words, paired_ratio, rounds_of
from zoo_localization.layers import LocBy1D

SIZES = ((32, 960, 240), (1, 960, 240), (4, 3840, 960))
"""Batch, states, observations."""

FORWARD = "NumPy reads the gain and writes a new array"
BOTH = "the same, and NumPy reads the gain and another array"


def _gradient(layer: LocBy1D, gain: Any, vector: Any, upstream: Any) -> Any:
    with tf.GradientTape() as tape:
        tape.watch(vector)
        out = layer([gain, vector])
    return out, tape.gradient(out, vector, upstream)


def _forward(layer: LocBy1D, gain: Any, vector: Any) -> Any:
    return layer([gain, vector])


def _floors(gain: Any, upstream: Any) -> dict[str, Act]:
    def forward() -> None:
        np.multiply(gain, np.float32(2))

    def both() -> None:
        np.multiply(gain, np.float32(2))
        np.vdot(gain, upstream)

    return {FORWARD: forward, BOTH: both}


def _ended(function: Callable[..., Any], *arguments: Any) -> Act:
    # A view of a result waits for it; `.numpy()` would copy it besides.
    return lambda: tf.nest.map_structure(memoryview, function(*arguments))


def measure(full: bool) -> Iterator[Figure]:
    """Times the layer against NumPy, which only reads and writes as much, by one thread.

    Forward reads the gain and writes its result, into memory that is new as the layer's is.
    Backward reads the gain and what comes from above; what it writes, a vector, is small.
    """
    tf.config.threading.set_intra_op_parallelism_threads(1)
    random = np.random.default_rng(0)
    for batch, size, nobs in SIZES:
        gain, upstream = random.standard_normal((2, batch, size, nobs)).astype(np.float32)
        given = tf.constant(gain)
        vector = tf.constant(random.random((batch, size // 2 + 1), np.float32))
        layer = LocBy1D(size // nobs)
        layer([given, vector])
        doubled = tf.function(lambda gain: 2 * gain, jit_compile=True)
        acts = _floors(gain, upstream)
        acts["doubling by XLA"] = _ended(doubled, given)
        for how, jit in (("XLA", True), ("no XLA", False)):
            compiled = tf.function(partial(_forward, layer), jit_compile=jit)
            acts[f"forward, {how}"] = _ended(compiled, given, vector)
        both = tf.function(partial(_gradient, layer), jit_compile=True)
        acts["forward and backward, XLA"] = _ended(both, given, vector, tf.constant(upstream))
        times = rounds_of(acts, 31 if full else 15, warm_up=3)
        where = f"batch {batch}, N={size}, nobs={nobs}"
        for name, anchor, goal in (
            ("forward, XLA", FORWARD, 1.5),
            ("forward, no XLA", FORWARD, 4.0),
            ("forward and backward, XLA", BOTH, 2.5),
        ):
            ratio = paired_ratio(times, name, anchor)
            detail = in_words({key: times[key] for key in (name, anchor, "doubling by XLA")})
            what = f"Loc_by_1D {name}, {where}"
            yield Figure(what, anchor, ratio, goal, detail=detail)
