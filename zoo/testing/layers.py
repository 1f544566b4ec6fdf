"""The rules for layers."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.testing import cards, configs
from zoo.testing.gradients import must_match_differences
from zoo.testing.modes import MODES, policy
from zoo.testing.rules import Broken, rule
from zoo.testing.samples import (
    Array,
    as_arrays,
    count_of,
    is_float,
    must_agree,
    must_be_finite,
    rows,
)
from zoo.testing.subject import Subject


@dataclass(frozen=True)
class LayerBench:
    """A layer and what it is called with.

    Attributes:
        subject: The layer.
        inputs: An array, a list of arrays that one call takes, or a dict of keyword arguments.
    """

    subject: Subject
    inputs: Any

    def layer(self) -> Any:
        """Makes the layer as the builder does: with the node's name."""
        return self.subject.make(name="probe")

    def call(self, layer: Any, inputs: Any, *, training: bool = False) -> Any:
        """Calls the layer."""
        if isinstance(inputs, Mapping):
            return layer(**inputs, training=training)
        return layer(inputs, training=training)

    def model(self, layer: Any) -> Any:
        """Makes a model of the layer alone."""
        symbols = keras.tree.map_structure(_input, self.inputs)
        outputs = layer(**symbols) if isinstance(symbols, Mapping) else layer(symbols)
        return keras.Model(_alone(keras.tree.flatten(symbols)), outputs)

    def predict(self, model: Any, inputs: Any) -> list[Array]:
        """Runs the model on one batch."""
        return as_arrays(model.predict_on_batch(_alone(keras.tree.flatten(inputs))))


def _input(array: Array) -> Any:
    dtype = "string" if array.dtype.kind in "SUO" else array.dtype.name
    return keras.Input(array.shape[1:], dtype=dtype)


def _alone(items: list[Any]) -> Any:
    return items if len(items) > 1 else items[0]


@rule(
    "It is made with its arguments and the name of its node, and gives finite numbers.",
    "take **kwargs in the constructor and hand them to super().__init__.",
)
def made(bench: LayerBench) -> None:
    """Checks that there is something to check."""
    layer = bench.layer()
    if layer.name != "probe":
        raise Broken(f"made with name='probe' it is called {layer.name!r}")
    must_be_finite(as_arrays(bench.call(layer, bench.inputs)), "what it returns")


@rule(
    "The shape that the model is built with is the shape that comes out, for any batch size.",
    "let compute_output_shape say what call does, or leave it out; take the batch size from "
    "ops.shape(x)[0] inside call, never from an argument.",
)
def shape(bench: LayerBench) -> None:
    """Compares symbolic shapes and dtypes with those of real results."""
    layer = bench.layer()
    model = bench.model(layer)
    for count in (count_of(bench.inputs), 1):
        real = keras.tree.flatten(bench.call(layer, rows(bench.inputs, slice(0, count))))
        for symbol, tensor in zip(keras.tree.flatten(model.output), real, strict=True):
            if symbol.shape and symbol.shape[0] is not None:
                raise Broken(f"the model was built for batches of {symbol.shape[0]} alone")
            pairs = zip(symbol.shape, tensor.shape, strict=False)
            fits = len(symbol.shape) == len(tensor.shape) and all(s in (None, t) for s, t in pairs)
            if not fits:
                raise Broken(
                    f"with {count} samples it gives shape {tuple(tensor.shape)}; the model was "
                    f"built with {tuple(symbol.shape)}"
                )
            if symbol.dtype != keras.backend.standardize_dtype(tensor.dtype):
                raise Broken(f"it gives {tensor.dtype}; the model was built with {symbol.dtype}")


@rule(
    "A batch gives what its samples give one by one, be it one sample or a partial batch.",
    "name the axes in squeeze, sum and mean: never the first, which is the batch; take the batch "
    "size from ops.shape(x)[0].",
)
def batch(bench: LayerBench) -> None:
    """Compares a batch with its rows and with a part of it."""
    model = bench.model(bench.layer())
    count = count_of(bench.inputs)
    whole = bench.predict(model, bench.inputs)
    for size, what in ((1, "samples one by one differ from the batch"), (3, "batches of 3 differ")):
        parts = [
            bench.predict(model, rows(bench.inputs, slice(start, start + size)))
            for start in range(0, count, size)
        ]
        if any(array.ndim == 0 for part in parts for array in part):
            raise Broken(f"{what}: a batch of {size} has lost its batch axis")
        together = [np.concatenate(pieces) for pieces in zip(*parts, strict=True)]
        must_agree(together, whole, what)


@rule(
    "Eager, as a graph, and compiled by XLA it gives the same.",
    "write call in keras.ops alone: no NumPy on tensors, no Python branch on their values, no "
    "state in attributes. Where XLA cannot, set self.supports_jit = False.",
)
def jit(bench: LayerBench) -> None:
    """Compares the ways in which Keras runs a model."""
    layer = bench.layer()
    model = bench.model(layer)
    results = {}
    for mode, options in MODES.items():
        if mode == "jit" and not layer.supports_jit:
            continue
        model.compile(**options)
        results[mode] = bench.predict(model, bench.inputs)
        must_agree(results[mode], results["eager"], f"{mode} differs from eager", 1e-4)


@rule(
    "Under mixed_bfloat16 its weights are float32, its results bfloat16, and close.",
    "compute in self.compute_dtype: cast constants to the dtype of the inputs, and sums that were "
    "made in float32 back to self.compute_dtype.",
)
def precision(bench: LayerBench) -> None:
    """Runs the layer in mixed precision, beside one in float32 with the same weights."""
    plain = bench.layer()
    expected = keras.tree.flatten(bench.call(plain, bench.inputs))
    with policy("mixed_bfloat16"):
        layer = bench.layer()
        found = keras.tree.flatten(bench.call(layer, bench.inputs))
    for weight in layer.weights:
        if is_float(weight) and weight.dtype != "float32":
            raise Broken(f"its weight {weight.path} is {weight.dtype}")
    for tensor, reference in zip(found, expected, strict=True):
        dtype = keras.backend.standardize_dtype(tensor.dtype)
        if is_float(reference) and dtype != layer.compute_dtype:
            raise Broken(f"it gives {dtype} where its compute dtype is {layer.compute_dtype}")
    must_agree(as_arrays(found), as_arrays(expected), "it is far from the float32 result", 0.05)


@rule(
    "Its gradients by inputs and weights are those of central differences in float64.",
    "keep to differentiable keras.ops, in the dtype of the layer: a constant in float32 makes a "
    "float64 layer inexact. Where it is not smooth on purpose, skip this rule.",
)
def gradient(bench: LayerBench) -> None:
    """Compares the gradients with finite differences."""
    with policy("float64"):
        layer = bench.layer()
        leaves = [
            keras.Variable(array.astype("float64"), dtype="float64") if is_float(array) else array
            for array in keras.tree.flatten(bench.inputs)
        ]

        def results() -> list[Any]:
            tensors = [leaf + 0 if isinstance(leaf, keras.Variable) else leaf for leaf in leaves]
            inputs = keras.tree.pack_sequence_as(bench.inputs, tensors)
            return [t for t in keras.tree.flatten(bench.call(layer, inputs)) if is_float(t)]

        results()  # builds it
        by_name = {weight.path: weight for weight in layer.trainable_variables}
        for number, leaf in enumerate(leaves):
            if isinstance(leaf, keras.Variable):
                by_name["the inputs" if len(leaves) == 1 else f"input {number}"] = leaf
        must_match_differences(results, by_name, bench.subject.seed)


@rule(
    "The same seed gives the same weights and, in training, the same results.",
    "draw random numbers with keras.random and a keras.random.SeedGenerator made in the "
    "constructor; initial values come from initializers.",
)
def seed(bench: LayerBench) -> None:
    """Makes it twice, and calls each in training mode."""
    first, second = bench.layer(), bench.layer()
    keras.utils.set_random_seed(bench.subject.seed)
    one = as_arrays(bench.call(first, bench.inputs, training=True))
    keras.utils.set_random_seed(bench.subject.seed)
    other = as_arrays(bench.call(second, bench.inputs, training=True))
    must_agree(as_arrays(first.weights), as_arrays(second.weights), "the weights differ", 0.0)
    must_agree(one, other, "the results in training differ", 0.0)


@rule(
    "A model that holds it comes back from a .keras file and gives the same.",
    "make every weight in build or the constructor with add_weight, and give each sub-layer as an "
    "attribute.",
)
def saved(bench: LayerBench) -> None:
    """Saves a model and loads it."""
    model = bench.model(bench.layer())
    for weight in model.trainable_variables:
        noise = np.random.default_rng(bench.subject.seed).normal(size=weight.shape)
        weight.assign(weight + 0.1 * noise)
    before = bench.predict(model, bench.inputs)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.keras"
        model.save(file)
        loaded = keras.saving.load_model(file)
    must_agree(bench.predict(loaded, bench.inputs), before, "the loaded model differs")


@rule(
    "It trains: one step gives a finite loss, and every trainable weight gets a gradient.",
    "use every weight in call; make weights that are not to be trained with trainable=False.",
)
def training(bench: LayerBench) -> None:
    """Runs one step of an optimizer."""
    model = bench.model(bench.layer())
    outputs = [t for t in keras.tree.flatten(model.output) if is_float(t)]
    if not outputs:
        return
    trained = keras.Model(_alone(model.inputs), _alone(outputs))
    targets = [0.5 * np.ones_like(array) for array in bench.predict(trained, bench.inputs)]
    before = {weight.path: weight.numpy() for weight in trained.trainable_variables}
    trained.compile(keras.optimizers.SGD(0.01), loss=_alone(["mse"] * len(outputs)))
    step = trained.train_on_batch if before else trained.test_on_batch
    inputs = _alone(keras.tree.flatten(bench.inputs))
    loss = np.ravel(step(inputs, _alone(targets)))[:1]
    must_be_finite([loss], "the loss")
    for weight in trained.trainable_variables:
        if np.array_equal(before[weight.path], weight.numpy()) and loss[0] > 0:
            raise Broken(f"the weight {weight.path} is trainable and never changes")


RULES = (
    made,
    configs.config,
    configs.serialization,
    cards.card,
    cards.inference,
    shape,
    batch,
    jit,
    precision,
    gradient,
    seed,
    saved,
    training,
)
