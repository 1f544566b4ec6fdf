"""Large registries as they were read before, by the digest of their bytes.

Parsing 10,000 entries takes more than a second; what was read once and found sound is read again
in a tenth of that. The kept form is one line of JSON for what is not an entry, and then one for
each entry as its seal takes it, so that a new entry is one line more.
"""

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from zoo.cache import cache_folder, keep, kept, stamps
from zoo.digest import sha256
from zoo.registry.seal import sealed_line

LARGE = 256 * 1024
"""Bytes from which on it is quicker to look whether a registry was read before."""

_KEPT_FILES = 4
_STAMPS = stamps(Path(__file__).parent)
_ENTRIES = ("models", "weights")


@dataclass(frozen=True, slots=True)
class Lines:
    """The entries as the seal takes them.

    Attributes:
        models: One line for each of `models`.
        weights: One line for each of `weights`.
    """

    models: list[bytes]
    weights: list[bytes]

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Lines":
        """Writes the entries of a registry."""
        return cls(*([sealed_line(entry) for entry in values.get(key, [])] for key in _ENTRIES))

    @property
    def all(self) -> list[bytes]:
        """Every line."""
        return [*self.models, *self.weights]


def recall(data: bytes) -> tuple[dict[str, Any], Lines] | None:
    """Gives what a registry of these bytes says, and its entries as the seal takes them.

    Args:
        data: The bytes of a `registry.toml`.

    Returns:
        None if it is not large, or was not read before by this code.
    """
    text = kept(_file(data)) if len(data) >= LARGE else None
    if text is None:
        return None
    head, *lines = text.split(b"\n")
    made_by, models, rest = json.loads(head)
    if made_by != _STAMPS:
        return None
    entries = json.loads(b"[" + b",".join(lines) + b"]")
    for entry in entries[models:]:
        entry["created"] = datetime.fromisoformat(entry["created"])
        # A whole number is written without its point.
        entry["metrics"] = {name: float(value) for name, value in entry["metrics"].items()}
    values = {**rest, "models": entries[:models], "weights": entries[models:]}
    return values, Lines(lines[:models], lines[models:])


def remember(data: bytes, values: Mapping[str, Any], lines: Lines | None = None) -> None:
    """Keeps what a registry says, if it is large; the caller has found it sound."""
    if len(data) < LARGE or any("metrics" not in entry for entry in values.get("weights", [])):
        return
    lines = lines or Lines.of(values)
    rest = {key: value for key, value in values.items() if key not in _ENTRIES}
    head = json.dumps([_STAMPS, len(lines.models), rest]).encode()
    file = _file(data)
    keep(file, b"\n".join([head, *lines.all]))
    with contextlib.suppress(OSError):
        old = sorted(file.parent.glob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
        for path in old[:-_KEPT_FILES]:
            path.unlink(missing_ok=True)


def _file(data: bytes) -> Path:
    return cache_folder() / "registries" / f"{sha256(data)}.jsonl"
