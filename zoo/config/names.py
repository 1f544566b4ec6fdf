"""What the items of a config's arrays of tables are called, and so the keys of everything."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from zoo.components import snake_case

NAMED_ARRAYS = ("inputs", "layers", "metrics", "evaluate", "train.callbacks")
"""The arrays of tables that merge by name."""

Place = tuple[int | str, ...]
"""Where something stands in a document: the names of keys, the numbers of items."""


def implied_names(items: Iterable[Any]) -> list[str]:
    """Names each item of an array of tables: its own name, or its type's in snake case.

    Items without a name that share a type are told apart as Keras does it: `dense`, `dense_1`.
    """
    return NameList(items).names


class NameList:
    """The names of an array's items, kept up as items are added.

    Args:
        items: The items to begin with.

    Attributes:
        names: A name for each item.
    """

    def __init__(self, items: Iterable[Any]) -> None:
        items = [_table(item) for item in items]
        self._counts: Counter[str] = Counter()
        self._taken = {item["name"] for item in items if isinstance(item.get("name"), str)}
        self.names = [self._name(item) for item in items]

    def append(self, item: Any) -> None:
        """Names one more item; a name that it has itself is none of those before."""
        self.names.append(self._name(_table(item)))

    def _name(self, item: Mapping[str, Any]) -> str:
        name = item.get("name")
        if isinstance(name, str):
            self._taken.add(name)
            return name
        base = snake_case(str(item.get("type") or item.get("shared_with") or "item"))
        while True:
            name = f"{base}_{self._counts[base]}" if self._counts[base] else base
            self._counts[base] += 1
            if name not in self._taken:
                self._taken.add(name)
                return name


def _table(item: Any) -> Mapping[str, Any]:
    return item if isinstance(item, Mapping) else {"type": item}


class Keys:
    """Turns places into keys that say `layers.conv1.filters`, not `layers[17].filters`.

    Args:
        document: The document that the places are in.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._known: dict[str, list[str]] = {}

    def of(self, place: Place) -> str:
        """Gives the dotted key of a place."""
        parts: list[str] = []
        for part in place:
            if isinstance(part, int):
                names = self._names(".".join(parts))
                parts.append(names[part] if part < len(names) else str(part))
            else:
                parts.append(part)
        return ".".join(parts)

    def _names(self, path: str) -> list[str]:
        if path not in self._known:
            value: Any = self._document
            for part in path.split("."):
                value = value.get(part) if isinstance(value, Mapping) else None
            listed = path in NAMED_ARRAYS and isinstance(value, list)
            self._known[path] = implied_names(value) if listed else []
        return self._known[path]
