"""The fingerprint: what a model's graph is, in 64 digits."""

import json
from collections.abc import Callable
from typing import Any

from zoo.catalog.discovery import CORE
from zoo.digest import canonical_json, sha256
from zoo.resolve import Node, Part, ResolvedModel
from zoo.runtime.loading import load_target
from zoo.runtime.signatures import defaults_of

_NOT_THE_GRAPH = ("name", "trainable")
# What Keras's own layers use in training only; what a plugin's use theirs for is not known.
_TRAINING_ENDS = ("_initializer", "_regularizer", "_constraint")
_TRAINING_ARGUMENTS = ("seed", "dropout", "recurrent_dropout")
_TRAINING_ARGUMENTS_OF = {
    **dict.fromkeys(("Dropout", "SpatialDropout1D"), ("rate", "noise_shape")),
    **dict.fromkeys(("SpatialDropout2D", "SpatialDropout3D", "GaussianDropout"), ("rate",)),
    "AlphaDropout": ("rate", "noise_shape"),
    "GaussianNoise": ("stddev",),
    "BatchNormalization": ("momentum", "synchronized"),
}


def canonical_graph(
    model: ResolvedModel, built: Any, fingerprint_of: Callable[[str], str]
) -> dict[str, Any]:
    """Writes a model's graph as plain data.

    It holds the node types with their distribution, the arguments with defaults filled in, the
    edges, and the variables' paths, shapes and dtypes.

    Args:
        model: The resolved model.
        built: The Keras model built of it.
        fingerprint_of: Gives the fingerprint of a version of the zoo used as a layer.
    """
    graph = {
        "inputs": [[table.name, table.shape, table.dtype] for table in model.inputs],
        "nodes": {node.name: _node(node, fingerprint_of) for node in model.nodes},
        "outputs": list(model.outputs),
        "variables": sorted([v.path, list(v.shape), str(v.dtype)] for v in built.weights),
    }
    plain: dict[str, Any] = json.loads(canonical_json(graph))
    return plain


def fingerprint(graph: dict[str, Any]) -> str:
    """Gives the SHA-256 of a canonical graph."""
    return sha256(canonical_json(graph))


def inference_graph(graph: dict[str, Any]) -> dict[str, Any]:
    """Leaves out of a canonical graph what no prediction with given weights depends on."""
    return {**graph, "nodes": _without_training(graph.get("nodes", {}))}


def part_within(graph: dict[str, Any], larger: dict[str, Any]) -> dict[str, Any]:
    """Leaves out of a larger canonical graph the nodes that come on top of another."""
    names = graph.get("nodes", {})
    nodes = {name: node for name, node in larger["nodes"].items() if name in names}
    return {**larger, "nodes": nodes, "outputs": graph.get("outputs")}


def _without_training(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_training(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {key: _without_training(item) for key, item in value.items()}
    distribution, _, name = str(value.get("type", "")).rpartition("/")
    if distribution == CORE and isinstance(value.get("arguments"), dict):
        of_it = (*_TRAINING_ARGUMENTS, *_TRAINING_ARGUMENTS_OF.get(name, ()))
        kept["arguments"] = {
            key: item
            for key, item in kept["arguments"].items()
            if not key.endswith(_TRAINING_ENDS) and key not in of_it
        }
    return kept


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Says per node and variable what differs between two canonical graphs."""
    lines = _changes("node", old.get("nodes", {}), new.get("nodes", {}))
    lines += _changes("variable", _by_path(old), _by_path(new))
    for key in ("inputs", "outputs"):
        if old.get(key) != new.get(key):
            lines.append(f"{key}: {old.get(key)} became {new.get(key)}")
    return lines


def _by_path(graph: dict[str, Any]) -> dict[str, Any]:
    return {path: f"{shape} {dtype}" for path, shape, dtype in graph.get("variables", [])}


def _changes(what: str, old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    lines = [f"{what} {name} is gone" for name in old if name not in new]
    lines += [f"{what} {name} is new" for name in new if name not in old]
    for name in old:
        if name in new and old[name] != new[name]:
            lines.append(f"{what} {name}: {_short(old[name], new[name])}")
    return lines


def _short(old: Any, new: Any) -> str:
    if not isinstance(old, dict) or not isinstance(new, dict):
        return f"{old} became {new}"
    parts = [
        f"{key}: {_short(old.get(key), new.get(key))}"
        for key in sorted({*old, *new})
        if old.get(key) != new.get(key)
    ]
    return "; ".join(parts)


def _node(node: Node, fingerprint_of: Callable[[str], str]) -> dict[str, Any]:
    entry: dict[str, Any] = {"inputs": node.inputs}
    if node.model is not None:
        entry["model"] = fingerprint_of(node.model)
    elif node.part is None:
        entry["shared_with"] = node.layer
    else:
        entry |= _part(node.part)
    return entry


def _part(part: Part) -> dict[str, Any]:
    defaults = defaults_of(load_target(part.component))
    arguments = {**defaults, **part.arguments}
    return {
        "type": part.component.qualified,
        "arguments": {
            name: _value(value) for name, value in arguments.items() if name not in _NOT_THE_GRAPH
        },
    }


def _value(value: Any) -> Any:
    if isinstance(value, Part):
        # A name alone reads like the default that a signature gives.
        simple = not value.arguments and value.component.distribution == CORE
        return value.component.name if simple else _part(value)
    if isinstance(value, dict):
        return {str(key): _value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_value(item) for item in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return f"{type(value).__module__}.{type(value).__qualname__}"
