"""What a rule of the kit is, and how its failures are worded: all of a component's in one error."""

import re
import warnings
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.components import did_you_mean
from zoo.errors import in_one_line


class Broken(AssertionError):
    """A rule is broken; the text says in what way."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that a component of a kind has to hold to.

    Attributes:
        name: What `skip` calls it.
        says: The rule, in one sentence.
        remedy: What to do about a component that breaks it.
        check: Raises `Broken` where a component breaks it.
    """

    name: str
    says: str
    remedy: str
    check: Callable[[Any], None]


def rule(says: str, remedy: str) -> Callable[[Callable[[Any], None]], Rule]:
    """Makes a rule of the function that checks it, under the function's name."""

    def decorate(check: Callable[[Any], None]) -> Rule:
        return Rule(check.__name__.rstrip("_"), says, remedy, check)

    return decorate


def hold(rules: Sequence[Rule], bench: Any, label: str, skip: Collection[str]) -> list[str]:
    """Checks a component against rules, and says everything that is wrong at once.

    Args:
        rules: The rules; where the first is broken, the others cannot be checked.
        bench: What the rules are given: the component with what it is tried on.
        label: The component, for messages.
        skip: The names of rules to leave out.

    Returns:
        The names of the rules that were checked.

    Raises:
        AssertionError: If any is broken; it has every one, with its remedy.
        ValueError: If `skip` names a rule that there is not.
    """
    __tracebackhide__ = True
    names = [rule.name for rule in rules]
    for name in skip:
        if name not in names:
            hint = did_you_mean(name, names, f"there are {', '.join(names)}")
            raise ValueError(f"`skip` names {name!r}, which is no rule for {label}; {hint}")
    failures: list[str] = []
    cause: BaseException | None = None
    checked = [rule for rule in rules if rule.name not in skip]
    for rule in checked:
        try:
            with warnings.catch_warnings():
                # Keras 3.15 reads its own variables in a way that NumPy 2 has deprecated.
                warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
                rule.check(bench)
        except Broken as broken:
            failures.append(_worded(rule, str(broken)))
        except Exception as error:  # noqa: BLE001  # a component may raise anything
            failures.append(_worded(rule, f"it raises {type(error).__name__}: {_plain(error)}"))
            cause = cause or error
        if failures and rule is rules[0]:
            break
    if failures:
        count = f"{len(failures)} rules" if len(failures) > 1 else "a rule"
        raise AssertionError("\n".join([f"{label} breaks {count}", *failures])) from cause
    return [rule.name for rule in checked]


def _plain(error: Exception) -> str:
    """Words an exception without the colours that Keras gives its messages."""
    return re.sub(r"\x1b\[\d*m", "", in_one_line(error))


def _worded(rule: Rule, what: str) -> str:
    return f"[{rule.name}] {what}\n  rule:   {rule.says}\n  remedy: {rule.remedy}"
