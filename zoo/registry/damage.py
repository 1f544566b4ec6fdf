"""What is wrong with a `registry.toml` that cannot be used, in words and with its lines."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from zoo.components import did_you_mean
from zoo.config.positions import Lines, Place, Span, places
from zoo.errors import Finding, RegistryError, as_written
from zoo.registry.root import FILE_NAME

FORMAT = 1
"""The format that is written."""

ACCEPT = "`zoo verify --accept-edits`"
_RESTORE = f"restore it from version control, or check the edit and accept it with {ACCEPT}"
_MARKER = re.compile(r"^(<{7}|\|{7}|={7}|>{7})(?: .*)?$", re.MULTILINE)
_NAME = "a-z, 0-9, `.`, `_` and `-`, at most 64 of them, the first a letter or digit"
_WANTED = {
    "string_type": "a string",
    "int_type": "an integer",
    "float_type": "a number",
    "list_type": "a list of tables",
    **dict.fromkeys(("dict_type", "model_type"), "a table"),
    "datetime_type": "a date and time, such as 2026-11-23T00:00:00Z",
    "greater_than_equal": "an integer of at least {ge}",
}


class Damage:
    """Words what is wrong with one file, and points at it.

    Args:
        text: The whole file.
        file: What to call it.
        values: What it says, where it is TOML.
    """

    def __init__(self, text: str, file: str, values: Mapping[str, Any] | None = None) -> None:
        self._text = text
        self._file = file
        self._values = values or {}

    @cached_property
    def _places(self) -> dict[tuple[str | int, ...], Place]:
        return places(self._text)

    def merge_conflicts(self) -> list[Finding]:
        """Finds what version control writes where two sides cannot be merged."""
        lines = Lines(self._text)
        conflicts: list[list[Span]] = []
        for marker in _MARKER.finditer(self._text):
            if marker[1][0] == "<" or not conflicts:
                conflicts.append([])
            conflicts[-1].append(Span(*marker.span()))
        # A line of equals signs alone may stand in a text of several lines.
        whole = [marks for marks in conflicts if len(marks) > 1]
        findings = []
        for marks in whole:
            numbers = _in_a_row([lines.of(mark.start) for mark in marks])
            message = f"a merge was left half-way: its marks are in lines {numbers}"
            finding = Finding("syntax", message, self._file, suggestion=_KEEP_BOTH)
            findings.append(lines.point(finding, marks[0]))
        return findings

    def not_toml(self, findings: Iterable[Finding]) -> list[Finding]:
        """Finds the marks of a merge, or else gives what the parser found, with a remedy."""
        return self.merge_conflicts() or [
            replace(finding, suggestion=_RESTORE) for finding in findings
        ]

    def other_format(self) -> RegistryError | None:
        """Says what to do about a format that is not the one that is read."""
        number = self._values.get("format")
        if type(number) is int and number == FORMAT:
            return None
        if type(number) is int and number > FORMAT:
            message = f"a newer zoo wrote this: format {number}; this zoo reads format {FORMAT}"
            hint = "upgrade zoo"
        elif self.is_older():
            said = "no format" if number is None else f"format {number}"
            message = f"it says {said}: an older zoo wrote it, or it has lost its beginning"
            hint = "compare it with version control; `zoo verify --migrate` makes it a new one"
        elif number is None:
            message = "it has lost its `format` line"
            hint = f"restore it from version control, or write: format = {FORMAT}"
        else:
            message = f"format takes {FORMAT}; received {as_written(number)}"
            hint = f"write: format = {FORMAT}"
        finding = Finding("bad-registry", message, self._file, key="format", suggestion=hint)
        if number is not None:
            finding = Lines(self._text).point(finding, self._places["format",].value)
        return RegistryError.of([finding])

    def is_older(self) -> bool:
        """Tells whether the file says an older format, or none and has no seal either."""
        number = self._values.get("format")
        if number is None:
            return "index" not in self._values
        return type(number) is int and 0 <= number < FORMAT

    def form(self, errors: Iterable[Any], known: Mapping[str, Sequence[str]]) -> list[Finding]:
        """Words what Pydantic found.

        Args:
            errors: Its errors.
            known: The keys of each table; of the file itself under the empty name.
        """
        return [self._of_form(error, known) for error in errors]

    def unsafe(self, where: tuple[str | int, ...], path: str) -> Finding:
        """Words a path that is no plain one below the root."""
        message = f"{self.entry(where)}: the path {as_written(path)} is not accepted"
        hint = "write it relative to the folder of registry.toml: no `..`, `~`, scheme or backslash"
        return self._point("unsafe-path", message, where, hint)

    def doubles(self, found: Mapping[str, list[tuple[str | int, ...]]]) -> list[Finding]:
        """Words entries that stand there twice.

        Args:
            found: Where each of them stands, by what it is called.
        """
        lines = Lines(self._text)
        findings = []
        for name, where in found.items():
            numbers = _in_a_row([lines.of(self._places[path].key.start) for path in where])
            message = f"{_DAMAGED}: {name} stands there twice, in lines {numbers}"
            findings.append(self._point("duplicate-name", message, where[-1], _ONE_OF_THEM))
        return findings

    def seal(self, what: str, where: tuple[str | int, ...]) -> RegistryError:
        """Words that the entries are not those that were sealed, and points at what is likely."""
        return RegistryError.of([self._point("hash-mismatch", f"{_DAMAGED}: {what}", where, None)])

    def line_of(self, where: tuple[str | int, ...]) -> int:
        """Gives the line on which something stands."""
        there = self._said(where)
        return Lines(self._text).of(self._places[there].key.start) if there else 1

    def entry(self, where: tuple[str | int, ...]) -> str:
        """Gives what an entry is called: `name@version`, or its number where that is wrong."""
        table, number = where[0], where[1] if len(where) > 1 else 0
        entries = self._values.get(str(table))
        entry = entries[number] if isinstance(entries, list) and isinstance(number, int) else None
        parts = [entry.get("name"), entry.get("version")] if isinstance(entry, Mapping) else []
        said = [part for part in parts if isinstance(part, str)]
        if not said:
            is_list = isinstance(entries, list)
            return f"[[{table}]] number {int(number) + 1}" if is_list else str(table)
        return "@".join(said)

    def _of_form(self, error: Any, known: Mapping[str, Sequence[str]]) -> Finding:
        where: tuple[str | int, ...] = tuple(error["loc"])
        kind, key = error["type"], str(where[-1])
        inside = f" in {self.entry(where[:-1])}" if len(where) > 1 else ""
        table = str(where[0]) if len(where) > 1 else ""
        if kind == "missing":
            hint = f"write it there, or restore it from version control; then {ACCEPT}"
            return self._point("bad-registry", f"`{key}` is missing{inside}", where, hint)
        if kind == "extra_forbidden":
            there = known.get(table, ())
            known_here = f"known here: {', '.join(there)}"
            message = f"unknown key `{key}`{inside}"
            hint = did_you_mean(key, there) or known_here
            return self._point("bad-registry", message, where, hint)
        message = f"{key}{inside} {_wanted(error)}"
        return self._point("bad-registry", message, where, _RESTORE)

    def _said(self, where: tuple[str | int, ...]) -> tuple[str | int, ...] | None:
        """Gives the place itself, or that of what it is missing in."""
        around = (where[:length] for length in range(len(where), 0, -1))
        return next((place for place in around if place in self._places), None)

    def _point(
        self, code: str, message: str, where: tuple[str | int, ...], hint: str | None
    ) -> Finding:
        key = ".".join(map(str, where)) or None
        finding = Finding(code, message, self._file, key=key, suggestion=hint or _RESTORE)
        there = self._said(where)
        if there is None:
            return finding
        place = self._places[there]
        about_the_key = there != where or message.startswith("unknown key")
        return Lines(self._text).point(finding, place.key if about_the_key else place.value)


_DAMAGED = f"{FILE_NAME} is damaged or was edited by hand"
# Entries are alike, so that a merge may cut right through two of them.
_KEEP_BOTH = f"keep one side's file and add the other's new entries to it, whole; then {ACCEPT}"
_ONE_OF_THEM = f"restore it from version control, or remove one of them; then {ACCEPT}"


def not_utf8(data: bytes, start: int, file: str) -> RegistryError:
    """Words a file that is not text.

    Args:
        data: The whole file.
        start: The first byte that is wrong.
        file: What to call it.
    """
    finding = Finding(
        "syntax",
        f"{_DAMAGED}: it is not UTF-8",
        file,
        line=data.count(b"\n", 0, start) + 1,
        column=start - data.rfind(b"\n", 0, start),
        suggestion=_RESTORE,
    )
    return RegistryError.of([finding])


def _in_a_row(numbers: list[int]) -> str:
    *first, last = map(str, numbers)
    return f"{', '.join(first)} and {last}" if first else last


def _wanted(error: Any) -> str:
    kind, value = error["type"], error["input"]
    received = f"; received {as_written(value)}"
    if kind == "string_pattern_mismatch":
        is_name = str(error["loc"][-1]) == "name"
        return f"takes {_NAME if is_name else '64 of 0-9 and a-f'}{received}"
    if kind == "literal_error":
        return f"takes {error['ctx']['expected'].replace(chr(39), chr(34))}{received}"
    if kind == "value_error":
        return f"is wrong: {error['ctx']['error']}"
    wanted = _WANTED.get(kind, "").format(**error.get("ctx", {}))
    return f"takes {wanted}{received}" if wanted else f"is wrong: {error['msg']}"
