"""The dataset `lorenz96_cycles`: Lorenz-96 filters caught in mid-cycle, with their truths."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, cast

import numpy as np

from zoo_localization.block_cache import Advance, Arrays, BlockCache, settings_folder
from zoo_localization.filter_starts import StartSettings, generate_starts
from zoo_localization.gain_pairs import Split, check_count, split_and_index

# Raise it when the same settings give other blocks: old blocks then are found no more.
FORMAT = 1


def lorenz96_cycles(  # noqa: D417  # the arguments of StartSettings are described there
    model_size: int = 40,
    obs_dens: int = 1,
    members: int = 10,
    forcing: float = 8.0,
    dt: float = 0.05,
    obs_error_variance: float = 1.0,
    least_cutoff: float = 8.0,
    most_cutoff: float = 14.0,
    least_inflation: float = 1.05,
    most_inflation: float = 1.1,
    filters: int = 64,
    starts_per_filter: int = 25,
    spin_up: int = 100,
    cycles_between_starts: int = 6,
    train_starts: int = 6400,
    validation_starts: int = 1600,
    test_starts: int = 0,
    seed: int = 0,
) -> dict[str, Any]:
    """Give Lorenz-96 filters in mid-cycle, simulated once and then cached.

    What `XtLoss` needs for one analysis, and `through_cycles` for many: the prior ensemble, the
    truth and the observation. The filters are localized by Gaspari-Cohn and tuned loosely, with
    cutoff and inflation drawn for each, so that a network meets ensembles of all kinds. No truth
    run is in two splits. The blocks lie below `ZOO_CACHE_DIR`, or else the user's cache folder.

    Args:
        model_size: Number of states, N. This and the arguments down to `cycles_between_starts`, and
            `seed`, are those of `StartSettings`.
        train_starts: Priors to train on.
        validation_starts: Priors to validate on; 0 leaves the split out.
        test_starts: Priors to test on; 0 leaves the split out.

    Returns:
        `{"train": (x, y), "validation": (x, y), "test": (x, y)}`, float32. x is `{"kg_raw":
        (starts, model_size, nobs), "mean": (starts, model_size), "ensemble": (starts, members,
        model_size)}`; y the truth, the mean and its innovation, `(starts, 2*model_size + nobs,
        1)`. `"twin"` is the `Lorenz96Twin` that they come from.

    Raises:
        ValueError: If an argument is out of its range.
        FilterDivergedError: If a filter loses the truth.
    """
    arguments = dict(locals())
    names = {entry.name for entry in fields(StartSettings)}
    settings = StartSettings(**{key: arguments[key] for key in arguments if key in names})
    counts = _counts(train=train_starts, validation=validation_starts, test=test_starts)
    loaded = {split: _load(settings, split, count) for split, count in counts.items()}
    data: dict[str, Any] = {split: _inputs_and_target(loaded[split]) for split in loaded}
    return {**data, "twin": settings.twin}


def _counts(**counts: int) -> dict[Split, int]:
    """Check how many starts each split is to have, and leave out the splits of none."""
    for split, count in counts.items():
        check_count(f"{split}_starts", count, 1 if split == "train" else 0)
    return {cast(Split, split): count for split, count in counts.items() if count}


def _load(settings: StartSettings, split: Split, count: int) -> Arrays:
    """Return the starts of a split, simulating the blocks that are not there yet."""
    cache = BlockCache(settings_folder("lorenz96_cycles", settings, FORMAT))

    def make(name: str, advance: Advance) -> Arrays:
        return dict(generate_starts(settings, *split_and_index(name), advance))

    names = settings.block_names(split, count)
    label = f"simulating filters ({split})"
    blocks = cache.gather(names, make, label, settings.cycles_per_block)
    return {key: np.concatenate([block[key] for block in blocks])[:count] for key in blocks[0]}


def _inputs_and_target(arrays: Arrays) -> tuple[dict[str, Any], Any]:
    x = {
        "kg_raw": arrays["kg_raw"],
        "mean": arrays["forecast"],
        "ensemble": arrays["ensemble"],
    }
    parts = [arrays[key] for key in ("truth", "forecast", "innovation")]
    return x, np.concatenate(parts, axis=1)[..., None]
