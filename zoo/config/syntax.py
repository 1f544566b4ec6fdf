"""What to do about text that is not TOML."""

import re

from zoo.config.names import NAMED_ARRAYS

BOM_HINT = "save the file as UTF-8 without a byte order mark"

_BARE_WORD = re.compile(r"[A-Za-z./~][\w./~-]*")
_HEADER = re.compile(r"\s*\[\[?\s*([\w.]+)")
_NOTHING = ("None", "null", "nil", "none")
_CLOSING = {"Unclosed array": ("list", "]"), "Unclosed inline table": ("table", "}")}
_HINTS = {
    "Invalid value": "a value is a string in quotes, a number, true, false, a list or a table",
    "Invalid statement": 'a line is `key = value`, "[table]" or a comment',
    "Expected '=' after a key": 'a line is `key = value`, "[table]" or a comment',
    "Expected ']]'": "close it with ]]",
    "Expected ']'": "close it with ]",
    "Illegal character '\\n'": "close the string with a quote",
    "Illegal character '\\r'": "close the string with a quote",
    "Unterminated string": "close the string with a quote",
    "Expected \"'": "close the string with a quote",
    "Unescaped '\\'": 'write "\\\\" for a backslash, or the whole string in single quotes',
    "Cannot overwrite a value": "this key stands there twice",
    "Duplicate inline table key": "this key stands there twice",
    "Cannot declare": "this table stands there twice: put its keys together",
    "Cannot mutate immutable namespace": "this table is complete already: add the key inside it",
}
"""What to do, by how the parser's message begins."""


def syntax_hint(message: str, line: str, column: int | None) -> str | None:
    """Says what to do about an error of the parser.

    Args:
        message: How the parser words what it stumbled over.
        line: The line where it did.
        column: The column, counted from 1.
    """
    start = (column or 1) - 1
    word = _BARE_WORD.match(line, start)
    if message == "Invalid value" and word:
        return _word_hint(word[0], line[:start])
    if message in _CLOSING:
        return _closing_hint(*_CLOSING[message], at_the_end=not line[start:].strip())
    if message.startswith("Invalid initial character for a key") and "{" in line:
        return "a table in braces stands on one line, without a comma at its end"
    header = _HEADER.match(line)
    if message.startswith("Cannot") and header and header[1] in NAMED_ARRAYS:
        return f"write [[{header[1]}]] above each item"
    return next((hint for start, hint in _HINTS.items() if message.startswith(start)), None)


def _word_hint(word: str, before: str) -> str:
    if word in ("True", "False"):
        return f"write {word.lower()}"
    if word not in _NOTHING:
        return "a string needs quotes"
    if before.lstrip().startswith("shape"):
        return 'write "any" for an axis whose size may differ'
    return "TOML has no word for nothing: leave the key out"


def _closing_hint(what: str, bracket: str, *, at_the_end: bool) -> str:
    if at_the_end:
        line = " on this line" if what == "table" else ""
        return f"close the {what} with {bracket}{line}"
    return f"a comma or {bracket} is missing before this"
