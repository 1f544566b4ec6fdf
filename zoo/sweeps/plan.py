"""Which values each trial of a sweep has: a function of the config alone."""

import itertools
import math
from typing import Any

import numpy as np

from zoo.config.schema import Range, SweepTable


def plan(sweep: SweepTable) -> list[dict[str, Any]]:
    """Gives the values of each trial that is known beforehand, by dotted key and in their order.

    What learns from the trials before it, `tpe`, knows none. A grid counts like a clock, its last
    key fastest. What a random trial draws follows from the seed and its number, so that a longer
    sweep begins with the trials of a shorter one.

    Args:
        sweep: The `[sweep]` table.
    """
    if sweep.method == "tpe":
        return []
    if sweep.method == "grid":
        combinations = itertools.product(*sweep.values.values())
        return [dict(zip(sweep.values, combination, strict=True)) for combination in combinations]
    return [
        _drawn(sweep.values, np.random.default_rng([sweep.seed, number]))
        for number in range(sweep.trials or 0)
    ]


def _drawn(values: dict[str, Any], random: np.random.Generator) -> dict[str, Any]:
    return {key: _draw(choices, random.random()) for key, choices in values.items()}


def _draw(choices: list[Any] | Range, share: float) -> Any:
    """Gives what stands at a share, in [0, 1), of the way through a list or a range."""
    if isinstance(choices, list):
        return choices[int(share * len(choices))]
    low, high = choices.low, choices.high
    whole = isinstance(low, int) and isinstance(high, int)
    # A whole number has the room around it, so that both ends are as likely as the others.
    first, last = (low - 0.5, high + 0.5) if whole else (float(low), float(high))
    if choices.log:
        value = math.exp(math.log(first) + share * (math.log(last) - math.log(first)))
    else:
        value = first + share * (last - first)
    value = min(max(value, low), high)
    return round(value) if whole else value
