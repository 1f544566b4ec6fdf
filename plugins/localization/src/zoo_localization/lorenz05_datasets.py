"""The dataset `lorenz05_gains`: raw and reference Kalman gains from Lorenz (2005) experiments."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zoo_localization.block_cache import settings_folder
from zoo_localization.block_settings import SPLITS, Split, split_and_index, split_counts
from zoo_localization.checks import check_count
from zoo_localization.gain_pairs import PairKind, snapshots
from zoo_localization.lorenz05 import EndWeight, ModelNumber
from zoo_localization.lorenz05_pairs import Lorenz05PairSettings
from zoo_localization.netcdf_blocks import NetcdfBlocks, is_missing_or_damaged, read_pair
from zoo_localization.twin import Update

# Raise it when the same settings give other blocks: old blocks then are found no more.
FORMAT = 1


def lorenz05_gains(  # noqa: D417  # the settings' arguments are described there
    model: ModelNumber = "III",
    model_size: int = 960,
    averaging_length: int = 32,
    smoothing_length: int = 12,
    b: float = 10.0,
    c: float = 3.0,
    forcing: float = 15.0,
    end_weight: EndWeight = "paper",
    dt: float = 0.001,
    steps_per_cycle: int = 50,
    obs_dens: int = 4,
    width: int = 1,
    obs_error_variance: float = 1.0,
    members: int = 40,
    reference_members: int = 2000,
    pair_kind: PairKind = "f",
    small_filters: int = 4,
    update: Update | Sequence[Update] = ("matrix", "serial"),
    inflation: float = 1.01,
    cutoff: float = 240.0,
    reference_inflation: float = 1.01,
    spin_up: int = 60,
    cycles_between_pairs: int = 2,
    pairs_per_block: int = 360,
    train_pairs: int = 7200,
    validation_pairs: int = 720,
    test_pairs: int = 720,
    with_mean: bool = False,
    augment: str | None = None,
    batch_size: int = 4,
    seed: int = 0,
    workers: int = 0,
) -> dict[str, Any]:
    """Give gain pairs of small and large Lorenz (2005) ensembles, simulated once and then cached.

    The defaults are the setting of Wang et al. (2023), doi:10.1029/2023MS003642. Each block of
    `pairs_per_block` pairs is a NetCDF-4 file with a truth run of its own, below `ZOO_CACHE_DIR` or
    else the user's cache folder. Pairs are read as they are needed, in any number.

    Args:
        model: `"I"`, `"II"` or `"III"`. This and the arguments down to `pairs_per_block`, and
            `seed`, are those of `Lorenz05PairSettings`.
        train_pairs: Pairs to train on.
        validation_pairs: Pairs to validate on; 0 leaves the split out.
        test_pairs: Pairs to test on; 0 leaves the split out.
        with_mean: Whether x has the small ensemble's prior mean too.
        augment: `"roll"`: training pairs are rolled around the ring, anew in each epoch.
        batch_size: Samples in a batch where Keras itself reads; in the zoo, `[train]` says it.
        workers: How many of Ray's processes simulate a truth run each; 0 simulates here, one after
            the other. The pairs are those that one process with one thread simulates.

    Returns:
        `{"train": pairs, "validation": pairs, "test": pairs}`, as of `gain_files`.

    Raises:
        ValueError: If an argument is out of its range, or a filter loses the truth.
        ImportError: If the extra `netcdf` is not installed, or `ray`, if there are workers.
    """
    return _streams(locals())


def _streams(arguments: dict[str, Any]) -> dict[str, Any]:
    settings = Lorenz05PairSettings.of(arguments)
    workers, augment = arguments["workers"], arguments["augment"]
    check_count("workers", workers, 0)
    counts = split_counts("_pairs", **{split: arguments[f"{split}_pairs"] for split in SPLITS})
    # Keras is imported here, so that simulating alone does without.
    from zoo_localization.gain_stream import check_roll, streams

    # Before the simulation, which takes long.
    check_roll(augment, settings.model_size, settings.obs_dens)
    sources = {
        split: BlockPairs(settings, split, count, workers) for split, count in counts.items()
    }
    how = {name: arguments[name] for name in ("with_mean", "batch_size", "seed")}
    return streams(sources, augment, **how)


def generate_gains(
    settings: Lorenz05PairSettings,
    split: Split,
    pairs: int,
    *,
    folder: Path | None = None,
    workers: int = 0,
) -> list[Path]:
    """Return the files with a split's gain pairs, simulating those that are not there yet.

    A killed call loses the block that it was at, and the next one goes on from there.

    Args:
        settings: What to simulate.
        split: `"train"`, `"validation"` or `"test"`; no two have a truth run in common.
        pairs: Pairs that the files hold at least.
        folder: Where the files lie; `None` for the cache, where `lorenz05_gains` finds them.
        workers: How many of Ray's processes simulate a truth run each; 0 simulates here.

    Returns:
        NetCDF-4 files, in order, one a truth run.

    Raises:
        ValueError: If an argument is out of its range.
        FilterDivergedError: If a filter loses the truth.
        ImportError: If the extra `netcdf` is not installed.
    """
    blocks = NetcdfBlocks(
        settings_folder("lorenz05_gains", settings, FORMAT) if folder is None else folder,
        settings,
        f"Kalman gains of Lorenz (2005) model {settings.model}",
    )
    return blocks.gather(
        settings.block_names(split, pairs),
        lambda name, advance: snapshots(settings, *split_and_index(name), advance),
        "cycles for gain pairs",
        settings.cycles_per_block,
        workers,
    )


class BlockPairs:
    """A split's pairs by number, simulated if they are not there, and again if one is damaged.

    Args:
        settings: What to simulate.
        split: Which split.
        count: How many pairs.
        workers: How many of Ray's processes simulate them.
    """

    def __init__(
        self, settings: Lorenz05PairSettings, split: Split, count: int, workers: int = 0
    ) -> None:
        self.settings, self.split, self.count = settings, split, count
        self.obs_dens = settings.obs_dens
        self.shape = (settings.model_size, settings.twin.operator.nobs)
        self.files = generate_gains(settings, split, count, workers=workers)

    def __len__(self) -> int:
        """Return how many there are."""
        return self.count

    def read(self, number: int, pair: dict[str, Any]) -> None:
        """Fill a pair's arrays, as `read_pair` does."""
        block, within = divmod(number, self.settings.pairs_per_block)
        snapshot, small_filter = divmod(within, self.settings.small_filters)
        path = self.files[block]
        try:
            read_pair(path, snapshot, small_filter, pair)
        except OSError as error:
            if not is_missing_or_damaged(error):
                raise
            # Made again, to the same numbers.
            path.unlink(missing_ok=True)
            generate_gains(self.settings, self.split, self.count)
            read_pair(path, snapshot, small_filter, pair)
