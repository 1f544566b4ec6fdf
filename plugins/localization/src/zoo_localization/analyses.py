"""Analyses of Lorenz-96 filters: the raw gain and the state before, and the truth."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo_localization.enkf import kalman_gain
from zoo_localization.gain_pairs import SPLITS, Split, check_count
from zoo_localization.geometry import check_geometry
from zoo_localization.tapers import gaspari_cohn_taper
from zoo_localization.twin import (
    DivergenceGuard,
    Filter,
    FilterDivergedError,
    Generators,
    Lorenz96Twin,
    check_finite,
)

FloatArray = NDArray[np.float64]
Block = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class AnalysisSettings:
    """What decides a block of analyses.

    Args:
        model_size: Number of states, N.
        obs_dens: States per observation.
        members: Members of an ensemble.
        forcing: F of the Lorenz-96 model.
        dt: Step, and time between observations, in model time units.
        obs_error_variance: Variance of the independent observation errors.
        least_cutoff: Least Gaspari-Cohn cutoff of a filter, in grid points.
        most_cutoff: The greatest.
        least_inflation: Least factor on a filter's posterior spread.
        most_inflation: The greatest.
        filters: Filters side by side, each with a truth of its own.
        analyses_per_filter: How many of its analyses are taken.
        spin_up: Cycles before the first of them.
        cycles_between_analyses: Cycles from one to the next.
        seed: Decides everything random.

    Raises:
        ValueError: If an argument is out of its range.
    """

    model_size: int = 40
    obs_dens: int = 1
    members: int = 10
    forcing: float = 8.0
    dt: float = 0.05
    obs_error_variance: float = 1.0
    least_cutoff: float = 8.0
    most_cutoff: float = 14.0
    least_inflation: float = 1.05
    most_inflation: float = 1.1
    filters: int = 64
    analyses_per_filter: int = 25
    spin_up: int = 100
    cycles_between_analyses: int = 6
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every argument, with its name in the message."""
        least = {
            "model_size": 4,
            "obs_dens": 1,
            "members": 2,
            "filters": 1,
            "analyses_per_filter": 1,
            "spin_up": 0,
            "cycles_between_analyses": 1,
            "seed": 0,
        }
        for name, low in least.items():
            check_count(name, getattr(self, name), low)
        for name in ("dt", "obs_error_variance", "least_cutoff", "least_inflation"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise ValueError(f"{name} must be a positive finite number, got {value!r}.")
        for name in ("cutoff", "inflation"):
            low, high = getattr(self, f"least_{name}"), getattr(self, f"most_{name}")
            if not low <= high < math.inf:
                raise ValueError(
                    f"most_{name} must be a finite number from least_{name}={low} on, got {high!r}."
                )
        if not math.isfinite(self.forcing):
            raise ValueError(f"forcing must be a finite number, got {self.forcing!r}.")
        check_geometry(self.model_size, 1, self.obs_dens)

    @property
    def twin(self) -> Lorenz96Twin:
        """The truth and its observations."""
        return Lorenz96Twin(
            self.model_size, self.obs_dens, self.forcing, self.dt, self.obs_error_variance
        )

    @property
    def cycles_per_block(self) -> int:
        """Cycles that a block takes, spin-up and all."""
        return self.spin_up + self.cycles_between_analyses * self.analyses_per_filter

    def block_names(self, split: Split, analyses: int) -> list[str]:
        """Return the names of the blocks that hold a split's analyses."""
        count = math.ceil(analyses / (self.filters * self.analyses_per_filter))
        return [f"{split}-{index:05d}" for index in range(count)]


def generate_analyses(
    settings: AnalysisSettings,
    split: Split,
    index: int,
    advance: Callable[[], None] = lambda: None,
) -> Block:
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
    key = [settings.seed, SPLITS.index(split), index]
    rngs = Generators([np.random.default_rng([*key, row]) for row in range(settings.filters)])
    twin, guard = settings.twin, DivergenceGuard()
    kalman_filter = _drawn_filter(settings, np.random.default_rng(key))
    truth = twin.starts(rngs.generators)
    ensemble = twin.first_ensemble(truth, settings.members, rngs)
    taken: list[dict[str, FloatArray]] = []
    for cycle in range(1, settings.cycles_per_block + 1):
        truth, ensemble = twin.step(truth), twin.step(ensemble)
        check_finite(ensemble, cycle)
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
