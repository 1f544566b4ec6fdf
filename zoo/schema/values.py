"""The schema of single values: each may also be a variable, `"${vars.n}"`."""

from collections.abc import Iterable
from typing import Any

from zoo.catalog.cards import BOOLEAN, INTEGER, LIST, NUMBER, STRING, TABLE, Types

Schema = dict[str, Any]

_JSON = {
    BOOLEAN: "boolean",
    INTEGER: "integer",
    NUMBER: "number",
    STRING: "string",
    LIST: "array",
    TABLE: "object",
}
_A_VARIABLE = r"^\$\{vars\.[^}]+\}$"
_WITH_A_VARIABLE = r"\$\{vars\.[^}]+\}"


def typed(types: Types, **more: Any) -> Schema:
    """Gives the schema of a value of some types; of none means of any."""
    if not types:
        return dict(more)
    listed = [_JSON[kind] for kind in types]
    if STRING in types:
        return {"type": listed, **more}
    # A variable keeps the type of its value.
    return {"type": [*listed, "string"], "pattern": _A_VARIABLE, **more}


def one_of(choices: Iterable[Any], types: Types = (STRING,), *, offered: Any = None) -> Schema:
    """Gives the schema of a string that is one of several.

    Args:
        choices: What is accepted.
        types: What else it may be than a string.
        offered: What editors propose; all choices by default.
    """
    listed = list(choices)
    return {
        **typed(types),
        "if": {"type": "string", "not": {"pattern": _WITH_A_VARIABLE}},
        "then": {"enum": listed},
        # Editors complete from this; it never refuses anything.
        "anyOf": [{"enum": listed if offered is None else list(offered)}, {}],
    }


def text(pattern: str = "", **more: Any) -> Schema:
    """Gives the schema of a text of a form."""
    if not pattern:
        return {"type": "string", **more}
    return {"type": "string", "pattern": f"{pattern}|{_WITH_A_VARIABLE}", **more}


def list_of(items: Schema, **more: Any) -> Schema:
    """Gives the schema of a list."""
    return typed((LIST,), items=items, **more)


def table(properties: dict[str, Any], **more: Any) -> Schema:
    """Gives the schema of a table that takes these keys alone."""
    return {"type": "object", "properties": properties, "additionalProperties": False, **more}


def where(condition: Schema, then: Schema) -> Schema:
    """Gives the schema that holds where another does."""
    return {"if": condition, "then": then}
