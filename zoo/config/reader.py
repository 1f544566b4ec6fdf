"""TOML text to plain data, refusing what is hostile or broken before it costs anything."""

import math
import re
import tomllib
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from zoo.config.names import Keys, Place
from zoo.config.syntax import BOM_HINT, syntax_hint
from zoo.errors import ConfigError, Finding
from zoo.files import read_bytes

MAX_BYTES = 4 * 1024 * 1024
MAX_NESTING = 64
MAX_KEY_PARTS = 32

_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*'
    r"|(?P<open>[\[{])|(?P<close>[\]}])|(?P<dot>\.)|(?P<end>[=,\n])",
    re.DOTALL,
)
_NAMES = re.compile(r"\('(.*?)',?\)")
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def read_toml(path: Path) -> dict[str, Any]:
    """Reads a TOML file.

    Raises:
        StorageError: If it is missing or not a regular file.
        ConfigError: `syntax` or `too-large`.
    """
    data = read_bytes(path, limit=MAX_BYTES)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        finding = Finding(
            "syntax",
            f"byte {data[error.start]:#04x} is not UTF-8",
            file=str(path),
            line=line,
            column=error.start - data.rfind(b"\n", 0, error.start),
            suggestion="save the file as UTF-8",
        )
        raise ConfigError.of([finding]) from error
    return parse_toml(text, file=str(path))


def parse_toml(text: str, *, file: str | None = None) -> dict[str, Any]:
    """Parses TOML text into plain data.

    Args:
        text: The document.
        file: What to call it in errors.

    Raises:
        ConfigError: `syntax`, with line and column, or `too-large` for a document that nests
            so deeply that parsing it would not end well.
    """
    _refuse_depth(text, file)
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError.of([_syntax_finding(str(error), text, file)]) from error


def plain_data_findings(document: dict[str, Any], file: str | None = None) -> Iterator[Finding]:
    """Finds the values that TOML can say and a config cannot.

    They are NaN, infinities, dates, and integers beyond 64 bits.
    """
    keys = Keys(document)
    stack: list[tuple[Place, Any]] = [((), document)]
    while stack:
        place, item = stack.pop()
        if isinstance(item, dict):
            stack.extend(((*place, name), part) for name, part in item.items())
        elif isinstance(item, list):
            stack.extend(((*place, index), part) for index, part in enumerate(item))
        elif (wrong := _why_not_plain(item)) is not None:
            code, why = wrong
            key = keys.of(place)
            yield Finding(code, f"{key} {why}", file, key=key)


def _why_not_plain(value: Any) -> tuple[str, str] | None:
    if isinstance(value, float) and not math.isfinite(value):
        return "bad-value", f"is {value}; only finite numbers are accepted"
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return "bad-value", "does not fit into 64 bits"
    if isinstance(value, datetime | date | time):
        return "wrong-type", "is a date or time; write it as a string"
    return None


def _refuse_depth(text: str, file: str | None) -> None:
    nesting = dots = 0
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup
        if kind == "open":
            nesting, dots = nesting + 1, 0
        elif kind == "close":
            nesting, dots = max(nesting - 1, 0), 0
        elif kind == "dot":
            dots += 1
        elif kind == "end":
            dots = 0
        if nesting > MAX_NESTING or dots >= MAX_KEY_PARTS:
            what = "brackets nest" if nesting > MAX_NESTING else "a dotted key goes"
            limit = MAX_NESTING if nesting > MAX_NESTING else MAX_KEY_PARTS
            finding = Finding(
                "too-large",
                f"{what} deeper than {limit} levels",
                file=file,
                line=text.count("\n", 0, token.start()) + 1,
                column=token.start() - text.rfind("\n", 0, token.start()),
            )
            raise ConfigError.of([finding])


def _syntax_finding(message: str, text: str, file: str | None) -> Finding:
    place = _PLACE.search(message)
    line = column = None
    if place:
        message = message[: place.start()]
        line = int(place[1]) if place[1] else text.count("\n") + 1
        column = int(place[2]) if place[2] else len(text) - text.rfind("\n")
    lines = text.split("\n")
    excerpt = lines[line - 1].rstrip("\r") if line is not None and line <= len(lines) else None
    hint = BOM_HINT if text.startswith("\ufeff") else syntax_hint(message, excerpt or "", column)
    # The parser shows a dotted key as Python shows a tuple.
    words = _NAMES.sub(lambda names: names[1].replace("', '", "."), message)
    message = f"this is not TOML: {words}"
    return Finding("syntax", message, file, line, column, excerpt=excerpt, suggestion=hint)
