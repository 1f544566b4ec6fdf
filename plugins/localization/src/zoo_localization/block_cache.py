"""Blocks of arrays on disk: each whole or not there, whatever kills the process."""

from __future__ import annotations

import hashlib
import io
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import platformdirs
from filelock import FileLock

from zoo_localization.block_settings import BlockSettings, Split, split_and_index
from zoo_localization.on_ray import on_ray
from zoo_localization.progress import progress

Arrays = dict[str, Any]
Made = TypeVar("Made")
Found = TypeVar("Found")
Advance = Callable[[], None]
_DIGEST_BYTES = hashlib.sha256().digest_size


def settings_folder(dataset: str, settings: Any, version: int) -> Path:
    """Return where the blocks of a dataset's settings lie.

    Args:
        dataset: Its name.
        settings: A dataclass of everything that decides what a block holds.
        version: Of the blocks' form; raise it when the same settings give other blocks.

    Returns:
        A folder below `ZOO_CACHE_DIR`, or else the user's cache folder.
    """
    root = os.environ.get("ZOO_CACHE_DIR")
    base = Path(root) if root else platformdirs.user_cache_path("zoo")
    text = settings_text(settings, format=version)
    return base / dataset / hashlib.sha256(text.encode()).hexdigest()[:20]


def settings_text(settings: Any, **more: Any) -> str:
    """Return settings, and whatever else, as JSON that is the same for the same settings."""
    # Numbers are written as floats where they are floats, so that 8 and 8.0 say the same.
    values = {
        entry.name: float(value) if entry.type == "float" else value
        for entry, value in zip(fields(settings), asdict(settings).values(), strict=True)
    }
    return json.dumps({**more, **values}, sort_keys=True)


class BlockFolder(ABC, Generic[Made, Found]):
    """A folder of blocks; how a block is written and read is a subclass's business.

    Args:
        folder: Where the blocks lie; made when the first one is written.
    """

    suffix: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def read(self, name: str) -> Found | None:
        """Return a block, or `None` if it is not there or not whole."""

    @abstractmethod
    def write(self, name: str, made: Made) -> None:
        """Write a block, by way of `replacing`."""

    def path(self, name: str) -> Path:
        """Return the file of a block."""
        return self.folder / f"{name}{self.suffix}"

    def gather(
        self,
        names: list[str],
        make: Callable[[str, Advance], Made],
        label: str,
        steps_per_block: int,
        workers: int = 0,
    ) -> list[Found]:
        """Return all the named blocks, making those that are missing.

        Args:
            names: The blocks, in order.
            make: Makes one block from its name, and calls its second argument after each step; the
                same name must give the same block.
            label: What to call the work on stderr.
            steps_per_block: Steps that making a block takes.
            workers: How many of Ray's processes make a block each; 0 makes them here, in order.

        Returns:
            The blocks, in order.
        """
        found = {name: self.read(name) for name in names}
        if any(block is None for block in found.values()):
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / ".lock"):
                # Another process may have made them while this one waited for the lock.
                missing = [n for n, block in found.items() if block is None and not self.read(n)]
                self._sweep(missing)
                with progress(label, len(missing) * steps_per_block) as advance:
                    if workers:
                        task = partial(_write_one, self, make)
                        for _ in on_ray(task, missing, workers):
                            advance(steps_per_block)
                    else:
                        for name in missing:
                            self.write(name, make(name, advance))
            found = {name: block or self.read(name) for name, block in found.items()}
        return [block for block in found.values() if block is not None]

    @contextmanager
    def replacing(self, name: str) -> Iterator[Path]:
        """Give a path to write a block to, and rename the file once it is safe on disk."""
        temporary = self.folder / f".{name}-{os.getpid()}"
        try:
            yield temporary
            _sync(temporary)
            os.replace(temporary, self.path(name))
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        # The rename itself is to last through a power cut.
        _sync(self.folder)

    def _sweep(self, names: list[str]) -> None:
        """Remove what a killed process left half written; the lock says that nobody is writing."""
        for name in names:
            for temporary in self.folder.glob(f".{name}-*"):
                temporary.unlink(missing_ok=True)


def _write_one(folder: Any, make: Callable[[str, Advance], Any], name: str) -> None:
    folder.write(name, make(name, lambda: None))


class BlockCache(BlockFolder[Arrays, Arrays]):
    """A folder of blocks, each a dict of arrays behind its own SHA-256."""

    suffix = ".block"

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

    def splits(
        self,
        settings: BlockSettings,
        counts: Mapping[Split, int],
        generate: Callable[[Any, Split, int, Advance], Arrays],
        label: str,
        workers: int = 0,
    ) -> dict[Split, Arrays]:
        """Return so many samples of each split, simulating the blocks that are not there yet.

        Args:
            settings: What decides the blocks.
            counts: How many samples, by split.
            generate: Makes a block of settings, split and number.
            label: What to call the work on stderr.
            workers: How many of Ray's processes make a block each; 0 makes them here, in order.
        """
        names = {split: settings.block_names(split, count) for split, count in counts.items()}
        everything = [name for blocks in names.values() for name in blocks]
        gathered = self.gather(
            everything,
            lambda name, advance: generate(settings, *split_and_index(name), advance),
            label,
            settings.cycles_per_block,
            workers,
        )
        found = dict(zip(everything, gathered, strict=True))
        return {
            split: {
                key: np.concatenate([found[name][key] for name in blocks])[: counts[split]]
                for key in found[blocks[0]]
            }
            for split, blocks in names.items()
        }

    def write(self, name: str, made: Arrays) -> None:
        """Write a block."""
        buffer = io.BytesIO()
        np.savez(buffer, **made)
        body = buffer.getvalue()
        with self.replacing(name) as temporary:
            temporary.write_bytes(hashlib.sha256(body).digest() + body)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
