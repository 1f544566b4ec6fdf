"""The dataset `lorenz96_gains`: raw and reference Kalman gains from Lorenz-96 twin experiments."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from zoo_localization.block_cache import Advance, Arrays, BlockCache, settings_folder
from zoo_localization.gain_pairs import (
    GainPairSettings,
    PairKind,
    Split,
    generate_block,
    pair_counts,
    split_and_index,
)
from zoo_localization.tapers import roll_columns

# Raise it when the same settings give other blocks: old blocks then are found no more.
FORMAT = 1


def lorenz96_gains(  # noqa: D417  # the arguments of GainPairSettings are described there
    model_size: int = 40,
    obs_dens: int = 2,
    members: int = 10,
    reference_members: int = 500,
    forcing: float = 8.0,
    dt: float = 0.05,
    obs_error_variance: float = 1.0,
    pair_kind: PairKind = "s",
    inflation: float = 1.1,
    cutoff: float = 10.0,
    reference_inflation: float = 1.01,
    spin_up: int = 200,
    cycles_between_pairs: int = 4,
    pairs_per_block: int = 250,
    train_pairs: int = 4000,
    validation_pairs: int = 500,
    test_pairs: int = 1000,
    rolled: bool = False,
    target: str = "gain",
    seed: int = 0,
) -> dict[str, Any]:
    """Give gain pairs of a small and a large Lorenz-96 ensemble, simulated once and then cached.

    Each block of `pairs_per_block` pairs has a truth run of its own, so the splits share no
    stretch of truth. The blocks lie below `ZOO_CACHE_DIR`, or else the user's cache folder, in a
    folder named after the settings that shape them; how many pairs are asked for, `rolled` and
    `target` do not, so models that differ in those share one simulation.

    Args:
        model_size: Number of states, N. This and the arguments down to `pairs_per_block`, and
            `seed`, are those of `GainPairSettings`.
        train_pairs: Pairs to train on.
        validation_pairs: Pairs to validate on; 0 leaves the split out.
        test_pairs: Pairs to test on; 0 leaves the split out.
        rolled: Whether the columns of all gains are rolled by `-(obs_dens*j + obs_dens - 1)`, as
            `LocLoss` wants them.
        target: `"gain"`: y is the reference gain; `"state"`: y is the truth, the forecast mean and
            the innovation, one after the other, as `XtLoss` wants them.

    Returns:
        `{"train": (x, y), "validation": (x, y), "test": (x, y)}`, float32. x is `{"kg_raw":
        (pairs, model_size, nobs)}`; y is `(pairs, model_size, nobs)` or `(pairs, 2*model_size +
        nobs, 1)`. With `target="state"` there is also `"kg_true"`: the reference gains by split.

    Raises:
        ValueError: If an argument is out of its range.
        FilterDivergedError: If a filter loses the truth.
    """
    arguments = dict(locals())
    names = {entry.name for entry in fields(GainPairSettings)}
    settings = GainPairSettings(**{key: arguments[key] for key in arguments if key in names})
    counts = pair_counts(train=train_pairs, validation=validation_pairs, test=test_pairs)
    _check_target(target, rolled)
    return _data(_load(settings, counts), target, obs_dens if rolled else None)


def cache_folder(settings: GainPairSettings) -> Path:
    """Return where the blocks of these settings lie."""
    return settings_folder("lorenz96_gains", settings, FORMAT)


def _load(settings: GainPairSettings, counts: dict[Split, int]) -> dict[Split, Arrays]:
    """Return the asked-for number of pairs of each split, simulating the blocks not yet there."""
    cache = BlockCache(cache_folder(settings))
    names = {split: settings.block_names(split, count) for split, count in counts.items()}

    def make(name: str, advance: Advance) -> Arrays:
        return dict(generate_block(settings, *split_and_index(name), advance))

    everything = [name for blocks in names.values() for name in blocks]
    gathered = cache.gather(everything, make, "simulating gain pairs", settings.cycles_per_block)
    found = dict(zip(everything, gathered, strict=True))
    return {
        split: {
            key: np.concatenate([found[name][key] for name in blocks])[: counts[split]]
            for key in found[blocks[0]]
        }
        for split, blocks in names.items()
    }


def _data(pairs: dict[Split, Arrays], target: str, obs_dens: int | None) -> dict[str, Any]:
    """Lay the pairs out as the contract for datasets has it; roll them if `obs_dens` is given."""
    if obs_dens is not None:
        pairs = {split: _roll(arrays, obs_dens) for split, arrays in pairs.items()}
    data: dict[str, Any] = {
        split: ({"kg_raw": arrays["kg_raw"]}, _target(arrays, target))
        for split, arrays in pairs.items()
    }
    if target == "state":
        data["kg_true"] = {split: arrays["kg_true"] for split, arrays in pairs.items()}
    return data


def _roll(arrays: Arrays, obs_dens: int) -> Arrays:
    gains = {key: roll_columns(arrays[key], obs_dens) for key in ("kg_raw", "kg_true")}
    return {**arrays, **gains}


def _target(arrays: Arrays, target: str) -> Any:
    if target == "gain":
        return arrays["kg_true"]
    parts = [arrays[key] for key in ("truth", "forecast", "innovation")]
    return np.concatenate(parts, axis=1)[..., None]


def _check_target(target: str, rolled: bool) -> None:
    if target not in ("gain", "state"):
        raise ValueError(
            f'target must be "gain" (the reference gain) or "state" (for XtLoss), got {target!r}.'
        )
    if not isinstance(rolled, bool):
        raise ValueError(f"rolled must be true or false, got {rolled!r}.")
    if rolled and target == "state":
        raise ValueError(
            'rolled = true does not go with target = "state": a rolled gain cannot be multiplied '
            "with the innovation. Leave rolled out."
        )
