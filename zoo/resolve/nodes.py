"""The model graph: what each node calls, what it takes, and in which order."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from zoo.components import did_you_mean, listed
from zoo.config.names import implied_names
from zoo.config.schema import LayerTable, MetricTable, ModelConfig
from zoo.errors import ZooError
from zoo.graph import CycleFound, ancestors, topological_order
from zoo.resolve.model import Node, referenced, references, split_output
from zoo.resolve.parts import Findings, PartResolver

if TYPE_CHECKING:  # reading one is seldom needed, and takes time to import
    from zoo.registry.document import OpenRegistry

MODEL_PREFIX = "zoo:"
"""`type = "zoo:my-model@1"` is a model of the zoo, with its weights, as a layer."""


class NodeResolver:
    """Turns layer tables into nodes.

    Args:
        config: The config.
        parts: Resolves each node's layer.
        registry: Gives the zoo's registry, where there is one.
        findings: Where to say what is wrong.
    """

    def __init__(
        self,
        config: ModelConfig,
        parts: PartResolver,
        registry: "OpenRegistry",
        findings: Findings,
    ) -> None:
        self._config = config
        self._parts = parts
        self._registry = registry
        self._findings = findings
        self._inputs = [table.name for table in config.inputs]

    def nodes(self) -> list[Node]:
        """Resolves every node, in the order of the config."""
        names = implied_names(
            [
                {"name": layer.name, "type": layer.type, "shared_with": layer.shared_with}
                for layer in self._config.layers
            ]
        )
        self._refuse_doubles(names)
        # Without `inputs` a node takes the one above; the first takes the only input.
        above = self._inputs[0] if len(self._inputs) == 1 else None
        nodes = []
        for layer, name in zip(self._config.layers, names, strict=True):
            nodes.append(self._node(layer, name, above))
            above = name
        self._refuse_unknown(nodes)
        return nodes

    def outputs(self, nodes: list[Node]) -> tuple[str, ...]:
        """Gives the references to what the model returns."""
        outputs = self._config.outputs
        if outputs is None:
            return (nodes[-1].name,)
        known = [*self._inputs, *(node.name for node in nodes)]
        for index, reference in enumerate(outputs):
            key = f"outputs.{index}"
            if split_output(reference)[0] not in known:
                message = f"the output {reference!r} is not a node"
                hint = did_you_mean(reference, known, f"there is: {listed(known)}")
                self._findings.say("unknown-node", message, key, hint)
            if reference in outputs[:index]:
                message = f"the output {reference!r} stands there twice"
                self._findings.say("duplicate-name", message, key, "remove one")
        return tuple(outputs)

    def ordered(self, nodes: list[Node], outputs: Iterable[str]) -> tuple[Node, ...]:
        """Orders the nodes that the outputs depend on, each after those it takes."""
        by_name = {node.name: node for node in nodes}
        parents: dict[str, list[str]] = {name: [] for name in self._inputs}
        # A shared layer is built where its own node is called.
        parents |= {
            node.name: [*referenced(node.inputs), *({node.layer} - {node.name})] for node in nodes
        }
        try:
            order = topological_order(parents)
        except CycleFound as cycle:
            message = f"the nodes take each other in a circle: {cycle}"
            hint = "let one of them take a node that does not depend on it"
            self._findings.say("cycle", message, f"layers.{cycle.path[0]}.inputs", hint)
            return ()
        used = ancestors(parents, [split_output(output)[0] for output in outputs])
        for name in order:
            if name not in used:
                key = f"layers.{name}" if name in by_name else f"inputs.{name}"
                if name in by_name or not self._may_be_needed():
                    hint = "it is left out: name it in `outputs` or in some `inputs`, or remove it"
                    message = f"no output depends on {name}"
                    self._findings.warn("unreachable-node", message, key, hint)
        return tuple(by_name[name] for name in order if name in by_name and name in used)

    def _may_be_needed(self) -> bool:
        # A loss or metric of a plugin may ask for an input; Keras's own never do.
        config = self._config
        tables = [*config.losses.values(), *config.metrics, *([config.loss] if config.loss else [])]
        kinds = [("metrics" if isinstance(t, MetricTable) else "losses", t.type) for t in tables]
        return any(self._parts.is_of_a_plugin(kind, name) for kind, name in kinds)

    def _node(self, layer: LayerTable, name: str, above: str | None) -> Node:
        key = f"layers.{name}"
        inputs = above if layer.inputs is None else layer.inputs
        if inputs is None:
            message = f"the first node, {name}, must say its `inputs`: there are several inputs"
            self._findings.say("missing-key", message, f"{key}.inputs", ", ".join(self._inputs))
        model = None
        is_model = layer.type.startswith(MODEL_PREFIX)
        if is_model:
            model = self._pinned(layer.type.removeprefix(MODEL_PREFIX), f"{key}.type")
            if layer.arguments:
                message = "a model of the zoo takes no arguments as a layer"
                self._findings.say("unknown-argument", message, key)
        own = layer.shared_with is None and not is_model
        return Node(
            name=name,
            layer=layer.shared_with or name,
            part=self._parts.part("layers", layer, key) if own else None,
            model=model,
            inputs=inputs,
            trainable=layer.trainable,
            weights=self._pinned(layer.weights, f"{key}.weights") if layer.weights else None,
            key=key,
        )

    def _pinned(self, reference: str, key: str) -> str | None:
        try:
            registry = self._registry()
            found = registry.find(reference) if registry is not None else None
        except ZooError as error:
            self._findings.take(error, key)
            return None
        if registry is None or found is None:
            message = f"{reference!r} needs a zoo, and there is no registry.toml here or above"
            self._findings.say("unknown-model", message, key, "name the zoo with --zoo DIR")
            return None
        if caution := registry.caution(found):
            self._findings.warn("not-stable", caution.message, key, caution.suggestion or "")
        return found.reference

    def _refuse_doubles(self, names: list[str]) -> None:
        keys = [*(f"inputs.{name}" for name in self._inputs), *(f"layers.{name}" for name in names)]
        seen: set[str] = set()
        for key, name in zip(keys, [*self._inputs, *names], strict=True):
            if name in seen:
                message = f"two nodes or inputs are called {name!r}"
                self._findings.say("duplicate-name", message, key, "give each its own name")
            seen.add(name)

    def _refuse_unknown(self, nodes: list[Node]) -> None:
        names = dict.fromkeys([*self._inputs, *(node.name for node in nodes)])
        # A nameless node takes its name from `shared_with`, and is not the layer it shares.
        layers = zip(self._config.layers, nodes, strict=True)
        owners = dict.fromkeys(n.name for layer, n in layers if layer.shared_with is None)
        for node in nodes:
            for key, name in references(node.inputs, f"{node.key}.inputs"):
                if name not in names:
                    message = f"{node.name} takes {name!r}, which nothing defines"
                    hint = did_you_mean(name, names, f"there is: {listed(names)}")
                    self._findings.say("unknown-node", message, key, hint)
            if node.layer not in owners:
                message = f"{node.name} shares the layer of {node.layer!r}, which has none"
                hint = did_you_mean(node.layer, owners, f"there is: {listed(owners)}")
                self._findings.say("unknown-node", message, f"{node.key}.shared_with", hint)
