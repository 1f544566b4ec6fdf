"""Files that are whole or not there, and paths that stay where they belong."""

import contextlib
import os
import re
import tempfile
from pathlib import Path

from zoo.errors import ConfigError, StorageError

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def write_atomically(path: Path, data: bytes) -> None:
    """Replaces a file so that a kill or a power loss leaves the old one or the new one.

    The bytes go to a temporary file beside it, which is synced, renamed over the old file,
    and made durable by syncing the folder.

    Args:
        path: The file; its folder is made where it is missing.
        data: The new content.

    Raises:
        StorageError: If it cannot be written; the old file stays as it was.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise _cannot("write", path, error) from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, _mode_of_a_new_file())
        os.replace(temporary, path)
        sync_folder(path.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError):
            raise _cannot("write", path, error) from error
        raise


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_bytes(path: Path, *, limit: int | None = None) -> bytes:
    """Reads a regular file.

    Args:
        path: The file.
        limit: The most bytes to accept.

    Raises:
        StorageError: If it is missing, not a regular file, or not readable.
        ConfigError: If it is larger than `limit` (`too-large`).
    """
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise StorageError(
                f"{path} is not a regular file",
                suggestion="give the path of a file",
                file=str(path),
            )
        if limit is not None and size > limit:
            raise ConfigError(
                f"{path.name} has {size:,} bytes; at most {limit:,} are read",
                "too-large",
                file=str(path),
            )
        return path.read_bytes()
    except FileNotFoundError as error:
        raise StorageError(
            f"there is no file {path}", suggestion="check the path", file=str(path)
        ) from error
    except (OSError, ValueError) as error:
        raise _cannot("read", path, error) from error


def safe_path(text: str, *, folder: Path, root: Path) -> Path:
    """Turns a path written in a config into one that is certain to lie under the root.

    Args:
        text: The path as written, relative to `folder`.
        folder: The config's folder.
        root: The folder that it may not leave, be it through `..`, a link, `~` or a scheme.

    Returns:
        The path with every link resolved.

    Raises:
        ConfigError: `unsafe-path`, if it leads or could lead out of the root.
    """
    reason = _why_unsafe(text)
    if reason is None:
        try:
            path = (folder / text).resolve()
            if path.is_relative_to(root.resolve()):
                return path
            reason = f"it leads out of {root}"
        except (OSError, RuntimeError) as error:
            reason = f"it cannot be followed: {error}"
    raise ConfigError(
        f"the path {text!r} is not accepted: {reason}",
        "unsafe-path",
        suggestion="use a path relative to the config's folder that stays inside the zoo root",
    )


def is_plain(text: str) -> bool:
    """Tells whether a path is written as a relative one, without a scheme or `~`."""
    return _why_unsafe(text) is None


def _why_unsafe(text: str) -> str | None:
    if not text or any(ord(character) < 32 for character in text):
        return "it is empty or has control characters"
    if text.startswith("~"):
        return "`~` is not expanded"
    if _SCHEME.match(text):
        return "it has a scheme or a drive"
    if text.startswith(("/", "\\")):
        return "it is absolute"
    return None


def _mode_of_a_new_file() -> int:
    # mkstemp makes private files; a zoo is shared, so the umask decides as for any other file.
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask


def _cannot(what: str, path: Path, error: Exception) -> StorageError:
    reason = getattr(error, "strerror", None) or str(error)
    return StorageError(
        f"cannot {what} {path}: {reason}",
        suggestion="check that the folder exists, is yours, and that its disk has space",
        file=str(path),
    )
