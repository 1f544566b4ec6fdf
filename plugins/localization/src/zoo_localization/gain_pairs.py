"""Pairs of a small ensemble's raw gain and a large ensemble's reference gain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from zoo_localization.block_settings import BlockSettings, Split
from zoo_localization.checks import check_count, check_positive_numbers
from zoo_localization.divergence import DivergenceGuard, check_forecast
from zoo_localization.enkf import apply_gain, inflate, kalman_gain
from zoo_localization.extras import numba_is_there
from zoo_localization.tapers import gaspari_cohn_taper
from zoo_localization.twin import Filter, Lorenz96Twin, Twin, Update

FloatArray = NDArray[np.float64]
PairKind = Literal["s", "f"]


@dataclass(frozen=True)
class PairSettings(BlockSettings):
    """What decides a block of gain pairs, whatever the model.

    Arguments as of `BlockSettings`, with `members` those of a small ensemble, whose gain is raw;
    and these.

    Args:
        reference_members: Members of the large ensemble, whose gain is the reference. It is never
            localized.
        pair_kind: `"s"`: the small ensembles are drawn from the large one, so that they differ by
            sampling error alone; `"f"`: they cycle separately on the same observations.
        inflation: Factor on the small filters' posterior spread (`"f"` only).
        cutoff: Gaspari-Cohn cutoff of the small filters in grid points (`"f"` only).
        reference_inflation: Factor on the large filter's posterior spread.
        cycles_between_pairs: Cycles from one reference gain to the next.
        pairs_per_block: Pairs that one truth run gives.

    Raises:
        ValueError: If an argument is out of its range.
    """

    reference_members: int
    pair_kind: PairKind
    inflation: float
    cutoff: float
    reference_inflation: float
    cycles_between_pairs: int
    pairs_per_block: int

    def __post_init__(self) -> None:
        """Check every argument, with its name in the message."""
        super().__post_init__()
        for name in ("cycles_between_pairs", "pairs_per_block"):
            check_count(name, getattr(self, name), 1)
        check_positive_numbers(
            inflation=self.inflation,
            cutoff=self.cutoff,
            reference_inflation=self.reference_inflation,
        )
        if self.pair_kind not in get_args(PairKind):
            raise ValueError(
                f'pair_kind must be "s" (the small ensemble is drawn from the large one) or "f" '
                f"(two filters), got {self.pair_kind!r}."
            )
        check_count("reference_members", self.reference_members, 2)
        if self.members >= self.reference_members:
            raise ValueError(
                f"reference_members must be more than members={self.members} for its gain to be a "
                f"reference, got {self.reference_members}."
            )

    @property
    def ensemble_twin(self) -> Twin:
        """What advances the ensembles: the same model, maybe in less precision."""
        return self.twin

    @property
    def updates(self) -> tuple[Update, ...]:
        """The update of each small filter; there are as many raw gains for a reference gain."""
        return ("matrix",)

    @property
    def samples_per_block(self) -> int:
        """Pairs that a block holds."""
        return self.pairs_per_block

    @property
    def cycles_per_block(self) -> int:
        """Cycles that a block takes, spin-up and all."""
        references = self.pairs_per_block // len(self.updates)
        return self.spin_up + self.cycles_between_pairs * references


@dataclass(frozen=True)
class Lorenz96PairSettings(PairSettings):
    """Everything that decides what a block of Lorenz-96 gain pairs holds.

    Arguments and errors as of `PairSettings`; there is one small ensemble, and one model step from
    one observation to the next.
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

    @property
    def twin(self) -> Lorenz96Twin:
        """The truth and its observations."""
        return Lorenz96Twin(
            self.model_size, self.obs_dens, self.forcing, self.dt, self.obs_error_variance
        )


@dataclass(frozen=True)
class Snapshot:
    """One analysis: a reference gain, and the raw gain of each small ensemble.

    Args:
        cycle: Number of the cycle in its truth run.
        kg_raw: Raw gains, `(filters, model_size, nobs)`.
        kg_true: The reference gain, `(model_size, nobs)`.
        mean: Prior mean of each small ensemble, `(filters, model_size)`.
        truth: Shape `(model_size,)`.
        observation: Shape `(nobs,)`.
    """

    cycle: int
    kg_raw: FloatArray
    kg_true: FloatArray
    mean: FloatArray
    truth: FloatArray
    observation: FloatArray


def snapshots(
    settings: PairSettings,
    split: Split,
    index: int,
    advance: Callable[[], None] = lambda: None,
) -> Iterator[Snapshot]:
    """Run one twin experiment, and give its gain pairs.

    Every block has a truth run of its own, from a random start that a spin-up forgets, and no block
    serves two splits: what is held out shares no stretch of truth, and no observation, with
    what was trained on.

    Args:
        settings: What to simulate.
        split: Which split the block is for.
        index: Number of the block in its split, from 0.
        advance: Called after every cycle.

    Yields:
        One analysis after the other.

    Raises:
        FilterDivergedError: If a filter loses the truth.
    """
    rng = np.random.default_rng(settings.random_key(split, index))
    twin = settings.twin
    truth = twin.start(rng)
    filters = _Filters(settings, truth, rng)
    for cycle in range(1, settings.cycles_per_block + 1):
        truth = twin.step(truth)
        observation = twin.observe(truth, rng)
        reference = filters.forecast(cycle)
        since = cycle - settings.spin_up
        if since > 0 and since % settings.cycles_between_pairs == 0:
            raw, mean = filters.raw_gains()
            yield Snapshot(cycle, raw, reference, mean, truth, observation)
        filters.analyse(reference, truth, observation, cycle)
        advance()


def generate_block(
    settings: PairSettings, split: Split, index: int, advance: Callable[[], None] = lambda: None
) -> dict[str, Any]:
    """Run one twin experiment, and collect its gain pairs.

    Arguments and errors as of `snapshots`.

    Returns:
        Arrays with `pairs_per_block` rows: `kg_raw` and `kg_true` `(rows, model_size, nobs)`,
        `truth` and `forecast` `(rows, model_size)` (the mean of the raw gain's ensemble),
        `innovation` `(rows, nobs)`.
    """
    operator = settings.twin.operator
    rows = [
        {
            "kg_raw": raw,
            "kg_true": taken.kg_true,
            "truth": taken.truth,
            "forecast": mean,
            "innovation": taken.observation - operator(mean),
        }
        for taken in snapshots(settings, split, index, advance)
        for raw, mean in zip(taken.kg_raw, taken.mean, strict=True)
    ]
    return {key: np.stack([row[key] for row in rows]).astype(np.float32) for key in rows[0]}


class _Filters:
    """The reference filter, and for `"f"` pairs the small ones beside it."""

    def __init__(self, settings: PairSettings, truth: FloatArray, rng: np.random.Generator) -> None:
        self.settings, self.twin, self.rng = settings, settings.ensemble_twin, rng
        self.small: list[Filter] = []
        if settings.pair_kind == "f":
            taper = gaspari_cohn_taper(settings.model_size, settings.obs_dens, settings.cutoff)
            self.small = [
                Filter(settings.inflation, taper, update, compiled=numba_is_there())
                for update in settings.updates
            ]
        sizes = [settings.reference_members, *(settings.members for _ in self.small)]
        first = [self.twin.first_ensemble(truth, size, rng) for size in sizes]
        # All members of all filters stand in one array, so that the model advances them together.
        self.states = np.concatenate(first)
        self.rows = [
            slice(end - size, end) for size, end in zip(sizes, np.cumsum(sizes), strict=True)
        ]
        self.guards = [_guard_of_reference(), *(_guard_of_small() for _ in self.small)]

    def forecast(self, cycle: int) -> FloatArray:
        """Advance every ensemble to the next observation, and return the reference gain."""
        self.states = self.twin.step(self.states)
        for rows, guard in zip(self.rows, self.guards, strict=True):
            check_forecast(self.states[rows], cycle, guard)
        return kalman_gain(self.states[self.rows[0]], self.twin.operator, self.twin.checked_error)

    def raw_gains(self) -> tuple[FloatArray, FloatArray]:
        """Return the gain and the mean of each small prior."""
        small = np.asarray(self._small(), np.float64)
        return kalman_gain(small, self.twin.operator, self.twin.checked_error), small.mean(axis=1)

    def analyse(
        self, reference: FloatArray, truth: FloatArray, observation: FloatArray, cycle: int
    ) -> None:
        """Update every ensemble with the same observation."""
        for rows, guard, updated in zip(self.rows, self.guards, [None, *self.small], strict=True):
            prior = self.states[rows]
            if updated is None:
                posterior = self._analyse_reference(reference, prior, observation)
            else:
                posterior = updated.analyse(prior, observation, self.twin, self.rng)
            guard.check(posterior, truth, cycle)
            self.states[rows] = posterior

    def _analyse_reference(
        self, gain: FloatArray, prior: FloatArray, observation: FloatArray
    ) -> FloatArray:
        operator, error = self.twin.operator, self.twin.checked_error
        posterior = apply_gain(gain, prior, observation, operator, error, self.rng)
        return inflate(posterior, self.settings.reference_inflation)

    def _small(self) -> Any:
        members = self.settings.members
        if self.settings.pair_kind == "f":
            return self.states[self.rows[1].start :].reshape(len(self.small), members, -1)
        large, count = self.states[self.rows[0]], len(self.settings.updates)
        chosen = self.rng.choice(len(large), members * count, replace=False)
        return large[chosen].reshape(count, members, -1)


def _guard_of_reference() -> DivergenceGuard:
    return DivergenceGuard(
        name="the reference filter",
        remedy="more reference_members, or a larger reference_inflation",
        remedy_of_forecast="a smaller dt, or a smaller reference_inflation",
    )


def _guard_of_small() -> DivergenceGuard:
    return DivergenceGuard(
        name="a small filter",
        remedy="more members, a larger inflation, or a smaller cutoff",
        remedy_of_forecast="a smaller dt, inflation or cutoff",
    )
