"""Changes to `registry.toml`: one writer at a time, whole or not at all, comments kept."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from zoo.config.reader import parse_toml
from zoo.errors import StorageError
from zoo.files import file_error, read_bytes, write_atomically
from zoo.registry.document import (
    MAX_BYTES,
    Registry,
    WeightsEntry,
    parse_registry,
    parse_values,
    recalled_registry,
    registry_of,
)
from zoo.registry.recall import Lines, recall, remember
from zoo.registry.root import FILE_NAME
from zoo.registry.seal import seal_of_lines, sealed_line
from zoo.registry.text import with_entry, with_seal, with_value

LOCK_NAME = ".registry.lock"
"""The file, beside the registry, that is locked by whoever changes it."""

_LOCK_SECONDS = 120
_READ_AND_WRITE = 0o666
_OWNER_READS_AND_WRITES = 0o600


class RegistryEdit:
    """A registry that is locked for a change.

    Entries are added at the end, keys are changed where they stand, and the seal stands in one
    line near the top, so that the rest of the text, a person's comments and order included, is
    never touched.

    Attributes:
        registry: What the file says now.
    """

    def __init__(self, root: Path, *, accept_edits: bool = False) -> None:
        self._path = root / FILE_NAME
        data = read_bytes(self._path, limit=MAX_BYTES)
        known = recall(data)
        if known is not None:
            self._text = data.decode()
            self._values, self._lines = known
            self.registry: Registry = recalled_registry(self._values, root)
            self._sound = len(self._text)
        else:
            self._text, self._values = parse_values(data, str(self._path))
            self.registry = registry_of(self._text, self._values, root, accept_edits)
            self._lines = Lines.of(self._values)
            self._sound = 0

    def append(self, table: str, entry: Mapping[str, Any]) -> None:
        """Adds an entry to `models`, `weights` or `plugins`."""
        self._text = with_entry(self._text, table, entry)
        self._values.setdefault(table, []).append(dict(entry))
        if table in ("models", "weights"):
            getattr(self._lines, table).append(sealed_line(entry))

    def change(self, entry: WeightsEntry, key: str, value: str) -> None:
        """Changes one key of a version's entry."""
        self._sound = 0
        number = self.registry.weights.index(entry)
        self._text = with_value(self._text, number, key, value)
        self._values["weights"][number][key] = value
        self._lines.weights[number] = sealed_line(self._values["weights"][number])

    def save(self) -> None:
        """Seals the entries and replaces the file."""
        self._values["index"] = seal_of_lines(self._lines.all)
        data = with_seal(self._text, self._values["index"]).encode()
        # What cannot be read back as it was meant must not replace what can.
        if not self._sound or not self._reads_back():
            parse_registry(data, self._path.parent)
        write_atomically(self._path, data)
        remember(data, self._values, self._lines)

    def _reads_back(self) -> bool:
        # What stands above was read before: where it has such tables, only what is new is read.
        above, added = self._text[: self._sound], self._text[self._sound :]
        text = f"format = 1\n{added}"
        values = parse_toml(text, file=str(self._path))
        new = registry_of(text, values, self.registry.root, accept_edits=True)
        del values["format"]
        names = {*(model.name for model in new.models), *(each.reference for each in new.weights)}
        there = {*self.registry.names, *(each.reference for each in self.registry.weights)}
        return not names & there and all(
            f"\n[[{table}]]\n" in above and entries == self._values[table][-len(entries) :]
            for table, entries in values.items()
        )


@contextmanager
def editing(root: Path, *, accept_edits: bool = False) -> Iterator[RegistryEdit]:
    """Locks the registry of a zoo for a change; `save` makes the change.

    Raises:
        StorageError: If another process keeps the lock for two minutes, or it cannot be made.
    """
    with locked(root):
        yield RegistryEdit(root, accept_edits=accept_edits)


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Keeps every other process from changing the registry of a zoo.

    Raises:
        StorageError: If another process keeps the lock for two minutes in which nothing changes,
            or it cannot be made.
    """
    path = root / LOCK_NAME
    try:
        # Whoever may write into the folder may lock it, whatever the umask of who did so first.
        mode = root.stat().st_mode & _READ_AND_WRITE | _OWNER_READS_AND_WRITES
        lock = FileLock(path, timeout=_LOCK_SECONDS, mode=mode)
        _acquire(lock, root)
    except Timeout as error:
        raise StorageError(
            f"another process has kept {path} locked for {_LOCK_SECONDS} seconds",
            suggestion="wait for it, or stop it",
        ) from error
    except PermissionError as error:
        raise StorageError(
            f"cannot lock {path}: {error.strerror}", suggestion=_HOW_TO_SHARE.format(root)
        ) from error
    except OSError as error:
        raise file_error("lock", path, error) from error
    try:
        yield
    finally:
        lock.release()


def _acquire(lock: FileLock, root: Path) -> None:
    # While the registry changes, the lock goes from hand to hand: then it pays to wait on.
    while True:
        before = _last_change(root)
        try:
            lock.acquire()
            return
        except Timeout:
            if _last_change(root) == before:
                raise


def _last_change(root: Path) -> tuple[int, int]:
    try:
        status = (root / FILE_NAME).stat()
    except OSError:
        return 0, 0
    return status.st_ino, status.st_mtime_ns


_HOW_TO_SHARE = (
    "whoever made it can give it to your group: chmod -R g+rwX {0}, and chgrp -R it where needed"
)
