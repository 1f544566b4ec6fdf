"""What the shape rules say of a model, held against the model that Keras builds."""

from collections.abc import Iterator
from typing import Any

from zoo.errors import Finding, ZooError
from zoo.resolve import Node, ResolvedModel
from zoo.resolve.shapes import inferred_shapes
from zoo.runtime.weights import Shelf
from zoo.shapes.forms import Shape, words
from zoo.shapes.rules import ShapeRules


def deep_findings(model: ResolvedModel, shelf: Shelf, rules: ShapeRules) -> list[Finding]:
    """Builds a model with Keras, and finds where the rules say something else.

    Args:
        model: A model that passes the check.
        shelf: Builds it.
        rules: The rule of each component.

    Returns:
        What Keras or a plugin refuses; or each shape and number of parameters that differs. A
        plugin's rule that cannot be used is a warning.
    """
    file = str(model.source.path)
    builder = shelf.builder(model)
    try:
        builder.build()
    except ZooError as error:
        return list(error.located(file=file).findings)
    found = inferred_shapes(model, rules)
    shapes, parameters = builder.shapes(), builder.parameters()
    findings: list[Finding] = []
    for node in model.nodes:
        ours = found.nodes[node.name].output
        if ours is not None and ours != _as_ours(shapes[node.name]):
            findings.append(_differs(node, _worded(ours), _worded(_as_ours(shapes[node.name]))))
        count = found.parameters[node.name] if node.name in parameters else None
        if count is not None and count != parameters[node.name]:
            findings.append(_differs(node, f"{count:,} parameters", f"{parameters[node.name]:,}"))
    findings += _unusable(model, rules)
    return [finding.at(file=file) for finding in findings]


def _differs(node: Node, ours: str, theirs: str) -> Finding:
    what = node.part.component.qualified if node.part is not None else f"the layer of {node.layer}"
    message = f"{node.name}: the rule of {what} gives {ours}, and Keras builds {theirs}"
    hint = "the rule is wrong: report it to who wrote it"
    return Finding("defect", message, key=f"{node.key}.type", suggestion=hint)


def _unusable(model: ResolvedModel, rules: ShapeRules) -> Iterator[Finding]:
    reasons = dict(rules.broken)
    for node in model.nodes:
        name = node.part.component.qualified if node.part is not None else ""
        reason = reasons.pop(name, None)
        if reason is not None:
            message = f"the shape rule of {name} cannot be used: {reason}"
            yield Finding("plugin-broken", message, key=f"{node.key}.type", severity="warning")


def _as_ours(shape: Any) -> Shape | list[Shape]:
    is_one = all(size is None or isinstance(size, int) for size in shape)
    return tuple(shape) if is_one else [tuple(item) for item in shape]


def _worded(shape: Shape | list[Shape]) -> str:
    return ", ".join(words(item) for item in shape) if isinstance(shape, list) else words(shape)
