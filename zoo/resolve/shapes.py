"""The shapes and parameters of a model graph, inferred by rules before anything is built."""

import ast
import contextlib
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from zoo.components import Component
from zoo.config.schema import DTYPES, PRECISIONS, InputTable
from zoo.errors import Finding, as_written, shortened
from zoo.resolve.model import Node, Part, ResolvedModel, split_output
from zoo.shapes.forms import LARGEST_AXIS, Nested, Shape, Shaped, Unknown, shaped, words
from zoo.shapes.limits import max_parameters, too_many
from zoo.shapes.reading import WANTS_A_LIST
from zoo.shapes.rules import KERAS_RULES, ShapeRules

_SAYS_SO = ("expects ", "takes ")
"""How the message begins of an error that a rule raises on purpose."""

_ABOUT_INPUTS = re.compile(r"\binputs?\b")
_ONE_INPUT = re.compile(r"\binput (\d+)\b")
_NAMED_INPUT = re.compile(r"\binput '(\w+)'")
_QUOTED = re.compile(r"'(\w+)'")
_MOST_GIVEN = 6
_UNKNOWN = Shaped()
_POLICIES = (*DTYPES, *PRECISIONS)
_QUANTIZED = "_from_"
"""Stands in the names of those of Keras's dtype policies that change the weights."""


@dataclass
class Inferred:
    """What is known of a graph's shapes.

    Attributes:
        inputs: The shape of each input.
        nodes: What is known of each node.
        parameters: The parameters of each node's own layer; None where they are not known, 0 for
            a node that shares another's layer.
        findings: What cannot be right.
        lists_missing: Whether a node got one input and wants a list, so that others may be meant
            to go into it too.
    """

    inputs: dict[str, Shape]
    nodes: dict[str, Shaped] = field(default_factory=dict)
    parameters: dict[str, int | None] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    lists_missing: bool = False

    @property
    def total(self) -> int | None:
        """The parameters of the whole model; None where some are not known."""
        counts = list(self.parameters.values())
        return None if None in counts else sum(count or 0 for count in counts)


def inferred_shapes(model: ResolvedModel, rules: ShapeRules) -> Inferred:
    """Infers the shapes of a resolved model."""
    return infer(model.inputs, model.nodes, model.outputs, rules)


def infer(
    inputs: Iterable[InputTable],
    nodes: Iterable[Node],
    outputs: Iterable[str],
    rules: ShapeRules,
    wrong: Collection[str] = (),
    implied: Collection[str] = (),
) -> Inferred:
    """Infers the shape of each node from those before it.

    What is not known stays so, and what depends on it: nothing is refused that is not certain.

    Args:
        inputs: The model's inputs.
        nodes: The nodes, each after those it takes.
        outputs: References to what the model returns.
        rules: The rule of each component.
        wrong: The keys of nodes that something is wrong with already.
        implied: The names of nodes that do not say their inputs.
    """
    walk = _Walk(Inferred({t.name: (None, *t.shape) for t in inputs}), rules, implied)
    for node in nodes:
        walk.visit(node, is_wrong=node.key in wrong)
    for index, reference in enumerate(outputs):
        walk.leave(reference, f"outputs.{index}")
    return walk.found


class _Refused(Exception):
    """A rule refuses what a part was given."""

    def __init__(self, part: Part, message: str) -> None:
        self.part = part
        super().__init__(message)


class _Walk:
    def __init__(self, found: Inferred, rules: ShapeRules, implied: Collection[str]) -> None:
        self.found = found
        self._rules = rules
        self._implied = implied
        self._parts: dict[str, Part | None] = {}
        self._defaults: dict[Component, dict[str, Any]] = {}
        self._known_total = 0
        self._most = max_parameters()

    def visit(self, node: Node, *, is_wrong: bool) -> None:
        is_own = node.layer == node.name
        if is_own:
            self._parts[node.name] = None if is_wrong else node.part
        part = self._parts.get(node.layer)
        found = _UNKNOWN
        try:
            with contextlib.suppress(Unknown):
                if part is not None and not is_wrong:
                    found = self._called(node, part)
        except _Refused as refused:
            self.found.findings.append(self._finding(node, refused))
        self.found.nodes[node.name] = found
        self.found.parameters[node.name] = found.parameters if is_own else 0
        self._limit(node, found)

    def leave(self, reference: str, key: str) -> None:
        """Looks at what the model returns."""
        with contextlib.suppress(Unknown):
            self._referred(reference, key)

    def _called(self, node: Node, part: Part) -> Shaped:
        try:
            given = self._given(node, part)
        except Unknown:
            if part.component.target not in KERAS_RULES:
                raise
            given = None  # then its arguments alone are looked at
        found = self._shaped(part, given)
        owner = self.found.nodes.get(node.layer)
        weights = [owner.weights if owner is not None else None, found.weights]
        if None not in weights and weights[0] != weights[1]:
            message = f"expects an input like that of {node.layer}, whose layer it shares"
            raise _Refused(part, message)
        return found

    def _shaped(self, part: Part, shapes: Any) -> Shaped:
        arguments = self._arguments(part)
        if part.card.base == "Layer" and not _is_a_policy(arguments.get("dtype")):
            dtype = as_written(arguments["dtype"])
            raise _Refused(part, f"takes the name of a dtype as 'dtype'; received {dtype}")
        rule = self._rules.of(part.component)
        if rule is None:
            raise Unknown
        try:
            value = rule(arguments, shapes)
        except (Unknown, _Refused):
            raise
        except Exception as error:  # a plugin's rule may raise anything
            if isinstance(error, ValueError) and str(error).startswith(_SAYS_SO):
                raise _Refused(part, str(error)) from error
            self._rules.complain(part.component, f"it raised {error!r}")
            raise Unknown from error
        found = shaped(value)
        if value and found.output is None:
            self._rules.complain(part.component, shortened(f"it returned {value!r}"))
        if part.component.target in KERAS_RULES and not _has_plain_weights(arguments):
            return replace(found, weights=None)
        return found

    def _arguments(self, part: Part) -> dict[str, Any]:
        component = part.component
        if component not in self._defaults:
            self._defaults[component] = dict(_defaults(part))
        return {
            **self._defaults[component],
            **{name: self._value(value) for name, value in part.arguments.items()},
        }

    def _value(self, value: Any) -> Any:
        if isinstance(value, Part):
            arguments = {name: self._value(item) for name, item in value.arguments.items()}
            table = {"type": value.component.name, **arguments}
            return Nested(table, value.component.target, partial(self._shaped, value))
        if isinstance(value, dict):
            return {key: self._value(item) for key, item in value.items()}
        return [self._value(item) for item in value] if isinstance(value, list) else value

    def _given(self, node: Node, part: Part) -> Any:
        """Gives the shapes of what a node takes, in the form of its `inputs`."""
        inputs, key = node.inputs, f"{node.key}.inputs"
        call = part.card.call
        if isinstance(inputs, dict) and call and list(inputs) == [call[0].name]:
            key = f"{key}.{call[0].name}"
            inputs = inputs[call[0].name]  # by name what others give by position
        if isinstance(inputs, dict):
            shapes = self._each(inputs.items(), key)
            return dict(zip(inputs, shapes, strict=True))
        return self._any(inputs, key)

    def _any(self, inputs: Any, key: str) -> Any:
        if isinstance(inputs, list):
            return self._each(enumerate(inputs), key)
        return self._referred(inputs, key)

    def _each(self, references: Iterable[tuple[Any, Any]], key: str) -> list[Any]:
        """Gives the shapes of several references; each is looked at, though one is not known."""
        found, unknown = [], False
        for part, item in references:
            try:
                found.append(self._any(item, f"{key}.{part}"))
            except Unknown:
                unknown = True
        if unknown:
            raise Unknown
        return found

    def _referred(self, reference: str, key: str) -> Any:
        if not isinstance(reference, str):
            raise Unknown
        name, index = split_output(reference)
        if name in self.found.inputs:
            output: Any = self.found.inputs[name]
        else:
            output = self.found.nodes.get(name, _UNKNOWN).output
        if output is None:
            raise Unknown
        if index is None:
            return output
        several = output if isinstance(output, list) else []
        if index >= len(several):
            self._no_such_tensor(reference, name, len(several), key)
            raise Unknown
        return several[index]

    def _no_such_tensor(self, reference: str, name: str, several: int, key: str) -> None:
        count = f"{several} tensors" if several else "1 tensor"
        message = f"{reference!r}: {name} returns {count}"
        hint = f"{name}[0] to {name}[{several - 1}]" if several else f'write "{name}"'
        finding = Finding("unknown-node", message, key=key, suggestion=hint)
        self.found.findings.append(finding)

    def _finding(self, node: Node, refused: _Refused) -> Finding:
        part, message = refused.part, str(refused)
        quoted = [name for name in _QUOTED.findall(message) if name in part.arguments]
        if not _ABOUT_INPUTS.search(message):
            key = f"{part.key}.{quoted[0]}" if quoted else f"{part.key}.type"
            what = f'"{part.component.name}" ({part.component.distribution})'
            return Finding("bad-value", f"{what} {message}", key=key)
        edges = list(self._edges(node, message))
        gives = [f"{name} gives {given}" for name, _, given in edges[:_MOST_GIVEN]]
        if len(edges) > _MOST_GIVEN:
            gives.append(f"and {len(edges) - _MOST_GIVEN} more")
        message = ", ".join([f"{node.name} {message}", *gives])
        if quoted and node.part is not None:
            key = f"{part.key}.{quoted[0]}"
        elif node.name in self._implied:
            key = f"{node.key}.type"
        else:
            key = edges[0][1] if len(edges) == 1 else f"{node.key}.inputs"
        hint = None
        if str(refused) == WANTS_A_LIST:
            self.found.lists_missing = True
            if isinstance(node.inputs, str):
                hint = f'write inputs = ["...", "{node.inputs}"]'
        return Finding("shape-mismatch", message, key=key, suggestion=hint)

    def _edges(self, node: Node, message: str) -> Iterator[tuple[str, str, str]]:
        """Gives the edges that a message speaks of: the reference, its key, its shape in words."""
        inputs, key = node.inputs, f"{node.key}.inputs"
        if isinstance(inputs, dict) and len(inputs) == 1:
            inputs = next(iter(inputs.values()))
        if isinstance(inputs, str):
            found = [("", inputs, key)]
        elif isinstance(inputs, list):
            found = [(str(i + 1), name, f"{key}.{i}") for i, name in enumerate(inputs)]
        else:
            found = [(n, r, f"{key}.{n}") for n, r in inputs.items() if isinstance(r, str)]
        meant = {*_ONE_INPUT.findall(message), *_NAMED_INPUT.findall(message)}
        chosen = [edge for edge in found if edge[0] in meant] or found
        for _, reference, place in chosen:
            shape = self._referred(reference, place)
            several = isinstance(shape, list)
            yield reference, place, f"{len(shape)} tensors" if several else words(shape)

    def _limit(self, node: Node, found: Shaped) -> None:
        if any(size is not None and size > LARGEST_AXIS for s in found.outputs for size in s):
            self.found.nodes[node.name] = _UNKNOWN
            message = f"{node.name} gives an axis of more than {LARGEST_AXIS:,}"
            self.found.findings.append(Finding("too-large", message, key=place_of_size(node)))
        added = self.found.parameters[node.name]
        before, self._known_total = self._known_total, self._known_total + (added or 0)
        if not added or self._known_total <= self._most:
            return
        finding = too_many(node.name, self._known_total, place_of_size(node))
        if finding is not None and before <= self._most:
            self.found.findings.append(finding)


def place_of_size(node: Node) -> str:
    """Gives the key of what most likely makes a node large: its largest number."""
    arguments = node.part.arguments if node.part is not None else {}
    numbers = {n: v for n, v in arguments.items() if isinstance(v, int) and v > 1}
    largest = max(numbers, key=lambda name: numbers[name], default=None)
    return f"{node.key}.{largest}" if largest else node.key


def _defaults(part: Part) -> Iterator[tuple[str, Any]]:
    for argument in part.card.arguments:
        if argument.default is not None:
            try:
                yield argument.name, ast.literal_eval(argument.default)
            except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                continue


def _has_plain_weights(arguments: dict[str, Any]) -> bool:
    """Tells whether a layer of Keras has the weights that its rule knows of."""
    is_quantized = _QUANTIZED in str(arguments.get("dtype"))
    return not is_quantized and not arguments.get("quantization_config")


def _is_a_policy(dtype: Any) -> bool:
    return dtype is None or dtype in _POLICIES or _QUANTIZED in str(dtype)
