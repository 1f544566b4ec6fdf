"""The arguments of a class or function that was imported."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from zoo.catalog.cards import Argument, Card

_VARIADIC = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)


@functools.cache
def parameters_of(target: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Gives the arguments that a class or function takes by name.

    A class with `**kwargs` hands them to its base, so the bases' arguments count too, as far up
    as each hands on.
    """
    if not inspect.isclass(target):
        return {name: p for name, p in _own(target).items() if p.kind not in _VARIADIC}
    found: dict[str, inspect.Parameter] = {}
    for base in inspect.getmro(target):
        if "__init__" not in vars(base) or base is object:
            continue
        own = dict(list(_own(vars(base)["__init__"]).items())[1:])  # without self
        is_first = not found
        for name, parameter in own.items():
            if parameter.kind in _VARIADIC:
                continue
            # Only the class itself says what must be given; a base gets it from the class.
            optional = (
                parameter if is_first or not _required(parameter) else _with_default(parameter)
            )
            found.setdefault(name, optional)
        if not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in own.values()):
            break
    return found


def card_of(target: Callable[..., Any]) -> Card:
    """Makes the card of a component whose source does not tell what it takes."""
    own = _own(target).values()
    return Card(
        arguments=tuple(
            Argument(name, required=_required(p), positional=p.kind is not p.KEYWORD_ONLY)
            for name, p in parameters_of(target).items()
        ),
        open=not inspect.isclass(target) and any(p.kind is p.VAR_KEYWORD for p in own),
        is_class=inspect.isclass(target),
    )


def defaults_of(target: Callable[..., Any]) -> dict[str, Any]:
    """Gives the arguments that have a default in the class's or function's own signature."""
    return {
        name: parameter.default
        for name, parameter in parameters_of(target).items()
        if not _required(parameter)
    }


def _required(parameter: inspect.Parameter) -> bool:
    return parameter.default is inspect.Parameter.empty and parameter.kind not in _VARIADIC


def _with_default(parameter: inspect.Parameter) -> inspect.Parameter:
    return parameter.replace(default=None, kind=inspect.Parameter.KEYWORD_ONLY)


def _own(target: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(target).parameters)
    except (TypeError, ValueError):
        return {}
