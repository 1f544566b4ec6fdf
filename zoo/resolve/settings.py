"""A resolved model as a list of keys and values, for a person to read."""

from collections.abc import Iterator
from typing import Any

from zoo.resolve.model import Node, Part, ResolvedModel


def settings(model: ResolvedModel) -> dict[str, Any]:
    """Gives every value of a resolved model by its dotted key, items of arrays by name."""
    return dict(_settings(model))


def _settings(model: ResolvedModel) -> Iterator[tuple[str, Any]]:
    yield "name", model.name
    yield "description", model.description
    for table in model.inputs:
        yield f"inputs.{table.name}.shape", plain(table.shape)
        if table.dtype:
            yield f"inputs.{table.name}.dtype", table.dtype
    for node in model.nodes:
        yield from _node(node)
    yield "outputs", list(model.outputs)
    for part in (*model.losses.values(), *model.metrics, model.optimizer):
        yield from _part(part)
    for output, weight in model.loss_weights.items():
        yield f"loss_weights.{output}", weight
    if model.data is not None:
        yield from _part(model.data)
    train = model.train.model_dump(exclude={"loop", "callbacks"}, exclude_none=True)
    for key, value in train.items():
        yield f"train.{key}", plain(value)
    for part in (model.loop, *model.callbacks, *model.evaluators):
        yield from _part(part)


def _node(node: Node) -> Iterator[tuple[str, Any]]:
    if node.part is not None:
        yield f"{node.key}.type", node.part.component.qualified
    elif node.model is not None:
        yield f"{node.key}.type", f"zoo:{node.model}"
    else:
        yield f"{node.key}.shared_with", node.layer
    yield f"{node.key}.inputs", plain(node.inputs)
    if not node.trainable:
        yield f"{node.key}.trainable", False
    if node.weights is not None:
        yield f"{node.key}.weights", node.weights
    if node.part is not None:
        yield from _arguments(node.part)


def _part(part: Part) -> Iterator[tuple[str, Any]]:
    yield f"{part.key}.type", part.component.qualified
    for name in ("name", "needs", "output"):
        if value := getattr(part, name):
            yield f"{part.key}.{name}", plain(value)
    yield from _arguments(part)


def _arguments(part: Part) -> Iterator[tuple[str, Any]]:
    for name, value in part.arguments.items():
        yield f"{part.key}.{name}", plain(value)


def plain(value: Any) -> Any:
    """Gives a value with its components as tables of their type and arguments."""
    if isinstance(value, Part):
        arguments = {name: plain(item) for name, item in value.arguments.items()}
        return {"type": value.component.qualified, **arguments}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
