"""Files that are whole or not there, and paths that stay where they belong."""

import contextlib
import errno
import os
import re
import stat
import tempfile
from pathlib import Path

from zoo.errors import ConfigError, StorageError

_TEMPORARY = re.compile(r"\..+\.(?:toml|lock|json|csv|txt|html|png|safetensors|zoo)\.[a-z0-9_]{8}")
_NO_MEMORY = ("MemoryError", "_ArrayMemoryError", "ResourceExhaustedError")
_MORE_MEMORY = "close other programs, use smaller batches, or a machine with more memory"
_MAKE_ROOM = "make room on its disk: `zoo gc` shows what may go, and old runs are often the largest"
_REMEDIES = {
    errno.ENOSPC: _MAKE_ROOM,
    errno.EDQUOT: _MAKE_ROOM,
    errno.EFBIG: "raise the limit on the size of a file that `ulimit -f` shows",
    errno.EROFS: "its disk is read-only: mount it for writing, or use another folder",
    errno.EACCES: "ask its owner for the right to do so, or use another folder",
    errno.EPERM: "ask its owner for the right to do so, or use another folder",
    errno.ENOMEM: _MORE_MEMORY,
}
LEADS_OUT = "it leads out of"
"""How the refusal of a path begins that is plain, but of another folder."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def write_atomically(path: Path, data: bytes) -> None:
    """Replaces a file so that a kill or a power loss leaves the old one or the new one.

    The bytes go to a temporary file beside it, which is synced, renamed over the old file,
    and made durable by syncing the folder. Of a failure after the renaming, the new file stays.

    Args:
        path: The file; its folder is made where it is missing.
        data: The new content.

    Raises:
        StorageError: If it cannot be written; the old file stays as it was.
    """
    try:
        make_folder(path.parent)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise file_error("write", path, error) from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _share_as(path, temporary)
        os.replace(temporary, path)
        sync_folder(path.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError):
            raise file_error("write", path, error) from error
        raise


def is_temporary(path: Path) -> bool:
    """Tells whether a file is what `write_atomically` makes before it renames."""
    return _TEMPORARY.fullmatch(path.name) is not None


def make_folder(folder: Path) -> None:
    """Makes a folder and those above it, each of them durable.

    Raises:
        OSError: If that cannot be done.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


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
    except (OSError, ValueError, MemoryError) as error:
        raise file_error("read", path, error) from error


def storage_error(what: str, error: BaseException) -> StorageError | None:
    """Words what any library raised where a disk or the memory is at fault.

    Args:
        what: What could not be done, such as `"the training failed"`.
        error: What was raised.

    Returns:
        The error, with what to free; None where something else is at fault.
    """
    if type(error).__name__ in _NO_MEMORY:
        return out_of_memory(what, error)
    if not isinstance(error, OSError) or error.errno not in _REMEDIES:
        return None
    place = f"{error.filename}: " if error.filename else ""
    return StorageError(f"{what}: {place}{error.strerror}", suggestion=_REMEDIES[error.errno])


def file_error(what: str, path: Path, error: Exception) -> StorageError:
    """Words that something cannot be done with a file, and what to do about it.

    Args:
        what: What cannot be done, such as `"write"`.
        path: The file.
        error: What the system said.
    """
    if isinstance(error, MemoryError):
        return out_of_memory(f"cannot {what} {path}", error).located(file=str(path))
    return StorageError(
        f"cannot {what} {path}: {getattr(error, 'strerror', None) or error}",
        suggestion=_REMEDIES.get(
            getattr(error, "errno", None) or 0,
            "check that the folder exists, is yours, and that its disk has space",
        ),
        file=str(path),
    )


def out_of_memory(what: str, error: BaseException) -> StorageError:
    """Words that the memory is full; see `storage_error`."""
    # TensorFlow fills a page with it; the shape of the array is in the first line.
    reason = f"out of memory: {error}".split("\n")[0].removesuffix(": ")
    return StorageError(f"{what}: {reason}", suggestion=_MORE_MEMORY)


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
            reason = f"{LEADS_OUT} {root}"
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


def _share_as(path: Path, temporary: str) -> None:
    """Gives a new file the mode and group of the one that it replaces, where it may."""
    mode = _mode_of_a_new_file()
    with contextlib.suppress(FileNotFoundError):
        old = path.stat()
        try:
            os.chown(temporary, -1, old.st_gid)
            mode = stat.S_IMODE(old.st_mode)
        except OSError:  # another group has to get no more than that one had
            mode &= old.st_mode
    os.chmod(temporary, mode)


def _mode_of_a_new_file() -> int:
    # mkstemp makes private files; a zoo is shared, so the umask decides as for any other file.
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask
