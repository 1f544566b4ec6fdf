"""Cards kept on disk, so that a source is read once and not at every command.

A kept card is used only while every module that it was read from is found at the same file, with
the same size and time.
"""

import json
import sys
import time
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.cache import cache_folder, keep, kept, stamps
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
        text = kept(file)
        if text is None:
            return None
        try:
            data = json.loads(text)
            stamps = data["read_from"]
            right = data["made_by"] == _maker(component) and stamps == self._stamped(stamps)
            return Card.from_json(data["card"]) if right else None
        except (ValueError, KeyError, TypeError, RecursionError):
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
            keep(file, json.dumps(data).encode())
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


_OWN_STAMPS = stamps(Path(__file__).parent)
