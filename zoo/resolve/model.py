"""The resolved model: a config in which every name stands for something."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from zoo.catalog.cards import Card
from zoo.catalog.discovery import CORE
from zoo.components import Component
from zoo.config.compose import Source
from zoo.config.schema import InputTable, TrainTable

_REFERENCE = re.compile(r"(?P<name>[^\[\]]+)(?:\[(?P<index>\d{1,4})\])?")


_NO_CARD = Card(open=True, unknown="its card was not asked for")


@dataclass(frozen=True, slots=True)
class Part:
    """A component with its arguments; the arguments may hold further parts.

    Attributes:
        component: What the catalog has.
        arguments: The arguments by name.
        key: Its place in the config.
        name: Its own name; None where the config gives none.
        needs: From where a loss or metric takes what it names.
        output: The output that a loss or metric is of; None for all.
        card: What is known of the component without importing it.
    """

    component: Component
    arguments: dict[str, Any]
    key: str
    name: str | None = None
    needs: dict[str, str] = field(default_factory=dict)
    output: str | None = None
    card: Card = field(default=_NO_CARD, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Node:
    """One layer call in the model graph.

    Attributes:
        name: The node's name.
        layer: The node whose layer is called: its own name, or that of `shared_with`.
        part: The layer; None for a shared one and for a model of the zoo.
        model: The `name@version` of a model of the zoo used as a layer.
        inputs: A reference, a list of them, or a table of them.
        trainable: Whether its variables are trained.
        weights: The `name@version` that its variables start from.
        key: Its place in the config.
    """

    name: str
    layer: str
    part: Part | None
    model: str | None
    inputs: Any
    trainable: bool
    weights: str | None
    key: str


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """A model config with every name resolved.

    Attributes:
        name: The model's name.
        description: Its description.
        inputs: Its inputs.
        nodes: Its nodes, each after those it takes.
        outputs: References to what it returns.
        losses: The loss of each output.
        loss_weights: The weight of each output's loss.
        metrics: Its metrics.
        optimizer: Its optimizer.
        data: Its dataset.
        train: How it is trained.
        loop: Its training loop.
        callbacks: Its callbacks.
        evaluators: Its evaluators.
        document: The composed document.
        source: Where the config stands.
    """

    name: str
    description: str
    inputs: tuple[InputTable, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]
    losses: dict[str, Part]
    loss_weights: dict[str, float]
    metrics: tuple[Part, ...]
    optimizer: Part
    data: Part | None
    train: TrainTable
    loop: Part
    callbacks: tuple[Part, ...]
    evaluators: tuple[Part, ...]
    document: dict[str, Any]
    source: Source

    def plugins(self) -> dict[str, str]:
        """Gives the version of each plugin that the model is made of."""
        components = [part.component for part in self.parts()]
        return {c.distribution: c.version for c in components if c.distribution != CORE}

    def parts(self) -> Iterator[Part]:
        """Gives every component that the model uses, those in arguments included."""
        for node in self.nodes:
            if node.part is not None:
                yield from _with_nested(node.part)
        rest = (
            *self.losses.values(),
            *self.metrics,
            self.optimizer,
            self.loop,
            *self.callbacks,
            *self.evaluators,
        )
        for part in (*rest, self.data):
            if part is not None:
                yield from _with_nested(part)


def split_output(reference: str) -> tuple[str, int | None]:
    """Splits `lstm[1]`, the second tensor that a layer returns, into name and index."""
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        return reference, None
    return match["name"], int(match["index"]) if match["index"] else None


def referenced(inputs: Any) -> list[str]:
    """Gives the names that a node's inputs refer to, in order."""
    return [name for _, name in references(inputs, "")]


def references(inputs: Any, key: str) -> Iterator[tuple[str, str]]:
    """Gives the key of each reference in a node's inputs, and the name that it refers to."""
    if isinstance(inputs, str):
        yield key, split_output(inputs)[0]
    elif inputs is not None:
        items = inputs.items() if isinstance(inputs, Mapping) else enumerate(inputs)
        for part, item in items:
            yield from references(item, f"{key}.{part}")


def _with_nested(part: Part) -> Iterator[Part]:
    stack: list[Any] = [part]
    while stack:
        item = stack.pop()
        if isinstance(item, Part):
            yield item
            stack.extend(item.arguments.values())
        elif isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
