"""A training step of a model from a config against the same model in hand-written Keras."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

import zoo
from benchmarks.speed.timing import Figure, in_words, paired_ratio, rounds_of
from zoo_weighted_loss import WeightedMSE

STATES, OBSERVATIONS, FILTERS, BATCH = 40, 20, 64, 32
ANCHOR = "the same model, hand-written, in Keras's fit"

_CONFIG = """
zoo = 1
name = "step"
[[inputs]]
name = "x"
shape = [40, 20]
[[inputs]]
name = "weights"
shape = [40, 20]
{layers}
[loss]
type = "weighted_mse"
[[metrics]]
type = "MeanAbsoluteError"
[[metrics]]
type = "RootMeanSquaredError"
{more}
[optimizer]
type = "Adam"
[train]
jit_compile = {jit}
"""
_LAYER = """
[[layers]]
name = "{name}"
type = "Conv1D"
inputs = "{above}"
filters = {filters}
kernel_size = 5
padding = "same"
activation = "{activation}"
"""


def _config(jit: bool, more: str = "") -> str:
    above, layers = "x", ""
    for name, filters in (*((f"conv{i}", FILTERS) for i in range(4)), ("out", OBSERVATIONS)):
        activation = "linear" if name == "out" else "relu"
        layers += _LAYER.format(name=name, above=above, filters=filters, activation=activation)
        above = name
    return _CONFIG.format(layers=layers, more=more, jit=str(jit).lower())


class ByHand(keras.Model):  # type: ignore[misc]
    """What one writes where the loss needs an input: the same loss, called with it."""

    weighted = WeightedMSE()

    def compute_loss(self, x: Any, y: Any, y_pred: Any, *_: Any, **__: Any) -> Any:
        return ops.mean(self.weighted.call(y, y_pred, x["weights"]))


def _by_hand(jit: bool) -> Any:
    x, weights = keras.Input((40, 20), name="x"), keras.Input((40, 20), name="weights")
    hidden = x
    for _ in range(4):
        hidden = keras.layers.Conv1D(FILTERS, 5, padding="same", activation="relu")(hidden)
    out = keras.layers.Conv1D(OBSERVATIONS, 5, padding="same")(hidden)
    model = ByHand(inputs={"x": x, "weights": weights}, outputs=out)
    metrics = [keras.metrics.MeanAbsoluteError(), keras.metrics.RootMeanSquaredError()]
    model.compile("adam", None, metrics=metrics, jit_compile=jit)
    return model


def _from_config(folder: Path, jit: bool, more: str = "") -> Any:
    path = folder / "step.toml"
    path.write_text(_config(jit, more))
    return zoo.build(path)


def _epochs(model: Any, steps: int) -> Callable[[], object]:
    random = np.random.default_rng(0)
    x, weights, y = random.random((3, BATCH * steps, STATES, OBSERVATIONS), np.float32)
    inputs = {"x": x, "weights": weights}
    return lambda: model.fit(inputs, y, batch_size=BATCH, shuffle=False, verbose=0)


def measure(full: bool) -> Iterator[Figure]:
    """Times epochs of both in turn, with and without XLA, and with a metric on gradients."""
    steps, rounds = (200, 21) if full else (100, 9)
    norm = '[[metrics]]\ntype = "GradientNorm"\n'
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "registry.toml").write_text("format = 1\n")
        for jit in (False, True):
            acts = {
                "by hand": _epochs(_by_hand(jit), steps),
                "zoo": _epochs(_from_config(folder, jit), steps),
                "zoo with GradientNorm": _epochs(_from_config(folder, jit, norm), steps),
            }
            times = rounds_of(acts, rounds, warm_up=2)
            how = "XLA" if jit else "no XLA"
            for ours, goal in (("zoo", 1.02), ("zoo with GradientNorm", 1.05)):
                what = f"training step, {how}" + ours.removeprefix("zoo").replace(" with", ", with")
                ratio = paired_ratio(times, ours, "by hand")
                yield Figure(what, ANCHOR, ratio, goal, detail=in_words(times, steps))
