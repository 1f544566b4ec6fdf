"""Which components the installed distributions register, read from their metadata alone.

Nothing is imported. Each distribution is read by itself, so that a broken one costs only its
own components.
"""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

from zoo.catalog.catalog import Catalog
from zoo.catalog.entry_points import components_of
from zoo.catalog.modules import spec_of
from zoo.components import SHAPES, Component, normalized

CORE = "zoo"
"""The distribution that registers Keras's and the zoo's own components."""

_VERSION_FROM = re.compile(r"-(?=\d)")


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
    for folder, name, version in _distribution_folders(sys.path if path is None else path):
        found = components_of(folder, name, version)
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
    return {name: version for _, name, version in folders}


def installed_twice(path: Sequence[str] | None = None) -> dict[str, list[str]]:
    """Gives the metadata folders of what is there more than once in one folder of the path.

    Only the first of them speaks; a broken installation leaves such behind.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for entry in dict.fromkeys(sys.path if path is None else path):
        for folder in _metadata_folders(entry):
            key = (entry, _name_and_version(folder)[0])
            found.setdefault(key, []).append(os.path.join(entry or ".", folder))
    return {name: folders for (_, name), folders in found.items() if len(folders) > 1}


def _distribution_folders(path: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Gives the folder, normalized name and version of every installed distribution."""
    seen: set[str] = set()
    for entry in dict.fromkeys(path):
        for name in _metadata_folders(entry):
            # Python imports from the first folder on its path, so that one speaks.
            distribution, version = _name_and_version(name)
            if distribution not in seen:
                seen.add(distribution)
                yield os.path.join(entry or ".", name), distribution, version


def _metadata_folders(entry: str) -> list[str]:
    try:
        with os.scandir(entry or ".") as items:
            return sorted(i.name for i in items if i.name.endswith((".dist-info", ".egg-info")))
    except OSError:
        return []


def _name_and_version(folder: str) -> tuple[str, str]:
    stem = folder.rpartition(".")[0]
    dash = _VERSION_FROM.search(stem)
    if dash is None:
        return normalized(stem), ""
    return normalized(stem[: dash.start()]), stem[dash.end() :]


def _with_status(rows: list[Component]) -> tuple[Component, ...]:
    owners: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        owners.setdefault((row.kind, row.name), []).append(row.distribution)
    doubles = {name: " and ".join(sorted(o)) for name, o in owners.items() if len(o) > 1}
    modules: dict[str, str] = {}
    result = []
    for row in rows:
        if row.status != "broken":
            top = row.target.partition(":")[0].partition(".")[0]
            if top not in modules:
                modules[top] = "" if spec_of(top) else f"there is no module {top}"
            if modules[top]:
                row = replace(row, status="broken", reason=modules[top])
            elif doubles and (others := doubles.get((row.kind, row.name))):
                row = replace(row, status="conflict", reason=f"registered by {others}")
        result.append(row)
    return tuple(result)
