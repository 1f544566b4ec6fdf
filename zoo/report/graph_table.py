"""The graph of a run as rows: what is drawn, and what stands in the table below it."""

import math
from collections.abc import Mapping
from typing import Any

from zoo.catalog.catalog import Catalog
from zoo.graph import CycleFound, topological_order
from zoo.report.graph_picture import Drawn
from zoo.resolve import Node, ResolvedModel, referenced
from zoo.resolve.shapes import Inferred, inferred_shapes
from zoo.shapes.forms import words
from zoo.shapes.rules import ShapeRules

_UNKNOWN = "?"


def drawn_nodes(
    model: ResolvedModel | None, graph: Mapping[str, Any], catalog: Catalog
) -> list[Drawn]:
    """Gives the nodes of a run's graph, the inputs first.

    Args:
        model: The resolved model; None where it cannot be resolved here, as without a plugin.
        graph: The canonical graph that the run keeps; empty where it is not known.
        catalog: The installed components.
    """
    if model is None:
        return _recorded(graph)
    found = inferred_shapes(model, ShapeRules(catalog))
    counts = _counts(graph) if graph else None
    inputs = [Drawn(name, "input", words(shape)) for name, shape in found.inputs.items()]
    outputs = {name for name, _ in map(_split, model.outputs)}
    return inputs + [_node(node, found, counts, node.name in outputs) for node in model.nodes]


def _node(node: Node, found: Inferred, counts: Mapping[str, int] | None, is_output: bool) -> Drawn:
    shapes = ", ".join(map(words, found.nodes[node.name].outputs)) or _UNKNOWN
    is_own = node.layer == node.name
    count = found.parameters.get(node.name)
    if count is None and counts is not None:
        count = counts.get(node.name, 0)
    if node.part is not None:
        kind = node.part.component.qualified.removeprefix("zoo/")
    else:
        kind = f"zoo:{node.model}" if node.model else f"shared with {node.layer}"
    taken = tuple(referenced(node.inputs))
    parameters = _UNKNOWN if count is None else f"{count:,}"
    return Drawn(node.name, kind, shapes, parameters if is_own else "", taken, is_output)


def _recorded(graph: Mapping[str, Any]) -> list[Drawn]:
    """Draws what the run says of its graph by itself; shapes between nodes are not known."""
    nodes: Mapping[str, Any] = graph.get("nodes", {})
    inputs = [
        Drawn(name, "input", words((None, *shape))) for name, shape, _ in graph.get("inputs", ())
    ]
    taken = {name: referenced(node["inputs"]) for name, node in nodes.items()}
    parents = {name: [i for i in names if i in nodes] for name, names in taken.items()}
    try:
        order = topological_order(parents)
    except CycleFound:  # a file that somebody wrote
        return inputs
    counts = _counts(graph)
    outputs = {name for name, _ in map(_split, graph.get("outputs", ()))}
    for name in order:
        node = nodes[name]
        kind = str(node.get("type", "")).removeprefix("zoo/")
        if not kind:
            kind = f"shared with {node['shared_with']}" if "shared_with" in node else "zoo model"
        count = "" if "shared_with" in node else f"{counts.get(name, 0):,}"
        inputs.append(Drawn(name, kind, "", count, tuple(taken[name]), name in outputs))
    return inputs


def _counts(graph: Mapping[str, Any]) -> dict[str, int]:
    """Counts the numbers in the variables of each node, which are called after it."""
    counts: dict[str, int] = {}
    for path, shape, _ in graph.get("variables", ()):
        node = str(path).partition("/")[0]
        counts[node] = counts.get(node, 0) + math.prod(shape)
    return counts


def _split(reference: str) -> tuple[str, str]:
    name, _, index = reference.partition("[")
    return name, index
