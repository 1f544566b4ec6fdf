"""Filters caught in mid-cycle: priors with their truths, from which an experiment can go on."""

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
class StartSettings:
    """What decides a block of filters caught in mid-cycle.

    Args:
        model_size: Number of states, N.
        obs_dens: States per observation.
        members: Members of an ensemble.
        forcing: F of the Lorenz-96 model.
        dt: Step, and time between observations, in model time units.
        obs_error_variance: Variance of the independent observation errors.
        least_cutoff: The filters' Gaspari-Cohn cutoffs are drawn from here on, in grid points,
        most_cutoff: to here.
        least_inflation: Their factors on the posterior spread are drawn from here on,
        most_inflation: to here.
        filters: Filters side by side, each with a truth of its own.
        starts_per_filter: How often each is caught.
        spin_up: Cycles before the first time.
        cycles_between_starts: Cycles from one time to the next.
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
    starts_per_filter: int = 25
    spin_up: int = 100
    cycles_between_starts: int = 6
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every argument, with its name in the message."""
        least = {
            "model_size": 4,
            "obs_dens": 1,
            "members": 2,
            "filters": 1,
            "starts_per_filter": 1,
            "spin_up": 0,
            "cycles_between_starts": 1,
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
    def starts_per_block(self) -> int:
        """Starts that a block holds."""
        return self.filters * self.starts_per_filter

    @property
    def cycles_per_block(self) -> int:
        """Cycles that a block takes, spin-up and all."""
        return self.spin_up + self.cycles_between_starts * self.starts_per_filter

    def block_names(self, split: Split, starts: int) -> list[str]:
        """Return the names of the blocks that hold a split's starts."""
        blocks = math.ceil(starts / self.starts_per_block)
        return [f"{split}-{index:05d}" for index in range(blocks)]


def generate_starts(
    settings: StartSettings, split: Split, index: int, advance: Callable[[], None] = lambda: None
) -> Block:
    """Run filters side by side, and catch each of them a few times.

    Every filter has a truth of its own, and Gaspari-Cohn cutoff and inflation drawn at random, so
    that there are sharp ensembles and wide ones. No block serves two splits.

    Args:
        settings: What to simulate.
        split: Which split the block is for.
        index: Number of the block in its split, from 0.
        advance: Called after every cycle.

    Returns:
        Arrays with `starts_per_block` rows, all of them before the analysis: `ensemble`
        `(rows, members, model_size)`, its mean `forecast` and the `truth`, `(rows, model_size)`,
        the raw gain `kg_raw` `(rows, model_size, nobs)` and the `innovation` of the mean,
        `(rows, nobs)`.

    Raises:
        FilterDivergedError: If a filter loses the truth.
    """
    key = [settings.seed, SPLITS.index(split), index]
    rngs = Generators([np.random.default_rng([*key, row]) for row in range(settings.filters)])
    twin, guard = settings.twin, DivergenceGuard()
    kalman_filter = _drawn_filter(settings, np.random.default_rng(key))
    truth = twin.starts(rngs.generators)
    ensemble = twin.first_ensemble(truth, settings.members, rngs)
    rows: list[dict[str, FloatArray]] = []
    for cycle in range(1, settings.cycles_per_block + 1):
        truth, ensemble = twin.step(truth), twin.step(ensemble)
        check_finite(ensemble, cycle)
        observation = twin.observe(truth, rngs)
        since = cycle - settings.spin_up
        if since > 0 and since % settings.cycles_between_starts == 0:
            rows.append(_start(twin, ensemble, truth, observation))
        ensemble = kalman_filter.analyse(ensemble, observation, twin, rngs)
        lost = np.flatnonzero(guard.lost(ensemble, truth))
        if lost.size:
            raise FilterDivergedError(guard.words(cycle, int(lost[0])))
        advance()
    return {name: np.concatenate([row[name] for row in rows]).astype("f4") for name in rows[0]}


def _drawn_filter(settings: StartSettings, rng: np.random.Generator) -> Filter:
    """Return filters side by side, each with its own cutoff and inflation."""
    cutoffs = rng.uniform(settings.least_cutoff, settings.most_cutoff, settings.filters)
    inflations = rng.uniform(settings.least_inflation, settings.most_inflation, settings.filters)
    size, dens = settings.model_size, settings.obs_dens
    return Filter(
        inflations, np.stack([gaspari_cohn_taper(size, dens, cutoff) for cutoff in cutoffs])
    )


def _start(
    twin: Lorenz96Twin, ensemble: FloatArray, truth: FloatArray, observation: FloatArray
) -> dict[str, FloatArray]:
    mean = ensemble.mean(axis=-2)
    return {
        "ensemble": ensemble,
        "kg_raw": kalman_gain(ensemble, twin.operator, twin.checked_error),
        "truth": truth,
        "forecast": mean,
        "innovation": observation - twin.operator(mean),
    }
