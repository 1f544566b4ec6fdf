"""The rules that what `zoo check` knows of a component without importing it is so."""

import inspect
from collections.abc import Mapping
from typing import Any

import keras

from zoo.catalog.card_making import make_card
from zoo.catalog.cards import Card
from zoo.catalog.discovery import find_components
from zoo.catalog.source import SourceTree
from zoo.resolve import Part
from zoo.resolve.arguments import argument_findings
from zoo.runtime.signatures import defaults_of
from zoo.shapes.forms import Shape, Unknown, shaped, words
from zoo.shapes.rules import ShapeRules
from zoo.testing.rules import Broken, rule

_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_PLAIN = (bool, int, float, str)


@rule(
    "What `zoo check` reads from its source is what it takes: its arguments, and which of them "
    "have to be given.",
    "write the constructor's parameters out in the class; a decorator, *args or a class made at "
    "import hides them from whoever does not import it.",
)
def card(bench: Any) -> None:
    """Compares the argument card with the class or function itself."""
    component, target = bench.subject.component, bench.subject.target
    if component is None:
        return  # not registered here: nobody reads its source
    found = make_card(component, SourceTree())
    if found.unknown:
        return  # then it is checked when it is imported
    parameters = inspect.signature(target).parameters.values()
    own = {p.name: p.default is p.empty for p in parameters if p.kind not in _VARIADIC}
    read = {argument.name: argument.required for argument in found.arguments}
    unread = [name for name in own if name not in read]
    if unread and not found.open:
        raise Broken(f"zoo check would refuse {', '.join(unread)}, which it takes")
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)
    for name, required in read.items():
        if name not in own and not takes_any:
            raise Broken(f"zoo check would accept {name!r}, which it does not take")
        if required != own.get(name, False):
            what = "must" if required else "need not"
            raise Broken(f"zoo check takes it that {name!r} {what} be given; it is not so")
    _accept(bench, found)


@rule(
    "What its shape rule says, the function under `zoo.shapes`, is what it gives: the shapes that "
    "come out, and how many numbers its weights hold.",
    "correct the function; None in the place of an output or of the weights says that it cannot "
    "tell.",
)
def inference(bench: Any) -> None:
    """Compares a layer with the rule by which its shapes are known before it is built."""
    subject = bench.subject
    arguments = _plain(subject.arguments)
    if subject.component is None or len(arguments) < len(subject.arguments):
        return
    rules = ShapeRules(find_components())
    infer = rules.of(subject.component)
    if infer is None:
        if reason := rules.broken.get(subject.component.qualified):
            raise Broken(reason)
        return
    shapes = keras.tree.map_structure(lambda array: (None, *array.shape[1:]), bench.inputs)
    try:
        found = shaped(infer({**defaults_of(subject.target), **arguments}, shapes))
    except Unknown:
        return
    layer = bench.layer()
    real = [tuple(tensor.shape) for tensor in keras.tree.flatten(bench.model(layer).output)]
    if found.outputs and found.outputs != real:
        raise Broken(f"it gives {_worded(real)}; the rule says {_worded(found.outputs)}")
    if found.parameters not in (None, layer.count_params()):
        raise Broken(f"it has {layer.count_params()} weights; the rule says {found.parameters}")


def _worded(shapes: list[Shape]) -> str:
    return " and ".join(words(shape) for shape in shapes)


def _plain(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Gives the arguments that a config could hold as they are."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in arguments.items()
        if _is_plain(value)
    }


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_is_plain, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, _PLAIN)


def _accept(bench: Any, found: Card) -> None:
    """Holds the arguments that are given here against the card, as `zoo check` does."""
    # The name of a component becomes one in a resolved config, and never gets this far as text.
    named = {argument.name for argument in found.arguments if argument.kind}
    plain = {
        name: value
        for name, value in _plain(bench.subject.arguments).items()
        if not (name in named and isinstance(value, str))
    }
    part = Part(bench.subject.component, plain, "here", card=found)
    for finding in argument_findings(part, found):
        name = finding.key.rpartition(".")[2] if finding.key else ""
        if name in plain:
            raise Broken(f"zoo check would say: {finding.message}")
