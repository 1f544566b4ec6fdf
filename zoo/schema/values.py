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
WITH_A_VARIABLE = r"\$\{vars\.[^}]+\}"
_A_VARIABLE: Schema = {"type": "string", "pattern": f"^{WITH_A_VARIABLE}$"}


def typed(types: Types, **more: Any) -> Schema:
    """Gives the schema of a value of some types; of none means of any."""
    if not types:
        return dict(more)
    listed = [_JSON[kind] for kind in types]
    of_type = {"type": listed if len(listed) > 1 else listed[0]}
    if STRING in types:
        return {**of_type, **more}
    # A variable keeps the type of its value.
    return {"if": _A_VARIABLE, "else": of_type, **more}


def one_of(choices: Iterable[str], types: Types = (STRING,)) -> Schema:
    """Gives the schema of a string that is one of several.

    Args:
        choices: What is accepted.
        types: What it may be; strings among it.
    """
    listed = list(choices)
    others = tuple(kind for kind in types if kind != STRING)
    return {
        "if": {"type": "string"},
        "then": unless(WITH_A_VARIABLE, {"enum": listed}),
        "else": typed(others) if others else {"type": "string"},
        "anyOf": offered({"enum": listed}),
    }


def offered(*schemas: Schema) -> list[Schema]:
    """Gives what editors complete from, and nothing is refused by."""
    return [*schemas, {}]


def unless(pattern: str, schema: Schema) -> Schema:
    """Gives the schema that holds for every string without a pattern."""
    return {"if": {"pattern": pattern}, "else": schema}


def text(pattern: str = "", **more: Any) -> Schema:
    """Gives the schema of a text of a form."""
    if not pattern:
        return {"type": "string", **more}
    return {"type": "string", "pattern": f"{pattern}|{WITH_A_VARIABLE}", **more}


def list_of(items: Schema, **more: Any) -> Schema:
    """Gives the schema of a list."""
    return typed((LIST,), items=items, **more)


def table(what: str, properties: dict[str, Any], **more: Any) -> Schema:
    """Gives the schema of a table that takes these keys alone.

    Args:
        what: What has the keys, for the error of a key that it has not.
        properties: The schema of each key.
        **more: What else the schema says.
    """
    keys = ", ".join(properties)
    return {
        "type": "object",
        "properties": properties,
        # `false` would be an error of the whole table, which editors underline line by line.
        "additionalProperties": {"const": f"a key of {what}: {keys}"},
        **more,
    }


def where(condition: Schema, then: Schema) -> Schema:
    """Gives the schema that holds where another does."""
    return {"if": condition, "then": then}
