"""Files of versions fetched from a store, whole and checked before they are in their place."""

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterator
from io import BufferedRandom
from pathlib import Path

from zoo.errors import RegistryError, StorageError
from zoo.files import file_error, make_folder, sync_folder
from zoo.registry.document import MAX_BYTES, Registry, WeightsEntry
from zoo.registry.places import cached, is_here, place_of
from zoo.registry.root import WEIGHTS_FOLDER
from zoo.store.objects import Store
from zoo.store.progress import Transfers
from zoo.store.records import object_key


def fetch_where_missing(registry: Registry, entry: WeightsEntry) -> None:
    """Fetches the files of a version that is about to be used, where there is a store.

    Raises:
        RegistryError: If the store has something else.
        StorageError: If the store cannot be reached or lacks them, or they cannot be written.
    """
    if registry.store is not None and not is_here(registry, entry):
        with Transfers("fetching") as shown:
            fetch(registry, entry, Store(registry.store), shown)


def fetch(registry: Registry, entry: WeightsEntry, store: Store, shown: Transfers) -> int:
    """Fetches those files of a version that are not here, and gives their bytes.

    Raises:
        RegistryError: `hash-mismatch`, if the store has something else; `unsafe-path`, if the
            entry asks for a file that is none of weights.
        StorageError: If the store cannot be reached or lacks them, or they cannot be written.
    """
    fetched = 0
    for file, digest, size, suffix in (
        (entry.config, entry.config_sha256, None, ".toml"),
        (entry.file, entry.sha256, entry.size, ".safetensors"),
    ):
        if place_of(registry, file, digest).exists():
            continue
        _refuse_other_places(file, suffix, entry)
        found = _size_in(store, digest, size, entry, file)
        target = registry.path(file)
        if not _may_write(target):
            target = cached(file, digest)
        _download(store, digest, found, target, f"{entry.reference} {file}", shown)
        fetched += found
    return fetched


def is_in(store: Store, entry: WeightsEntry) -> bool:
    """Tells whether a store has both files of a version."""
    return (
        store.size(object_key(entry.sha256)) == entry.size
        and store.size(object_key(entry.config_sha256)) is not None
    )


def _refuse_other_places(file: str, suffix: str, entry: WeightsEntry) -> None:
    # What comes from elsewhere is put where only weights are, whatever an entry says.
    parts = file.split("/")
    hidden = any(part.startswith(".") for part in parts)
    if parts[0] != WEIGHTS_FOLDER or len(parts) < 2 or not file.endswith(suffix) or hidden:
        raise RegistryError(
            f"{entry.reference}: {file} is not fetched to where the registry says",
            "unsafe-path",
            suggestion=f"only files below {WEIGHTS_FOLDER}/ that end in {suffix} are",
        )


def _size_in(store: Store, digest: str, size: int | None, entry: WeightsEntry, file: str) -> int:
    found = store.size(object_key(digest))
    if found is None:
        raise StorageError(
            f"{store.url} does not have {file} of {entry.reference}",
            suggestion=f"push it from a zoo that has it: zoo push {entry.reference}",
        )
    if found > MAX_BYTES if size is None else found != size:
        raise _another(store, digest, f"{found:,} bytes instead of {size or MAX_BYTES:,}")
    return found


def _download(
    store: Store, digest: str, size: int, target: Path, name: str, shown: Transfers
) -> None:
    part = target.with_name(f"{target.name}.part")
    try:
        make_folder(target.parent)
        with _locked_part(target, part, shown) as file:
            if file is not None:
                _fill(file, store, digest, size, name, shown)
                os.replace(part, target)
                sync_folder(target.parent)
    except OSError as error:
        raise file_error("write", part, error) from error


def _fill(
    file: BufferedRandom, store: Store, digest: str, size: int, name: str, shown: Transfers
) -> None:
    """Goes on with what an earlier process began, and begins anew if that was something else."""
    while True:
        start = file.seek(0, os.SEEK_END)
        if start > size:
            start = file.truncate(0)
        told = shown.file(name, size, start)
        for block in store.read(object_key(digest), size, start):
            file.write(block)
            told(len(block))
        file.flush()
        os.fsync(file.fileno())
        file.seek(0)
        if hashlib.file_digest(file, "sha256").hexdigest() == digest:
            return
        file.truncate(0)
        if start == 0:
            os.unlink(file.name)
            raise _another(store, digest, "another content")
        shown.say(f"{name}: what had been fetched before does not fit; beginning anew")


@contextlib.contextmanager
def _locked_part(target: Path, part: Path, shown: Transfers) -> Iterator[BufferedRandom | None]:
    """Opens the unfinished file for one process at a time; gives None if it got finished."""
    while True:
        with part.open("a+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                shown.say(f"waiting for another process that fetches {target.name}")
                fcntl.flock(file, fcntl.LOCK_EX)
            # Whoever had the lock may have finished the file, or removed it.
            if not part.exists() or not os.path.samestat(os.fstat(file.fileno()), part.stat()):
                if target.exists():
                    yield None
                    return
                continue
            if target.exists():
                part.unlink()
                yield None
                return
            yield file
            return


def _may_write(path: Path) -> bool:
    folder = next(above for above in path.parents if above.exists())
    return os.access(folder, os.W_OK)


def _another(store: Store, digest: str, what: str) -> RegistryError:
    return RegistryError(
        f"{store.url}/{object_key(digest)} is not the file that was pushed: it has {what}",
        "hash-mismatch",
        suggestion="remove that object from the store, then push the version again from a zoo "
        "that has it",
    )
