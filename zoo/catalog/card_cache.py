"""Cards kept on disk, so that a source is read once and not at every command.

A kept card is used only while every module that it was read from is found at the same file, with
the same size and time. Whatever is wrong with the cache, the card is made anew; whatever keeps it
from being written, it is not kept.
"""

import contextlib
import json
import os
import sys
import tempfile
import time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from platformdirs import user_cache_dir

from zoo.catalog.cards import Card
from zoo.catalog.modules import module_file
from zoo.components import Component
from zoo.digest import sha256

if TYPE_CHECKING:  # seldom needed: a card is read from its source once
    from zoo.catalog.source import SourceTree

Stamp = list[Any]
"""A module's name with its file, the file's time and size."""

_RACE = 2_000_000_000
"""Nanoseconds after a change in which a file may change again under the same time."""


def cache_folder() -> Path:
    """Gives the folder of everything that is kept to be faster; `ZOO_CACHE_DIR` names another."""
    return Path(os.environ.get("ZOO_CACHE_DIR") or user_cache_dir("zoo", appauthor=False))


class Cards:
    """Gives the card of each component, kept or made.

    Args:
        folder: Where cards are kept.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder if folder is not None else cache_folder() / "cards"
        self._known: dict[Component, Card] = {}
        self._stamps: dict[str, Stamp] = {}

    def of(self, component: Component) -> Card:
        """Gives one component's card."""
        if component not in self._known:
            file = self.folder / f"{_file_name(component)}.json"
            card = self._kept(file, component)
            self._known[component] = card if card is not None else self._made(file, component)
        return self._known[component]

    def _kept(self, file: Path, component: Component) -> Card | None:
        try:
            digest, _, text = file.read_bytes().partition(b"\n")
            if sha256(text).encode() != digest:
                return None
            data = json.loads(text)
            stamps = data["read_from"]
            right = data["made_by"] == _maker(component) and stamps == self._stamped(stamps)
            return Card.from_json(data["card"]) if right else None
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    @cached_property
    def _tree(self) -> "SourceTree":
        from zoo.catalog.source import SourceTree

        return SourceTree()

    def _made(self, file: Path, component: Component) -> Card:
        from zoo.catalog.card_making import make_card

        self._tree.looked_for.clear()
        card = make_card(component, self._tree)
        stamps = self._stamped([[name] for name in self._tree.looked_for])
        now = time.time_ns()
        if all(stamp[2] is None or now - stamp[2] > _RACE for stamp in stamps):
            data = {"made_by": _maker(component), "read_from": stamps, "card": card.to_json()}
            _write(file, json.dumps(data).encode())
        return card

    def _stamped(self, modules: list[Stamp]) -> list[Stamp]:
        for module in modules:
            name = module[0]
            if name not in self._stamps:
                self._stamps[name] = _stamp(name)
        return [self._stamps[module[0]] for module in modules]


def _stamp(module: str) -> Stamp:
    file = module_file(module)
    try:
        status = file.stat() if file is not None else None
    except OSError:  # gone a moment ago
        status = None
    if status is None:
        return [module, None, None, None]
    return [module, str(file), status.st_mtime_ns, status.st_size]


def _file_name(component: Component) -> str:
    where = [sys.prefix, component.kind, component.qualified, component.target]
    return sha256(json.dumps(where).encode())[:32]


def _maker(component: Component) -> list[Any]:
    """What a card depends on beside the source: the distribution's version, and this code."""
    return [component.version, list(sys.version_info[:2]), *_OWN_STAMPS]


def _own_stamps() -> list[list[Any]]:
    files = sorted(Path(__file__).parent.glob("*.py"))
    return [[file.name, file.stat().st_mtime_ns, file.stat().st_size] for file in files]


_OWN_STAMPS = _own_stamps()


def _write(file: Path, text: bytes) -> None:
    # Lost in a power cut, it is made anew; so nothing waits for the disk.
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=".card.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(sha256(text).encode() + b"\n" + text)
            os.replace(temporary, file)
        except OSError:
            os.unlink(temporary)
            raise
