"""The rules for metrics."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.runtime.bindings import asks_for_gradients, bind_metric
from zoo.runtime.model import BoundModel
from zoo.testing import cards, configs
from zoo.testing.modes import MODES
from zoo.testing.rules import Broken, Rule, rule
from zoo.testing.samples import Array, as_arrays, is_float, must_agree, must_be_finite
from zoo.testing.targets import PREDICTION, TargetBench

_NAME = "probe"


class MetricBench(TargetBench):
    """A metric and what it compares."""

    def metric(self) -> Any:
        """Makes the metric as the builder does; a function is averaged over the samples."""
        return self.subject.make(name=_NAME)

    def result(
        self,
        batches: Sequence[Any],
        weights: Array | None = None,
        y_pred: Array | None = None,
        metric: Any = None,
    ) -> list[Array]:
        """Updates a metric with batches of the samples, and gives its result."""
        metric = self.metric() if metric is None else metric
        state = keras.metrics.Mean() if self.subject.is_function else metric
        y_pred = self.y_pred if y_pred is None else y_pred
        for chosen in batches:
            weight = None if weights is None else weights[chosen]
            given = ops.convert_to_tensor(y_pred[chosen])
            if self.subject.is_function:
                # As Keras does, whose wrapper of a function casts what it hands on.
                given = ops.cast(given, state.dtype) if is_float(given) else given
                state.update_state(self.values(metric, chosen, given), sample_weight=weight)
            else:
                self.update(metric, chosen, given, weight)
        return as_arrays(state.result())

    def update(self, metric: Any, chosen: Any, y_pred: Any, weight: Any) -> None:
        """Updates a metric with one batch."""
        needs = {name: ops.convert_to_tensor(array[chosen]) for name, array in self.needs.items()}
        if weight is not None:
            needs["sample_weight"] = ops.convert_to_tensor(weight)
        metric.update_state(ops.convert_to_tensor(self.y_true[chosen]), y_pred, **needs)

    def bound(self) -> Any:
        """Gives the metric as a model gets it."""
        metric = bind_metric(self.metric(), {}, [PREDICTION, *self.needs], self.subject.label)
        if isinstance(metric, keras.metrics.Metric):
            return metric
        return keras.metrics.MeanMetricWrapper(metric, name=_NAME)

    def evaluated(self, mode: str) -> list[Array]:
        """Gives what a model reports, over batches of which the last is a partial one."""
        model = self.model(metrics=[self.bound()], **MODES[mode])
        found = model.evaluate(
            self.inputs(), self.y_true, batch_size=2, verbose=0, return_dict=True
        )
        return [np.asarray(value) for name, value in found.items() if name != "loss"]

    @property
    def everything(self) -> list[Any]:
        """All samples in one batch."""
        return [slice(None)]


@rule(
    "It is made with its arguments and a name, and gives finite numbers.",
    "take **kwargs in the constructor and hand them to super().__init__; say in the docstring "
    "which targets and predictions it takes, and give such as y_true and y_pred here.",
)
def made(bench: MetricBench) -> None:
    """Checks that there is something to check."""
    metric = bench.metric()
    if not bench.subject.is_function and metric.name != _NAME:
        raise Broken(f"made with name={_NAME!r} it is called {metric.name!r}")
    must_be_finite(bench.result(bench.everything), "the result")


@rule(
    "As a function, it gives one value for each sample, which are then averaged.",
    "take the mean over the last axes only, such as ops.mean(..., axis=-1).",
)
def samples(bench: MetricBench) -> None:
    """Checks the first axis of what a function returns."""
    if bench.subject.is_function:
        shape = tuple(bench.values(bench.metric()).shape)
        if shape[:1] != (len(bench.y_true),):
            raise Broken(f"for {len(bench.y_true)} samples it returns shape {shape}")


@rule(
    "Over several batches, a partial one among them, it gives what it gives for all samples at "
    "once.",
    "keep sums and counts in variables made with add_variable, add to them in update_state, and "
    "divide in result; no attribute keeps the last batch.",
)
def accumulation(bench: MetricBench) -> None:
    """Compares batches with all samples at once."""
    count = len(bench.y_true)
    whole = bench.result(bench.everything)
    parts = bench.result([slice(i, i + 2) for i in range(0, count, 2)])
    must_agree(parts, whole, "several batches differ from all samples at once")


@rule(
    "reset_state sets it back to what it was when it was made.",
    "keep all state in variables made with add_variable: Keras sets those back by itself.",
)
def reset(bench: MetricBench) -> None:
    """Compares a metric that was used and reset with a new one."""
    if bench.subject.is_function:
        return
    used = bench.metric()
    bench.result([slice(0, 2)], metric=used)
    used.reset_state()
    expected = bench.result([slice(2, None)])
    must_agree(
        bench.result([slice(2, None)], metric=used), expected, "after a reset it still knows more"
    )


@rule(
    "A sample of weight 2 counts as two, one of weight 0 not at all.",
    "take sample_weight=None in update_state and multiply each sample's share, and the count, by "
    "it.",
)
def weights(bench: MetricBench) -> None:
    """Compares weights with samples that are left out or stand there twice."""
    count = len(bench.y_true)
    given = np.ones(count, "float32")
    given[0], given[1] = 2.0, 0.0
    chosen = np.array([0, 0, *range(2, count)])
    must_agree(
        bench.result(bench.everything, given),
        bench.result([chosen]),
        "weights 2 and 0 differ from a sample twice and one left out",
    )


@rule(
    "Eager, as a graph, and compiled by XLA it gives the same.",
    "write it in keras.ops alone: no NumPy on tensors, no Python branch on their values.",
)
def jit(bench: MetricBench) -> None:
    """Compares the ways in which Keras runs a model."""
    expected = bench.result(bench.everything)
    for mode in MODES:
        must_agree(bench.evaluated(mode), expected, f"{mode} differs from one call by hand", 1e-4)


@rule(
    "With predictions in bfloat16 it stays finite and close.",
    "cast what it is given to self.dtype before it is summed.",
)
def precision(bench: MetricBench) -> None:
    """Compares rounded predictions with the same in bfloat16."""
    if not is_float(bench.y_pred):
        return
    narrow = ops.cast(bench.y_pred, "bfloat16")
    expected = bench.result(bench.everything, y_pred=as_arrays(ops.cast(narrow, "float32"))[0])
    found = bench.result(bench.everything, y_pred=as_arrays(narrow)[0])
    must_be_finite(found, "the result")
    must_agree(found, expected, "it is far from the float32 result", 0.05)


@rule(
    "A model that is compiled with it comes back from a .keras file and reports the same.",
    "register it with Keras, and let get_config return every argument.",
)
def saved(bench: MetricBench) -> None:
    """Saves a compiled model and loads it."""
    model = bench.model(metrics=[bench.bound()], run_eagerly=True)
    before = _evaluated(model, bench)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.keras"
        model.save(file)
        loaded = keras.saving.load_model(file)
    loaded.run_eagerly = True
    must_agree(_evaluated(loaded, bench), before, "the loaded model reports another value")


def _evaluated(model: Any, bench: MetricBench) -> list[float]:
    found = model.evaluate(bench.inputs(), bench.y_true, verbose=0, return_dict=True)
    return [value for name, value in found.items() if name != "loss"]


@rule(
    "In a training it is reported, finite, the same each epoch of the same gradients, and the same "
    "eager, as a graph, and compiled by XLA.",
    "keep sums and counts in variables made with add_variable; write update_state in keras.ops "
    "alone.",
)
def training(bench: MetricBench) -> None:
    """Trains a small model without moving it, which gives every epoch the same gradients."""
    random = np.random.default_rng(bench.subject.seed)
    x, y = random.normal(size=(6, 3)), random.normal(size=(6, 2))
    found = {}
    for mode, options in MODES.items():
        keras.utils.set_random_seed(bench.subject.seed)
        inputs = keras.Input((3,), name="x")
        model = BoundModel(inputs=inputs, outputs=keras.layers.Dense(2)(inputs))
        metric = bench.metric()
        model.compile(keras.optimizers.SGD(0.0), "mse", metrics=[metric], **options)
        history = model.fit(x, y, batch_size=6, epochs=2, shuffle=False, verbose=0).history
        values = [history[name] for name in history if name != "loss"]
        if not values:
            raise Broken("the history of the training does not have it")
        must_be_finite([np.asarray(values)], "the history")
        first, second = zip(*values, strict=True)
        must_agree(second, first, "the second epoch differs from the first")
        found[mode] = first
        must_agree(first, found["eager"], f"{mode} differs from eager", 1e-4)


RULES = (
    made,
    configs.config,
    configs.serialization,
    cards.card,
    samples,
    accumulation,
    reset,
    weights,
    jit,
    precision,
    saved,
)
RULES_WITH_GRADIENTS = (configs.config, configs.serialization, cards.card, training)


def rules_for(bench: MetricBench) -> tuple[Rule, ...]:
    """Gives the rules: those of a metric that asks for gradients are of the training step."""
    asks = asks_for_gradients(bench.bound())
    return RULES_WITH_GRADIENTS if asks else RULES
