"""The dataset `lorenz96_analyses`: what filters know before an analysis, and the truth."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, cast

import numpy as np

from zoo_localization.analyses import AnalysisSettings, generate_analyses
from zoo_localization.block_cache import Advance, Arrays, BlockCache, settings_folder
from zoo_localization.gain_pairs import Split, check_count, split_and_index

# Raise it when the same settings give other blocks: old blocks then are found no more.
FORMAT = 1


def lorenz96_analyses(  # noqa: D417  # the arguments of AnalysisSettings are described there
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
    analyses_per_filter: int = 25,
    spin_up: int = 100,
    cycles_between_analyses: int = 6,
    train: int = 3200,
    validation: int = 1600,
    test: int = 0,
    seed: int = 0,
) -> dict[str, Any]:
    """Give analyses of Lorenz-96 filters, simulated once and then cached.

    There is no reference gain, and so no large ensemble: the target is what `XtLoss` takes. The
    filters are localized by Gaspari-Cohn, with cutoff and inflation drawn for each, so that a
    network meets ensembles of many kinds. No truth run is in two splits. The blocks lie below
    `ZOO_CACHE_DIR`, or else the user's cache folder.

    Args:
        model_size: Number of states, N. This and the arguments down to `cycles_between_analyses`,
            and `seed`, are those of `AnalysisSettings`.
        train: Analyses to train on.
        validation: Analyses to validate on; 0 leaves the split out.
        test: Analyses to test on; 0 leaves the split out.

    Returns:
        `{"train": (x, y), "validation": (x, y), "test": (x, y)}`, float32. x is `{"kg_raw":
        (analyses, model_size, nobs), "mean": (analyses, model_size)}`, the raw gain and the prior
        mean; y the truth, the mean and its innovation, `(analyses, 2*model_size + nobs, 1)`. For
        `through_cycles` there are also `"twin"`, the `Lorenz96Twin` that they come from, and
        `"members"`.

    Raises:
        ValueError: If an argument is out of its range.
        FilterDivergedError: If a filter loses the truth.
    """
    arguments = dict(locals())
    names = {entry.name for entry in fields(AnalysisSettings)}
    settings = AnalysisSettings(**{key: arguments[key] for key in arguments if key in names})
    counts = {"train": train, "validation": validation, "test": test}
    for name, count in counts.items():
        check_count(name, count, 1 if name == "train" else 0)
    data: dict[str, Any] = {
        split: _inputs_and_target(_load(settings, cast(Split, split), count))
        for split, count in counts.items()
        if count
    }
    return {**data, "twin": settings.twin, "members": members}


def _load(settings: AnalysisSettings, split: Split, count: int) -> Arrays:
    """Return the analyses of a split, simulating the blocks that are not there yet."""
    cache = BlockCache(settings_folder("lorenz96_analyses", settings, FORMAT))

    def make(name: str, advance: Advance) -> Arrays:
        return dict(generate_analyses(settings, *split_and_index(name), advance))

    names = settings.block_names(split, count)
    label = f"simulating analyses ({split})"
    blocks = cache.gather(names, make, label, settings.cycles_per_block)
    return {key: np.concatenate([block[key] for block in blocks])[:count] for key in blocks[0]}


def _inputs_and_target(arrays: Arrays) -> tuple[dict[str, Any], Any]:
    parts = [arrays[key] for key in ("truth", "forecast", "innovation")]
    x = {"kg_raw": arrays["kg_raw"], "mean": arrays["forecast"]}
    return x, np.concatenate(parts, axis=1)[..., None]
