"""Changes to the text of `registry.toml`, by which a person's comments and order stay."""

import re
from collections.abc import Mapping
from typing import Any

from zoo.config.positions import places
from zoo.config.reader import parse_toml
from zoo.registry.seal import entries_of, seal_of

_FORMAT_LINE = re.compile(r"^format[ \t]*=.*$", re.MULTILINE)
_INDEX_LINE = re.compile(r"^index[ \t]*=.*\n?", re.MULTILINE)
_BEFORE_THE_FIRST_KEY = re.compile(r"(?:[ \t]*(?:#.*)?\r?\n)*")


def with_entry(text: str, table: str, entry: Mapping[str, Any]) -> str:
    """Adds an entry to `models`, `weights` or `plugins`, at the end."""
    import tomlkit  # it takes time, and most commands write nothing

    item = tomlkit.table()
    for key, value in entry.items():
        item[key] = _inline(value) if isinstance(value, Mapping) else value
    entries = tomlkit.aot()
    entries.append(item)
    gap = "" if text.endswith("\n") else "\n"
    return f"{text}{gap}\n{tomlkit.dumps({table: entries}).strip()}\n"


def with_value(text: str, version: int, key: str, value: str | int) -> str:
    """Sets a key of an entry of `weights`; one that is new stands below the version.

    Args:
        text: The whole file.
        version: The number of the entry, counted from 0.
        key: The key.
        value: Its new value.
    """
    import tomlkit

    there = places(text)
    written = tomlkit.item(value).as_string()
    if place := there.get(("weights", version, key)):
        return f"{text[: place.value.start]}{written}{text[place.value.end :]}"
    entry, above = there["weights", version], there["weights", version, "version"].value
    if text[entry.key.start] == "{":  # an element of a list
        return f"{text[: above.end]}, {key} = {written}{text[above.end :]}"
    newline = "\r\n" if "\r\n" in text else "\n"
    end = text.find("\n", above.end)
    line = text[: end if end >= 0 else None].rstrip("\r")
    return f"{line}{newline}{key} = {written}{text[len(line) :]}"


def with_format(text: str, number: int) -> str:
    """Says which format the file has."""
    if place := places(text).get(("format",)):
        return f"{text[: place.value.start]}{number}{text[place.value.end :]}"
    head = _BEFORE_THE_FIRST_KEY.match(text)
    start = head.end() if head else 0
    return f"{text[:start]}format = {number}\n{text[start:]}"


def sealed(text: str, file: str) -> str:
    """Puts the count and digest of the entries into one line near the top."""
    return with_seal(text, seal_of(entries_of(parse_toml(text, file=file))))


def with_seal(text: str, seal: Mapping[str, Any]) -> str:
    """Puts a count and digest that are known into one line near the top."""
    import tomlkit

    line = tomlkit.dumps({"index": _inline(seal)}).strip()
    # Before the format: a file that was cut off either keeps the count or says no format.
    return _FORMAT_LINE.sub(
        lambda match: f"{line}\n{match[0]}", _INDEX_LINE.sub("", text, count=1), count=1
    )


def _inline(values: Mapping[str, Any]) -> Any:
    import tomlkit

    table = tomlkit.inline_table()
    table.update(dict(values))
    return table
