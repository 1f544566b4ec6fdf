"""The count and digest of the registry's entries, by which damage is noticed."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from zoo.digest import canonical_json, sha256


def entries_of(values: Mapping[str, Any]) -> list[Any]:
    """Gives the plain entries that the seal is over."""
    return [*values.get("models", []), *values.get("weights", [])]


def seal_of(entries: Iterable[Any]) -> dict[str, Any]:
    """Works out the count and digest of plain entries of `models` and `weights`.

    Comments, the order of entries and the order of keys do not matter.
    """
    return seal_of_lines([sealed_line(entry) for entry in entries])


def sealed_line(entry: Any) -> bytes:
    """Writes one entry as the digest takes it."""
    return canonical_json(_plain(entry))


def seal_of_lines(lines: list[bytes]) -> dict[str, Any]:
    """Works out the count and digest of entries that are written as the digest takes them."""
    return {"entries": len(lines), "sha256": sha256(b"\n".join(sorted(lines)))}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, datetime):
        return value.isoformat()
    return value
