"""The best Gaspari-Cohn cutoff and inflation of a filter, found by twin experiments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np

from zoo_localization.tapers import gaspari_cohn_taper
from zoo_localization.twin import Filter, FilterDivergedError, Twin, run_twin_experiment


@dataclass(frozen=True)
class TunedFilter:
    """What a search over cutoffs and inflations found.

    Args:
        cutoff: The best Gaspari-Cohn cutoff, in grid points.
        inflation: The best factor on the posterior spread.
        rmse: Analysis RMSE of every `(cutoff, inflation)`, averaged over seeds and cycles; infinite
            where a filter diverged.
    """

    cutoff: float
    inflation: float
    rmse: dict[tuple[float, float], float]


def tune_gaspari_cohn(
    twin: Twin,
    members: int,
    cutoffs: Iterable[float],
    inflations: Iterable[float],
    *,
    seeds: Iterable[int],
    cycles: int,
    spin_up: int = 200,
    update: Literal["matrix", "serial", "square_root"] = "matrix",
    relaxation: float = 0.0,
) -> TunedFilter:
    """Find the Gaspari-Cohn cutoff and the inflation of the least analysis RMSE.

    Args:
        twin: The truth and its observations.
        members: Members of the ensemble.
        cutoffs: Full support radii to try, in grid points.
        inflations: Factors on the posterior spread to try.
        seeds: Experiments that each setting is averaged over. Report figures of other seeds: those
            of the best setting on these are too good.
        cycles: Cycles of an experiment that count.
        spin_up: Cycles before those.
        update: As of `Filter`.
        relaxation: As of `Filter`.

    Returns:
        The best setting, and the figures of all.

    Raises:
        FilterDivergedError: If every setting loses the truth.
        ValueError: If there is nothing to try, or an argument makes no filter.
    """
    tried, seeds = list(product(cutoffs, inflations)), list(seeds)
    if not tried or not seeds:
        raise ValueError(
            f"cutoffs, inflations and seeds must each have a value to try, got {len(tried)} "
            f"settings and {len(seeds)} seeds."
        )
    rmse = {}
    for cutoff, inflation in tried:
        taper = gaspari_cohn_taper(twin.operator.model_size, twin.operator.obs_dens, cutoff)
        tuned = Filter(inflation, taper, update, relaxation)
        rmse[cutoff, inflation] = _mean_rmse(twin, tuned, members, seeds, cycles, spin_up)
    best = min(rmse, key=lambda setting: rmse[setting])
    if not np.isfinite(rmse[best]):
        raise FilterDivergedError(
            f"the filter diverged with every one of {len(rmse)} settings tried. Try other cutoffs, "
            f"more inflation, or more members."
        )
    return TunedFilter(*best, rmse)


def _mean_rmse(
    twin: Twin, tuned: Filter, members: int, seeds: list[int], cycles: int, spin_up: int
) -> float:
    means = []
    for seed in seeds:
        try:
            # A filter that is lost may overflow before it is found out.
            with np.errstate(over="ignore", invalid="ignore"):
                result = run_twin_experiment(
                    twin, tuned, members, cycles=cycles, spin_up=spin_up, seed=seed
                )
        except FilterDivergedError:
            return float("inf")
        means.append(result.rmse.mean())
    return float(np.mean(means))
