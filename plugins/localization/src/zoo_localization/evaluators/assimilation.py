"""The evaluator `assimilation`: how good a filter's analyses become, with a model in it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Literal

from zoo_localization.checks import check_count, is_count
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

    Inflation and Gaspari-Cohn's cutoff are tuned for every arm, on other truths than those
    reported, which all arms follow. An arm that diverges on a seed is left out of that seed's
    means, and counted; a best setting at an edge of what was tried is said on stderr.

    Args:
        model: As `as_localization` takes it; `None` for the baselines alone.
        data: What a dataset gives; its training split is what the arm `"lrlf"` is fitted on.
        system: `"lorenz96"`, or `"lorenz05"` in the setting of Wang et al. (2023).
        twin: What is different: arguments of `Lorenz96Twin`, or `Lorenz05Twin` and its model.
        members: Members of an ensemble; 10 (Lorenz-96) or 40 by default.
        cycles: Cycles that count.
        spin_up: Cycles before those.
        seeds: How many truths are reported, or the seeds themselves.
        tuning_seeds: The same of those that are tuned on.
        tuning_cycles: Cycles that count in tuning; as many as `cycles` by default.
        arms: Some of `"none"`, `"gaspari_cohn"`, `"elf"`, `"lrlf"`, `"nice"`, `"curve"`, `"model"`
            and `"large_ensemble"`; by default all of them that can be, but the last.
        updates: Of `"matrix"`, `"serial"` and `"square_root"`; model and large ensemble: matrix.
        inflations: Factors on the posterior spread to try.
        cutoffs: Gaspari-Cohn cutoffs to try, in grid points.
        curve_path: The `.npy` file of the arm `"curve"`, or its values, in full or the half.
        large_members: Members of the large ensemble, which is not localized.
        rolled: Whether the model wants rolled gains, see `as_localization`.
        report: What takes tables; the zoo gives it.

    Returns:
        `posterior_rmse.ARM_UPDATE` and so on, see `results_of`.

    Raises:
        ValueError: If an argument is out of its range, or an arm lacks what it is made of.
    """
    setting = system_of(system, twin or {}, members, model).with_grid(inflations, cutoffs)
    given = Ingredients(model, data or {}, read_curve(curve_path), large_members, rolled)
    asked = asked_arms(arms, updates, given)
    curves = fixed_curves(asked, given, setting.twin.operator)
    protocol = _protocol(setting, spin_up, (tuning_seeds, tuning_cycles), (seeds, cycles))
    scores = _compared(asked, Workshop(protocol, setting.members, given, curves), report)
    return results_of(scores)


def _compared(asked: Sequence[tuple[str, Update]], workshop: Workshop, report: Any) -> list[Score]:
    """Make, tune and score one arm after the other, and say how far that is."""
    protocol = workshop.protocol
    planned = list(accumulate(filter_cycles(asked, protocol)))
    scores: list[Score] = []
    with progress("assimilation, cycles of filters", planned[-1]) as advance:
        workshop.advance = done = _Count(advance)
        for (name, update), end in zip(asked, planned, strict=True):
            arm = workshop.arm(name, update)
            scores.append(score_arm(arm, workshop.tuned(arm), protocol, done))
            write_tables(report, scores, protocol, workshop.curves)
            # An arm that diverges in tuning takes fewer.
            done(end - done.steps)
    for line in edges_of(scores):
        print(f"assimilation: {line}", file=sys.stderr)
    return scores


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
    tuning: tuple[int | Sequence[int], int | None],
    reported: tuple[int | Sequence[int], int],
) -> Protocol:
    """Simulate the truths: of the seeds, and with the cycles that count, of each pair."""
    (tuning_seeds, tuning_cycles), (seeds, cycles) = tuning, reported
    if tuning_cycles is None:
        tuning_cycles = cycles
    check_count("cycles", cycles, 1)
    check_count("tuning_cycles", tuning_cycles, 1)
    check_count("spin_up", spin_up, 0)
    return Protocol(
        _truths(setting, "tuning_seeds", tuning_seeds, spin_up + tuning_cycles),
        _truths(setting, "seeds", seeds, spin_up + cycles),
        setting.inflations,
        setting.cutoffs,
        spin_up,
    )


def _truths(setting: Setting, name: str, seeds: int | Sequence[int], cycles: int) -> TruthRuns:
    first = _FIRST_SEEDS[name]
    return simulate_truths(setting.twin, _seeds(name, seeds, first), cycles)


def _seeds(name: str, seeds: int | Sequence[int], first: int) -> list[int]:
    if is_count(seeds, 1):
        return list(range(first, first + seeds))
    listed = list(seeds) if isinstance(seeds, Sequence) and not isinstance(seeds, str) else []
    if not listed or len({*listed}) < len(listed) or not all(is_count(seed, 0) for seed in listed):
        raise ValueError(
            f"{name} must be how many there are to be, or a list of different whole numbers from 0 "
            f"on, got {seeds!r}."
        )
    return listed
