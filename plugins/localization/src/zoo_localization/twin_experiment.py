"""Twin experiments: filters follow truths of which they see only noisy observations."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zoo_localization.divergence import DivergenceGuard, FilterDivergedError
from zoo_localization.enkf import unusable
from zoo_localization.ranks import truth_ranks
from zoo_localization.twin import Filter, Generators, Twin

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
# What sees every prior, `(filters, members, model_size)`, and its truths, `(filters, model_size)`.
Watcher = Callable[[FloatArray, FloatArray], None]
# Entries of gains that an analysis has in memory at once; beyond a core's cache more are no faster.
_ENTRIES_AT_ONCE = 2**18
# Members so many times as large as the truth's largest state never come back.
_FAR = 1e3


@dataclass(frozen=True)
class TruthRuns:
    """Truths and their observations, for any number of filters to follow.

    Args:
        twin: The model, and how its truths are observed.
        seeds: What decides each of them.
        truths: Shape `(cycles, seeds, model_size)`.
        observations: Shape `(cycles, seeds, nobs)`.
        first: The truths before the first cycle, `(seeds, model_size)`.
    """

    twin: Twin
    seeds: tuple[int, ...]
    truths: FloatArray
    observations: FloatArray
    first: FloatArray

    @property
    def cycles(self) -> int:
        """How many observations there are of each truth."""
        return len(self.truths)


def simulate_truths(twin: Twin, seeds: Sequence[int], cycles: int) -> TruthRuns:
    """Simulate truths and observe them.

    Args:
        twin: The model, and how its truths are observed.
        seeds: One truth each.
        cycles: Observations of each truth.

    Returns:
        The truths; each is the same whatever other seeds there are.

    Raises:
        FilterDivergedError: If a truth blows up.
        ValueError: If there is no seed or no cycle.
    """
    if not len(seeds) or cycles < 1:
        raise ValueError(f"seeds and cycles must be 1 or more, got {len(seeds)} and {cycles}.")
    generators = _generators(seeds, 0)
    truths, observations = [], []
    with np.errstate(over="ignore", invalid="ignore"):
        first = truth = twin.starts(generators.generators)
        for cycle in range(cycles):
            truth = twin.step(truth)
            if not np.isfinite(truth).all():
                raise FilterDivergedError(
                    f"the truth itself diverged by cycle {cycle}: it holds NaN or infinite values. "
                    f"Use a smaller dt."
                )
            truths.append(truth)
            observations.append(twin.observe(truth, generators))
    return TruthRuns(twin, tuple(seeds), np.array(truths), np.array(observations), first)


@dataclass(frozen=True)
class TwinResults:
    """What twin experiments gave, cycle by cycle, spin-up left out.

    Errors and spread are NaN from the cycle on at which a filter was lost.

    Args:
        prior_rmse: RMSE of the forecast mean, `(filters, cycles)`, in the state's unit.
        prior_spread: Root of the mean prior variance, same shape.
        rmse: RMSE of the analysis mean, same shape.
        spread: Root of the mean posterior variance, same shape.
        ranks: How often the truth had each rank among the prior members, over all states and
            cycles, `(filters, members + 1)`.
        lost: What there is to say of each filter that was lost, by its row.
        lost_at: The cycle, spin-up included, at which it was lost.
        forecast_seconds: Time of a filter's forecast, a cycle, over the cycles that there were: of
            a filter that was lost those up to the loss. NaN if there was none.
        analysis_seconds: The same of its analysis.
    """

    prior_rmse: FloatArray
    prior_spread: FloatArray
    rmse: FloatArray
    spread: FloatArray
    ranks: IntArray
    lost: dict[int, str]
    lost_at: dict[int, int]
    forecast_seconds: float
    analysis_seconds: float


def run_twin_experiments(
    runs: TruthRuns,
    kalman_filter: Filter,
    members: int,
    *,
    spin_up: int = 200,
    watch: Watcher | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> TwinResults:
    """Cycle a filter against truths, side by side.

    Args:
        runs: The truths.
        kalman_filter: The filter. Where its inflation, or also its tapers, are one each for
            ensembles side by side, there are whole rounds of the truths: filter `i` follows truth
            `i % seeds`.
        members: Members of each ensemble.
        spin_up: Cycles of the truths that do not count.
        watch: Called with each prior after the spin-up, and the truths.
        advance: Called after every cycle with the number of filters, those lost among them.

    Returns:
        Errors, spread and ranks. A filter that is lost is left behind, and does not disturb the
        others; each gives what it gives alone.

    Raises:
        ValueError: If an argument makes no filter.
    """
    if members < 2 or not 0 <= spin_up < runs.cycles:
        raise ValueError(
            f"members must be 2 or more, and spin_up from 0 to below the {runs.cycles} cycles of "
            f"the truths, got {members} and {spin_up}."
        )
    experiments = _Experiments(runs, kalman_filter, members, spin_up, watch)
    # A filter that is lost may overflow before it is found out.
    with np.errstate(over="ignore", invalid="ignore"):
        for cycle in range(runs.cycles):
            experiments.cycle(cycle)
            advance(experiments.many)
    return experiments.results()


@dataclass(frozen=True)
class TwinResult:
    """What one twin experiment gave, cycle by cycle, spin-up left out.

    Args:
        rmse: RMSE of the analysis mean, `(cycles,)`, in the state's unit.
        spread: Root of the mean posterior variance, `(cycles,)`.
    """

    rmse: FloatArray
    spread: FloatArray


def run_twin_experiment(
    twin: Twin,
    kalman_filter: Filter,
    members: int,
    *,
    cycles: int,
    spin_up: int = 200,
    seed: int = 0,
) -> TwinResult:
    """Cycle one filter against one truth.

    Args:
        twin: The truth and its observations.
        kalman_filter: The filter.
        members: Members of the ensemble.
        cycles: Cycles that count.
        spin_up: Cycles before those.
        seed: Decides everything random.

    Returns:
        Errors and spread.

    Raises:
        FilterDivergedError: If the filter loses the truth.
        ValueError: If an argument makes no filter.
    """
    runs = simulate_truths(twin, [seed], spin_up + cycles)
    found = run_twin_experiments(runs, kalman_filter, members, spin_up=spin_up)
    if found.lost:
        raise FilterDivergedError(found.lost[0])
    return TwinResult(found.rmse[0], found.spread[0])


class _Experiments:
    """Filters on their way through the cycles."""

    def __init__(
        self,
        runs: TruthRuns,
        kalman_filter: Filter,
        members: int,
        spin_up: int,
        watch: Watcher | None,
    ) -> None:
        self.runs, self.twin, self.spin_up, self.watch = runs, runs.twin, spin_up, watch
        self.filter, self.guard = kalman_filter, DivergenceGuard()
        self.many = many = max(len(runs.seeds), np.size(kalman_filter.inflation))
        # `rows` are the filters that are not lost, `seeds` the truths that they follow.
        self.rows = np.arange(many)
        self.seeds = self.rows % len(runs.seeds)
        self.rngs = _generators([runs.seeds[seed] for seed in self.seeds], 1)
        self.tie_rngs = _generators([runs.seeds[seed] for seed in self.seeds], 2)
        first = runs.first[self.seeds]
        self.ensemble = self.twin.first_ensemble(first, members, self.rngs)
        shape = (many, runs.cycles - spin_up)
        self.errors = {name: np.full(shape, np.nan) for name in ("prior", "posterior")}
        self.spreads = {name: np.full(shape, np.nan) for name in ("prior", "posterior")}
        self.ranks = np.zeros((many, members + 1), np.int64)
        self.lost: dict[int, str] = {}
        self.lost_at: dict[int, int] = {}
        # Seconds of forecasts and of analyses, and how many of each there were.
        self.seconds, self.counts = np.zeros(2), np.zeros(2, np.int64)

    def cycle(self, cycle: int) -> None:
        """Forecast and analyse once, and leave behind the filters that are lost."""
        if not self.rows.size:
            return
        began = time.perf_counter()
        self.ensemble = self.twin.step(self.ensemble)
        self._clock(0, began)
        self._leave(self._blown_up(cycle), cycle, _words)
        if not self.rows.size:
            return
        prior, truth = self.ensemble, self.runs.truths[cycle, self.seeds]
        self._note("prior", prior, truth, cycle)
        began = time.perf_counter()
        self.ensemble = self._analysed(prior, self.runs.observations[cycle, self.seeds])
        self._clock(1, began)
        self._leave(self.guard.lost(self.ensemble, truth), cycle, self.guard.words)
        self._note("posterior", self.ensemble, self.runs.truths[cycle, self.seeds], cycle)

    def results(self) -> TwinResults:
        """Return what was noted."""
        forecast, analysis = np.where(
            self.counts, self.seconds / np.maximum(self.counts, 1), np.nan
        )
        return TwinResults(
            prior_rmse=self.errors["prior"],
            prior_spread=self.spreads["prior"],
            rmse=self.errors["posterior"],
            spread=self.spreads["posterior"],
            ranks=self.ranks,
            lost=self.lost,
            lost_at=self.lost_at,
            forecast_seconds=float(forecast),
            analysis_seconds=float(analysis),
        )

    def _clock(self, what: int, began: float) -> None:
        """Add to the seconds of the forecasts (0) or of the analyses (1)."""
        self.seconds[what] += time.perf_counter() - began
        self.counts[what] += self.rows.size

    def _blown_up(self, cycle: int) -> NDArray[np.bool_]:
        """Return which priors have no gain, or lie beyond all measure."""
        largest = np.abs(self.ensemble).max(axis=(-2, -1))
        measure = _FAR * np.abs(self.runs.truths[cycle, self.seeds]).max(axis=-1)
        return np.asarray(unusable(self.ensemble, self.twin.operator) | (largest > measure))

    def _analysed(self, prior: FloatArray, observation: FloatArray) -> FloatArray:
        operator = self.twin.operator
        step = max(1, _ENTRIES_AT_ONCE // (operator.model_size * operator.nobs))
        if self.filter.update != "matrix" or len(prior) <= step:
            return self.filter.analyse(prior, observation, self.twin, self.rngs)
        some = [slice(start, start + step) for start in range(0, len(prior), step)]
        generators = self.rngs.generators
        return np.concatenate(
            [
                self.filter.rows(rows).analyse(
                    prior[rows], observation[rows], self.twin, Generators(generators[rows])
                )
                for rows in some
            ]
        )

    def _note(self, name: str, ensemble: FloatArray, truth: FloatArray, cycle: int) -> None:
        """Write down error and spread, and of a prior the rank of the truth."""
        place = cycle - self.spin_up
        if place < 0 or not self.rows.size:
            return
        error = ensemble.mean(axis=-2) - truth
        variance = ensemble.var(axis=-2, ddof=1)
        self.errors[name][self.rows, place] = np.sqrt((error**2).mean(axis=-1))
        self.spreads[name][self.rows, place] = np.sqrt(variance.mean(axis=-1))
        if name == "prior":
            found = truth_ranks(ensemble, truth, self.tie_rngs.generators)
            for row, ranks in zip(self.rows, found, strict=True):
                self.ranks[row] += np.bincount(ranks, minlength=self.ranks.shape[1])
            if self.watch is not None:
                self.watch(ensemble, truth)

    def _leave(
        self, is_lost: NDArray[np.bool_], cycle: int, words: Callable[[int, int], str]
    ) -> None:
        """Leave filters behind, with the reason."""
        if not is_lost.any():
            return
        for place in np.flatnonzero(is_lost):
            self.lost[int(self.rows[place])] = words(cycle, int(place))
            self.lost_at[int(self.rows[place])] = cycle
        kept = np.flatnonzero(~is_lost)
        self.rows, self.seeds = self.rows[kept], self.seeds[kept]
        self.ensemble, self.filter = self.ensemble[kept], self.filter.rows(kept)
        self.rngs, self.tie_rngs = (
            Generators([rngs.generators[place] for place in kept])
            for rngs in (self.rngs, self.tie_rngs)
        )
        self.guard.keep(kept)


def _generators(seeds: Sequence[int], stream: int) -> Generators:
    """Return a generator for each seed: truths, filters and ties draw from their own streams."""
    return Generators([np.random.default_rng([seed, stream]) for seed in seeds])


def _words(cycle: int, _row: int) -> str:
    return (
        f"the filter diverged by cycle {cycle}: after the forecast its members are "
        f"infinite, or far from any state, or all agree. Use a smaller dt, another inflation, or "
        f"a smaller localization cutoff."
    )
