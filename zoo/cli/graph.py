"""A model's graph as a table: nodes, their inputs, shapes and parameters, without Keras."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from zoo.cli.columns import columns
from zoo.cli.command import Answer
from zoo.resolve import Node, ResolvedModel, referenced
from zoo.resolve.shapes import Inferred, inferred_shapes
from zoo.shapes.forms import Shape, Shaped, words
from zoo.shapes.rules import ShapeRules
from zoo.workspace import Workspace

if TYPE_CHECKING:  # reading one is seldom needed, and takes time to import
    from zoo.registry.document import WeightsEntry

_UNKNOWN = "?"


def model_answer(name: str, workspace: Workspace) -> Answer:
    """Answers what a model consists of.

    Args:
        name: A path, or a model's name.
        workspace: Where it is looked for.
    """
    model = workspace.check(name).usable
    found = inferred_shapes(model, ShapeRules(workspace.catalog))
    versions = workspace.registry.versions(model.name) if workspace.registry else []
    document = {
        "name": model.name,
        "description": model.description,
        "config": str(model.source.path),
        "inputs": [{"name": table.name, "shape": table.shape} for table in model.inputs],
        "nodes": [_node(node, found) for node in model.nodes],
        "parameters": found.total,
        "outputs": list(model.outputs),
        "losses": {key: part.component.qualified for key, part in model.losses.items()},
        "metrics": [part.component.qualified for part in model.metrics],
        "optimizer": model.optimizer.component.qualified,
        "data": model.data.component.qualified if model.data else None,
        "versions": [entry.version for entry in versions],
        "statuses": {entry.version: entry.status for entry in versions},
    }
    lines = [
        f"{model.name}  {model.description}".rstrip(),
        f"config  {model.source.path}",
        "",
        _table(model, found),
        "",
    ]
    for key in ("outputs", "losses", "metrics", "optimizer", "data"):
        lines.append(f"{key}  {_listed(document[key])}".rstrip())
    lines.append(f"versions  {', '.join(map(_with_status, versions))}".rstrip())
    return Answer(document, "\n".join(lines))


def _with_status(entry: "WeightsEntry") -> str:
    return entry.version if entry.status == "stable" else f"{entry.version} ({entry.status})"


def _node(node: Node, found: Inferred) -> dict[str, Any]:
    arguments = node.part.arguments if node.part is not None else {}
    return {
        "name": node.name,
        "type": _type(node),
        "inputs": referenced(node.inputs),
        "arguments": {key: _plain(value) for key, value in arguments.items()},
        "shape": _without_batch(found.nodes[node.name]),
        "parameters": found.parameters[node.name],
    }


def _type(node: Node) -> str:
    if node.part is not None:
        return node.part.component.qualified
    return f"zoo:{node.model}" if node.model else f"shared with {node.layer}"


def _without_batch(shaped: Shaped) -> Any:
    if isinstance(shaped.output, list):
        return [list(shape[1:]) for shape in shaped.output]
    return None if shaped.output is None else list(shaped.output[1:])


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    component = getattr(value, "component", None)
    return component.name if component is not None else value


def _table(model: ResolvedModel, found: Inferred) -> str:
    rows = [("node", "type", "inputs", "output", "parameters")]
    rows += [(name, "input", "", words(shape), "") for name, shape in found.inputs.items()]
    for node in model.nodes:
        shapes: list[Shape] = found.nodes[node.name].outputs
        output = ", ".join(words(shape) for shape in shapes) or _UNKNOWN
        kind = _type(node).removeprefix("zoo/")
        own = node.layer == node.name
        count = _count(found.parameters[node.name]) if own else ""
        rows.append((node.name, kind, _references(node.inputs), output, count))
    rows.append(("total", "", "", "", _count(found.total)))
    return columns(rows, right={4})


def _count(parameters: int | None) -> str:
    return _UNKNOWN if parameters is None else f"{parameters:,}"


def _references(inputs: Any) -> str:
    if isinstance(inputs, Mapping):
        return ", ".join(f"{name} = {_references(item)}" for name, item in inputs.items())
    return ", ".join(inputs) if isinstance(inputs, list) else str(inputs)


def _listed(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {item}" for key, item in value.items())
    return ", ".join(value) if isinstance(value, list) else str(value or "")
