"""The components that one installed distribution registers, read from its metadata."""

import configparser
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import replace

from entrypoints import BadEntryPoint, CaseSensitiveConfigParser, Distribution, EntryPoint

from zoo.components import ARGUMENT_KINDS, KINDS, MODELS, SHAPES, Component

PLUGIN_KIND = "plugins"
"""The kind of a row that stands for a whole distribution that cannot be read."""

GROUPS = {f"zoo.{kind}": kind for kind in (*KINDS, *ARGUMENT_KINDS, MODELS, SHAPES)}
"""The kind that stands behind each group of entry points."""

_PLACE_OF = {group: place for place, group in enumerate(GROUPS)}
_OBJECT_IN_MODULE = re.compile(r"\w+(?:\.\w+)*:\w+(?:\.\w+)*")
_SIZE_LIMIT = 16 * 1024 * 1024

Sections = Mapping[str, Mapping[str, str | None]]


def components_of(folder: str, name: str, version: str) -> list[Component]:
    """Reads what a distribution registers.

    Args:
        folder: Its `*.dist-info` folder.
        name: Its normalized name.
        version: Its version.

    Returns:
        A row for each component; one that is broken says why, and so does a row that stands for
        the whole distribution where its metadata cannot be read.
    """
    try:
        text = _text(os.path.join(folder, "entry_points.txt"))
        if "zoo." not in text:
            return []
        sections = _plain_sections(text)
        if sections is None:
            sections = _parsed(text)
    except (OSError, ValueError, configparser.Error) as error:
        reason = f"its entry_points.txt cannot be read: {error}".replace("\n", " ")
        return [Component(PLUGIN_KIND, name, name, version, folder, "broken", reason)]
    rows = [
        Component(GROUPS[group], key, name, version, target or "")
        for group in sorted(GROUPS.keys() & sections, key=_PLACE_OF.__getitem__)
        for key, target in sections[group].items()
    ]
    return [
        row
        if _OBJECT_IN_MODULE.fullmatch(row.target) and _can_be_written(row.name)
        else _unusual(row)
        for row in rows
    ]


def _text(file: str) -> str:
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK)  # a pipe must not be waited for
    except FileNotFoundError:
        return ""
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            return ""
        if status.st_size > _SIZE_LIMIT:
            raise ValueError(f"more than {_SIZE_LIMIT:,} bytes")
        return os.read(handle, status.st_size).decode("utf-8")
    finally:
        os.close(handle)


def _plain_sections(text: str) -> Sections | None:
    """Reads a file as build tools write it, without what takes a parser time.

    Returns:
        None for a file that only a parser can tell the meaning, or the fault, of.
    """
    sections: dict[str, dict[str, str]] = {}
    section: dict[str, str] | None = None
    for line in text.split("\n"):
        line, indented = line.rstrip(), line[:1].isspace()
        if not line or line[0] in "#;":
            continue
        if line[0] == "[":
            title = line[1:-1]
            if line[-1] != "]" or not title or title in sections or {"[", "]"} & set(title):
                return None
            section = sections[title] = {}
            continue
        name, equals, target = line.partition("=")
        name = name.rstrip()
        if indented or section is None or not equals or not name or name in section:
            return None
        section[name] = target.lstrip()
    return None if configparser.DEFAULTSECT in sections else sections


def _parsed(text: str) -> Sections:
    parser = CaseSensitiveConfigParser(delimiters=("=",), interpolation=None)
    parser.read_string(text)
    return {group: parser[group] for group in GROUPS if parser.has_section(group)}


def _can_be_written(name: str) -> bool:
    return "/" not in name and name.isprintable()


def _unusual(row: Component) -> Component:
    if not _can_be_written(row.name):
        reason = "a name with a slash, or with what cannot be printed, stands for no component"
        return replace(row, status="broken", reason=reason)
    try:
        distribution = Distribution(row.distribution, row.version)
        entry_point = EntryPoint.from_string(row.target, row.name, distribution)
    except BadEntryPoint:
        reason = f"{row.target!r} is not of the form module:object"
        return replace(row, status="broken", reason=reason)
    if row.kind != MODELS and not entry_point.object_name:
        reason = f"{row.target!r} names a module, not an object in it"
        return replace(row, status="broken", reason=reason)
    return row
