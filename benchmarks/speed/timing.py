"""Times in pairs: the two take turns, so that whatever else the machine does falls on both."""

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

Act = Callable[[], object]


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    Attributes:
        name: What was timed.
        anchor: What it is compared with, in the same run.
        ratio: Ours to the anchor's, or the anchor's to ours where more is better.
        goal: The ratio to reach.
        more_is_better: Whether the ratio says how many times faster ours is.
        detail: The times themselves, and whatever explains them.
    """

    name: str
    anchor: str
    ratio: float
    goal: float
    more_is_better: bool = False
    detail: str = ""

    @property
    def reached(self) -> bool:
        """Whether the goal is reached."""
        return self.ratio >= self.goal if self.more_is_better else self.ratio <= self.goal

    def to_json(self) -> dict[str, Any]:
        """Gives the line as plain data."""
        return {**asdict(self), "reached": self.reached}


def timed(act: Act) -> float:
    """Gives the seconds that an act takes."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def rounds_of(acts: dict[str, Act], rounds: int, warm_up: int = 1) -> dict[str, list[float]]:
    """Runs all acts in turn, after a warm-up of each, and gives the seconds of every round."""
    for _ in range(warm_up):
        for act in acts.values():
            act()
    times: dict[str, list[float]] = {name: [] for name in acts}
    for number in range(rounds):
        # Whoever goes second finds warmer caches or a hotter processor: they change places.
        names = list(acts) if number % 2 == 0 else list(acts)[::-1]
        for name in names:
            times[name].append(timed(acts[name]))
    return times


def paired_ratio(times: dict[str, list[float]], ours: str, anchor: str) -> float:
    """Gives the median over the rounds of our time to the anchor's."""
    pairs = zip(times[ours], times[anchor], strict=True)
    return statistics.median(our / their for our, their in pairs)


def in_words(times: dict[str, list[float]], calls: int = 1) -> str:
    """Words the median times, in milliseconds a call."""
    return ", ".join(
        f"{name} {1e3 * statistics.median(values) / calls:.3g} ms" for name, values in times.items()
    )


def median(values: list[float]) -> float:
    """Gives the median."""
    return statistics.median(values)


def slope(seconds: dict[int, float]) -> float:
    """Gives the exponent with which seconds grow with a size, by least squares of logarithms."""
    logs = [(math.log(size), math.log(value)) for size, value in seconds.items()]
    return statistics.linear_regression(*zip(*logs, strict=True)).slope
