"""The evaluator `assimilation`: how good a filter's analyses become, with a model in it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Literal

from zoo_localization.comparison import Protocol, Score, score_arm
from zoo_localization.evaluators.arms import (
    Ingredients,
    Workshop,
    asked_arms,
    filter_cycles,
    fixed_curves,
    read_curve,
)
from zoo_localization.evaluators.scores import edges_of, results_of, write_tables
from zoo_localization.evaluators.systems import Setting, system_of
from zoo_localization.gain_pairs import check_count
from zoo_localization.progress import Steps, progress
from zoo_localization.twin import Update
from zoo_localization.twin_experiment import TruthRuns, simulate_truths

# Where seeds begin that are given by their number.
_FIRST_SEEDS = {"seeds": 0, "tuning_seeds": 1_000_000}


def assimilation(
    model: Any,
    data: dict[str, Any] | None = None,
    system: Literal["lorenz96", "lorenz05"] = "lorenz96",
    twin: dict[str, Any] | None = None,
    members: int | None = None,
    cycles: int = 500,
    spin_up: int = 200,
    seeds: int | Sequence[int] = 10,
    tuning_seeds: int | Sequence[int] = 4,
    tuning_cycles: int | None = None,
    arms: Sequence[str] | None = None,
    updates: Sequence[Update] = ("matrix", "serial"),
    inflations: Sequence[float] | None = None,
    cutoffs: Sequence[float] | None = None,
    curve_path: str | Sequence[float] | None = None,
    large_members: int = 500,
    rolled: bool = False,
    report: Any = None,
) -> dict[str, float]:
    """Cycle filters against truths: a model's localization beside what needs no network.

    Inflation, and Gaspari-Cohn's cutoff, are tuned for every arm, on other truths than those
    reported; all arms then follow the same truths and observations. An arm that diverges on a seed
    is counted there, and left out of that seed's means. Where the best setting is at an edge of
    what was tried, a line on stderr and the column `at_edge` say so.

    Args:
        model: As `as_localization` takes it; `None` for the baselines alone.
        data: What a dataset gives; its training split is what the arm `"lrlf"` is fitted on.
        system: `"lorenz96"`, or `"lorenz05"` in the setting of Wang et al. (2023).
        twin: What is different there, such as `{ forcing = 16.0, obs_dens = 2 }`: arguments of
            `Lorenz96Twin` or `Lorenz05Twin`, or of the latter's model.
        members: Members of an ensemble; 10 (Lorenz-96) or 40 by default.
        cycles: Cycles that count.
        spin_up: Cycles before those.
        seeds: How many truths are reported, or the seeds themselves.
        tuning_seeds: How many truths are tuned on, or the seeds themselves.
        tuning_cycles: Cycles that count in tuning; as many as `cycles` by default.
        arms: Some of `"none"`, `"gaspari_cohn"`, `"elf"`, `"lrlf"`, `"nice"`, `"curve"`, `"model"`
            and `"large_ensemble"`. By default all of them that can be, but the last.
        updates: Updates to try every arm with: `"matrix"`, `"serial"`, `"square_root"`. A model
            and the large ensemble are tried with `"matrix"`.
        inflations: Factors on the posterior spread to try.
        cutoffs: Gaspari-Cohn cutoffs to try, in grid points.
        curve_path: File of the arm `"curve"`, `.npy`, or the curve itself: `model_size` or
            `model_size//2 + 1` values.
        large_members: Members of the large ensemble, which is not localized.
        rolled: Whether the model wants rolled gains, see `as_localization`.
        report: What takes tables; the zoo gives it.

    Returns:
        `posterior_rmse.ARM_UPDATE` and so on, see `results_of`.

    Raises:
        ValueError: If an argument is out of its range, or an arm lacks what it is made of.
    """
    setting = system_of(system, twin or {}, members, model)
    setting = setting.with_grid(inflations, cutoffs)
    curve = read_curve(curve_path) if isinstance(curve_path, str) else curve_path
    given = Ingredients(model, data or {}, curve, large_members, rolled)
    asked = asked_arms(arms, updates, given)
    check_count("large_members", large_members, 2)
    tuning = cycles if tuning_cycles is None else tuning_cycles
    curves = fixed_curves(asked, given, setting.twin.operator)
    protocol = _protocol(setting, spin_up, (tuning_seeds, tuning), (seeds, cycles))
    planned = list(accumulate(filter_cycles(asked, protocol)))
    scores: list[Score] = []
    with progress("assimilation, cycles of filters", planned[-1]) as advance:
        done = _Count(advance)
        workshop = Workshop(protocol, setting.members, given, curves, done)
        for (name, update), end in zip(asked, planned, strict=True):
            arm = workshop.arm(name, update)
            scores.append(score_arm(arm, workshop.tuned(arm), protocol, done))
            write_tables(report, scores, protocol, workshop.curves)
            # An arm that diverges in tuning takes fewer.
            done(end - done.steps)
    for line in edges_of(scores):
        print(f"assimilation: {line}", file=sys.stderr)
    return results_of(scores)


class _Count:
    """Passes steps on, and counts them."""

    def __init__(self, advance: Steps) -> None:
        self.advance, self.steps = advance, 0

    def __call__(self, steps: int) -> None:
        if steps:
            self.steps += steps
            self.advance(steps)


def _protocol(
    setting: Setting,
    spin_up: int,
    tuning: tuple[int | Sequence[int], int],
    reported: tuple[int | Sequence[int], int],
) -> Protocol:
    """Simulate the truths: of the seeds, and with the cycles that count, of each pair."""
    check_count("cycles", reported[1], 1)
    check_count("tuning_cycles", tuning[1], 1)
    check_count("spin_up", spin_up, 0)
    return Protocol(
        _truths(setting, "tuning_seeds", tuning[0], spin_up + tuning[1]),
        _truths(setting, "seeds", reported[0], spin_up + reported[1]),
        setting.inflations,
        setting.cutoffs,
        spin_up,
    )


def _truths(setting: Setting, name: str, seeds: int | Sequence[int], cycles: int) -> TruthRuns:
    first = _FIRST_SEEDS[name]
    return simulate_truths(setting.twin, _seeds(name, seeds, first), cycles)


def _seeds(name: str, seeds: int | Sequence[int], first: int) -> list[int]:
    if isinstance(seeds, int) and not isinstance(seeds, bool) and seeds > 0:
        return list(range(first, first + seeds))
    listed = list(seeds) if isinstance(seeds, Sequence) and not isinstance(seeds, str) else []
    if not listed or len({*listed}) < len(listed) or not all(_is_seed(seed) for seed in listed):
        raise ValueError(
            f"{name} must be how many there are to be, or a list of different whole numbers from 0 "
            f"on, got {seeds!r}."
        )
    return listed


def _is_seed(seed: object) -> bool:
    return isinstance(seed, int) and not isinstance(seed, bool) and seed >= 0
