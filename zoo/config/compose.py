"""From several TOML documents and overrides to one: `extends`, `unset`, `--set`, `[vars]`."""

import copy
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from zoo.components import did_you_mean, listed, paths_in
from zoo.config.names import NAMED_ARRAYS, NameList, implied_names
from zoo.config.overrides import Document, override, remove
from zoo.config.reader import read_toml
from zoo.config.variables import interpolated
from zoo.errors import ConfigError, Finding, StorageError, ZooError
from zoo.files import is_plain, safe_path

MAX_EXTENDS = 32
_KEPT_WHEN_THE_TYPE_CHANGES = ("name", "inputs", "trainable", "output")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a config stands.

    Attributes:
        path: The TOML file.
        root: The folder that its paths may not leave.
        origin: How the registry names it: `distribution/name` for one that a plugin ships, a
            path relative to the zoo root, or empty for one outside of any zoo.
        resolved: Whether it is a resolved config, whose paths are relative to the root.
    """

    path: Path
    root: Path
    origin: str = ""
    resolved: bool = False

    @property
    def folder(self) -> Path:
        """The folder that its paths are relative to."""
        return self.root if self.resolved else self.path.parent


FindModel = Callable[[str], Source]
"""Finds the config of a model by its name."""


@dataclass(frozen=True, slots=True)
class Composed:
    """A config with everything that it extends.

    Attributes:
        document: One document without `extends`, `unset` and `vars`.
        findings: What stands for nothing, and was left out or left as it is: variables, items to
            insert after or to remove, keys of `--set`.
    """

    document: Document
    findings: list[Finding]


def compose(source: Source, overrides: Mapping[str, Any], find_model: FindModel) -> Composed:
    """Reads a config with everything it extends, and applies the overrides and variables.

    Args:
        source: The config's file and root.
        overrides: Values by dotted key, such as `{"layers.conv1.filters": 64}`.
        find_model: Finds the config of a model that `extends` names.

    Raises:
        ConfigError: With the file and key that is wrong.
        StorageError: If a file is missing.
    """
    findings: list[Finding] = []
    document = _read_with_parents(source, find_model, (), findings)
    for key, value in overrides.items():
        try:
            override(document, key, value)
        except ConfigError as error:
            findings += error.findings
    try:
        document, more = interpolated(document)
    except ConfigError as error:
        raise error.located(file=str(source.path)) from None
    findings += more
    return Composed(document, [finding.at(file=str(source.path)) for finding in findings])


def config_files(source: Source, find_model: FindModel) -> dict[Path, Document]:
    """Reads the files that a config is composed of: its own, then the nearest parents first."""
    files: dict[Path, Document] = {}
    waiting = [source]
    while waiting and len(files) <= MAX_EXTENDS:
        one = waiting.pop(0)
        if one.path not in files:
            files[one.path] = read_toml(one.path)
            try:
                parents = _parents(files[one.path].get("extends"), one, find_model)
            except ZooError:  # what cannot be read is said elsewhere
                parents = []
            # Of several parents the later ones are laid over the earlier.
            waiting = [*reversed(parents), *waiting]
    return files


def _read_with_parents(
    source: Source, find_model: FindModel, seen: tuple[Path, ...], findings: list[Finding]
) -> Document:
    path = source.path.resolve()
    if path in seen:
        chain = " -> ".join(file.name for file in (*seen[seen.index(path) :], path))
        raise ConfigError(
            f"configs extend each other: {chain}",
            "cycle",
            key="extends",
            file=str(source.path),
            suggestion="take one of these `extends` away",
        )
    if len(seen) >= MAX_EXTENDS:
        raise ConfigError(
            f"more than {MAX_EXTENDS} configs extend one another",
            "too-large",
            key="extends",
            file=str(source.path),
        )
    child = read_toml(source.path)
    try:
        parents = _parents(child.pop("extends", None), source, find_model)
        removals = child.pop("unset", [])
        if not _is_list_of_strings(removals):
            raise ConfigError("`unset` is a list of dotted keys", "wrong-type", key="unset")
        document: Document = {}
        wrong: list[Finding] = [] if parents else list(_misplaced_after(child))
        for parent in parents:
            inherited = _read_with_parents(parent, find_model, (*seen, path), findings)
            if parent.root == source.root:
                _move_paths(inherited, parent.folder, source.folder)
            document = merge(document, inherited)
        for index, key in enumerate(removals):
            try:
                remove(document, key)
            except ConfigError as error:
                wrong += (replace(finding, key=f"unset.{index}") for finding in error.findings)
        document = merge(document, child, wrong) if parents else child
        findings += (finding.at(file=str(source.path)) for finding in wrong)
        return document
    except ZooError as error:
        raise error.located(file=str(source.path)) from None


def _misplaced_after(document: Document) -> Iterator[Finding]:
    """Finds the `after`s of a config that extends nothing, and takes them out."""
    for place in NAMED_ARRAYS:
        items: Any = document
        for part in place.split("."):
            items = items.get(part) if isinstance(items, dict) else None
        items = items if isinstance(items, list) else []
        for item, name in zip(items, implied_names(items), strict=True):
            if isinstance(item, dict) and "after" in item:
                del item["after"]
                yield Finding(
                    "unknown-key",
                    "`after` inserts into what `extends` brings, and nothing is extended",
                    key=f"{place}.{name}.after",
                    suggestion="take it away, and put the item where it belongs",
                )


def _move_paths(value: Any, old: Path, new: Path) -> None:
    """Rewrites inherited paths, in place, so that they mean the same from the child's folder."""
    if isinstance(value, list):
        for item in value:
            _move_paths(item, old, new)
    elif isinstance(value, dict) and old != new:
        for key, item in value.items():
            if key == "callbacks":  # what these write goes into the run's folder
                continue
            _move_paths(item, old, new)
            if paths_in(key, item):
                many = isinstance(item, list)
                value[key] = [_moved(i, old, new) for i in item] if many else _moved(item, old, new)


def _moved(path: Any, old: Path, new: Path) -> Any:
    # What is not plainly relative is refused, or filled in, later on.
    movable = isinstance(path, str) and "${" not in path and is_plain(path)
    return os.path.relpath(old / path, new) if movable else path


def _parents(extends: Any, source: Source, find_model: FindModel) -> list[Source]:
    if extends is None:
        return []
    names = [extends] if isinstance(extends, str) else extends
    if not _is_list_of_strings(names):
        raise ConfigError(
            "`extends` is a path, a model's name, or a list of them", "wrong-type", key="extends"
        )
    found = []
    for index, name in enumerate(names):
        try:
            found.append(_parent(name, source, find_model))
        except ZooError as error:
            key = "extends" if isinstance(extends, str) else f"extends.{index}"
            raise error.located(key=key) from None
    return found


def _parent(name: str, source: Source, find_model: FindModel) -> Source:
    looks_like_a_path = name.endswith(".toml") or set(name) & set("/\\~:") or not name
    if looks_like_a_path:
        path = safe_path(name, folder=source.folder, root=source.root)
        if not os.path.exists(path):
            hint = "write a path relative to this config, or a model's name"
            raise StorageError(f"there is no file {path}", suggestion=hint)
        return Source(path, source.root)
    return find_model(name)


def _is_list_of_strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def merge(
    parent: Document, child: Document, wrong: list[Finding] | None = None, path: str = ""
) -> Document:
    """Lays a child's document over its parent's.

    Tables merge by key and the arrays of `NAMED_ARRAYS` by name; everything else replaces.
    A child that changes a `type` drops the parent's arguments of that item.

    Args:
        parent: The document below.
        child: The document above.
        wrong: Where to say what an item is to be inserted after, and is not there.
        path: The dotted key of both.
    """
    wrong = [] if wrong is None else wrong
    parent = _without_stale_arguments(parent, child)
    merged = dict(parent)
    for key, value in child.items():
        place = f"{path}.{key}" if path else key
        old = merged.get(key)
        if place in NAMED_ARRAYS and isinstance(value, list):
            merged[key] = _merge_by_name(old if isinstance(old, list) else [], value, wrong, place)
        elif isinstance(value, dict) and isinstance(old, dict | str):
            merged[key] = merge({"type": old} if isinstance(old, str) else old, value, wrong, place)
        else:
            merged[key] = copy.deepcopy(value)
    return merged


def _without_stale_arguments(parent: Document, child: Document) -> Document:
    if "type" in child and "type" in parent and child["type"] != parent["type"]:
        return {key: parent[key] for key in _KEPT_WHEN_THE_TYPE_CHANGES if key in parent}
    return parent


def _merge_by_name(
    parents: list[Any], children: list[Any], wrong: list[Finding], place: str
) -> list[Any]:
    merged = list(parents)
    named = NameList(merged)
    for child, own in zip(children, implied_names(children), strict=True):
        name = child.get("name") if isinstance(child, dict) else None
        if isinstance(child, dict) and "after" in child:
            child = dict(child)
            after = child.pop("after")
            if after in named.names:
                merged.insert(named.names.index(after) + 1, child)
            else:
                merged.append(child)
                message = f"there is nothing called {after!r} to insert after"
                hint = did_you_mean(str(after), named.names, f"there is: {listed(named.names)}")
                key = f"{place}.{own}.after"
                wrong.append(Finding("unknown-node", message, key=key, suggestion=hint))
            named = NameList(merged)
        elif name in named.names:
            index = named.names.index(name)
            old = merged[index]
            merged[index] = merge({"type": old} if isinstance(old, str) else old, child, wrong)
        else:
            merged.append(child)
            named.append(child)
    return merged
