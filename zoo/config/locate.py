"""Findings get their line and column, through `extends` and `--set`."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from zoo.config.compose import FindModel, Source, compose, config_files
from zoo.config.names import Keys
from zoo.config.overrides import SET
from zoo.config.texts import ConfigText
from zoo.errors import Finding, ZooError

_ABOUT_THE_KEY = ("unknown-key", "unknown-argument")
VARIABLE = re.compile(r"\$\{vars\.([A-Za-z0-9_-]+)\}")


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
        files = [ConfigText(path, document) for path, document in documents.items()]
    except (ZooError, OSError, ValueError, IndexError):  # then the key alone has to do
        return findings
    given = by_name(overrides or {}, source, find_model)
    order = {str(file.path): number for number, file in enumerate(files)}
    return sorted(
        (_located(finding, files, given) for finding in findings),
        key=lambda f: (order.get(f.file or "", len(order)), f.line or 0, f.column or 0),
    )


def by_name(overrides: Mapping[str, Any], source: Source, find_model: FindModel) -> list[str]:
    """Gives the keys of `--set`, items that go by their number under their name."""
    places = [tuple(int(p) if p.isdecimal() else p for p in key.split(".")) for key in overrides]
    if not any(isinstance(part, int) for place in places for part in place):
        return list(overrides)
    try:
        keys = Keys(compose(source, {}, find_model).document)
    except ZooError:  # what is wrong with it is said elsewhere
        return list(overrides)
    return [keys.of(place) for place in places]


def _located(finding: Finding, files: list[ConfigText], given: list[str]) -> Finding:
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
    variables = VARIABLE.findall(file.text[place.value.start : place.value.end])
    if finding.code == "unknown-key" and "${" in file.text[place.value.start : place.value.end]:
        about_the_key = False  # a variable that stands for nothing
    elif variables and not about_the_key and finding.suggestion is None:
        finding = replace(finding, suggestion=_set_where(variables[0], file, files, given))
    return file.point(finding, place.key if about_the_key else place.value)


def _set_where(
    name: str, user: ConfigText, files: list[ConfigText], given: list[str]
) -> str | None:
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
