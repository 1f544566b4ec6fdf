"""The type of an argument: from its annotation, its docstring and its default.

What is not certain is unknown, and an unknown type accepts everything.
"""

import ast
import re
from itertools import pairwise
from typing import Any

from zoo.catalog.cards import BOOLEAN, INTEGER, LIST, NUMBER, STRING, TABLE, Types, accepts

_NONE = "none"
_OTHER = "other"
_ANNOTATIONS = {
    "bool": BOOLEAN,
    "int": INTEGER,
    "float": NUMBER,
    "str": STRING,
    "Path": STRING,
    "PathLike": STRING,
    "None": _NONE,
    **dict.fromkeys(("list", "List", "tuple", "Tuple", "Sequence", "Iterable"), LIST),
    **dict.fromkeys(("Collection", "set", "Set", "frozenset"), LIST),
    **dict.fromkeys(("dict", "Dict", "Mapping", "MutableMapping"), TABLE),
}
_WORDS = {
    **dict.fromkeys(("bool", "bools", "boolean", "booleans"), BOOLEAN),
    **dict.fromkeys(("int", "ints", "integer", "integers"), INTEGER),
    **dict.fromkeys(("float", "floats", "floating"), NUMBER),
    **dict.fromkeys(("str", "string", "strings"), STRING),
    **dict.fromkeys(("list", "lists", "tuple", "tuples"), LIST),
    **dict.fromkeys(("dict", "dicts", "dictionary", "dictionaries"), TABLE),
    **dict.fromkeys(("callable", "lambda", "matrix", "vector", "scalar", "pathlike"), _OTHER),
    **dict.fromkeys(("array", "arrays", "array_like", "tensor", "tensors"), _OTHER),
}
_ARTICLES = {"a", "an", "the"}
_ALTERNATIVES = {"function", "instance", "iterable", "sequence", "generator", "path", "object"}
"""Words that mean a type only where they follow `or`."""

_BEFORE_A_TYPE = {*_ARTICLES, "single", "small", "python", "positive", "strictly", "optional"}
_TOKEN = re.compile(r"[A-Za-z_]+|\d+(?:\.\d+)?|[^\sA-Za-z_\d]")
_ENTRY = re.compile(r"\s*\*{0,2}(\w+)(?: *\(([^)]*)\))? ?: ?(.*)")
_SECTION = re.compile(r"(?:Args|Arguments|Parameters):")
_IN_BRACKETS = re.compile(r"(?<!in )(?<!range )`[\[(][^`]*[\])]`")
_TRUTH = re.compile(r"(?:\(optional\) *)?(?:whether|if `?(?:true|false))\b", re.I)


def documented_arguments(docstring: str) -> dict[str, tuple[str, str]]:
    """Reads the section on arguments of a docstring in Google's form.

    Returns:
        For each argument its type, where it stands in parentheses, and what is said of it.
    """
    found: dict[str, tuple[str, str]] = {}
    section: int | None = None
    depth: int | None = None
    name = ""
    for line in docstring.splitlines():
        indent = len(line) - len(line.lstrip())
        if _SECTION.fullmatch(line.strip()):
            section, depth = indent, None
        elif section is not None and line.strip():
            entry = _ENTRY.fullmatch(line)
            if indent <= section:
                section = None
            elif entry and depth in (None, indent):
                depth, name = indent, entry[1]
                found.setdefault(name, (entry[2] or "", entry[3]))
            elif name:
                kind, text = found[name]
                found[name] = (kind, f"{text} {line.strip()}".strip())
    return found


def annotated_type(annotation: ast.expr | None) -> tuple[Types, tuple[str, ...]]:
    """Gives the types and the strings that an annotation accepts; nothing if it is not certain."""
    found = _annotated(annotation) if annotation is not None else [_OTHER]
    if _OTHER in found:
        return (), ()
    types = _unique(kind for kind in found if not kind.startswith(("=", _NONE)))
    choices = tuple(kind[1:] for kind in found if kind.startswith("="))
    if choices and types:  # Literal["auto"] | str
        return ((), ()) if STRING not in types else (types, ())
    return (types, ()) if types else ((STRING,) if choices else (), choices)


def documented_type(text: str, default: ast.expr | None) -> Types:
    """Gives the types that a docstring says an argument has; nothing if it is not certain."""
    types = _types_at_the_start(text)
    value = literal(default)
    if not types and isinstance(value, bool) and _TRUTH.match(text.replace("*", "").strip()):
        return (BOOLEAN,)
    fits = default is None or value is UNKNOWN or value is None or accepts(types, value)
    return types if fits else ()


UNKNOWN: Any = object()
"""Stands for a value that only the running program knows."""


def literal(expression: ast.expr | None) -> Any:
    """Gives the value of a default that is written as a literal."""
    if expression is None:
        return UNKNOWN
    try:
        return ast.literal_eval(expression)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return UNKNOWN


def _annotated(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            return _parsed(node.value)
        return [_NONE if node.value is None else _OTHER]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return [*_annotated(node.left), *_annotated(node.right)]
    if isinstance(node, ast.Subscript):
        name = _last(node.value)
        inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if name == "Literal":
            return [_literal(item) for item in inner]
        if name in ("Union", "Optional", "Annotated", "Final"):
            inner = inner[:1] if name == "Annotated" else inner
            return [kind for item in inner for kind in _annotated(item)]
        return [_ANNOTATIONS.get(name, _OTHER)]
    return [_ANNOTATIONS.get(_last(node), _OTHER)]


def _parsed(text: str) -> list[str]:
    try:
        return _annotated(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return [_OTHER]


def _literal(node: ast.expr) -> str:
    value = literal(node)
    if isinstance(value, str):
        return f"={value}"
    if isinstance(value, bool):
        return BOOLEAN
    return {int: INTEGER, type(None): _NONE}.get(type(value), _OTHER)


def _last(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _types_at_the_start(text: str) -> Types:
    """Reads `int or tuple/list of 2 integers, ...`; any other type further on makes it unknown."""
    lists = [LIST] if _IN_BRACKETS.search(text) else []
    text = re.sub(r"^\s*\(?optional[).,]? *", "", text.replace("`", ""), flags=re.I)
    words = [word.lower() for word in _TOKEN.findall(text)]
    types: list[str] = []
    at = 0
    while at < len(words):
        start = at
        while at < len(words) and words[at] in (*_BEFORE_A_TYPE, ",", "or", "/", "and", "none"):
            at += 1
        if at >= len(words) or words[at] not in _WORDS:
            at = start
            break
        types.append(_WORDS[words[at]])
        at = _after_the_elements(words, at + 1)
    if words[at : at + 1] in (["or"], ["/"]) and words[at + 1 : at + 2] != ["none"]:
        return ()  # or something that is no type
    if types == [BOOLEAN]:
        return (BOOLEAN,)  # whatever is said of what it switches
    rest = {*lists, *_mentioned(words[at:])}
    return _unique(types) if types and _OTHER not in types and rest <= set(types) else ()


def _mentioned(words: list[str]) -> list[str]:
    found = [_WORDS[word] for word in words if word in _WORDS]
    plain = [word for word in words if word not in _ARTICLES]
    after_or = [word for before, word in pairwise(plain) if before == "or"]
    return [*found, *(_OTHER for word in after_or if word in _ALTERNATIVES)]


def _after_the_elements(words: list[str], at: int) -> int:
    """Skips `of 2 integers` and `of 2 tuples of 2 ints`."""
    while at < len(words) and words[at] == "of":
        end = at + 1
        while end < len(words) and end - at < 5 and words[end] not in _WORDS:
            end += 1
        if end >= len(words) or words[end] not in _WORDS:
            return at
        at = end + 1
    return at


def _unique(kinds: Any) -> Types:
    return tuple(dict.fromkeys(kinds))
