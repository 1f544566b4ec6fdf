"""Weights that fit a model in every shape, and are of another one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.faults.promise import Promise, Tally
from tests.faults.store import new_zoo
from zoo.errors import RegistryError
from zoo.registry.publishing import Candidate, publish
from zoo.resolve import resolved_toml
from zoo.runtime.fingerprint import fingerprint
from zoo.runtime.importing import NameMap, import_weights
from zoo.runtime.weights import Shelf
from zoo.workspace import Workspace

CONFIG = """
zoo = 1
name = "m"
[[inputs]]
name = "x"
shape = [8, 4]
[[inputs]]
name = "z"
shape = [8, 4]
[[layers]]
name = "both"
type = "Concatenate"
inputs = ["x", "z"]
[[layers]]
name = "conv"
type = "Conv1D"
filters = 8
kernel_size = 3
padding = "same"
activation = "relu"
[[layers]]
name = "norm"
type = "BatchNormalization"
[[layers]]
name = "drop"
type = "Dropout"
rate = 0.5
[[layers]]
name = "one"
type = "Dense"
units = 8
activation = "tanh"
[[layers]]
name = "two"
type = "Dense"
units = 8
[[layers]]
name = "act"
type = "ReLU"
"""
WRONG: dict[str, tuple[list[tuple[str, str]], list[str]]] = {
    "two layers change places": (
        [('name = "one"', 'name = "??"'), ('name = "two"', 'name = "one"'), ("??", "two")],
        ["node one", "node two"],
    ),
    "another activation": ([("tanh", "sigmoid")], ["node one", "activation: tanh became sigmoid"]),
    "another padding": ([('"same"', '"causal"')], ["node conv", "padding: same became causal"]),
    "inputs in another order": ([('["x", "z"]', '["z", "x"]')], ["node both", "inputs"]),
    "model inputs in another order": (
        [('name = "x"', 'name = "??"'), ('name = "z"', 'name = "x"'), ("??", "z")],
        ["inputs: [['x'"],
    ),
    "another epsilon": ([('lization"', 'lization"\nepsilon = 0.1')], ["node norm", "epsilon"]),
    "another axis": ([('lization"', 'lization"\naxis = 2')], ["node norm", "axis: -1 became 2"]),
    "no bias": ([("units = 8\nact", "units = 8\nuse_bias = false\nact")], ["one/bias is gone"]),
    "a layer of another name": ([('name = "two"', 'name = "three"')], ["node two is gone"]),
    "another layer of the same shapes": (
        [
            (
                'type = "Dense"\nunits = 8\n[[layers]]',
                'type = "EinsumDense"\nequation = "abc,cd->abd"'
                '\noutput_shape = [8, 8]\nbias_axes = "d"\n[[layers]]',
            )
        ],
        ["node two", "type"],
    ),
    "another weightless layer": ([('"ReLU"', '"Softmax"')], ["node act", "zoo/Softmax"]),
    "one more weightless layer": (
        [('name = "act"', 'name = "more"\ntype = "Softmax"\n[[layers]]\nname = "act"')],
        ["node more is new"],
    ),
    "one weightless layer less": (
        [('[[layers]]\nname = "drop"\ntype = "Dropout"\nrate = 0.5\n', "")],
        ["node drop is gone"],
    ),
    "a shared layer": (
        [('type = "Dense"\nunits = 8\n[[layers]]', 'shared_with = "one"\n[[layers]]')],
        ["node two", "shared_with"],
    ),
    "another precision": (
        [("[[inputs]]", '[train]\nprecision = "float64"\n[[inputs]]')],
        ["float64"],
    ),
    "another input dtype": (
        [("shape = [8, 4]\n", 'shape = [8, 4]\ndtype = "float64"\n')],
        ["inputs"],
    ),
    "a step along the axis": (
        [("padding", "dilation_rate = 2\npadding")],
        ["node conv", "dilation"],
    ),
}
ALL = 4 * len(WRONG)
HARMLESS = {
    "the rate of a dropout": ("rate = 0.5", "rate = 0.1"),
    "an initializer": ('"tanh"', '"tanh"\nkernel_initializer = "he_normal"'),
    "a regularizer": ('"tanh"', '"tanh"\nkernel_regularizer = { type = "L2", l2 = 1 }'),
    "the momentum of a mean": ('lization"', 'lization"\nmomentum = 0.5'),
}


def take_the_wrong_ones(count: int, seed: int, folder: Path) -> Tally:
    """Loads and imports the weights of one model into others of like shapes.

    With a count of all there is to try, every model is taken in every way; with fewer, each is
    taken in one, and neighbours in different ones.
    """
    del seed
    tally = Tally()
    shop = _Shop(new_zoo(folder / "zoo", 0))
    ways = [(way, accept) for way in (shop.load, shop.take_in) for accept in (False, True)]
    for number, (name, (changes, words)) in enumerate(list(WRONG.items())[:count]):
        text = CONFIG
        for old, new in changes:
            text = text.replace(old, new, 1)
        chosen = ways if count >= ALL else [ways[number % len(ways)]]
        for way, accept in chosen:
            with tally.trial(f"{name}, {way.__name__}{', whatever is harmless' * accept}"):
                message = _refused(way, text, accept)
                missing = [word for word in words if word not in message]
                assert not missing, f"{missing} not in: {message}"
                assert "accept-harmless" not in message, message
    for name, (old, new) in HARMLESS.items():
        with tally.trial(name):
            text = CONFIG.replace(old, new, 1)
            assert "--accept-harmless" in _refused(shop.load, text, False)
            x = {key: np.ones((1, 8, 4), "float32") for key in ("x", "z")}
            loaded = shop.load(text, accept=True)(x)
            np.testing.assert_array_equal(loaded, shop.built(x))
    tally.notes.append(f"{min(count, len(WRONG))} models, {len(HARMLESS)} harmless ones")
    return tally


def _refused(way: Any, text: str, accept: bool) -> str:
    with pytest.raises(RegistryError) as caught:
        way(text, accept=accept)
    (finding,) = caught.value.findings
    assert finding.code == "fingerprint-mismatch", finding
    assert finding.suggestion, finding
    return str(caught.value)


class _Shop:
    """A zoo, and the weights of one model."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.model = self._resolved(CONFIG)
        shelf = Shelf(None, Workspace(root).catalog)
        self.built = shelf.build(self.model)
        self.graph = shelf.graph(self.model, self.built)
        self.tensors = {v.path: np.asarray(v.value) for v in self.built.weights}
        self.entry = publish(self.root, self._candidate(resolved_toml(self.model)))

    def load(self, text: str, *, accept: bool) -> Any:
        """Loads a version whose config is another than that of its weights."""
        entry = publish(self.root, self._candidate(resolved_toml(self._resolved(text))))
        workspace = Workspace(self.root)
        shelf = Shelf(workspace.known_registry, workspace.catalog, accept_harmless=accept)
        return shelf.load(entry.reference)

    def take_in(self, text: str, *, accept: bool) -> Any:
        """Imports the weights as those of another model."""
        shelf = Shelf(None, Workspace(self.root).catalog, accept_harmless=accept)
        model = self._resolved(text)
        return import_weights(self.root / self.entry.file, model, shelf, self.root, NameMap())

    def _resolved(self, text: str) -> Any:
        (self.root / "m.toml").write_text(text)
        return Workspace(self.root).check(self.root / "m.toml").usable

    def _candidate(self, config: str) -> Candidate:
        return Candidate(
            "m", "", "", config, self.tensors, fingerprint(self.graph), self.graph, {}, "3"
        )


PROMISES = [Promise("a wrong architecture is refused", take_the_wrong_ones, len(WRONG), ALL)]
