"""The dataset `gain_files`: pairs of gains from files that are there already."""

from __future__ import annotations

import errno
import glob
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo_localization.checks import check_count, is_number
from zoo_localization.gain_readers import GainFile, Names, check_grid, open_gains
from zoo_localization.progress import progress

Paths = str | Sequence[str]
Files = dict[str, list[GainFile]]
# Checking less than this takes no time worth a word.
_BYTES_WORTH_PROGRESS = 1e9


def gain_files(
    paths: Paths,
    reference_paths: Paths | None = None,
    validation_paths: Paths | None = None,
    validation_reference_paths: Paths | None = None,
    test_paths: Paths | None = None,
    test_reference_paths: Paths | None = None,
    raw: str = "kg_raw",
    reference: str = "kg_true",
    mean: str = "mean",
    locations: str | None = None,
    model_size: int | None = None,
    obs_dens: int | None = None,
    validation_share: float = 0.0,
    test_share: float = 0.0,
    gap: int = 20,
    with_mean: bool = False,
    augment: str | None = None,
    batch_size: int = 4,
    seed: int = 0,
) -> dict[str, Any]:
    """Give gain pairs from NetCDF-4, `.npy` or `.npz` files, read as they are needed.

    Several raw gains of one time, `([times, [filters,]] model_size, nobs)`, may share a reference
    gain, `([times,] model_size, nobs)`. No split is drawn at random: neighbouring times are alike.

    Args:
        paths: Files, or patterns as `"gains/*.nc"`, which are not followed out of their folder.
        reference_paths: Files of the reference gains, in the same order, if not in `paths`.
        validation_paths: Files to validate on.
        validation_reference_paths: As `reference_paths`.
        test_paths: Files to test on.
        test_reference_paths: As `reference_paths`.
        raw: Name of the raw gains in NetCDF and `.npz` files.
        reference: Name of the reference gains.
        mean: Name of the small ensembles' prior means.
        locations: Name of the observed states, from 0; `None`: the last dimension's coordinate.
        model_size: Number of states, N; `None` for that of the first file.
        obs_dens: States per observation; `None` for `model_size // nobs` of the first file.
        validation_share: Share of the times of `paths`, in the files' order, to validate on.
        test_share: Share to test on, after those.
        gap: Times left out between two splits that come from the same files.
        with_mean: Whether x has the prior means too.
        augment: `"roll"`: training pairs are rolled around the ring, anew in each epoch.
        batch_size: Samples in a batch where Keras itself reads; in the zoo, `[train]` says it.
        seed: Of the rolls.

    Returns:
        `{"train": pairs, "validation": pairs, "test": pairs}`, each a `GainPairs`, float32.

    Raises:
        ValueError: If an argument, a file or a gain is not such, with its place.
        FileNotFoundError: If a file is not there.
    """
    own = {"train": paths, "validation": validation_paths, "test": test_paths}
    others = (reference_paths, validation_reference_paths, test_reference_paths)
    names = Names(raw, reference, mean if with_mean else None, locations)
    files, dens = _open_splits(own, others, names, model_size, obs_dens)
    sources = _sources(files, dens, {"validation": validation_share, "test": test_share}, gap)
    return _streams(sources, augment, with_mean, batch_size, seed)


class FilePairs:
    """Pairs of gain files by number.

    Args:
        files: The files, in order.
        times: Which times of all of them, counted through.
        obs_dens: States per observation.
    """

    def __init__(self, files: Sequence[GainFile], times: range, obs_dens: int) -> None:
        self.files, self.obs_dens, self.shape = files, obs_dens, files[0].shape
        everything = [
            (number, time, small_filter)
            for number, gains in enumerate(files)
            for time in range(gains.times)
            for small_filter in range(gains.filters)
        ]
        starts = np.cumsum([0, *(gains.times for gains in files)])
        self._places = [p for p in everything if starts[p[0]] + p[1] in times]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._places)

    def read(self, number: int, pair: dict[str, Any]) -> None:
        """Fill a pair's arrays."""
        file, time, small_filter = self._places[number]
        self.files[file].read(time, small_filter, pair)


def _open_splits(
    own: dict[str, Paths | None],
    others: Sequence[Paths | None],
    names: Names,
    model_size: int | None,
    obs_dens: int | None,
) -> tuple[Files, int]:
    """Open and check the files of all splits; return them, and the states per observation."""
    files = {
        split: _opened(split, paths, references, names)
        for (split, paths), references in zip(own.items(), others, strict=True)
        if paths
    }
    size, nobs = files["train"][0].raw.shape[-2:]
    size = size if model_size is None else model_size
    dens = size // nobs if obs_dens is None else obs_dens
    _check(files, names, size, dens)
    return files, dens


def _streams(
    sources: dict[str, FilePairs],
    augment: str | None,
    with_mean: bool,
    batch_size: int,
    seed: int,
) -> dict[str, Any]:
    # Keras is imported here, so that bad files are found without it.
    from zoo_localization.gain_stream import streams

    return streams(sources, augment, with_mean, batch_size, seed)


def _opened(split: str, own: Paths, others: Paths | None, names: Names) -> list[GainFile]:
    """Open the files of a split, each with that of its reference gains."""
    paths = _matched(own)
    references = paths if others is None else _matched(others)
    if len(references) != len(paths):
        raise ValueError(
            f"the {split} split has {len(paths)} files of raw gains and {len(references)} of "
            f"reference gains: there must be one for each, in the same order."
        )
    return [open_gains(path, other, names) for path, other in zip(paths, references, strict=True)]


def _matched(paths: Paths) -> list[Path]:
    """Return the files that paths and patterns name, each once."""
    found: list[Path] = []
    for text in [paths] if isinstance(paths, str) else paths:
        found += (
            [Path(text)] if os.path.exists(text) or not glob.has_magic(text) else _globbed(text)
        )
    for path in found:
        if not path.is_file():
            raise FileNotFoundError(errno.ENOENT, "there is no such file", str(path))
        if found.count(path) > 1:
            raise ValueError(f"{path} is named twice: its pairs would count double.")
    return found


def _globbed(pattern: str) -> list[Path]:
    """Return the files that a pattern finds, none of them outside the folder it begins with."""
    fixed = Path(*_before_magic(Path(pattern)))
    found = [Path(name) for name in sorted(glob.glob(pattern, recursive=True))]
    if not found:
        raise ValueError(f"no file matches {pattern}.")
    for path in found:
        if not path.resolve().is_relative_to(fixed.resolve()):
            raise ValueError(
                f"{path} is a link out of {fixed}, to {path.resolve()}: it is not followed. Name "
                f"the file itself."
            )
    return found


def _before_magic(path: Path) -> list[str]:
    parts = list(path.parts)
    return parts[: next(i for i, part in enumerate(parts) if glob.has_magic(part))]


def _check(files: Files, names: Names, model_size: int, obs_dens: int) -> None:
    """Check every file, and that no two splits have one in common."""
    splits: dict[Path, str] = {}
    everything = [(split, gains) for split, listed in files.items() for gains in listed]
    for split, gains in everything:
        other = splits.setdefault(gains.path.resolve(), split)
        if other != split:
            raise ValueError(
                f"{gains.path} is in the {other} and in the {split} split: what is held out must "
                f"not be trained on."
            )
        check_grid(gains.path, gains, names, model_size, obs_dens)
    size = sum(path.stat().st_size for path in splits)
    if size < _BYTES_WORTH_PROGRESS:
        for _, gains in everything:
            gains.check_values(lambda: None)
        return
    with progress("checking gains", sum(gains.times for _, gains in everything)) as advance:
        for _, gains in everything:
            gains.check_values(advance)


def _sources(
    files: Files, obs_dens: int, shares: dict[str, float], gap: int
) -> dict[str, FilePairs]:
    """Return the pairs of each split: of its own files, or of a stretch of the training files'."""
    total = sum(gains.times for gains in files["train"])
    ranges = _stretches(files, shares, gap, total)
    sources = {"train": FilePairs(files["train"], ranges["train"], obs_dens)}
    for split in ("validation", "test"):
        if split in ranges:
            sources[split] = FilePairs(files["train"], ranges[split], obs_dens)
        elif split in files:
            times = range(sum(gains.times for gains in files[split]))
            sources[split] = FilePairs(files[split], times, obs_dens)
    return sources


def _stretches(files: Files, shares: dict[str, float], gap: int, total: int) -> dict[str, range]:
    """Return the times of each split that comes from the training files, the last for the test."""
    check_count("gap", gap, 0)
    end, ranges = total, {}
    for split in ("test", "validation"):
        share = shares[split]
        if not is_number(share) or not 0 <= share < 1:
            raise ValueError(f"{split}_share must be a share from 0 to below 1, got {share!r}.")
        if not share:
            continue
        if split in files:
            raise ValueError(
                f"{split}_share and {split}_paths are two ways to make a split: give one of them."
            )
        start = end - max(1, round(total * share))
        ranges[split] = range(start, end)
        end = start - gap
    if end < 1:
        raise ValueError(
            f"nothing is left to train on: of {total} times, validation_share="
            f"{shares['validation']} and test_share={shares['test']} with a gap of {gap} between "
            f"splits take all. Lower them, or give more files."
        )
    return {**ranges, "train": range(end)}
