"""Arguments held against a card: unknown, missing and ill-typed ones."""

from collections.abc import Iterator, Mapping
from typing import Any

from zoo.catalog.cards import BOOLEAN, TABLE, Argument, Card, accepts
from zoo.catalog.discovery import CORE
from zoo.components import ARGUMENT_KINDS, Component, closest, did_you_mean, singular
from zoo.config.validation import TOP_LEVEL_KEYS, stands_above
from zoo.errors import Finding, as_written
from zoo.resolve.model import Part

SUPPLIED = {
    "loops": ("model", "data", "settings", "callbacks"),
    "evaluators": ("model", "data"),
}
"""What the zoo itself gives, by position, whatever it is called there."""

SUPPLIED_BY_NAME = {"evaluators": ("report",)}
"""What the zoo itself gives to a parameter of that name."""

_GIVEN_WHEN_CALLED = {"losses": 2, "metrics": 2, "activations": 1}
"""How many tensors a function is given, by position, when it is called."""

_WORDS = {BOOLEAN: "true or false", "integer": "an integer"}


def argument_findings(part: Part, card: Card) -> Iterator[Finding]:
    """Finds unknown, missing and ill-typed arguments of one part, not of those inside it.

    A misspelt name that leaves a required argument missing is one finding.
    """
    what = f'"{part.component.name}" ({part.component.distribution})'
    known = open_to_a_config(part.component, card)
    unknown = [] if card.open else [name for name in part.arguments if name not in known]
    required = required_of_a_config(part.component, card)
    missing = [name for name in required if name not in part.arguments]
    for name in unknown:
        meant = closest(name, missing) or closest(name, known)
        missing = [other for other in missing if other != meant]
        from zoo.catalog.habits import remedy_of  # seldom needed

        if remedy := remedy_of(part.component, name):
            hint = remedy
        elif name in TOP_LEVEL_KEYS:
            hint = stands_above(name)
        else:
            hint = f'did you mean "{meant}"?' if meant else f"it takes {', '.join(known) or 'none'}"
        message = f"{what} takes no argument {name!r}"
        yield Finding("unknown-argument", message, key=f"{part.key}.{name}", suggestion=hint)
    for name in missing:
        doc = known[name].doc.partition(". ")[0].rstrip(".")
        message = f"{what} needs the argument {name!r}"
        yield Finding("missing-argument", message, key=f"{part.key}.{name}", suggestion=doc or None)
    for name, value in part.arguments.items():
        if name in known and value is not None:
            key = f"{part.key}.{name}"
            if _is_no_component(part.component, known[name], value):
                yield _not_a_component(what, known[name], value, key)
            else:
                yield from _value_findings(what, known[name], value, key)


def _is_no_component(component: Component, argument: Argument, value: Any) -> bool:
    """Tells whether an argument that has to be a component is something else.

    What Keras calls by such names is one; a plugin may mean something else by them.
    """
    if argument.kind is None or component.distribution != CORE:
        return False
    if isinstance(value, list) and argument.kind == "layers":
        return not all(isinstance(item, Part) for item in value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return not isinstance(value, Part) and not (is_number and argument.kind == "schedules")


def _not_a_component(what: str, argument: Argument, value: Any, key: str) -> Finding:
    word = singular(argument.kind or "")
    article = "an" if word[0] in "aeiou" else "a"
    received = as_written(value)
    message = f"{what} takes {article} {word} as {argument.name!r}; received {received}"
    hint = "a component is a table with `type`"
    if argument.kind in ARGUMENT_KINDS:
        hint += ", or a name alone"
    return Finding("wrong-type", message, key=key, suggestion=hint)


def required_of_a_config(component: Component, card: Card) -> list[str]:
    """Gives the arguments that a config has to give; a function may get its when it is called."""
    if not card.is_class and component.kind in _GIVEN_WHEN_CALLED:
        return []
    known = open_to_a_config(component, card)
    return [name for name, argument in known.items() if argument.required]


def open_to_a_config(component: Component, card: Card) -> Mapping[str, Argument]:
    """Gives the arguments that are not given by the zoo or by Keras."""
    given = len(SUPPLIED.get(component.kind, ()))
    if not card.is_class:
        given = _GIVEN_WHEN_CALLED.get(component.kind, given)
    taken = [argument.name for argument in card.arguments if argument.positional][:given]
    taken += SUPPLIED_BY_NAME.get(component.kind, ())
    return {argument.name: argument for argument in card.arguments if argument.name not in taken}


def _value_findings(what: str, argument: Argument, value: Any, key: str) -> Iterator[Finding]:
    if isinstance(value, Part):
        fits = not argument.types or TABLE in argument.types
        received = f"the component {value.component.name}"
    else:
        fits = accepts(argument.types, value)
        received = as_written(value)
    if not fits:
        wanted = " or ".join(_WORDS.get(kind, f"a {kind}") for kind in argument.types)
        message = f"{what} takes {wanted} as {argument.name!r}; received {received}"
        yield Finding("wrong-type", message, key=key)
    elif isinstance(value, str) and not _is_a_choice(value, argument.choices):
        listed = ", ".join(argument.choices)
        message = f"{what} takes one of {listed} as {argument.name!r}; received {received}"
        hint = did_you_mean(value, argument.choices)
        yield Finding("bad-value", message, key=key, suggestion=hint)


def _is_a_choice(value: str, choices: tuple[str, ...]) -> bool:
    return not choices or value.casefold() in (choice.casefold() for choice in choices)
