"""Where in a TOML text each key and value stands.

The text has been parsed by then, so it is known to be TOML; this only walks over it again, and
only when there is something to point at.
"""

import re
import tomllib
from bisect import bisect_right
from dataclasses import dataclass, replace

from zoo.errors import Finding

Path = tuple[str | int, ...]

_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY_PART = re.compile(r'[ \t]*("(?:\\.|[^"\\])*"|\'[^\']*\'|[A-Za-z0-9_-]+)[ \t]*')
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\])*"|\'[^\']*\'', re.DOTALL
)
_OTHER_VALUE = re.compile(r"[^,\]}#\n]*[^,\]}#\s]")


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text, from one offset to before another."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a key stands, and its value; a table that has a header stands there."""

    key: Span
    value: Span


class Lines:
    """The lines of a text, by which a stretch of it gets into a finding.

    Args:
        text: The whole text.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def of(self, offset: int) -> int:
        """Gives the line of a place in the text, counted from 1."""
        return bisect_right(self._starts, offset)

    def point(self, finding: Finding, span: Span) -> Finding:
        """Puts the place of a stretch of the text into a finding."""
        number = self.of(span.start)
        start = self._starts[number - 1]
        end = self._text.find("\n", start)
        line = self._text[start : end if end >= 0 else None].rstrip("\r")
        width = min(span.end - span.start, len(line) - (span.start - start))
        return replace(
            finding,
            line=number,
            column=span.start - start + 1,
            excerpt=line,
            width=max(width, 1),
        )


def places(text: str) -> dict[Path, Place]:
    """Finds every key of a TOML text.

    Returns:
        Each key's place by its path: names, and numbers for the elements of arrays.
    """
    scanner = _Scanner(text)
    scanner.run()
    return scanner.places


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.places: dict[Path, Place] = {}
        self._sizes: dict[Path, int] = {}

    def run(self) -> None:
        table: Path = ()
        while self._skip_space() < len(self.text):
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)

    def _skip_space(self) -> int:
        match = _SPACE.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.at

    def _header(self) -> Path:
        start = self.at
        is_array = self.text.startswith("[[", start)
        self.at += 2 if is_array else 1
        names = self._key()
        self.at += 2 if is_array else 1
        span = Span(start, self.at)
        path: Path = ()
        for name in names[:-1]:
            path = self._inside((*path, name))
            self.places.setdefault(path, Place(span, span))
        path = (*path, names[-1])
        if is_array:
            self.places.setdefault(path, Place(span, span))
            self._sizes[path] = self._sizes.get(path, 0) + 1
        path = self._inside(path)
        self.places[path] = Place(span, span)
        return path

    def _inside(self, path: Path) -> Path:
        # A header means the last element of an array of tables.
        return (*path, self._sizes[path] - 1) if path in self._sizes else path

    def _key(self) -> list[str]:
        names = []
        while match := _KEY_PART.match(self.text, self.at):
            names.append(_unquoted(match[1]))
            self.at = match.end()
            if not self.text.startswith(".", self.at):
                break
            self.at += 1
        return names

    def _pair(self, table: Path) -> None:
        start = self.at
        path = (*table, *self._key())
        key = Span(start, start + len(self.text[start : self.at].rstrip()))
        for length in range(len(table) + 1, len(path)):  # `a.b = 1` says `a` too
            self.places.setdefault(path[:length], Place(key, key))
        self.at += 1  # the equals sign
        self._skip_space()
        self.places[path] = Place(key, self._value(path))

    def _value(self, path: Path) -> Span:
        start = self.at
        if self.text.startswith("[", start):
            self._elements(path)
        elif self.text.startswith("{", start):
            self._inline_table(path)
        else:
            match = _STRING.match(self.text, start) or _OTHER_VALUE.match(self.text, start)
            self.at = match.end() if match else start + 1
        return Span(start, self.at)

    def _elements(self, path: Path) -> None:
        self.at += 1
        index = 0
        while self.text[self._skip_space()] != "]":
            span = self._value((*path, index))
            self.places[(*path, index)] = Place(span, span)
            index += 1
            if self.text[self._skip_space()] == ",":
                self.at += 1
        self.at += 1

    def _inline_table(self, path: Path) -> None:
        self.at += 1
        while self.text[self._skip_space()] != "}":
            self._pair(path)
            if self.text[self._skip_space()] == ",":
                self.at += 1
        self.at += 1


def _unquoted(part: str) -> str:
    if part[0] == '"' and "\\" in part:
        return next(iter(tomllib.loads(f"{part} = 1")))
    return part[1:-1] if part[0] in "\"'" else part
