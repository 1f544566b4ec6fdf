"""The dataset `lorenz96_gains`: raw and reference Kalman gains from Lorenz-96 twin experiments."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo_localization.block_cache import Arrays, BlockCache, settings_folder
from zoo_localization.block_settings import Split, split_counts
from zoo_localization.checks import check_count
from zoo_localization.gain_pairs import Lorenz96PairSettings, PairKind, generate_block
from zoo_localization.tapers import roll_columns

# Raise it when the same settings give other blocks: old blocks then are found no more.
FORMAT = 1


def lorenz96_gains(  # noqa: D417  # the arguments of Lorenz96PairSettings are described there
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
    workers: int = 0,
) -> dict[str, Any]:
    """Give gain pairs of a small and a large Lorenz-96 ensemble, simulated once and then cached.

    Each block of `pairs_per_block` pairs has a truth run of its own, so the splits share no
    stretch of truth. The blocks lie below `ZOO_CACHE_DIR`, or else the user's cache folder, in a
    folder named after the settings that shape them; how many pairs are asked for, `rolled` and
    `target` do not, so models that differ in those share one simulation.

    Args:
        model_size: Number of states, N. This and the arguments down to `pairs_per_block`, and
            `seed`, are those of `Lorenz96PairSettings`.
        train_pairs: Pairs to train on.
        validation_pairs: Pairs to validate on; 0 leaves the split out.
        test_pairs: Pairs to test on; 0 leaves the split out.
        rolled: Whether the columns of all gains are rolled by `-(obs_dens*j + obs_dens - 1)`, as
            `LocLoss` wants them.
        target: `"gain"`: y is the reference gain; `"state"`: y is the truth, the forecast mean and
            the innovation, one after the other, as `XtLoss` wants them.
        workers: How many of Ray's processes simulate a block each; 0 simulates here, one after the
            other. The pairs are those that one process with one thread simulates.

    Returns:
        `{"train": (x, y), "validation": (x, y), "test": (x, y)}`, float32. x is `{"kg_raw":
        (pairs, model_size, nobs)}`; y is `(pairs, model_size, nobs)` or `(pairs, 2*model_size +
        nobs, 1)`. With `target="state"` there is also `"kg_true"`: the reference gains by split.

    Raises:
        ValueError: If an argument is out of its range.
        FilterDivergedError: If a filter loses the truth.
        ImportError: If there are workers, and the extra `ray` is not installed.
    """
    _check_target(target, rolled)
    check_count("workers", workers, 0)
    settings = Lorenz96PairSettings.of(locals())
    counts = split_counts("_pairs", train=train_pairs, validation=validation_pairs, test=test_pairs)
    cache = BlockCache(settings_folder("lorenz96_gains", settings, FORMAT))
    splits = cache.splits(settings, counts, generate_block, "cycles for gain pairs", workers)
    return _data(splits, target, obs_dens if rolled else None)


def _data(splits: dict[Split, Arrays], target: str, obs_dens: int | None) -> dict[str, Any]:
    """Lay the pairs out as the contract for datasets has it; roll them if `obs_dens` is given."""
    if obs_dens is not None:
        splits = {split: _rolled(arrays, obs_dens) for split, arrays in splits.items()}
    data: dict[str, Any] = {
        split: (
            {"kg_raw": arrays["kg_raw"]},
            arrays["kg_true"] if target == "gain" else state_target(arrays),
        )
        for split, arrays in splits.items()
    }
    if target == "state":
        data["kg_true"] = {split: arrays["kg_true"] for split, arrays in splits.items()}
    return data


def state_target(arrays: Arrays) -> Any:
    """Return what `XtLoss` takes as y: the truth, the forecast mean and the innovation.

    Args:
        arrays: `truth`, `forecast` and `innovation`, one row a sample.
    """
    parts = [arrays[key] for key in ("truth", "forecast", "innovation")]
    return np.concatenate(parts, axis=1)[..., None]


def _rolled(arrays: Arrays, obs_dens: int) -> Arrays:
    gains = {key: roll_columns(arrays[key], obs_dens) for key in ("kg_raw", "kg_true")}
    return {**arrays, **gains}


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
