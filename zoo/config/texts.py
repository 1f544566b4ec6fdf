"""A config file as text: where each of its keys stands, named as findings name them."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from zoo.config.names import implied_names
from zoo.config.positions import Lines, Place, Span, places
from zoo.errors import Finding


class ConfigText:
    """One config file: its text, its data, and where its keys stand.

    Args:
        path: The file.
        data: What was read from it.
        text: Its text; read from the file where it is not given.
    """

    def __init__(self, path: Path, data: Mapping[str, Any], text: str | None = None) -> None:
        self.path = path
        self.data = data
        self.text = path.read_text(encoding="utf-8") if text is None else text
        self.places = places(self.text)
        self._lines = Lines(self.text)
        self._names: dict[int, dict[str, int]] = {}

    def find(self, key: str) -> tuple[int, Place | None]:
        """Gives how many parts of the key stand in the file, and where the last of them is."""
        parts = key_parts(key)
        path: tuple[str | int, ...] = ()
        value: Any = self.data
        depth, best = 0, None
        while depth < len(parts):
            step = self._step(value, parts[depth:])
            if step is None and isinstance(value, dict) and isinstance(value.get("args"), dict):
                value, path = value["args"], (*path, "args")  # where arguments may stand too
                step = self._step(value, parts[depth:])
            if step is None:
                break
            index, count = step
            value, path, depth = value[index], (*path, index), depth + count
            best = self.places.get(path, best)
        if parts[depth:] == ["type"] and isinstance(value, str):
            depth += 1  # a component written as its name alone
        return depth, best

    def says(self, key: str) -> bool:
        """Tells whether the whole key stands in the file."""
        return self.find(key)[0] == len(key_parts(key))

    def line_of(self, offset: int) -> int:
        """Gives the line of a place in the text, counted from 1."""
        return self._lines.of(offset)

    def point(self, finding: Finding, span: Span) -> Finding:
        """Puts the place of a stretch of the text into a finding."""
        return self._lines.point(replace(finding, file=str(self.path)), span)

    def _step(self, value: Any, parts: list[str]) -> tuple[str | int, int] | None:
        """Finds the next key or index, and how many parts of the dotted key it takes.

        A name may hold dots itself, so the longest one that is there counts.
        """
        for count in range(len(parts), 0, -1):
            name = ".".join(parts[:count])
            if isinstance(value, dict) and name in value:
                return name, count
            if isinstance(value, list):
                index = self._indices(value).get(name)
                if index is None and count == 1 and name.isdecimal() and int(name) < len(value):
                    index = int(name)
                if index is not None:
                    return index, count
        return None

    def _indices(self, items: list[Any]) -> dict[str, int]:
        if id(items) not in self._names:
            named = all(isinstance(item, dict | str) for item in items)
            names = implied_names(items) if named else []
            self._names[id(items)] = {name: index for index, name in enumerate(names)}
        return self._names[id(items)]


def key_parts(key: str) -> list[str]:
    """Splits a dotted key, in which an item may also be in brackets, into its parts."""
    return key.replace("[", ".").replace("]", "").split(".")
