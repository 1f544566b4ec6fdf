"""What the tests of shape rules share: a graph of one layer, without Keras."""

from collections.abc import Callable
from typing import Any

import pytest

from zoo.catalog.catalog import Catalog
from zoo.config.schema import InputTable
from zoo.resolve import Node, Part
from zoo.resolve.shapes import Inferred, infer
from zoo.shapes.rules import ShapeRules


@pytest.fixture
def rule(catalog: Catalog) -> Callable[..., Inferred]:
    """Infers a graph of one layer, whose inputs are named `a`, `b` and so on."""

    def run(layer: str, arguments: dict[str, Any], *shapes: list[Any]) -> Inferred:
        component = catalog.find("layers", layer)
        part = Part(component, arguments, "layers.it", card=catalog.card(component))
        names = "abcd"[: len(shapes)]
        tables = [
            InputTable.model_construct(name=name, shape=shape, dtype=None)
            for name, shape in zip(names, shapes, strict=True)
        ]
        inputs: Any = list(names) if len(names) > 1 else names
        if layer == "MultiHeadAttention":
            inputs = dict(zip(("query", "value", "key"), names, strict=False))
        node = Node("it", "it", part, None, inputs, True, None, "layers.it")
        return infer(tables, [node], ["it"], ShapeRules(catalog))

    return run
