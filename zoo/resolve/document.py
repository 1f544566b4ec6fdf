"""A resolved model back to TOML that means the same wherever it is read."""

import os
from typing import Any

from zoo.components import ARGUMENT_KINDS, paths_in
from zoo.config.schema import ANY_SIZE, InputTable, TrainTable
from zoo.resolve.model import Node, Part, ResolvedModel

_RESERVED = {
    "name",
    "type",
    "inputs",
    "needs",
    "shared_with",
    "weights",
    "trainable",
    "args",
    "output",
}


def resolved_toml(model: ResolvedModel) -> str:
    """Writes a resolved model as TOML.

    Every component is named with its distribution, every node has its name and inputs, every
    version is complete, and paths are relative to the root.
    """
    import tomlkit  # it takes time, and most commands write nothing

    return tomlkit.dumps(resolved_document(model))


def resolved_document(model: ResolvedModel) -> dict[str, Any]:
    """Gives the plain data of a resolved model; see `resolved_toml`."""
    writer = _Writer(str(model.source.folder.resolve()), str(model.source.root.resolve()))
    document: dict[str, Any] = {
        "zoo": 1,
        "name": model.name,
        "description": model.description,
        "outputs": list(model.outputs),
        "inputs": [_input(table) for table in model.inputs],
        "layers": [writer.node(node) for node in model.nodes],
    }
    losses = {name: writer.part(part) for name, part in model.losses.items()}
    if len(model.outputs) == 1 and losses:
        document["loss"] = losses[model.outputs[0]]
    elif losses:
        document["losses"] = losses
    if model.loss_weights:
        document["loss_weights"] = dict(model.loss_weights)
    if model.metrics:
        document["metrics"] = [writer.part(part) for part in model.metrics]
    document["optimizer"] = writer.part(model.optimizer)
    if model.data is not None:
        document["data"] = writer.part(model.data)
    document["train"] = {
        **_train(model.train),
        "loop": writer.part(model.loop),
        "callbacks": [writer.part(part) for part in model.callbacks],
    }
    if model.evaluators:
        document["evaluate"] = [writer.part(part) for part in model.evaluators]
    return document


def _input(table: InputTable) -> dict[str, Any]:
    shape = [ANY_SIZE if size is None else size for size in table.shape]
    return {"name": table.name, "shape": shape, **({"dtype": table.dtype} if table.dtype else {})}


def _train(table: TrainTable) -> dict[str, Any]:
    # What is written of a training does not change it, so most configs are as they always were.
    left_out = {"loop", "callbacks"} | (set() if table.log else {"log"})
    return table.model_dump(exclude=left_out, exclude_none=True)


class _Writer:
    def __init__(self, folder: str, root: str) -> None:
        self._folder = folder
        self._root = root

    def node(self, node: Node) -> dict[str, Any]:
        table: dict[str, Any] = {"name": node.name, "inputs": node.inputs}
        if node.model is not None:
            table["type"] = f"zoo:{node.model}"
        elif node.part is None:
            table["shared_with"] = node.layer
        if not node.trainable:
            table["trainable"] = False
        if node.weights is not None:
            table["weights"] = node.weights
        return table | (self.part(node.part) if node.part is not None else {})

    def part(self, part: Part) -> dict[str, Any]:
        table: dict[str, Any] = {"type": part.component.qualified}
        for key in ("name", "needs", "output"):
            if getattr(part, key):
                table[key] = getattr(part, key)
        # What a callback writes goes into the run's folder, wherever the config stands.
        writer = _Writer("", "") if part.component.kind == "callbacks" else self
        arguments = {name: writer._value(name, value) for name, value in part.arguments.items()}
        table |= {name: value for name, value in arguments.items() if name not in _RESERVED}
        reserved = {name: value for name, value in arguments.items() if name in _RESERVED}
        return table | ({"args": reserved} if reserved else {})

    def _value(self, name: str, value: Any) -> Any:
        if isinstance(value, Part):
            bare = not value.arguments and value.component.kind in ARGUMENT_KINDS
            return value.component.qualified if bare else self.part(value)
        if isinstance(value, dict):
            return {key: self._value(key, item) for key, item in value.items()}
        if isinstance(value, list):
            # A vocabulary may be the list of words itself.
            held = name if paths_in(name, value) else ""
            return [self._value(held, item) for item in value]
        if isinstance(value, str) and paths_in(name, value) and self._root:
            path = os.path.realpath(os.path.join(self._folder, value))
            return os.path.relpath(path, self._root)
        return value
