"""Batches of gains from files larger than memory may be, against bare shuffled reads of them."""

import os
import resource
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from benchmarks.speed.timing import Figure, in_words, paired_ratio, rounds_of
from zoo.runtime.batches import EpochOrder, batches
from zoo_localization.gain_files import gain_files

STATES, OBSERVATIONS, BATCH = 960, 240, 32
PAIRS_PER_FILE = 64
ANCHOR = "h5py reads the same chunks, shuffled, and keeps a batch"
RESIDENT_GB = 2.0


def _write(folder: Path, files: int) -> list[Path]:
    """Writes pairs as the datasets of zoo-localization do: one chunk a gain, checksummed."""
    random = np.random.default_rng(0)
    shape = (PAIRS_PER_FILE, STATES, OBSERVATIONS)
    paths = [folder / f"gains-{number:03}.nc" for number in range(files)]
    for path in paths:
        with h5py.File(path, "w") as file:
            for name in ("kg_raw", "kg_true"):
                chunks = (1, STATES, OBSERVATIONS)
                variable = file.create_dataset(name, shape, "f4", chunks=chunks, fletcher32=True)
                for row in range(PAIRS_PER_FILE):
                    variable[row] = random.standard_normal(shape[1:], np.float32)
            file.flush()
        with path.open("rb") as written:
            os.fsync(written.fileno())
    return paths


def _forget(paths: list[Path]) -> None:
    """Asks the system to drop what it has of the files in memory."""
    for path in paths:
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _read_bare(paths: list[Path], order: np.ndarray[Any, Any]) -> None:
    files = [h5py.File(path) for path in paths]
    variables = [(file["kg_raw"], file["kg_true"]) for file in files]
    for start in range(0, len(order), BATCH):
        # New memory, as for a batch that is handed over: what is dropped at once is used again.
        _ = [
            variable[number % PAIRS_PER_FILE]
            for number in order[start : start + BATCH]
            for variable in variables[number // PAIRS_PER_FILE]
        ]
    for file in files:
        file.close()


def _peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def measure(full: bool) -> Iterator[Figure]:
    """Times an epoch's batches, read, checked and handed over, against the reads alone.

    4 GB (1 GB if not full) in files; memory use does not depend on how many there are.
    """
    with tempfile.TemporaryDirectory() as name:
        paths = _write(Path(name), 34 if full else 9)
        inputs = keras.Input((STATES, OBSERVATIONS), name="kg_raw")
        model = keras.Model({"kg_raw": inputs}, keras.layers.Rescaling(1.0, name="y")(inputs))
        pairs = gain_files([str(path) for path in paths])["train"]
        epoch = batches(pairs, model, BATCH, EpochOrder(seed=0))
        shuffled = np.random.default_rng(0).permutation(pairs.sample_count)

        def ours() -> None:
            _forget(paths)
            for _ in epoch:
                pass

        def bare() -> None:
            _forget(paths)
            _read_bare(paths, shuffled)

        times = rounds_of({"batches": ours, ANCHOR: bare}, 5 if full else 3)
        peak = _peak_gb()
        size = sum(path.stat().st_size for path in paths) / 1e9
        what = f"shuffled batches from disk, {size:.1f} GB"
        ratio = 1 / paired_ratio(times, "batches", ANCHOR)
        yield Figure(what, ANCHOR, ratio, 0.8, True, in_words(times))
        detail = f"resident at most {peak:.2f} GB, TensorFlow's own included"
        yield Figure(f"memory for {what}", "2 GB", peak / RESIDENT_GB, 1, detail=detail)
