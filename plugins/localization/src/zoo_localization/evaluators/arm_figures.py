"""The scores of arms as figures of a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo_localization.comparison import (
    Score,
    best_baseline,
    mean_and_error,
    paired_difference,
)

# Most arms in one figure of lines, and of ranks, of which each arm has as many bars as members.
_MOST_LINES, _MOST_RANKS = 7, 3


def write_figures(report: Any, scores: Sequence[Score], spin_up: int) -> None:
    """Draw the scores so far: errors and spread, cycle by cycle and over all, and ranks.

    Args:
        report: What takes figures.
        scores: The arms' scores.
        spin_up: Cycles before those that count.
    """
    known = [score for score in scores if score.series]
    if not known:
        return
    _draw_means(report, known)
    _draw_series(report, _foremost(known, _MOST_LINES), spin_up)
    # Ranks among ensembles of another size are others.
    size = min(score.arm.members for score in known)
    same = [score for score in known if score.arm.members == size]
    _draw_ranks(report, _foremost(same, _MOST_RANKS))


def _foremost(scores: Sequence[Score], most: int) -> list[Score]:
    """Return what is compared with baselines, and the best of those, in the order of the arms."""
    rank = sorted(scores, key=lambda s: (s.arm.is_baseline, mean_and_error(s.posterior_rmse)[0]))
    chosen = {score.arm.name for score in rank[:most]}
    return [score for score in scores if score.arm.name in chosen]


def _draw_means(report: Any, scores: Sequence[Score]) -> None:
    best = best_baseline(scores)
    columns: dict[str, list[Any]] = {"arm": [score.arm.name for score in scores]}
    for name in ("posterior_rmse", "posterior_spread"):
        found = [mean_and_error(score.figures[name]) for score in scores]
        columns[name] = [mean for mean, _ in found]
        columns[f"{name}_error"] = [error for _, error in found]
    report.bars(
        "assimilation_arms",
        columns,
        x="arm",
        y=["posterior_rmse", "posterior_spread"],
        errors={name: f"{name}_error" for name in ("posterior_rmse", "posterior_spread")},
        ylabel="RMSE and spread, state's unit",
        caption="Posterior RMSE and spread, means over seeds and their standard errors; without "
        "arms that diverged on every seed",
    )
    others = [score for score in scores if score is not best]
    if best is None or not others:
        return
    gaps = [paired_difference(score, best) for score in others]
    report.bars(
        "assimilation_differences",
        {
            "arm": [score.arm.name for score in others],
            "difference": [mean for mean, _ in gaps],
            "difference_error": [error for _, error in gaps],
        },
        x="arm",
        y=["difference"],
        errors={"difference": "difference_error"},
        ylabel="difference of RMSE, state's unit",
        caption=f"By how much the posterior RMSE is above that of {best.arm.name}, the best "
        f"baseline, seed by seed, and the standard error",
    )


def _draw_series(report: Any, scores: Sequence[Score], spin_up: int) -> None:
    arms = [score.arm.name for score in scores]
    cycles = len(scores[0].series["posterior_rmse"])
    for name, word in (("rmse", "RMSE"), ("spread", "spread")):
        series = {score.arm.name: score.series[f"posterior_{name}"].tolist() for score in scores}
        report.lines(
            f"assimilation_{name}",
            {"cycle": list(range(spin_up, spin_up + cycles)), **series},
            x="cycle",
            y=arms,
            ylabel=f"posterior {word}, state's unit",
            caption=f"Posterior {word}, cycle by cycle: mean over the seeds on which the filter "
            f"did not diverge",
        )


def _draw_ranks(report: Any, scores: Sequence[Score]) -> None:
    shares = {s.arm.name: (s.ranks * s.ranks.size / s.ranks.sum()).tolist() for s in scores}
    report.bars(
        "assimilation_rank_histogram",
        {"rank": np.arange(scores[0].ranks.size).tolist(), **shares},
        x="rank",
        y=list(shares),
        xlabel="rank of the truth among the prior members",
        ylabel="frequency, 1 where all are equal",
        caption="Rank histogram over all states, cycles after the spin-up and seeds: high at both "
        "ends where the spread is too small, in the middle where it is too large",
    )
