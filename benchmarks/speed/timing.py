"""Times in pairs: the two take turns, so that whatever else the machine does falls on both."""

import gc
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

Act = Callable[[], object]
UPPER_SIZES = 3
"""So many of the largest sizes does an exponent of growth come from."""


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    Attributes:
        name: What was timed.
        anchor: What it is compared with, in the same run.
        ratio: Ours to the anchor's, or the anchor's to ours where more is better; none where it
            was not measured, and then the detail says why.
        goal: The ratio to reach.
        more_is_better: Whether the ratio says how many times faster ours is.
        detail: The times themselves, and whatever explains them.
    """

    name: str
    anchor: str
    ratio: float | None
    goal: float
    more_is_better: bool = False
    detail: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached; none where that is not known."""
        if self.ratio is None:
            return None
        return self.ratio >= self.goal if self.more_is_better else self.ratio <= self.goal

    def to_json(self) -> dict[str, Any]:
        """Gives the line as plain data."""
        return {**asdict(self), "reached": self.reached}


@dataclass(frozen=True)
class Growth:
    """How the cost of something grows with a size.

    Attributes:
        name: What was timed.
        size: What the sizes count.
        seconds: The median time at each size, from the smallest on.
    """

    name: str
    size: str
    seconds: dict[int, float]

    @property
    def exponent(self) -> float:
        """The exponent over the upper sizes: a fixed cost hides the growth at small ones."""
        return slope(dict(list(self.seconds.items())[-UPPER_SIZES:]))

    def to_json(self) -> dict[str, Any]:
        """Gives the curve as plain data."""
        sizes, seconds = list(self.seconds), list(self.seconds.values())
        return {
            "name": self.name,
            "size": self.size,
            "sizes": sizes,
            "seconds": seconds,
            "exponent": self.exponent,
        }


def timed(act: Act) -> float:
    """Gives the seconds that an act takes."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def _timed_alone(act: Act) -> float:
    gc.collect()
    gc.disable()
    try:
        return timed(act)
    finally:
        gc.enable()


def rounds_of(
    acts: dict[str, Act], rounds: int, warm_up: int = 1, *, collect: bool = True
) -> dict[str, list[float]]:
    """Runs all acts in turn, after a warm-up of each, and gives the seconds of every round.

    Without `collect` Python looks for garbage between the acts and not in them, as with `timeit`.
    """
    for _ in range(warm_up):
        for act in acts.values():
            act()
    times: dict[str, list[float]] = {name: [] for name in acts}
    for number in range(rounds):
        # Whoever goes second finds warmer caches or a hotter processor: they change places.
        names = list(acts) if number % 2 == 0 else list(acts)[::-1]
        for name in names:
            times[name].append(timed(acts[name]) if collect else _timed_alone(acts[name]))
    return times


def paired_ratio(times: dict[str, list[float]], ours: str, anchor: str) -> float:
    """Gives the median over the rounds of our time to the anchor's."""
    pairs = zip(times[ours], times[anchor], strict=True)
    return statistics.median(our / their for our, their in pairs)


def in_words(times: dict[str, list[float]], calls: int = 1) -> str:
    """Words the median times of a call, in milliseconds, or in seconds from one second on."""
    medians = {name: statistics.median(values) / calls for name, values in times.items()}
    return ", ".join(
        f"{name} {seconds:.3g} s" if seconds >= 1 else f"{name} {1e3 * seconds:.3g} ms"
        for name, seconds in medians.items()
    )


def slope(seconds: dict[int, float]) -> float:
    """Gives the exponent with which seconds grow with a size, by least squares of logarithms."""
    logs = [(math.log(size), math.log(value)) for size, value in seconds.items()]
    return statistics.linear_regression(*zip(*logs, strict=True)).slope
