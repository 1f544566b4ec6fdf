"""The rule that what the zoo reads from the source is what the constructor takes."""

import inspect
from typing import Any

from zoo.catalog.card_making import make_card
from zoo.catalog.cards import Card
from zoo.catalog.source import SourceTree
from zoo.resolve import Part
from zoo.resolve.arguments import argument_findings
from zoo.testing.rules import Broken, rule

_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_PLAIN = (bool, int, float, str, list, tuple, dict)


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


def _accept(bench: Any, found: Card) -> None:
    """Holds the arguments that are given here against the card, as `zoo check` does."""
    plain = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in bench.subject.arguments.items()
        if isinstance(value, _PLAIN)
    }
    part = Part(bench.subject.component, plain, "here", card=found)
    for finding in argument_findings(part, found):
        name = finding.key.rpartition(".")[2] if finding.key else ""
        if name in plain:
            raise Broken(f"zoo check would say: {finding.message}")
