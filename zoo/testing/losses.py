"""The rules for losses."""

import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.runtime.bindings import bind_loss
from zoo.runtime.needs import called
from zoo.testing import cards, configs
from zoo.testing.gradients import must_match_differences
from zoo.testing.modes import MODES, policy
from zoo.testing.rules import Broken, rule
from zoo.testing.samples import Array, as_arrays, is_float, must_agree, must_be_finite
from zoo.testing.targets import PREDICTION, TargetBench, must_be_given


class LossBench(TargetBench):
    """A loss and what it compares."""

    def loss(self, **extra: Any) -> Any:
        """Makes the loss as the builder does."""
        return self.subject.make(**extra)

    def total(
        self,
        mode: str,
        y_pred: Array | None = None,
        weights: Array | None = None,
        loss: Any = None,
    ) -> float:
        """Gives the loss that a model reports for the batch."""
        loss = self.loss() if loss is None else loss
        bound = bind_loss(loss, {}, [PREDICTION, *self.needs], self.subject.label)
        model = self.model(loss=bound, **MODES[mode])
        return _reported(model, self.inputs(y_pred), self.y_true, weights)


def _reported(model: Any, inputs: Any, y_true: Any, weights: Any = None) -> float:
    found = model.test_on_batch(inputs, y_true, sample_weight=weights, return_dict=True)
    return float(found["loss"])


@rule(
    "It is made with its arguments, and gives finite numbers.",
    "say in the docstring which targets and predictions it takes, and give such as y_true and "
    "y_pred here.",
)
def made(bench: LossBench) -> None:
    """Checks that there is something to check."""
    must_be_finite(as_arrays(bench.values(bench.loss())), "the loss")


@rule(
    "It gives one value for each sample: with a scalar, Keras ignores sample_weight in silence.",
    "take the mean over the last axes only, such as ops.mean(..., axis=-1).",
)
def samples(bench: LossBench) -> None:
    """Checks the first axis of what it returns."""
    shape = tuple(bench.values(bench.loss()).shape)
    if not shape:
        raise Broken("it returns a scalar")
    if shape[0] != len(bench.y_true):
        raise Broken(f"for {len(bench.y_true)} samples it returns shape {shape}")


@rule(
    "A sample's value does not depend on the batch that it is in.",
    "normalize over the axes of a sample, never over the batch.",
)
def batch(bench: LossBench) -> None:
    """Compares a batch with its rows."""
    loss = bench.loss()
    whole = as_arrays(bench.values(loss))
    parts = [as_arrays(bench.values(loss, slice(i, i + 1))) for i in range(len(bench.y_true))]
    together = [np.concatenate(pieces) for pieces in zip(*parts, strict=True)]
    must_agree(together, whole, "samples one by one differ from the batch")


@rule(
    "sample_weight weighs the samples, and a weight of 0 removes one.",
    "return a value per sample and leave the weighting to Keras, or take sample_weight without a "
    "default and weigh every sample by it.",
)
def weights(bench: LossBench) -> None:
    """Compares a weighted loss with the weighted sum of its values."""
    loss = bench.loss()
    given = bench.weights
    weighted = bench.total("eager", weights=given)
    other = bench.y_pred.copy()
    other[1] = bench.y_pred[0]
    changed = bench.total("eager", other, given)
    must_agree([changed], [weighted], "the prediction of a sample of weight 0 changes the loss")
    if must_be_given(called(loss), "sample_weight"):
        return  # how it weighs is its own affair
    values = as_arrays(bench.values(loss))[0].astype("float64")
    given = given.reshape(-1, *(1,) * (values.ndim - 1))
    expected = {
        "sum": np.sum(values * given),
        "mean_with_sample_weight": np.sum(values * given) / np.sum(given + 0 * values),
    }.get(getattr(loss, "reduction", ""), np.mean(values * given))
    must_agree([weighted], [expected], "the weighted loss is not that of its values")


@rule(
    "Eager, as a graph, and compiled by XLA it gives the same.",
    "write it in keras.ops alone: no NumPy on tensors, no Python branch on their values.",
)
def jit(bench: LossBench) -> None:
    """Compares the ways in which Keras runs a model."""
    expected = bench.total("eager")
    for mode in MODES:
        must_agree([bench.total(mode)], [expected], f"{mode} differs from eager", 1e-4)


@rule(
    "With predictions in bfloat16 it stays finite and close.",
    "compute sums in float32 or wider, and return that.",
)
def precision(bench: LossBench) -> None:
    """Compares the loss of rounded predictions in mixed precision with that in float32."""
    if not is_float(bench.y_pred):
        return
    rounded = as_arrays(ops.cast(ops.cast(bench.y_pred, "bfloat16"), "float32"))[0]
    expected = bench.total("eager", rounded)
    with policy("mixed_bfloat16"):
        loss = bench.loss()
        bound = bind_loss(loss, {}, [PREDICTION, *bench.needs], bench.subject.label)
        model = bench.model("mixed_bfloat16", loss=bound, run_eagerly=True)
        found = _reported(model, bench.inputs(), bench.y_true)
    must_be_finite([np.asarray(found)], "the loss")
    must_agree([found], [expected], "it is far from the float32 loss", 0.05)


@rule(
    "Its gradient by the predictions is that of central differences in float64.",
    "keep to differentiable keras.ops; guard square roots and divisions against 0 before, not "
    "after them. Where it is not smooth on purpose, skip this rule.",
)
def gradient(bench: LossBench) -> None:
    """Compares the gradient with finite differences."""
    if not is_float(bench.y_pred):
        return
    loss = bench.loss(dtype="float64")
    wide = LossBench(bench.subject, *(_wide((bench.y_true, bench.y_pred, dict(bench.needs)))))
    prediction = keras.Variable(wide.y_pred, dtype="float64")

    def results() -> list[Any]:
        return [wide.values(loss, y_pred=prediction + 0)]

    must_match_differences(results, {"the predictions": prediction}, bench.subject.seed, away=False)


@rule(
    "A model that is compiled with it comes back from a .keras file and reports the same.",
    "register it with Keras, and let get_config return every argument.",
)
def saved(bench: LossBench) -> None:
    """Saves a compiled model and loads it."""
    bound = bind_loss(bench.loss(), {}, [PREDICTION, *bench.needs], bench.subject.label)
    model = bench.model(loss=bound, run_eagerly=True)
    before = _reported(model, bench.inputs(), bench.y_true, bench.weights)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.keras"
        model.save(file)
        loaded = keras.saving.load_model(file)
    loaded.run_eagerly = True
    after = _reported(loaded, bench.inputs(), bench.y_true, bench.weights)
    must_agree([after], [before], "the loaded model reports another loss")


def _wide(arrays: Any) -> Any:
    return keras.tree.map_structure(
        lambda array: array.astype("float64") if array.dtype.kind == "f" else array, arrays
    )


RULES = (
    made,
    configs.config,
    configs.serialization,
    cards.card,
    samples,
    batch,
    weights,
    jit,
    precision,
    gradient,
    saved,
)
