"""Versions sent to a store: files by their content first, then the entry."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from zoo.digest import sha256
from zoo.errors import RegistryError, StorageError
from zoo.files import file_error
from zoo.registry.document import Registry, WeightsEntry
from zoo.registry.places import place_of
from zoo.store.objects import Store
from zoo.store.progress import Transfers, untold
from zoo.store.records import object_key, read_record, record_key, record_of, refuse_another


@dataclass(frozen=True, slots=True)
class Pushed:
    """What was done for one version.

    Attributes:
        reference: The version.
        files: How many files were sent.
        size: Their bytes.
    """

    reference: str
    files: int
    size: int


def push(
    registry: Registry, entries: Iterable[WeightsEntry], store: Store, shown: Transfers
) -> list[Pushed]:
    """Sends versions; what is there already is not sent again.

    Args:
        registry: The zoo's registry.
        entries: The versions.
        store: Where to send them.
        shown: What shows the progress.

    Raises:
        RegistryError: If a file is not what was published, or the store has another version
            under the same number.
        StorageError: If a file is missing, or the store cannot be written.
    """
    store.refuse_if_read_only()
    return [_pushed(registry, entry, store, shown) for entry in entries]


def _pushed(registry: Registry, entry: WeightsEntry, store: Store, shown: Transfers) -> Pushed:
    there = read_record(store, entry.reference)
    if there is not None:
        refuse_another(entry, there[1], store.url)
    sent: list[int] = []
    for file, digest, size in (
        (entry.file, entry.sha256, entry.size),
        (entry.config, entry.config_sha256, None),
    ):
        path = place_of(registry, file, digest)
        wanted = _size_of(path) if size is None else size
        found = store.size(object_key(digest))
        if found is not None and (found == wanted or wanted is None):
            continue
        if not path.exists():
            raise StorageError(
                f"{entry.reference}: {file} is neither here nor in {store.url}",
                suggestion="push it from the zoo that has it",
            )
        _refuse_another_content(path, file, digest, entry)
        told = shown.file(f"{entry.reference} {file}", wanted or 0)
        store.send(path, object_key(digest), digest, told)
        sent.append(wanted or 0)
    if there is None or there[1] != entry:
        record = record_of(registry, entry)
        store.send(record, record_key(entry.reference), sha256(record), untold)
        # Of two who push at once, one finds the other's entry.
        if after := read_record(store, entry.reference):
            refuse_another(entry, after[1], store.url)
    return Pushed(entry.reference, len(sent), sum(sent))


def _size_of(path: Path) -> int | None:
    return path.stat().st_size if path.exists() else None


def _refuse_another_content(path: Path, file: str, digest: str, entry: WeightsEntry) -> None:
    try:
        with path.open("rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise file_error("read", path, error) from error
    if found != digest:
        raise RegistryError(
            f"{entry.reference}: {file} is not the file that was published",
            "hash-mismatch",
            suggestion="restore it from version control or a copy; `zoo verify` checks all",
        )
