"""The dataset `lorenz96_analyses`: what filters know before an analysis, and the truth."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_localization.block_cache import Arrays, BlockCache, settings_folder
from zoo_localization.block_settings import BlockSettings, Split, split_counts
from zoo_localization.checks import check_count, check_positive_numbers
from zoo_localization.datasets import state_target
from zoo_localization.divergence import DivergenceGuard, FilterDivergedError, check_forecast
from zoo_localization.enkf import kalman_gain
from zoo_localization.tapers import gaspari_cohn_taper
from zoo_localization.twin import Filter, Generators, Lorenz96Twin

FloatArray = NDArray[np.float64]
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
    settings = AnalysisSettings.of(locals())
    counts = split_counts(train=train, validation=validation, test=test)
    cache = BlockCache(settings_folder("lorenz96_analyses", settings, FORMAT))
    splits = cache.splits(settings, counts, generate_analyses, "cycles for analyses")
    data: dict[str, Any] = {
        split: ({"kg_raw": arrays["kg_raw"], "mean": arrays["forecast"]}, state_target(arrays))
        for split, arrays in splits.items()
    }
    return {**data, "twin": settings.twin, "members": members}


@dataclass(frozen=True)
class AnalysisSettings(BlockSettings):
    """What decides a block of analyses.

    Arguments as of `BlockSettings`, with `dt` also the time between observations; and these.

    Args:
        least_cutoff: Least Gaspari-Cohn cutoff of a filter, in grid points.
        most_cutoff: The greatest.
        least_inflation: Least factor on a filter's posterior spread.
        most_inflation: The greatest.
        filters: Filters side by side, each with a truth of its own.
        analyses_per_filter: How many of its analyses are taken.
        cycles_between_analyses: Cycles from one to the next.

    Raises:
        ValueError: If an argument is out of its range.
    """

    model_size: int = 40
    obs_dens: int = 1
    members: int = 10
    forcing: float = 8.0
    dt: float = 0.05
    obs_error_variance: float = 1.0
    spin_up: int = 100
    seed: int = 0
    least_cutoff: float = 8.0
    most_cutoff: float = 14.0
    least_inflation: float = 1.05
    most_inflation: float = 1.1
    filters: int = 64
    analyses_per_filter: int = 25
    cycles_between_analyses: int = 6

    def __post_init__(self) -> None:
        """Check every argument, with its name in the message."""
        super().__post_init__()
        for name in ("filters", "analyses_per_filter", "cycles_between_analyses"):
            check_count(name, getattr(self, name), 1)
        check_positive_numbers(least_cutoff=self.least_cutoff, least_inflation=self.least_inflation)
        for name in ("cutoff", "inflation"):
            low, high = getattr(self, f"least_{name}"), getattr(self, f"most_{name}")
            if not low <= high < math.inf:
                raise ValueError(
                    f"most_{name} must be a finite number from least_{name}={low} on, got {high!r}."
                )

    @property
    def twin(self) -> Lorenz96Twin:
        """The truth and its observations."""
        return Lorenz96Twin(
            self.model_size, self.obs_dens, self.forcing, self.dt, self.obs_error_variance
        )

    @property
    def samples_per_block(self) -> int:
        """Analyses that a block holds."""
        return self.filters * self.analyses_per_filter

    @property
    def cycles_per_block(self) -> int:
        """Cycles that a block takes, spin-up and all."""
        return self.spin_up + self.cycles_between_analyses * self.analyses_per_filter


def generate_analyses(
    settings: AnalysisSettings,
    split: Split,
    index: int,
    advance: Callable[[], None] = lambda: None,
) -> Arrays:
    """Run filters side by side, and take some of their analyses.

    Every filter has a truth of its own, from a random start that a spin-up forgets, and a
    Gaspari-Cohn cutoff and an inflation drawn at random, so that there are narrow ensembles and
    wide ones. No block serves two splits.

    Args:
        settings: What to simulate.
        split: Which split the block is for.
        index: Number of the block in its split, from 0.
        advance: Called after every cycle.

    Returns:
        Arrays with `filters * analyses_per_filter` rows: the raw gain `kg_raw` `(rows, model_size,
        nobs)`, the prior mean `forecast` and the `truth` `(rows, model_size)`, and the mean's
        `innovation` `(rows, nobs)`.

    Raises:
        FilterDivergedError: If a filter loses the truth.
    """
    key = settings.random_key(split, index)
    rngs = Generators([np.random.default_rng([*key, row]) for row in range(settings.filters)])
    twin, guard = settings.twin, DivergenceGuard()
    kalman_filter = _drawn_filter(settings, np.random.default_rng(key))
    truth = twin.starts(rngs.generators)
    ensemble = twin.first_ensemble(truth, settings.members, rngs)
    taken: list[dict[str, FloatArray]] = []
    for cycle in range(1, settings.cycles_per_block + 1):
        truth, ensemble = twin.step(truth), twin.step(ensemble)
        check_forecast(ensemble, cycle)
        observation = twin.observe(truth, rngs)
        since = cycle - settings.spin_up
        if since > 0 and since % settings.cycles_between_analyses == 0:
            taken.append(_before_analysis(twin, ensemble, truth, observation))
        ensemble = kalman_filter.analyse(ensemble, observation, twin, rngs)
        lost = np.flatnonzero(guard.lost(ensemble, truth))
        if lost.size:
            raise FilterDivergedError(guard.words(cycle, int(lost[0])))
        advance()
    return {
        name: np.concatenate([rows[name] for rows in taken]).astype(np.float32) for name in taken[0]
    }


def _drawn_filter(settings: AnalysisSettings, rng: np.random.Generator) -> Filter:
    """Return filters side by side, each with its own cutoff and inflation."""
    cutoffs = rng.uniform(settings.least_cutoff, settings.most_cutoff, settings.filters)
    inflations = rng.uniform(settings.least_inflation, settings.most_inflation, settings.filters)
    size, dens = settings.model_size, settings.obs_dens
    tapers = np.stack([gaspari_cohn_taper(size, dens, float(cutoff)) for cutoff in cutoffs])
    return Filter(inflations, tapers)


def _before_analysis(
    twin: Lorenz96Twin, ensemble: FloatArray, truth: FloatArray, observation: FloatArray
) -> dict[str, FloatArray]:
    mean = ensemble.mean(axis=-2)
    return {
        "kg_raw": kalman_gain(ensemble, twin.operator, twin.checked_error),
        "truth": truth,
        "forecast": mean,
        "innovation": observation - twin.operator(mean),
    }
