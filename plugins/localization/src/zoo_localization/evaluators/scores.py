"""The scores of arms as flat results, and as tables of a report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_localization.comparison import (
    FIGURES,
    Protocol,
    Score,
    best_baseline,
    mean_and_error,
    paired_difference,
)
from zoo_localization.evaluators.arm_figures import write_figures
from zoo_localization.tapers import unmirror

FloatArray = NDArray[np.float64]


def results_of(scores: Sequence[Score]) -> dict[str, float]:
    """Return the scores as flat numbers, `FIGURE.ARM`.

    Args:
        scores: The arms' scores.

    Returns:
        For each arm `prior_rmse`, `posterior_rmse`, `prior_spread` and `posterior_spread`, means
        over cycles and seeds; `posterior_rmse_error`, the standard error of that mean over seeds;
        `difference` and `difference_error`, by how much its posterior RMSE is above the best
        baseline's, seed by seed; `diverged`, on how many seeds. What an arm has no value for is
        left out: one that diverged on every seed has `diverged` alone.
    """
    best = best_baseline(scores)
    found: dict[str, dict[str, float]] = {}
    for score in scores:
        for name, value in _figures(score, best).items():
            found.setdefault(name, {})[score.arm.name] = value
    return {
        f"{name}.{arm}": value
        for name, values in found.items()
        for arm, value in values.items()
        if math.isfinite(value)
    }


def edges_of(scores: Sequence[Score]) -> list[str]:
    """Return a line for each arm whose best setting is at an edge of what was tried."""
    arms = [(score.arm.name, score.tuned) for score in scores if score.tuned is not None]
    return [
        f"{arm} is best with {name} {getattr(tuned, name):g}, at the edge of the {name}s tried, "
        f"{tuned.tried(name)[0]:g} to {tuned.tried(name)[-1]:g}. There may be better ones beyond: "
        f"give more {name}s."
        for arm, tuned in arms
        for name in tuned.at_edge
    ]


def write_tables(
    report: Any, scores: Sequence[Score], protocol: Protocol, curves: dict[str, FloatArray]
) -> None:
    """Write the scores so far as tables and figures.

    Args:
        report: What takes them, or `None`.
        scores: The arms' scores.
        protocol: What they were reached with.
        curves: The curves of arms.
    """
    if report is None:
        return
    many = f"{len(protocol.reported.seeds)} seeds"
    report.table(
        "assimilation",
        _arms(scores),
        caption=f"Means over {many}; at_edge: what was best at an edge of what was tried; _error: "
        f"standard errors; difference: of the posterior RMSE from the best baseline, seed by seed; "
        f"_ms: of one ensemble and cycle, up to a divergence",
    )
    report.table("assimilation_seeds", _seeds(scores, protocol), caption="Means over the cycles")
    report.table(
        "assimilation_ranks",
        _ranks(scores),
        caption="How often the truth had each rank among the prior members",
    )
    report.table(
        "assimilation_tuning",
        _tuning(scores),
        caption=f"Posterior RMSE of the settings tried, mean over {len(protocol.tuning.seeds)} "
        f"other seeds; none where a filter diverged",
    )
    write_figures(report, scores, protocol.spin_up)
    if curves:
        size = protocol.tuning.twin.operator.model_size
        report.table(
            "assimilation_curves", _curves(curves, size), caption="Tapers against the offset"
        )


def _figures(score: Score, best: Score | None) -> dict[str, float]:
    means = {name: mean_and_error(values)[0] for name, values in score.figures.items()}
    difference, error = (math.nan, math.nan)
    if best is not None and score is not best:
        difference, error = paired_difference(score, best)
    return {
        **means,
        "posterior_rmse_error": mean_and_error(score.posterior_rmse)[1],
        "difference": difference,
        "difference_error": error,
        "diverged": float(len(score.lost)),
    }


def _arms(scores: Sequence[Score]) -> dict[str, list[Any]]:
    best = best_baseline(scores)
    columns: dict[str, list[Any]] = {"arm": [score.arm.name for score in scores]}
    columns["members"] = [score.arm.members for score in scores]
    columns["cutoff"] = [score.tuned.cutoff if score.tuned else None for score in scores]
    columns["inflation"] = [score.tuned.inflation if score.tuned else None for score in scores]
    columns["at_edge"] = [
        " ".join(score.tuned.at_edge) if score.tuned else None for score in scores
    ]
    figures = [_figures(score, best) for score in scores]
    for name in figures[0]:
        columns[name] = [_known(row[name]) for row in figures]
    columns["prior_rmse_error"] = [
        _known(mean_and_error(score.figures["prior_rmse"])[1]) for score in scores
    ]
    columns["forecast_ms"] = [_known(score.forecast_ms) for score in scores]
    columns["analysis_ms"] = [_known(score.analysis_ms) for score in scores]
    columns["is_best_baseline"] = [score is best for score in scores]
    return columns


def _seeds(scores: Sequence[Score], protocol: Protocol) -> dict[str, list[Any]]:
    seeds = protocol.reported.seeds
    columns: dict[str, list[Any]] = {
        "arm": [score.arm.name for score in scores for _ in seeds],
        "seed": [seed for _ in scores for seed in seeds],
    }
    for name in FIGURES:
        columns[name] = [_known(value) for score in scores for value in score.figures[name]]
    places = range(len(seeds))
    columns["diverged_at"] = [score.lost_at.get(place) for score in scores for place in places]
    columns["reason"] = [score.lost.get(place) for score in scores for place in places]
    return columns


def _ranks(scores: Sequence[Score]) -> dict[str, list[Any]]:
    rows = [(s.arm.name, rank, int(count)) for s in scores for rank, count in enumerate(s.ranks)]
    return _columns(("arm", "rank", "count"), rows)


def _tuning(scores: Sequence[Score]) -> dict[str, list[Any]]:
    rows = [
        (score.arm.name, cutoff, inflation, _known(value))
        for score in scores
        for (cutoff, inflation), value in score.search.rmse.items()
    ]
    return _columns(("arm", "cutoff", "inflation", "posterior_rmse"), rows)


def _curves(curves: dict[str, FloatArray], size: int) -> dict[str, list[Any]]:
    full = {n: c if c.size == size else unmirror(c, size) for n, c in curves.items()}
    return {"offset": list(range(size)), **{name: curve.tolist() for name, curve in full.items()}}


def _columns(names: tuple[str, ...], rows: list[tuple[Any, ...]]) -> dict[str, list[Any]]:
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
