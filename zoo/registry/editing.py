"""Changes to `registry.toml`: one writer at a time, whole or not at all, comments kept."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from zoo.config.reader import parse_toml
from zoo.errors import StorageError
from zoo.files import read_bytes, write_atomically
from zoo.registry.document import MAX_BYTES, Registry, parse_registry, read_registry, seal_of
from zoo.registry.root import FILE_NAME

LOCK_NAME = ".registry.lock"
"""The file, beside the registry, that is locked by whoever changes it."""

_LOCK_SECONDS = 120
_FORMAT_LINE = re.compile(r"^format[ \t]*=.*$", re.MULTILINE)
_INDEX_LINE = re.compile(r"^index[ \t]*=.*\n?", re.MULTILINE)


class RegistryEdit:
    """A registry that is locked for a change.

    Entries are added at the end and the seal stands in one line near the top, so that the rest
    of the text, a person's comments and order included, is never touched.

    Attributes:
        registry: What the file says now.
    """

    def __init__(self, root: Path, *, accept_edits: bool = False) -> None:
        self.registry: Registry = read_registry(root, accept_edits=accept_edits)
        self._path = root / FILE_NAME
        self._text = read_bytes(self._path, limit=MAX_BYTES).decode("utf-8")

    def append(self, table: str, entry: Mapping[str, Any]) -> None:
        """Adds an entry to `models`, `weights` or `plugins`."""
        import tomlkit  # it takes time, and most commands write nothing

        item = tomlkit.table()
        for key, value in entry.items():
            item[key] = _inline(value) if isinstance(value, Mapping) else value
        entries = tomlkit.aot()
        entries.append(item)
        gap = "" if self._text.endswith("\n") else "\n"
        self._text += f"{gap}\n{tomlkit.dumps({table: entries}).strip()}\n"

    def save(self) -> None:
        """Seals the entries and replaces the file."""
        import tomlkit

        values = parse_toml(self._text, file=str(self._path))
        seal = seal_of([*values.get("models", []), *values.get("weights", [])])
        line = tomlkit.dumps({"index": _inline(seal)}).strip()
        # Before the format: a file that was cut off either keeps the count or says no format.
        text = _FORMAT_LINE.sub(
            lambda match: f"{line}\n{match[0]}", _INDEX_LINE.sub("", self._text, count=1), count=1
        )
        # What cannot be read back must not replace what can.
        parse_registry(text.encode(), self._path.parent)
        write_atomically(self._path, text.encode())


@contextmanager
def editing(root: Path, *, accept_edits: bool = False) -> Iterator[RegistryEdit]:
    """Locks the registry of a zoo for a change; `save` makes the change.

    Raises:
        StorageError: If another process keeps the lock for two minutes, or it cannot be made.
    """
    lock = FileLock(root / LOCK_NAME, timeout=_LOCK_SECONDS)
    try:
        lock.acquire()
    except Timeout as error:
        raise StorageError(
            f"another process has kept {root / LOCK_NAME} locked for {_LOCK_SECONDS} seconds",
            suggestion="wait for it, or stop it",
        ) from error
    except OSError as error:
        raise StorageError(f"cannot lock {root / LOCK_NAME}: {error.strerror}") from error
    try:
        yield RegistryEdit(root, accept_edits=accept_edits)
    finally:
        lock.release()


def _inline(values: Mapping[str, Any]) -> Any:
    import tomlkit

    table = tomlkit.inline_table()
    table.update(dict(values))
    return table
