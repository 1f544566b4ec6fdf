"""A version of 100 million parameters, hash checked, against reading the file alone."""

import statistics
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from safetensors.numpy import load

from benchmarks.speed.timing import (
    Act,
    Figure,
    in_words,
    paired_ratio,
    rounds_of,
    slope,
)
from zoo.digest import sha256
from zoo.registry.document import read_registry
from zoo.registry.publishing import Candidate, publish
from zoo.registry.verification import read_weights

ANCHOR = "safetensors reads the same file"
_TENSORS = 20


def measure(full: bool) -> Iterator[Figure]:
    """Times reading, hashing and parsing the bytes, from a file that is in the page cache."""
    sizes = (10_000_000, 30_000_000, 100_000_000) if full else (100_000_000,)
    ours: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as name:
        for size in sizes:
            root = Path(name) / str(size)
            root.mkdir()
            (root / "registry.toml").write_text("format = 1\n")
            entry = publish(root, candidate(size))
            registry, path = read_registry(root), root / entry.file
            acts: dict[str, Act] = {
                "zoo": partial(read_weights, registry, entry),
                "safetensors": lambda path=path: load(path.read_bytes()),
                "SHA-256 alone": lambda path=path: sha256(path.read_bytes()),
            }
            times = rounds_of(acts, 9 if full else 5)
            ours[size] = statistics.median(times["zoo"])
            ratio = paired_ratio(times, "zoo", "safetensors")
            grown = f"; grows as parameters^{slope(ours):.2f}" if len(ours) > 1 else ""
            what = f"load {size // 1_000_000} M parameters"
            yield Figure(what, ANCHOR, ratio, 1.6, detail=in_words(times) + grown)
            path.unlink()


def candidate(size: int) -> Candidate:
    """Gives a version of about so many parameters."""
    random = np.random.default_rng(0)
    tensors = {
        f"layer{number}/kernel": random.random(size // _TENSORS, np.float32)
        for number in range(_TENSORS)
    }
    return Candidate(
        name="large",
        description="",
        source="",
        config='zoo = 1\nname = "large"\n',
        tensors=tensors,
        fingerprint="0" * 64,
        graph={},
        plugins={},
        keras="3",
    )
