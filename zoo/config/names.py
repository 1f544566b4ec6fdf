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
    items = [item if isinstance(item, Mapping) else {"type": item} for item in items]
    given = [item.get("name") for item in items]
    taken = {name for name in given if isinstance(name, str)}
    counts: Counter[str] = Counter()
    names = []
    for item, name in zip(items, given, strict=True):
        if not isinstance(name, str):
            base = snake_case(str(item.get("type") or item.get("shared_with") or "item"))
            name = _next_free(base, counts, taken)
            taken.add(name)
        names.append(name)
    return names


def _next_free(base: str, counts: Counter[str], taken: set[str]) -> str:
    while True:
        name = f"{base}_{counts[base]}" if counts[base] else base
        counts[base] += 1
        if name not in taken:
            return name


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
