"""Which entry of an edited `registry.toml` is not the one that was sealed, where that shows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from math import comb
from pathlib import Path
from typing import Any

from zoo.digest import sha256
from zoo.errors import ZooError
from zoo.files import read_bytes, safe_path
from zoo.registry.seal import seal_of_lines, sealed_line
from zoo.registry.tensors import read_metadata_of

_MOST_WORK = 400_000
"""How many lines are hashed, at most, before it is given up: about a second's work."""

_MOST_OF_THE_WEIGHTS = 64 * 1024 * 1024
_MOST_OF_A_CONFIG = 4 * 1024 * 1024
_STATUSES = ("stable", "deprecated", "yanked")

Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Suspect:
    """An entry that is likely not as it was written.

    Attributes:
        where: Where it stands, or the key of it that was changed.
        what: What is known, to stand behind what it is called.
    """

    where: Place
    what: str


def suspects(values: Mapping[str, Any], root: Path) -> list[Suspect]:
    """Finds what was changed since the entries were sealed.

    An entry that was added, or whose status was changed, is known for certain, since without it
    the seal fits; otherwise those are named whose files say something else.

    Args:
        values: What the file says; its form is right.
        root: The zoo root.
    """
    entries: dict[Place, Any] = {
        (table, number): entry
        for table in ("models", "weights")
        for number, entry in enumerate(values.get(table, []))
    }
    lines = {where: sealed_line(entry) for where, entry in entries.items()}
    seal = values["index"]
    more = len(lines) - seal["entries"]
    if more > 0:
        return [Suspect(where, "was added") for where in _added(lines, more, seal)]
    changed = list(_changed_status(entries, lines, seal)) if more == 0 else []
    return changed or list(_at_odds_with_their_files(entries, root))


def _added(lines: Mapping[Place, bytes], count: int, seal: Mapping[str, Any]) -> tuple[Place, ...]:
    if comb(len(lines), count) * len(lines) > _MOST_WORK:
        return ()
    for chosen in combinations(lines, count):
        rest = [line for where, line in lines.items() if where not in chosen]
        if seal_of_lines(rest) == seal:
            return chosen
    return ()


def _changed_status(
    entries: Mapping[Place, Any], lines: Mapping[Place, bytes], seal: Mapping[str, Any]
) -> Iterator[Suspect]:
    weights = [where for where in entries if where[0] == "weights"]
    if 4 * len(weights) * len(lines) > _MOST_WORK:
        return
    for where in weights:
        rest = {key: value for key, value in entries[where].items() if key != "status"}
        for status in (*_STATUSES, None):
            before = sealed_line({**rest, "status": status} if status else rest)
            if seal_of_lines([*({**lines, where: before}).values()]) == seal:
                what = f'had status = "{status}"' if status else "had no `status`"
                yield Suspect((*where, "status"), what)
                return


def _at_odds_with_their_files(entries: Mapping[Place, Any], root: Path) -> Iterator[Suspect]:
    for where, entry in entries.items():
        if where[0] == "weights":
            try:
                key = _other_than_its_files(entry, root)
            except (ZooError, OSError, ValueError):
                continue  # they are missing or damaged themselves, which `zoo verify` says
            if key is not None:
                yield Suspect((*where, key), f"has another `{key}` than its files")


def _other_than_its_files(entry: Mapping[str, Any], root: Path) -> str | None:
    """Names the first key that says something else than the files; large ones are not hashed."""
    weights = safe_path(entry["file"], folder=root, root=root)
    if not weights.is_file():
        return None
    made = read_metadata_of(weights)
    config = safe_path(entry["config"], folder=root, root=root)
    facts = {
        "version": (f"{entry['name']}@{entry['version']}", made.get("model")),
        "size": (entry["size"], weights.stat().st_size),
        "fingerprint": (entry["fingerprint"], made.get("fingerprint")),
        "config_sha256": (
            entry["config_sha256"],
            sha256(read_bytes(config, limit=_MOST_OF_A_CONFIG)),
        ),
    }
    if weights.stat().st_size <= _MOST_OF_THE_WEIGHTS:
        facts["sha256"] = (entry["sha256"], sha256(weights.read_bytes()))
    return next((key for key, (said, is_) in facts.items() if said != is_), None)
