"""Pairs of a small ensemble's raw gain and a large ensemble's reference gain."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from zoo_localization.enkf import kalman_gain
from zoo_localization.geometry import check_geometry
from zoo_localization.tapers import gaspari_cohn_taper
from zoo_localization.twin import DivergenceGuard, Filter, Lorenz96Twin

FloatArray = NDArray[np.float64]
Block = dict[str, NDArray[np.float32]]
PairKind = Literal["s", "f"]
Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)


@dataclass(frozen=True)
class GainPairSettings:
    """Everything that decides what a block of gain pairs holds.

    Args:
        model_size: Number of states, N.
        obs_dens: States per observation.
        members: Members of the small ensemble, whose gain is raw.
        reference_members: Members of the large ensemble, whose gain is the reference.
        forcing: F of the Lorenz-96 model.
        dt: Step, and time between observations, in model time units.
        obs_error_variance: Variance of the independent observation errors.
        pair_kind: `"s"`: the small ensemble is drawn from the large one, so that the two differ by
            sampling error alone; `"f"`: two filters cycle separately on the same observations.
        inflation: Factor on the small filter's posterior spread (`"f"` only).
        cutoff: Gaspari-Cohn cutoff of the small filter in grid points (`"f"` only).
        reference_inflation: Factor on the large filter's posterior spread.
        spin_up: Cycles before the first pair.
        cycles_between_pairs: Cycles from one pair to the next.
        pairs_per_block: Pairs that one truth run gives.
        seed: Decides everything random.

    Raises:
        ValueError: If an argument is out of its range.
    """

    model_size: int = 40
    obs_dens: int = 2
    members: int = 10
    reference_members: int = 500
    forcing: float = 8.0
    dt: float = 0.05
    obs_error_variance: float = 1.0
    pair_kind: PairKind = "s"
    inflation: float = 1.1
    cutoff: float = 10.0
    reference_inflation: float = 1.01
    spin_up: int = 200
    cycles_between_pairs: int = 4
    pairs_per_block: int = 250
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every argument, with its name in the message."""
        least = {
            "model_size": 4,
            "obs_dens": 1,
            "members": 2,
            "reference_members": 2,
            "spin_up": 0,
            "cycles_between_pairs": 1,
            "pairs_per_block": 1,
            "seed": 0,
        }
        for name, low in least.items():
            check_count(name, getattr(self, name), low)
        for name in ("dt", "obs_error_variance", "inflation", "cutoff", "reference_inflation"):
            value = getattr(self, name)
            if not (_is_number(value) and value > 0):
                raise ValueError(f"{name} must be a positive finite number, got {value!r}.")
        if not _is_number(self.forcing):
            raise ValueError(f"forcing must be a finite number, got {self.forcing!r}.")
        if self.pair_kind not in get_args(PairKind):
            raise ValueError(
                f'pair_kind must be "s" (the small ensemble is drawn from the large one) or "f" '
                f"(two filters), got {self.pair_kind!r}."
            )
        if self.members >= self.reference_members:
            raise ValueError(
                f"reference_members must be more than members={self.members} for its gain to be a "
                f"reference, got {self.reference_members}."
            )
        check_geometry(self.model_size, 1, self.obs_dens)

    @property
    def twin(self) -> Lorenz96Twin:
        """The truth and its observations."""
        return Lorenz96Twin(
            self.model_size, self.obs_dens, self.forcing, self.dt, self.obs_error_variance
        )


def generate_block(settings: GainPairSettings, split: Split, index: int) -> Block:
    """Run one twin experiment, and collect its gain pairs.

    Every block has a truth run of its own, from a random start that a spin-up forgets, and no block
    serves two splits: what is held out shares no stretch of truth, and no observation, with
    what was trained on.

    Args:
        settings: What to simulate.
        split: Which split the block is for.
        index: Number of the block in its split, from 0.

    Returns:
        Arrays with `pairs_per_block` rows: `kg_raw` and `kg_true` `(rows, model_size, nobs)`,
        `truth` and `forecast` `(rows, model_size)` (the mean of the raw gain's ensemble),
        `innovation` `(rows, nobs)`.

    Raises:
        FilterDivergedError: If a filter loses the truth.
    """
    rng = np.random.default_rng([settings.seed, SPLITS.index(split), index])
    twin = settings.twin
    truth = twin.start(rng)
    experiment = _Filters(settings, truth, rng)
    rows: list[dict[str, FloatArray]] = []
    last = settings.spin_up + settings.cycles_between_pairs * settings.pairs_per_block
    for cycle in range(1, last + 1):
        truth = twin.step(truth)
        observation = twin.observe(truth, rng)
        experiment.forecast()
        since = cycle - settings.spin_up
        if since > 0 and since % settings.cycles_between_pairs == 0:
            rows.append(experiment.pair(truth, observation))
        experiment.analyse(truth, observation, cycle)
    return {key: np.stack([row[key] for row in rows]).astype(np.float32) for key in rows[0]}


class _Filters:
    """The reference filter, and for `"f"` pairs the small one beside it."""

    def __init__(
        self, settings: GainPairSettings, truth: FloatArray, rng: np.random.Generator
    ) -> None:
        self.settings, self.twin, self.rng = settings, settings.twin, rng
        self.filters = [Filter(settings.reference_inflation)]
        sizes = [settings.reference_members]
        if settings.pair_kind == "f":
            taper = gaspari_cohn_taper(settings.model_size, settings.obs_dens, settings.cutoff)
            self.filters.append(Filter(settings.inflation, taper))
            sizes.append(settings.members)
        self.ensembles = [self.twin.first_ensemble(truth, size, rng) for size in sizes]
        self.guards = [DivergenceGuard() for _ in sizes]

    def forecast(self) -> None:
        """Advance every ensemble to the next observation."""
        self.ensembles = [self.twin.step(ensemble) for ensemble in self.ensembles]

    def analyse(self, truth: FloatArray, observation: FloatArray, cycle: int) -> None:
        """Update every ensemble with the same observation."""
        for i, (kalman_filter, guard) in enumerate(zip(self.filters, self.guards, strict=True)):
            posterior = kalman_filter.analyse(self.ensembles[i], observation, self.twin, self.rng)
            guard.check(posterior, truth, cycle)
            self.ensembles[i] = posterior

    def pair(self, truth: FloatArray, observation: FloatArray) -> dict[str, FloatArray]:
        """Return the gains of the large and the small prior, and what their errors depend on."""
        operator, variance = self.twin.operator, self.twin.obs_error_variance
        large, small = self.ensembles[0], self._small()
        forecast = small.mean(axis=0)
        return {
            "kg_raw": kalman_gain(small, operator, variance),
            "kg_true": kalman_gain(large, operator, variance),
            "truth": truth,
            "forecast": forecast,
            "innovation": observation - operator(forecast),
        }

    def _small(self) -> FloatArray:
        if self.settings.pair_kind == "f":
            return self.ensembles[1]
        large = self.ensembles[0]
        return large[self.rng.choice(len(large), self.settings.members, replace=False)]


def check_count(name: str, value: object, least: int) -> None:
    """Check that an argument is an integer of at least `least`.

    Raises:
        ValueError: If it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{name} must be an integer of at least {least}, got {value!r}.")


def _is_number(value: object) -> bool:
    is_real = isinstance(value, int | float) and not isinstance(value, bool)
    return is_real and math.isfinite(value)  # type: ignore[arg-type]  # is_real says so
