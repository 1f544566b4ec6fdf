"""Blocks of arrays on disk: each whole or not there, whatever kills the process."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from zoo_localization.progress import progress

Arrays = dict[str, Any]
_DIGEST_BYTES = hashlib.sha256().digest_size


class BlockCache:
    """A folder of blocks, each a dict of arrays behind its own SHA-256.

    Args:
        folder: Where the blocks lie; made when the first one is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        """Return the file of a block."""
        return self.folder / f"{name}.block"

    def read(self, name: str) -> Arrays | None:
        """Return a block, or `None` if it is not there, cut off or altered."""
        try:
            content = self.path(name).read_bytes()
        except FileNotFoundError:
            return None
        digest, body = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
        if hashlib.sha256(body).digest() != digest:
            return None
        with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
            return {key: arrays[key] for key in arrays.files}

    def write(self, name: str, arrays: Arrays) -> None:
        """Write a block to a temporary file, and rename it once it is safe on disk."""
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        body = buffer.getvalue()
        descriptor, temporary = tempfile.mkstemp(dir=self.folder, prefix=f".{name}-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(hashlib.sha256(body).digest() + body)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.path(name))
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        _sync_folder(self.folder)

    def gather(self, names: list[str], make: Callable[[str], Arrays], label: str) -> list[Arrays]:
        """Return all the named blocks, making those that are missing.

        Args:
            names: The blocks, in order.
            make: Makes one block from its name; the same name must give the same arrays.
            label: What to call the work on stderr.

        Returns:
            The blocks, in order.
        """
        found = {name: self.read(name) for name in names}
        if any(block is None for block in found.values()):
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / ".lock"):
                # Another process may have made them while this one waited for the lock.
                found = {name: block or self.read(name) for name, block in found.items()}
                self._make(found, make, label)
        return [block for block in found.values() if block is not None]

    def _make(
        self, found: dict[str, Arrays | None], make: Callable[[str], Arrays], label: str
    ) -> None:
        self._sweep()
        missing = [name for name, block in found.items() if block is None]
        with progress(label, max(len(missing), 1)) as advance:
            for name in missing:
                block = make(name)
                self.write(name, block)
                found[name] = block
                advance()

    def _sweep(self) -> None:
        """Remove what a killed process left half written; the lock says that nobody is writing."""
        for temporary in self.folder.glob(".*-*"):
            temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make a rename itself last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
