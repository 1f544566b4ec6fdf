"""Arguments checked against a constructor before it is called."""

import functools
import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

from zoo.components import did_you_mean
from zoo.errors import Finding

_VARIADIC = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
_INTEGER_IN_DOCS = re.compile(r"\s*(?:an? )?(?:strictly )?(?:positive )?int(?:eger)?\b", re.I)
_ARGUMENT_IN_DOCS = re.compile(r"^\s+(\w+): (.*(?:\n\s{8,}.*)?)", re.M)
_OTHER_TYPES_IN_DOCS = re.compile(r"\bor\b|/|\bstr|\bfloat|\bbool")


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


def takes_any_keyword(target: Callable[..., Any]) -> bool:
    """Tells whether a plain function takes whatever it is given."""
    return not inspect.isclass(target) and any(
        p.kind is inspect.Parameter.VAR_KEYWORD for p in _own(target).values()
    )


def argument_findings(
    target: Callable[..., Any],
    arguments: Mapping[str, Any],
    what: str,
    key: str,
    supplied: tuple[str, ...] = (),
    *,
    partly: bool = False,
) -> list[Finding]:
    """Finds unknown, missing and ill-typed arguments.

    Args:
        target: The class or function.
        arguments: The arguments of the config.
        what: The component's name.
        key: Its place in the config.
        supplied: Parameters that the zoo itself fills, which a config may not name.
        partly: Whether what is missing is given later, as to a loss that is a function.
    """
    parameters = {n: p for n, p in parameters_of(target).items() if n not in supplied}
    findings = []
    if not takes_any_keyword(target):
        for name in arguments:
            if name not in parameters:
                hint = did_you_mean(name, parameters, f"it takes {', '.join(parameters) or 'none'}")
                message = f"{what} takes no argument {name!r}"
                place = f"{key}.{name}"
                findings.append(Finding("unknown-argument", message, key=place, suggestion=hint))
    for name, parameter in parameters.items():
        if _required(parameter) and name not in arguments and not partly:
            message = f"{what} needs the argument {name!r}"
            findings.append(Finding("missing-argument", message, key=f"{key}.{name}"))
    integers = documented_integers(target)
    for name, value in arguments.items():
        if name in integers and isinstance(value, bool | float | str):
            message = f"{what} takes an integer as {name!r}; received {value!r}"
            findings.append(Finding("wrong-type", message, key=f"{key}.{name}"))
    return findings


def defaults_of(target: Callable[..., Any]) -> dict[str, Any]:
    """Gives the arguments that have a default in the class's or function's own signature."""
    return {
        name: parameter.default
        for name, parameter in parameters_of(target).items()
        if not _required(parameter)
    }


@functools.cache
def documented_integers(target: Callable[..., Any]) -> set[str]:
    """Names the arguments that the docstring calls an integer and nothing else.

    Keras annotates almost nothing, and takes True for 1.
    """
    found = set()
    for name, text in _ARGUMENT_IN_DOCS.findall(inspect.getdoc(target) or ""):
        words = text.partition(".")[0]
        if _INTEGER_IN_DOCS.match(words) and not _OTHER_TYPES_IN_DOCS.search(words):
            found.add(name)
    return found


def _required(parameter: inspect.Parameter) -> bool:
    return parameter.default is inspect.Parameter.empty and parameter.kind not in _VARIADIC


def _with_default(parameter: inspect.Parameter) -> inspect.Parameter:
    return parameter.replace(default=None, kind=inspect.Parameter.KEYWORD_ONLY)


def _own(target: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(target).parameters)
    except (TypeError, ValueError):
        return {}
