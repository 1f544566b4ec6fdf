"""What differs between two documents of plain data, key by key."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from zoo.components import snake_case

_Tables = dict[str, Mapping[str, Any]]


class _Absent:
    def __repr__(self) -> str:
        return "absent"


ABSENT = _Absent()
"""Stands for what one of the two does not have; None is a value."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One key whose values differ.

    Attributes:
        key: Where it stands, such as `layers.conv1.filters`.
        before: The first document's value, or `ABSENT`.
        after: The second's.
    """

    key: str
    before: Any
    after: Any

    @property
    def change(self) -> str:
        """`added`, `removed` or `changed`."""
        if self.before is ABSENT:
            return "added"
        return "removed" if self.after is ABSENT else "changed"

    def to_json(self) -> dict[str, Any]:
        """Gives plain data; what is absent is left out."""
        both = {"before": self.before, "after": self.after}
        there = {side: value for side, value in both.items() if value is not ABSENT}
        return {"key": self.key, "change": self.change, **there}


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Compares two documents.

    Tables are compared key by key. Lists of tables are matched by name, be it the one that a
    type implies, so that a node that is inserted is one difference and not one for every node
    below it; their order does not matter. Everything else is compared as a whole.

    Args:
        before: A document, such as a resolved config.
        after: Another.

    Returns:
        The differences, in the order of the keys of both.
    """
    return list(_of_tables(before, after, ""))


def _of_tables(
    before: Mapping[str, Any], after: Mapping[str, Any], above: str
) -> Iterator[Difference]:
    for key in dict.fromkeys([*before, *after]):
        one, other = before.get(key, ABSENT), after.get(key, ABSENT)
        yield from _of_values(one, other, f"{above}{key}")


def _of_values(one: Any, other: Any, key: str) -> Iterator[Difference]:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        yield from _of_tables(one, other, f"{key}.")
    elif _are_tables(one) and _are_tables(other) and (one or other):
        yield from _of_tables(*_without_needless_names(_by_name(one), _by_name(other)), f"{key}.")
    # A whole number may be written with a point or without; a truth value is no number.
    elif one != other or isinstance(one, bool) is not isinstance(other, bool):
        yield Difference(key, one, other)


def _are_tables(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, Mapping) for item in value)


def _by_name(tables: list[Mapping[str, Any]]) -> _Tables:
    found: _Tables = {}
    given = {str(table["name"]) for table in tables if table.get("name")}
    for table in tables:
        own = table.get("name")
        name = str(own or snake_case(str(table.get("type", ""))))
        number, label = 0, name
        while label in found or (not own and label in given):
            number += 1
            label = f"{name}_{number}"
        found[label] = table
    return found


def _without_needless_names(one: _Tables, other: _Tables) -> tuple[_Tables, _Tables]:
    """Leaves the name out of what has it in one document and implies it in the other."""
    both = [dict(one), dict(other)]
    for label in one.keys() & other.keys():
        if len({"name" in tables[label] for tables in both}) > 1:
            for tables in both:
                tables[label] = {k: v for k, v in tables[label].items() if k != "name"}
    return both[0], both[1]


def flattened(document: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Gives the plain values of a document by the keys that `differences` would name."""
    found: dict[str, Any] = {}
    for key, value in document.items():
        if isinstance(value, Mapping):
            found |= flattened(value, f"{above}{key}.")
        elif _are_tables(value) and value:
            found |= flattened(_by_name(value), f"{above}{key}.")
        else:
            found[f"{above}{key}"] = value
    return found
