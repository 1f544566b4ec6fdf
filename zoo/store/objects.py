"""Objects in a store: whole under their key, or not there."""

import contextlib
import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from zoo.errors import RegistryError, StorageError, ZooError, in_one_line
from zoo.files import storage_error, sync_folder
from zoo.store.url import READ_ONLY, checked_url

_WHOLE_OR_NOT = ("s3", "gs", "az", "abfs")
"""Stores that show an object only once all of it has come."""

_NEEDED = {"gs": "gcsfs", "az": "adlfs", "abfs": "adlfs", "sftp": "paramiko"}
_BLOCK = 4 * 1024 * 1024
_PART = 16 * 1024 * 1024
_S3 = {"connect_timeout": 10, "read_timeout": 60, "retries": {"max_attempts": 3}}

Told = Callable[[int], None]
"""Is told of so many bytes that have been moved."""


class Store:
    """A place for objects, by key.

    Args:
        url: Its URL.

    Raises:
        StorageError: If what it takes to reach it is not installed, or it cannot be used.
    """

    def __init__(self, url: str) -> None:
        self.url = checked_url(url)
        self._scheme = url.partition("://")[0]
        with self._reaching("be used"):
            self._files, self._base = _opened(self.url, self._scheme)

    def refuse_if_read_only(self) -> None:
        """Raises an error if nothing can be sent there."""
        if self._scheme in READ_ONLY:
            raise StorageError(
                f"the store {self.url} can only be read",
                suggestion="push to the place that it shows, for example s3:// or file://",
            )

    def size(self, key: str) -> int | None:
        """Gives the bytes of an object; None where there is none."""
        with self._reaching("be asked"):
            try:
                information = self._files.info(self._path(key))
            except FileNotFoundError:
                return None
            return None if information["type"] == "directory" else information["size"]

    def names(self, folder: str) -> list[str]:
        """Lists the names of the objects right below a key."""
        with self._reaching("be listed"):
            try:
                paths = self._files.ls(self._path(folder), detail=False)
            except FileNotFoundError:
                return []
            return sorted(path.rstrip("/").rpartition("/")[2] for path in paths)

    def read(self, key: str, size: int, start: int = 0) -> Iterator[bytes]:
        """Reads an object of a known size block by block.

        Args:
            key: The object.
            size: Its bytes.
            start: Where to begin.
        """
        while start < size:
            end = min(start + _BLOCK, size)
            with self._reaching("be read"):
                block = self._files.cat_file(self._path(key), start=start, end=end)
                if len(block) != end - start:
                    raise OSError(f"it gave {len(block)} of {end - start} bytes")
            yield block
            start = end

    def send(self, what: Path | bytes, key: str, digest: str, told: Told) -> None:
        """Puts an object in its place, and reads it back.

        Where the store would show half an object, it gets another name until it is whole.

        Raises:
            RegistryError: `hash-mismatch`, if the store gives back something else.
            StorageError: If it cannot be sent; what was there stays.
        """
        at_once = self._scheme in _WHOLE_OR_NOT
        sent = key if at_once else f"{key}.{secrets.token_hex(4)}.part"
        try:
            with self._reaching("be written"):
                self._put(what, sent, told)
            if self._digest(sent) != digest:
                self._remove(sent)
                raise RegistryError(
                    f"{self.url} gave back something else than was sent as {key}",
                    "hash-mismatch",
                    suggestion="push again; if it happens again, the store is not to be trusted",
                )
            if not at_once:
                with self._reaching("be written"):
                    self._rename(sent, key)
        except BaseException:
            if not at_once:
                self._remove(sent)
            raise

    def _put(self, what: Path | bytes, key: str, told: Told) -> None:
        path = self._path(key)
        if self._scheme not in _WHOLE_OR_NOT:
            self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
        if isinstance(what, bytes):
            self._files.pipe_file(path, what)
            told(len(what))
            return
        parts = {"chunksize": _PART} if self._scheme == "s3" else {}
        self._files.put_file(str(what), path, callback=_callback(told), **parts)

    def _rename(self, sent: str, key: str) -> None:
        before, after = self._path(sent), self._path(key)
        if self._scheme == "file":
            with open(before, "rb") as file:
                os.fsync(file.fileno())
            os.replace(before, after)
            sync_folder(Path(after).parent)
            return
        if self._files.exists(after):
            self._files.rm_file(after)
        self._files.mv(before, after)

    def _digest(self, key: str) -> str:
        hasher = hashlib.sha256()
        for block in self.read(key, self.size(key) or 0):
            hasher.update(block)
        return hasher.hexdigest()

    def _remove(self, key: str) -> None:
        with contextlib.suppress(Exception):  # what cannot be reached cannot be tidied up
            self._files.rm_file(self._path(key))

    def _path(self, key: str) -> str:
        return f"{self._base.rstrip('/')}/{key}"

    @contextlib.contextmanager
    def _reaching(self, what: str) -> Iterator[None]:
        try:
            yield
        except ZooError:
            raise
        except Exception as error:  # each kind of store has errors of its own
            message = f"the store {self.url} cannot {what}"
            known = storage_error(message, error) if self._scheme == "file" else None
            said = StorageError(
                f"{message}: {_worded(error)}", suggestion=_remedy(error, self._scheme)
            )
            raise known or said from error


def _opened(url: str, scheme: str) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs

        options: dict[str, Any] = {"config_kwargs": _S3} if scheme == "s3" else {}
        if scheme == "file":
            options = {"auto_mkdir": True}
        # What another process has sent since is asked for, not remembered.
        files, base = url_to_fs(url, skip_instance_cache=True, use_listings_cache=False, **options)
    except ImportError as error:
        needed = _NEEDED.get(scheme)
        raise StorageError(
            f"a store at {scheme}:// needs {needed or 'the extra `remote`'}: {error}",
            suggestion=f"pip install 'zoo[remote]'{f' {needed}' if needed else ''}",
        ) from error
    return files, str(base)


def _callback(told: Told) -> Any:
    from fsspec.callbacks import Callback

    class Telling(Callback):  # type: ignore[misc]  # fsspec has no types
        def relative_update(self, inc: int = 1) -> None:
            told(inc)

    return Telling()


def _worded(error: BaseException) -> str:
    text = in_one_line(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _remedy(error: BaseException, scheme: str) -> str:
    text = f"{type(error).__name__} {error}"
    if scheme == "s3" and "Credentials" in text:
        return "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    if isinstance(error, PermissionError):
        return "check the credentials, and that they may read or write there"
    if isinstance(error, FileNotFoundError):
        return "check the url under [store] in registry.toml: the place has to be there"
    return "check that it can be reached, then run the command again: it goes on where it stopped"
