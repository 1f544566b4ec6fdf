"""Shape rules against Keras itself, over random arguments and inputs, wrong ones among them."""

from typing import Any

import keras
import pytest

import zoo
from tests.shapes.keras_cases import CASES, Case, Draw
from zoo.catalog.catalog import Catalog
from zoo.config.schema import InputTable
from zoo.resolve import Node, Part
from zoo.resolve.shapes import Inferred, infer
from zoo.shapes.rules import KERAS_RULES, ShapeRules

LAYERS = sorted(target.partition(":")[2] for target in KERAS_RULES)


@pytest.fixture(scope="module")
def installed() -> Catalog:
    return zoo.discover()


def inferred(installed: Catalog, name: str, case: Case) -> Inferred:
    """What the rules say of a graph of one node."""
    arguments, shapes = case
    named = shapes if isinstance(shapes, dict) else _numbered(shapes)
    tables = [InputTable.model_construct(name=n, shape=s, dtype=None) for n, s in named.items()]
    inputs: Any = "in0"
    if _is_list(shapes):
        inputs = list(named)
    elif isinstance(shapes, dict):
        inputs = {n: n for n in named}
    part = _part(installed, name, arguments)
    node = Node("node", "node", part, None, inputs, True, None, "layers.node")
    return infer(tables, [node], ["node"], ShapeRules(installed))


def _part(installed: Catalog, name: str, arguments: dict[str, Any]) -> Part:
    component = installed.find("layers", name)
    values = {
        key: _part(installed, value["type"], {k: v for k, v in value.items() if k != "type"})
        if isinstance(value, dict)
        else value
        for key, value in arguments.items()
    }
    return Part(component, values, "layers.node", card=installed.card(component))


def _is_list(shapes: Any) -> bool:
    return isinstance(shapes, list) and bool(shapes) and isinstance(shapes[0], list)


def _is_structured(shapes: Any) -> bool:
    return isinstance(shapes, dict) or _is_list(shapes)


def _numbered(shapes: Any) -> dict[str, Any]:
    return {f"in{i}": shape for i, shape in enumerate(shapes if _is_list(shapes) else [shapes])}


def built(name: str, case: Case) -> tuple[Any, list[tuple[int, ...]]]:
    """The output's shape and the weights' shapes, as Keras has them."""
    arguments, shapes = case
    layer = _layer(name, arguments)
    if isinstance(shapes, dict):
        output = layer(**{n: keras.Input(shape) for n, shape in shapes.items()})
    elif _is_list(shapes):
        output = layer([keras.Input(shape) for shape in shapes])
    else:
        output = layer(keras.Input(shapes))
    shape = keras.tree.map_structure(lambda tensor: tuple(tensor.shape), output)
    return shape, sorted(tuple(weight.shape) for weight in layer.weights)


def _layer(name: str, arguments: dict[str, Any]) -> Any:
    values = {
        key: _layer(value["type"], {k: v for k, v in value.items() if k != "type"})
        if isinstance(value, dict)
        else value
        for key, value in arguments.items()
    }
    return getattr(keras.layers, name)(**values)


def disagreement(installed: Catalog, name: str, case: Case) -> str:
    """Says how rules and Keras differ; nothing where they agree or the rules cannot tell."""
    found = inferred(installed, name, case)
    refusals = [finding.message for finding in found.findings]
    node = found.nodes["node"]
    try:
        shape, weights = built(name, case)
    except Exception as error:  # noqa: BLE001  # Keras raises anything
        is_known = node.output is not None and not refusals
        return f"{name}{case}: {node} accepted, but Keras: {error}" if is_known else ""
    if refusals:
        return f"{name}{case}: refused, {refusals}, but Keras gives {shape}"
    ours = node.output
    theirs = list(shape) if isinstance(shape, list | tuple) and _nested(shape) else shape
    if ours is not None and ours != theirs:
        return f"{name}{case}: {ours}, but Keras gives {shape}"
    if node.weights is not None and sorted(node.weights) != weights:
        return f"{name}{case}: weights {node.weights}, but Keras has {weights}"
    return ""


def _nested(shape: Any) -> bool:
    return bool(shape) and isinstance(shape[0], tuple)


def test_every_layer_that_has_a_rule_is_swept() -> None:
    assert sorted(CASES) == LAYERS


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", LAYERS)
def test_rules_and_keras_agree_on_a_sample(installed: Catalog, name: str) -> None:
    _sweep(installed, name, range(6))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", LAYERS)
def test_rules_and_keras_agree(installed: Catalog, name: str) -> None:
    known = _sweep(installed, name, range(200))
    assert known >= 40, "the cases are mostly wrong ones, and say little"


def _sweep(installed: Catalog, name: str, seeds: range) -> int:
    """Compares many cases; gives how many of them the rules could tell."""
    cases = [CASES[name](Draw(f"{name}{seed}")) for seed in seeds]
    # A list of one input is not the input itself.
    cases += [(given, [found]) for given, found in cases[:3] if not _is_structured(found)]
    differ = [text for case in cases if (text := disagreement(installed, name, case))]
    assert differ == []
    told = [inferred(installed, name, case).nodes["node"].output for case in cases]
    return sum(output is not None for output in told)
