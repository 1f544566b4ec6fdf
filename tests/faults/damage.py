"""Damage to published files and to the index, a bit or a byte at a time."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from tests.faults.promise import Promise, Tally
from tests.faults.store import candidate, new_zoo
from zoo.errors import ZooError, error_of
from zoo.registry.document import Registry, WeightsEntry, parse_registry, read_registry
from zoo.registry.publishing import publish
from zoo.registry.verification import checked_config, read_weights, verify

Damage = Callable[[bytearray, random.Random], None]


def flip(data: bytearray, draw: random.Random) -> None:
    """Turns one bit round."""
    data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)


def truncate(data: bytearray, draw: random.Random) -> None:
    """Cuts the end off."""
    del data[draw.randrange(len(data)) :]


def append(data: bytearray, draw: random.Random) -> None:
    """Puts bytes behind the end."""
    data.extend(draw.randbytes(draw.choice((1, 8, 512))))


def damage_files(count: int, seed: int, folder: Path) -> Tally:
    """Damages the weights and the resolved config of a version in turn."""
    tally, draw = Tally(), random.Random(seed)
    root = new_zoo(folder / "zoo", 0)
    entry = publish(root, candidate(values=2000))
    registry = read_registry(root)
    attacks: list[tuple[str, Damage]] = [("flip", flip)] * count
    attacks += [("truncation", truncate)] * (count // 50 + 1)
    attacks += [("append", append)] * (count // 50 + 1)
    for number, (name, attack) in enumerate(attacks):
        file = entry.config if number % 4 == 0 else entry.file
        whole = (root / file).read_bytes()
        data = bytearray(whole)
        attack(data, draw)
        (root / file).write_bytes(data)
        with tally.trial(f"{name} number {number} of {file}"):
            _check_refused(registry, entry, file)
        (root / file).write_bytes(whole)
    tally.expect(verify(registry, [entry], {}) == [], "the version is not whole at the end")
    tally.notes.append(f"{count} flips, {count // 50 + 1} truncations, as many appends")
    return tally


def _check_refused(registry: Registry, entry: WeightsEntry, file: str) -> None:
    read = read_weights if file == entry.file else checked_config
    try:
        read(registry, entry)
    except ZooError as error:
        _check_remedy(error)
    else:
        raise AssertionError("it was read")
    _check_remedy(error_of(verify(registry, [entry], {})))


def _check_remedy(error: ZooError) -> None:
    assert error.exit_status == 3, (error.exit_status, error)
    assert all(finding.suggestion for finding in error.findings), error


def damage_the_index(count: int, seed: int, folder: Path) -> Tally:
    """Cuts the index at every byte, from both ends, and flips bits of it."""
    tally, draw = Tally(), random.Random(seed)
    root = new_zoo(folder / "zoo")
    data = (root / "registry.toml").read_bytes()
    whole = parse_registry(data, root)
    for length in range(len(data)):
        with tally.trial(f"cut after {length} bytes"):
            if data[length:].strip():
                _check_index(data[:length], root, None)
    start = data.index(b"index")  # a comment of a person stands before
    for first in range(start + 1, len(data)):
        with tally.trial(f"without the first {first} bytes"):
            _check_index(data[first:], root, None)
    same = 0
    for number in range(count):
        flipped = bytearray(data)
        flip(flipped, draw)
        with tally.trial(f"flip number {number}"):
            same += _check_index(bytes(flipped), root, whole)
    tally.notes.append(f"{len(data)} cuts; {same} of {count} flips hit comments or spaces")
    return tally


def _check_index(data: bytes, root: Path, whole: Registry | None) -> bool:
    """Whether damage is refused, or, if that may be, changes nothing that is listed."""
    try:
        read = parse_registry(data, root)
    except ZooError as error:
        _check_remedy(error)
        return False
    assert whole is not None, "it was read"
    listed, meant = (read.models, read.weights), (whole.models, whole.weights)
    assert listed == meant, "entries were read that nobody wrote"
    return True


PROMISES = [
    Promise("a damaged weights file or config is noticed", damage_files, 300, 1000),
    Promise("a damaged index is noticed", damage_the_index, 150, 1000),
]
