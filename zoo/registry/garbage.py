"""What killed processes left in a zoo, and nothing refers to."""

import os
import re
import stat
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from zoo.errors import StorageError
from zoo.files import is_temporary
from zoo.registry.document import Registry
from zoo.registry.root import WEIGHTS_FOLDER
from zoo.registry.versions import Version

RUNS = "runs"
"""The folder of the zoo that holds the runs; each is locked by whoever trains in it."""

RUN_LOCK = ".lock"

_TEMPORARY_REGISTRY = re.compile(r"\.registry\.toml(?:\.format-\d+)?\.[a-z0-9_]{8}")
_PUBLISHED = re.compile(r"(.+)\.(?:safetensors|toml)(?:\.part)?")
_OLD_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Garbage:
    """Something that nobody will come back for.

    Attributes:
        path: The file, or the empty folder.
        why: What it is.
        size: Its bytes.
    """

    path: Path
    why: str
    size: int = 0


def garbage(root: Path, registry: Registry) -> list[Garbage]:
    """Finds what may be removed from a zoo whose registry is locked.

    These are files under `weights` that are named like a version's and that no entry lists,
    temporary files of processes that were killed, and folders that are empty then. Whatever
    else lies there is left alone, and no link is followed.

    Args:
        root: The zoo root.
        registry: What is listed.

    Raises:
        RegistryError: If an entry's path leads out of the root.
    """
    left = [Garbage(path, "temporary file", _size(path)) for path in temporary_files(root)]
    left += [
        Garbage(path, "not listed in registry.toml", _size(path))
        for path in unlisted_files(root, registry)
    ]
    return [*left, *_empty_folders(root / WEIGHTS_FOLDER, {item.path for item in left})]


def remove(left: Iterable[Garbage]) -> None:
    """Removes garbage, files before the folders that hold them.

    Raises:
        StorageError: If something cannot be removed; what came before it is gone.
    """
    for item in left:
        try:
            if stat.S_ISDIR(item.path.lstat().st_mode):
                item.path.rmdir()
            else:
                item.path.unlink()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise StorageError(
                f"cannot remove {item.path}: {error.strerror}",
                suggestion="check that its folder is yours to change",
                file=str(item.path),
            ) from error


def temporary_files(root: Path) -> Iterator[Path]:
    """Finds what writing leaves when it is killed, once it is old and no run holds it."""
    folders = [root, root / "models", *_below(root / WEIGHTS_FOLDER), *_below(root / RUNS)]
    for folder in folders:
        # Beside the registry stand files of whoever works there.
        is_ours = _is_the_registrys if folder == root else is_temporary
        old = [path for path in _files(folder) if is_ours(path) and is_old(path)]
        if old and not _is_at_work(folder, root):
            yield from old


def unlisted_files(root: Path, registry: Registry) -> Iterator[Path]:
    """Finds the files that a publish wrote and that its entry never came to list.

    Raises:
        RegistryError: If an entry's path leads out of the root.
    """
    listed = {path for entry in registry.weights for path in (entry.file, entry.config)}
    listed |= {model.config for model in registry.models}
    kept = {registry.path(path) for path in listed}
    for folder in _below(root / WEIGHTS_FOLDER):
        for path in _files(folder):
            # A download that was cut off goes on as long as its version is listed.
            whole = path.with_suffix("") if path.suffix == ".part" else path
            if _is_named_like_a_version(path) and whole.resolve() not in kept:
                yield path


def is_old(path: Path) -> bool:
    """Tells whether nothing has happened to a file or folder for an hour."""
    try:
        return time.time() - path.lstat().st_mtime > _OLD_SECONDS
    except OSError:  # gone since
        return False


def is_held(lock: Path) -> bool:
    """Tells whether another process holds a lock."""
    if not lock.exists():
        return False
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:
        return False


def _empty_folders(above: Path, going: set[Path]) -> Iterator[Garbage]:
    for place, folders, files in os.walk(above, topdown=False) if not above.is_symlink() else ():
        folder = Path(place)
        inside = [folder / name for name in (*folders, *files)]
        # One that is empty now may be about to be filled.
        due = bool(inside) or is_old(folder)
        if folder != above and due and all(path in going for path in inside):
            going.add(folder)
            yield Garbage(folder, "empty folder")


def _is_the_registrys(path: Path) -> bool:
    return _TEMPORARY_REGISTRY.fullmatch(path.name) is not None


def _is_named_like_a_version(path: Path) -> bool:
    match = _PUBLISHED.fullmatch(path.name)
    try:
        return match is not None and Version.parse(match[1]) is not None
    except ValueError:
        return False


def _is_at_work(folder: Path, root: Path) -> bool:
    runs = root / RUNS
    return folder.is_relative_to(runs) and any(
        is_held(place / RUN_LOCK)
        for place in (folder, *folder.parents)
        if place.is_relative_to(runs)
    )


def _below(folder: Path) -> Iterator[Path]:
    if folder.is_symlink():
        return
    for place, _, _ in os.walk(folder):
        yield Path(place)


def _files(folder: Path) -> Iterator[Path]:
    """Gives the regular files of a folder; a link is none."""
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return
    for path in paths:
        try:
            if stat.S_ISREG(path.lstat().st_mode):
                yield path
        except OSError:
            continue  # gone since


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0
