"""The best cutoff and inflation of a filter, found by twin experiments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from zoo_localization.divergence import FilterDivergedError
from zoo_localization.tapers import gaspari_cohn_taper
from zoo_localization.twin import Filter, Twin
from zoo_localization.twin_experiment import TruthRuns, run_twin_experiments

# Numbers that the tapers or the ensembles of one batch of settings may have.
_NUMBERS_AT_ONCE = 2**21
Candidate = tuple[float | None, float]
_GRIDS = ("cutoff", "inflation")


@dataclass(frozen=True)
class TunedFilter:
    """What a search over cutoffs and inflations found.

    Args:
        cutoff: The best Gaspari-Cohn cutoff, in grid points; `None` if there was none to tune.
        inflation: The best factor on the posterior spread.
        rmse: Analysis RMSE of every `(cutoff, inflation)`, averaged over seeds and cycles; infinite
            where a filter diverged.
        filter: The filter with these settings.
    """

    cutoff: float | None
    inflation: float
    rmse: dict[Candidate, float]
    filter: Filter

    @property
    def at_edge(self) -> list[str]:
        """Which of `cutoff` and `inflation` are the least or the largest that was tried.

        There may be better ones beyond. Where one value alone was tried there is no edge.
        """
        grids = {name: self.tried(name) for name in _GRIDS}
        return [
            name
            for name, grid in grids.items()
            if len(grid) > 1 and getattr(self, name) in (grid[0], grid[-1])
        ]

    def tried(self, name: str) -> list[float]:
        """Return the values of `"cutoff"` or `"inflation"` that were tried, the least one first."""
        values = {setting[_GRIDS.index(name)] for setting in self.rmse}
        return sorted(value for value in values if value is not None)


@dataclass(frozen=True)
class Search:
    """What a search gave, whether or not there is a filter that works.

    Args:
        best: The best settings; `None` if the filter diverged with all of them.
        rmse: As of `TunedFilter`.
        forecast_seconds: Time of a filter's forecast, a cycle, mean over the settings, each up to
            where it diverged; NaN if there was none.
        analysis_seconds: The same of its analysis.
    """

    best: TunedFilter | None
    rmse: dict[Candidate, float]
    forecast_seconds: float = float("nan")
    analysis_seconds: float = float("nan")


def tune(
    runs: TruthRuns,
    untuned: Filter,
    members: int,
    inflations: Sequence[float],
    cutoffs: Sequence[float] | None = None,
    *,
    spin_up: int = 200,
) -> TunedFilter:
    """Find the inflation, and maybe the Gaspari-Cohn cutoff, of the least analysis RMSE.

    Arguments as of `search`.

    Returns:
        The best setting, and the figures of all.

    Raises:
        FilterDivergedError: If every setting loses the truth.
        ValueError: If there is nothing to try, or an argument makes no filter.
    """
    found = search(runs, untuned, members, inflations, cutoffs, spin_up=spin_up)
    if found.best is None:
        raise FilterDivergedError(
            f"the filter diverged with every one of {len(found.rmse)} settings tried. Try other "
            f"cutoffs, more inflation, or more members."
        )
    return found.best


def search(
    runs: TruthRuns,
    untuned: Filter,
    members: int,
    inflations: Sequence[float],
    cutoffs: Sequence[float] | None = None,
    *,
    spin_up: int = 200,
    advance: Callable[[int], None] = lambda _: None,
) -> Search:
    """Try inflations, and maybe Gaspari-Cohn cutoffs, for the least analysis RMSE.

    Settings that share a kind of localization run side by side.

    Args:
        runs: Truths to tune on. Report figures of others: those of the best setting on these are
            too good.
        untuned: The filter, its inflation and with `cutoffs` its localization to be found.
        members: Members of the ensemble.
        inflations: Factors on the posterior spread to try.
        cutoffs: Full support radii to try, in grid points; `None` for the filter's own
            localization.
        spin_up: Cycles of the truths that do not count.
        advance: Called after every cycle with the number of filters that run side by side.

    Returns:
        The best setting, if there is one, and the figures of all.

    Raises:
        ValueError: If there is nothing to try, or an argument makes no filter.
    """
    tried: list[Candidate] = list(product([None] if cutoffs is None else cutoffs, inflations))
    if not tried:
        raise ValueError("cutoffs and inflations must each have a value to try, got none.")
    rmse: dict[Candidate, float] = {}
    seconds: list[tuple[float, float]] = []
    for some in _batches(tried, runs, members):
        stacked = _stacked(untuned, some, runs)
        found = run_twin_experiments(runs, stacked, members, spin_up=spin_up, advance=advance)
        seconds.append((found.forecast_seconds, found.analysis_seconds))
        means = found.rmse.mean(axis=1).reshape(len(some), -1).mean(axis=1)
        rmse |= {s: float(np.nan_to_num(m, nan=np.inf)) for s, m in zip(some, means, strict=True)}
    least = min(rmse, key=lambda setting: rmse[setting])
    best = TunedFilter(*least, rmse, _with(untuned, least, runs.twin))
    return Search(
        best if np.isfinite(rmse[least]) else None, rmse, *map(_mean, zip(*seconds, strict=True))
    )


def _mean(values: Iterable[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def _batches(tried: list[Candidate], runs: TruthRuns, members: int) -> list[list[Candidate]]:
    """Split settings into those that run side by side."""
    operator = runs.twin.operator
    taper = 0 if tried[0][0] is None else operator.nobs
    numbers = len(runs.seeds) * operator.model_size * max(taper, members)
    count = max(1, _NUMBERS_AT_ONCE // numbers)
    return [tried[start : start + count] for start in range(0, len(tried), count)]


def _stacked(untuned: Filter, settings: list[Candidate], runs: TruthRuns) -> Filter:
    """Return the filters of several settings side by side, each for all truths."""
    seeds = len(runs.seeds)
    inflations = np.repeat([inflation for _, inflation in settings], seeds)
    if settings[0][0] is None:
        return replace(untuned, inflation=inflations)
    tapers = {cutoff: _taper(cutoff, runs.twin) for cutoff, _ in settings if cutoff is not None}
    each = np.stack([tapers[cutoff] for cutoff, _ in settings if cutoff is not None])
    return replace(untuned, inflation=inflations, localization=np.repeat(each, seeds, axis=0))


def _with(untuned: Filter, setting: Candidate, twin: Twin) -> Filter:
    cutoff, inflation = setting
    if cutoff is None:
        return replace(untuned, inflation=inflation)
    return replace(untuned, inflation=inflation, localization=_taper(cutoff, twin))


def _taper(cutoff: float, twin: Twin) -> NDArray[np.float64]:
    return gaspari_cohn_taper(twin.operator.model_size, twin.operator.obs_dens, cutoff)
