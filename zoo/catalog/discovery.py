"""Which components the installed distributions register, read from their metadata alone.

Nothing is imported. Each distribution is read by itself, so that a broken one costs only its
own components.
"""

import configparser
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from entrypoints import BadEntryPoint, CaseSensitiveConfigParser, Distribution, EntryPoint

from zoo.catalog.catalog import Catalog
from zoo.catalog.modules import spec_of
from zoo.components import ARGUMENT_KINDS, KINDS, MODELS, SHAPES, Component, normalized

CORE = "zoo"
"""The distribution that registers Keras's and the zoo's own components."""

PLUGIN_KIND = "plugins"
"""The kind of a row that stands for a whole distribution that cannot be read."""

_GROUPS = {f"zoo.{kind}": kind for kind in (*KINDS, *ARGUMENT_KINDS, MODELS, SHAPES)}
_VERSION_FROM = re.compile(r"-(?=\d)")
_SIZE_LIMIT = 16 * 1024 * 1024


def find_components(path: Sequence[str] | None = None, disabled: str | None = None) -> Catalog:
    """Reads the entry points of every installed distribution into a catalog.

    Args:
        path: The folders to look in; `sys.path` by default.
        disabled: What `ZOO_DISABLE_PLUGINS` says: `"1"` for every plugin, or names with commas.
            Taken from the environment by default.
    """
    if disabled is None:
        disabled = os.environ.get("ZOO_DISABLE_PLUGINS", "")
    names = {normalized(name.strip()) for name in disabled.split(",") if name.strip()}
    rows: list[Component] = []
    left_out: list[Component] = []
    for folder in _distribution_folders(sys.path if path is None else path):
        found = list(_components_of(folder))
        off = (
            found
            and found[0].distribution != CORE
            and ("1" in names or found[0].distribution in names)
        )
        (left_out if off else rows).extend(found)
    registered = _with_status(rows)
    return Catalog(
        [row for row in registered if row.kind != SHAPES],
        [row for row in left_out if row.kind != SHAPES],
        [row for row in registered if row.kind == SHAPES],
    )


def installed_versions(path: Sequence[str] | None = None) -> dict[str, str]:
    """Gives the version of every installed distribution, by its normalized name."""
    folders = _distribution_folders(sys.path if path is None else path)
    return dict(_name_and_version(folder.name) for folder in folders)


def _distribution_folders(path: Sequence[str]) -> Iterator[Path]:
    seen: set[str] = set()
    for entry in dict.fromkeys(path):
        try:
            with os.scandir(entry or ".") as items:
                names = sorted(
                    i.name for i in items if i.name.endswith((".dist-info", ".egg-info"))
                )
        except OSError:
            continue
        for name in names:
            # Python imports from the first folder on its path, so that one speaks.
            distribution = _name_and_version(name)[0]
            if distribution not in seen:
                seen.add(distribution)
                yield Path(entry or ".", name)


def _name_and_version(folder: str) -> tuple[str, str]:
    name, _, version = _VERSION_FROM.sub("\0", folder.rpartition(".")[0], count=1).partition("\0")
    return normalized(name), version


def _components_of(folder: Path) -> Iterator[Component]:
    distribution = Distribution(*_name_and_version(folder.name))
    try:
        file = folder / "entry_points.txt"
        if not file.is_file():
            return
        if file.stat().st_size > _SIZE_LIMIT:
            raise ValueError(f"more than {_SIZE_LIMIT:,} bytes")
        text = file.read_bytes()
        if b"zoo." not in text and _is_text(text):
            return
        parser = CaseSensitiveConfigParser(delimiters=("=",), interpolation=None)
        parser.read_string(text.decode("utf-8"))
    except (OSError, ValueError, configparser.Error) as error:
        reason = f"its entry_points.txt cannot be read: {error}".replace("\n", " ")
        yield Component(
            PLUGIN_KIND,
            distribution.name,
            distribution.name,
            distribution.version,
            str(folder),
            "broken",
            reason,
        )
        return
    for group, kind in _GROUPS.items():
        if parser.has_section(group):
            for name, target in parser[group].items():
                yield _component(kind, name, target or "", distribution)


def _is_text(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _component(kind: str, name: str, target: str, distribution: Distribution) -> Component:
    row = Component(kind, name, distribution.name, distribution.version, target)
    try:
        entry_point = EntryPoint.from_string(target, name, distribution)
    except BadEntryPoint:
        return replace(row, status="broken", reason=f"{target!r} is not of the form module:object")
    if kind != MODELS and not entry_point.object_name:
        return replace(
            row, status="broken", reason=f"{target!r} names a module, not an object in it"
        )
    return row


def _with_status(rows: list[Component]) -> tuple[Component, ...]:
    owners: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        owners.setdefault((row.kind, row.name), []).append(row.distribution)
    modules: dict[str, str] = {}
    return tuple(_status_of(row, owners[row.kind, row.name], modules) for row in rows)


def _status_of(row: Component, owners: list[str], modules: dict[str, str]) -> Component:
    if row.status == "broken":
        return row
    top = row.target.partition(":")[0].partition(".")[0]
    if top not in modules:
        modules[top] = "" if spec_of(top) else f"there is no module {top}"
    if modules[top]:
        return replace(row, status="broken", reason=modules[top])
    if len(owners) > 1:
        others = " and ".join(sorted(owners))
        return replace(row, status="conflict", reason=f"registered by {others}")
    return row
