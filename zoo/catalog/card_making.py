"""Cards made from the source."""

import ast
from dataclasses import replace

from zoo.catalog.cards import Argument, Card, Parameter
from zoo.catalog.keras_types import KERAS_TYPES
from zoo.catalog.signature import (
    Found,
    Signature,
    base_of,
    constructor_signature,
    function_signature,
    linearized,
    method,
    parameters,
)
from zoo.catalog.source import Definition, SourceTree, Unreadable
from zoo.catalog.types import annotated_type, documented_arguments, documented_type
from zoo.components import Component, kind_of_argument

_KERAS = "keras"
_CALLED = {"layers": "call", "losses": "call", "metrics": "update_state"}
_MOST_WORDS = 400


def make_card(component: Component, tree: SourceTree) -> Card:
    """Reads what the source says of a component; nothing is imported.

    Args:
        component: The component.
        tree: The source files.

    Returns:
        The card; where the source does not tell, it says why.
    """
    module, _, name = component.target.partition(":")
    try:
        definition = tree.definition(module, name)
    except Unreadable as error:
        return Card(open=True, unknown=str(error))
    docstring = ast.get_docstring(definition.node) or ""
    card = Card(
        open=True,
        is_class=isinstance(definition.node, ast.ClassDef),
        summary=docstring.strip().partition("\n")[0],
        docstring=docstring,
        source=definition.place,
    )
    try:
        return _completed(card, component, definition, tree)
    except Unreadable as error:
        return replace(card, unknown=str(error))
    except RecursionError:
        return replace(card, unknown=f"the source of {name} is nested too deeply")


def _completed(card: Card, component: Component, definition: Definition, tree: SourceTree) -> Card:
    if card.is_class:
        classes = linearized(definition, tree)
        signature = constructor_signature(definition, tree)
        base = base_of(classes, tree)
        called = method(classes, _CALLED.get(component.kind, ""))
    else:
        signature, base, called = function_signature(definition), "", definition
    return replace(
        card,
        arguments=_arguments(signature, definition),
        open=signature.open,
        base=base,
        call=_call(called),
        called_as_keras=called is not None and called.package == _KERAS,
    )


def _call(called: Definition | None) -> tuple[Parameter, ...] | None:
    if called is None:
        return None
    found = parameters(called)
    return tuple(Parameter(p.name, p.required, p.positional) for p in found)


def _arguments(signature: Signature, definition: Definition) -> tuple[Argument, ...]:
    documented: dict[ast.AST, dict[str, tuple[str, str]]] = {}
    made = []
    for found in signature.arguments:
        kind, text = "", ""
        for node in (definition.node, found.owner.node):
            if node not in documented:
                documented[node] = _documentation(node)
            if found.name in documented[node]:
                kind, text = documented[node][found.name]
                break
        made.append(_argument(found, kind, text))
    return tuple(made)


def _documentation(node: ast.ClassDef | ast.FunctionDef) -> dict[str, tuple[str, str]]:
    found = documented_arguments(ast.get_docstring(node) or "")
    for statement in node.body if isinstance(node, ast.ClassDef) else []:
        if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
            found = {**documented_arguments(ast.get_docstring(statement) or ""), **found}
    return found


def _argument(found: Found, kind: str, text: str) -> Argument:
    types, choices = annotated_type(found.annotation)
    if found.annotation is None:
        written = ast.Constant(kind.removesuffix(", optional").strip()) if kind else None
        types, choices = annotated_type(written)
        types = types or documented_type(text, found.default)
    if found.owner.package == _KERAS:
        owner = found.owner.node.name
        for key in (f"{owner}.{found.name}", f"*.{found.name}"):
            types, choices = KERAS_TYPES.get(key, (types, choices))
    component_kind = kind_of_argument(found.name)
    if component_kind is not None:
        types, choices = (), ()
    return Argument(
        name=found.name,
        default=ast.unparse(found.default) if found.default is not None else None,
        required=found.required,
        types=types,
        choices=choices,
        kind=component_kind,
        positional=found.positional,
        doc=text[:_MOST_WORDS],
    )
