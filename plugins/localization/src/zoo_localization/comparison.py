"""Ways of localizing compared: each tuned on some truths, then run on others, the same for all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_localization.tuning import Search, TunedFilter, search
from zoo_localization.twin import Filter
from zoo_localization.twin_experiment import TruthRuns, run_twin_experiments

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Arm:
    """One way of localizing, before its inflation, and maybe its cutoff, are tuned.

    Args:
        name: What to call it, such as `gaspari_cohn_matrix`.
        filter: The filter, but for inflation and Gaspari-Cohn cutoff.
        members: Members of its ensemble.
        has_cutoff: Whether it is localized by Gaspari-Cohn.
        is_baseline: Whether it is what others have to beat.
    """

    name: str
    filter: Filter
    members: int
    has_cutoff: bool = False
    is_baseline: bool = True


@dataclass(frozen=True)
class Protocol:
    """How arms are compared.

    Args:
        tuning: Truths that they are tuned on.
        reported: Truths that the figures are of.
        inflations: Factors on the posterior spread to try.
        cutoffs: Gaspari-Cohn cutoffs to try, in grid points.
        spin_up: Cycles of each truth that do not count.

    Raises:
        ValueError: If a seed is both tuned on and reported, or there are fewer than two to report.
    """

    tuning: TruthRuns
    reported: TruthRuns
    inflations: Sequence[float]
    cutoffs: Sequence[float]
    spin_up: int

    def __post_init__(self) -> None:
        """Check the seeds."""
        both = sorted({*self.tuning.seeds} & {*self.reported.seeds})
        if both:
            raise ValueError(
                f"seeds {both} are both tuned on and reported: the best setting looks too good on "
                f"them. Give other tuning seeds."
            )
        if len(self.reported.seeds) < 2:
            raise ValueError(
                f"seeds must be at least 2 for a standard error, better 10, got "
                f"{len(self.reported.seeds)}."
            )


@dataclass(frozen=True)
class Score:
    """What an arm reached on the reported truths.

    Args:
        arm: The arm.
        search: The settings that were tried.
        figures: `prior_rmse`, `posterior_rmse`, `prior_spread` and `posterior_spread`, each
            averaged over cycles, `(seeds,)`; NaN where it diverged.
        ranks: How often the truth had each rank among the prior members, `(members + 1,)`.
        lost: What there is to say of each divergence, by its place among the seeds.
        lost_at: The cycle of each, spin-up included.
        forecast_ms: Milliseconds of a forecast, for one ensemble: over the cycles of the reported
            truths that there were, so up to the loss where it diverged. Where it diverged with
            every setting in tuning, and never came to those truths, over the cycles in tuning up
            to the losses. NaN where there was none.
        analysis_ms: The same of an analysis.
        series: The same as `figures`, each cycle by cycle, `(cycles,)`, and averaged over the seeds
            on which it did not diverge; empty where there is none.
    """

    arm: Arm
    search: Search
    figures: dict[str, FloatArray]
    ranks: NDArray[np.int64]
    lost: dict[int, str] = field(default_factory=dict)
    lost_at: dict[int, int] = field(default_factory=dict)
    forecast_ms: float = float("nan")
    analysis_ms: float = float("nan")
    series: dict[str, FloatArray] = field(default_factory=dict)

    @property
    def tuned(self) -> TunedFilter | None:
        """Its settings; `None` if it diverged with all that were tried."""
        return self.search.best

    @property
    def posterior_rmse(self) -> FloatArray:
        """Posterior RMSE of each seed, NaN where the arm diverged."""
        return self.figures["posterior_rmse"]


FIGURES = ("prior_rmse", "posterior_rmse", "prior_spread", "posterior_spread")


def tune_arm(
    arm: Arm, protocol: Protocol, advance: Callable[[int], None] = lambda _: None
) -> Search:
    """Tune an arm.

    Args:
        arm: The arm.
        protocol: The truths, and what to try.
        advance: As of `search`.

    Returns:
        What was tried, and the best of it.
    """
    return search(
        protocol.tuning,
        arm.filter,
        arm.members,
        protocol.inflations,
        protocol.cutoffs if arm.has_cutoff else None,
        spin_up=protocol.spin_up,
        advance=advance,
    )


def score_arm(
    arm: Arm, tried: Search, protocol: Protocol, advance: Callable[[int], None] = lambda _: None
) -> Score:
    """Run a tuned arm on the reported truths.

    Args:
        arm: The arm.
        tried: What `tune_arm` found.
        protocol: The truths.
        advance: As of `run_twin_experiments`.

    Returns:
        What it reached; an arm without settings has diverged on every seed.
    """
    if tried.best is None:
        return _lost_in_tuning(arm, tried, len(protocol.reported.seeds))
    found = run_twin_experiments(
        protocol.reported,
        tried.best.filter,
        arm.members,
        spin_up=protocol.spin_up,
        advance=advance,
    )
    listed = (found.prior_rmse, found.rmse, found.prior_spread, found.spread)
    values = dict(zip(FIGURES, listed, strict=True))
    is_lost = np.isin(np.arange(len(found.rmse)), list(found.lost))
    return Score(
        arm,
        tried,
        {name: np.where(is_lost, np.nan, each.mean(axis=1)) for name, each in values.items()},
        found.ranks[~is_lost].sum(axis=0),
        found.lost,
        found.lost_at,
        1e3 * found.forecast_seconds,
        1e3 * found.analysis_seconds,
        {} if is_lost.all() else {n: each[~is_lost].mean(axis=0) for n, each in values.items()},
    )


def _lost_in_tuning(arm: Arm, tried: Search, seeds: int) -> Score:
    # Without a setting that was tried there was no filter: that of its teacher diverged.
    whose = "the filter" if tried.rmse else "the filter that its curve would be learned from"
    words = f"{whose} diverged on the tuning seeds with every setting tried"
    return Score(
        arm,
        tried,
        {name: np.full(seeds, np.nan) for name in FIGURES},
        np.zeros(arm.members + 1, np.int64),
        dict.fromkeys(range(seeds), words),
        forecast_ms=1e3 * tried.forecast_seconds,
        analysis_ms=1e3 * tried.analysis_seconds,
    )


def mean_and_error(values: Any) -> tuple[float, float]:
    """Return the mean over the seeds that have a value, and its standard error.

    Args:
        values: One a seed; NaN where there is none.

    Returns:
        Both NaN without a value; an error of NaN with one.
    """
    known = np.asarray(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    if known.size < 2:
        return (float(known[0]) if known.size else float("nan")), float("nan")
    return float(known.mean()), float(known.std(ddof=1) / np.sqrt(known.size))


def best_baseline(scores: Sequence[Score]) -> Score | None:
    """Return the baseline of the least mean posterior RMSE.

    Baselines that diverge on some seeds are taken only where there are no others.
    """
    baselines = [
        s for s in scores if s.arm.is_baseline and np.isfinite(mean_and_error(s.posterior_rmse)[0])
    ]
    steady = [score for score in baselines if not score.lost]
    chosen = steady or baselines
    return min(chosen, key=lambda s: mean_and_error(s.posterior_rmse)[0]) if chosen else None


def paired_difference(score: Score, other: Score) -> tuple[float, float]:
    """Return by how much an arm's posterior RMSE is above another's, seed by seed.

    Args:
        score: The arm.
        other: What it is compared with.

    Returns:
        The mean over the seeds on which neither diverged, and its standard error.
    """
    return mean_and_error(score.posterior_rmse - other.posterior_rmse)
