"""The schema of each component's table, from its argument card.

What is wrong is found by `if` and `then`, which give one exact error each. Editors complete from
`properties` and `anyOf` alone, so both name the same definitions; the empty schema at the end of
an `anyOf` keeps it from ever refusing anything. What would be an error of a whole table, a key too
many or too few, is made one of a single value.
"""

import ast
from collections import Counter
from collections.abc import Iterable, Iterator

from zoo.catalog.cards import STRING, TABLE, Argument, Card
from zoo.catalog.catalog import Catalog
from zoo.components import ARGUMENT_KINDS, KINDS, Component, singular
from zoo.resolve.arguments import open_to_a_config, required_of_a_config
from zoo.schema.values import (
    WITH_A_VARIABLE,
    Schema,
    list_of,
    offered,
    one_of,
    table,
    text,
    typed,
    unless,
    where,
)

_NAME = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$"
_ZOO_MODEL = "^zoo:"
_MOST_WORDS = 200

_NAMED: dict[str, Schema] = {
    "name": text(_NAME, description="What it is called; by default after its type."),
    "type": {},
    "args": {"type": "object", "description": "Arguments that are called like a reserved key."},
}
_IN_A_LIST: dict[str, Schema] = {
    "after": text(description="The item behind which it is inserted; where a config extends."),
}
_NEEDING: dict[str, Schema] = {
    "needs": {
        "type": "object",
        "additionalProperties": {"type": "string"},
        "description": "From where a parameter is taken whose name is not that of its source.",
    },
}
_REFERENCES: Schema = {
    "type": ["string", "array", "object"],
    "description": "A node's name, a list of them, or a table of them; by default the node above.",
}

RESERVED: dict[str, dict[str, Schema]] = {
    "layers": {
        **_NAMED,
        **_IN_A_LIST,
        "inputs": _REFERENCES,
        "shared_with": text(description="The node whose layer is called again."),
        "weights": text(description="The version that the variables start from, as NAME@V."),
        "trainable": typed(("boolean",), description="Whether it is trained.", default=True),
    },
    "losses": {**_NAMED, **_NEEDING},
    "metrics": {
        **_NAMED,
        **_IN_A_LIST,
        **_NEEDING,
        "output": text(description="The output that it is of; by default each."),
    },
    "optimizers": _NAMED,
    "callbacks": {**_NAMED, **_IN_A_LIST},
    "evaluators": {**_NAMED, **_IN_A_LIST},
    "loops": _NAMED,
    "datasets": {key: _NAMED[key] for key in ("type", "args")},
    **{kind: {key: _NAMED[key] for key in ("type", "args")} for kind in ARGUMENT_KINDS},
}
"""The keys that stand beside a component's arguments, of each kind."""


def definitions(catalog: Catalog) -> Iterator[tuple[str, Schema]]:
    """Gives the definitions of every kind and of every installed component, by their names."""
    for kind in (*KINDS, *ARGUMENT_KINDS):
        rows = [row for row in catalog.of_kind(kind) if row.status != "broken"]
        cards = {row.qualified: catalog.card(row) for row in rows}
        names = _names(rows)
        for row in rows:
            yield f"{kind}.{row.qualified}", _component(row, cards[row.qualified], names)
        yield f"{kind} table", _table(kind, rows, names)
        yield f"{kind} name", _name_schema(kind, names)
        yield kind, _name_or_table(kind, rows)
        yield f"whole {kind}", _whole(kind, rows, cards, names)


def ref(name: str) -> Schema:
    """Refers to a definition."""
    return {
        "$ref": f"#/definitions/{name.replace('~', '~0').replace('/', '~1').replace(' ', '%20')}"
    }


def _names(rows: Iterable[Component]) -> dict[str, list[str]]:
    """Gives the names that a config may call each component by, its qualified one last."""
    rows = list(rows)
    owners = Counter(row.name for row in rows)
    return {
        row.qualified: [*([row.name] if owners[row.name] == 1 else []), row.qualified]
        for row in rows
    }


def _component(row: Component, card: Card, names: dict[str, list[str]]) -> Schema:
    arguments = {
        name: _argument(argument) for name, argument in open_to_a_config(row, card).items()
    }
    reserved = {**RESERVED[row.kind], "type": {"enum": names[row.qualified]}}
    summary = f"{card.summary} ({row.distribution})"
    schema = table(row.name, {**arguments, **reserved}, description=summary)
    if card.open:
        del schema["additionalProperties"]
    return schema


def _argument(argument: Argument) -> Schema:
    if argument.kind is not None and argument.kind in RESERVED:
        schema = _nested(argument.kind)
    elif argument.choices:
        schema = one_of(argument.choices, argument.types or (STRING,))
    else:
        schema = typed(argument.types)
    words = [argument.doc[:_MOST_WORDS]] if argument.doc else []
    if argument.required:
        words.append("Required.")
    elif argument.default is not None:
        words.append(f"Default: {argument.default}.")
        schema |= _default(argument.default)
    return {**schema, "description": " ".join(words)} if words else schema


def _default(source: str) -> Schema:
    try:
        value = ast.literal_eval(source)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return {}
    return {"default": value} if isinstance(value, bool | int | float | str) else {}


def _nested(kind: str) -> Schema:
    # Only a kind that stands in arguments alone may be written as its name.
    schema = where({"type": "object", "required": ["type"]}, ref(f"{kind} table"))
    if kind in ARGUMENT_KINDS:
        schema["else"] = where({"type": "string"}, ref(f"{kind} name"))
    return {**schema, "anyOf": offered(ref(f"{kind} name"), ref(f"{kind} table"))}


def _table(kind: str, rows: list[Component], names: dict[str, list[str]]) -> Schema:
    known = [
        where(_is_of_type(names[row.qualified]), ref(f"{kind}.{row.qualified}")) for row in rows
    ]
    return {
        "type": "object",
        "properties": {**RESERVED[kind], "type": ref(f"{kind} name")},
        "allOf": known,
        "anyOf": offered(*(ref(f"{kind}.{row.qualified}") for row in rows)),
    }


def _is_of_type(names: list[str]) -> Schema:
    return {"properties": {"type": {"enum": names}}, "required": ["type"]}


def _name_schema(kind: str, names: dict[str, list[str]]) -> Schema:
    short = {"enum": [listed[0] for listed in names.values()]}
    qualified = {"enum": list(names)}
    # A model of the zoo is a layer too.
    free = f"{WITH_A_VARIABLE}|{_ZOO_MODEL}" if kind == "layers" else WITH_A_VARIABLE
    return {
        "type": "string",
        **unless(free, {**where({"pattern": "/"}, qualified), "else": short}),
        "anyOf": offered(short),
        "description": f"A {singular(kind)} by its name.",
    }


def _name_or_table(kind: str, rows: list[Component]) -> Schema:
    return {
        **typed((STRING, TABLE)),
        **where({"type": "string"}, ref(f"{kind} name")),
        "else": ref(f"{kind} table"),
        "anyOf": offered(ref(f"{kind} name"), *(ref(f"{kind}.{row.qualified}") for row in rows)),
    }


def _whole(
    kind: str, rows: list[Component], cards: dict[str, Card], names: dict[str, list[str]]
) -> Schema:
    """Gives what has to be there, in a config that extends no other."""
    rules = []
    for row in rows:
        wanted = required_of_a_config(row, cards[row.qualified])
        if wanted:
            # Arguments may stand in `args` as well.
            lacking = {"not": {"anyOf": [{"required": ["args"]}, {"required": wanted}]}}
            condition = {**_is_of_type(names[row.qualified]), **lacking}
            # `required` would be an error of the whole table, as above.
            needs = {"const": f"{row.name} with {' and '.join(wanted)}"}
            rules.append(where(condition, {"properties": {"type": needs}}))
    has_type: Schema = {"required": ["type"]}
    if kind == "layers":
        has_type = where({"not": {"required": ["shared_with"]}}, has_type)
    return where({"type": "object"}, {"allOf": [has_type, *rules]})


def listed(kind: str) -> Schema:
    """Gives the schema of an array of components."""
    return list_of(ref(f"{kind} table" if kind == "layers" else kind))
