"""Findings get their line and column, through `extends` and `--set`."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from zoo.config.compose import SET, FindModel, Source, compose, config_files
from zoo.config.names import Keys, implied_names
from zoo.config.positions import Lines, Place, Span, places
from zoo.errors import Finding, ZooError

_ABOUT_THE_KEY = ("unknown-key", "unknown-argument")
_VARIABLE = re.compile(r"\$\{vars\.([A-Za-z0-9_-]+)\}")


def located(
    findings: Iterable[Finding],
    source: Source,
    find_model: FindModel,
    overrides: Mapping[str, Any] | None = None,
) -> list[Finding]:
    """Fills in where each finding's key stands, and puts the findings in that order.

    A key that the config does not say itself is looked for in what it extends, the nearest
    first; one that `--set` gave has the place `--set`, and comes last.

    Args:
        findings: The findings, their keys dotted, with items of arrays by name.
        source: The config.
        find_model: Finds the config of a model that `extends` names.
        overrides: What `--set` gave, by dotted key.
    """
    findings = list(findings)
    if all(finding.line is not None or finding.key is None for finding in findings):
        return findings
    try:
        documents = config_files(source, find_model)
        files = [_File(path, document) for path, document in documents.items()]
    except (ZooError, OSError, ValueError, IndexError):  # then the key alone has to do
        return findings
    given = _by_name(overrides or {}, source, find_model)
    order = {str(file.path): number for number, file in enumerate(files)}
    return sorted(
        (_located(finding, files, given) for finding in findings),
        key=lambda f: (order.get(f.file or "", len(order)), f.line or 0, f.column or 0),
    )


def _by_name(overrides: Mapping[str, Any], source: Source, find_model: FindModel) -> list[str]:
    """Gives the keys of `--set`, items that go by their number under their name."""
    places = [tuple(int(p) if p.isdecimal() else p for p in key.split(".")) for key in overrides]
    if not any(isinstance(part, int) for place in places for part in place):
        return list(overrides)
    try:
        keys = Keys(compose(source, {}, find_model).document)
    except ZooError:  # what is wrong with it is said elsewhere
        return list(overrides)
    return [keys.of(place) for place in places]


def _located(finding: Finding, files: list["_File"], given: list[str]) -> Finding:
    elsewhere = finding.file not in (None, *(str(file.path) for file in files))
    if finding.line is not None or finding.key is None or elsewhere:
        return finding
    # The file that says most of the key; of several, the nearest.
    depth, place, file = 0, None, files[0]
    for other in files:
        reached, there = other.find(finding.key)
        if reached > depth:
            depth, place, file = reached, there, other
    inside = any(f"{finding.key}.".startswith(f"{key}.") for key in given)
    around = depth == 0 and any(key.startswith(f"{finding.key}.") for key in given)
    if inside or around:
        return replace(finding, file=SET)
    if place is None:
        return finding
    about_the_key = finding.code in _ABOUT_THE_KEY or not file.says(finding.key)
    variables = _VARIABLE.findall(file.text[place.value.start : place.value.end])
    if finding.code == "unknown-key" and "${" in file.text[place.value.start : place.value.end]:
        about_the_key = False  # a variable that stands for nothing
    elif variables and not about_the_key and finding.suggestion is None:
        finding = replace(finding, suggestion=_set_where(variables[0], file, files, given))
    return file.point(finding, place.key if about_the_key else place.value)


def _set_where(name: str, user: "_File", files: list["_File"], given: list[str]) -> str | None:
    """Says where a variable gets its value, which is what has to change."""
    key = f"vars.{name}"
    if key in given:
        return f"{name} is set by {SET} {key}"
    for file in files:
        place = file.find(key)[1] if file.says(key) else None
        if place is not None:
            line = file.line_of(place.value.start)
            where = f"line {line}" if file is user else f"{file.path.name}, line {line}"
            return f"{name} is set in {where}"
    return None


class _File:
    """One config file: its text, its data, and where its keys stand."""

    def __init__(self, path: Path, data: Mapping[str, Any]) -> None:
        self.path = path
        self.data = data
        self.text = path.read_text(encoding="utf-8")
        self.places = places(self.text)
        self._lines = Lines(self.text)
        self._names: dict[int, dict[str, int]] = {}

    def find(self, key: str) -> tuple[int, Place | None]:
        """Gives how many parts of the key stand in the file, and where the last of them is."""
        parts = _parts(key)
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
        return self.find(key)[0] == len(_parts(key))

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


def _parts(key: str) -> list[str]:
    return key.replace("[", ".").replace("]", "").split(".")
