"""The ways of localizing that `assimilation` compares, made when it is their turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from zoo_localization.checks import check_count
from zoo_localization.comparison import Arm, Protocol, tune_arm
from zoo_localization.empirical import EmpiricalLocalization
from zoo_localization.evaluators.pairs import fitted_sums, read_pairs
from zoo_localization.extras import numba_is_there
from zoo_localization.localization import taper_of
from zoo_localization.model_localization import as_localization
from zoo_localization.nice import nice_gain, nice_taper
from zoo_localization.observations import ObservationOperator
from zoo_localization.tapers import static_vector
from zoo_localization.tuning import Search
from zoo_localization.twin import Filter, Update
from zoo_localization.twin_experiment import run_twin_experiments

FloatArray = NDArray[np.float64]
NAMES = ("none", "gaspari_cohn", "elf", "lrlf", "nice", "curve", "model", "large_ensemble")
# These take the gain of all observations, or many members, and are tried with one update alone.
_MATRIX_ONLY = ("model", "large_ensemble")
_CHALLENGERS = ("curve", "model", "large_ensemble")


@dataclass(frozen=True)
class Ingredients:
    """What arms are made of.

    Args:
        model: As `as_localization` takes it, or `None`.
        data: What a dataset gives.
        curve: The curve of the arm `"curve"`, or `None`.
        large_members: Members of the large ensemble.
        rolled: Whether the model wants rolled gains.
    """

    model: Any
    data: dict[str, Any]
    curve: Any
    large_members: int
    rolled: bool

    def __post_init__(self) -> None:
        """Check the number, with its name in the message."""
        check_count("large_members", self.large_members, 2)

    def lack(self, name: str) -> str | None:
        """Say what an arm lacks; `None` if nothing."""
        if name == "model" and self.model is None:
            return "a model, and there is none"
        if name == "curve" and self.curve is None:
            return "curve_path, the file with the curve"
        if name == "lrlf" and "train" not in self.data:
            return 'the gain pairs of a "train" split to be fitted on, and the data have none'
        return None


def asked_arms(
    arms: Sequence[str] | None, updates: Sequence[Update], given: Ingredients
) -> list[tuple[str, Update]]:
    """Return the arms to compare, with the update of each.

    Args:
        arms: Their names; `None` for all that can be made, but the large ensemble.
        updates: The updates to try them with.
        given: What there is to make them of.

    Returns:
        Names and updates, in the order of the arms.

    Raises:
        ValueError: If there is no such arm or update, or an arm lacks what it is made of.
    """
    if arms is None:
        arms = [name for name in NAMES[:-1] if given.lack(name) is None]
    for what, values, known in (("arms", arms, NAMES), ("updates", updates, get_args(Update))):
        unknown = [value for value in values if value not in known]
        if unknown or not values or isinstance(values, str):
            raise ValueError(f"{what} must be some of {', '.join(known)}, got {values!r}.")
    for name in arms:
        lacking = given.lack(name)
        if lacking is not None:
            raise ValueError(f"the arm {name!r} needs {lacking}. Give it, or leave it out of arms.")
    tried: list[tuple[str, Update]] = []
    for name in dict.fromkeys(arms):
        chosen: Sequence[Update] = ("matrix",) if name in _MATRIX_ONLY else updates
        tried += [(name, update) for update in dict.fromkeys(chosen)]
    return tried


def filter_cycles(asked: Sequence[tuple[str, Update]], protocol: Protocol) -> list[int]:
    """Return how many cycles of a filter each arm takes, tuned and reported.

    Args:
        asked: The arms, in the order in which it is their turn.
        protocol: The truths, and what is tried.
    """
    once, reported = (len(r.seeds) * r.cycles for r in (protocol.tuning, protocol.reported))
    tuned: set[tuple[str, Update]] = set()
    counts = []
    for name, update in asked:
        # A learned curve takes its teacher's tuning, unless that was done, and a run to learn from.
        needed = [(name, update), *([("gaspari_cohn", update)] if name == "elf" else [])]
        settings = sum(
            len(protocol.inflations) * (len(protocol.cutoffs) if each == "gaspari_cohn" else 1)
            for each, of in needed
            if (each, of) not in tuned
        )
        tuned.update(needed)
        counts.append((settings + (name == "elf")) * once + reported)
    return counts


class Workshop:
    """Makes arms, and tunes them.

    Args:
        protocol: The truths, and what to try.
        members: Members of an ensemble.
        given: What arms are made of.
        curves: Curves that are there already, by arm.

    Attributes:
        curves: These and those that were learned.
        advance: Called after every cycle with the number of filters.
    """

    def __init__(
        self,
        protocol: Protocol,
        members: int,
        given: Ingredients,
        curves: dict[str, FloatArray],
    ) -> None:
        self.protocol, self.members, self.given = protocol, members, given
        self.curves = dict(curves)
        self.advance: Callable[[int], None] = lambda _: None
        self._found: dict[str, Search] = {}

    def arm(self, name: str, update: Update) -> Arm:
        """Make an arm.

        Raises:
            ValueError: If what it is made of does not fit the twin experiment.
        """
        label = f"{name}_{update}"
        is_large = name == "large_ensemble"
        makers = {"elf": self._elf, "nice": _nice, "model": self._model}
        curve = {"localization": self.curves[name]} if name in self.curves else {}
        localization = makers[name](update) if name in makers else curve
        return Arm(
            label,
            Filter(update=update, compiled=numba_is_there(), **localization),
            self.given.large_members if is_large else self.members,
            has_cutoff=name == "gaspari_cohn",
            is_baseline=name not in _CHALLENGERS,
        )

    def tuned(self, arm: Arm) -> Search:
        """Tune an arm, once."""
        if arm.name not in self._found:
            self._found[arm.name] = tune_arm(arm, self.protocol, self.advance)
        return self._found[arm.name]

    def _elf(self, update: Update) -> dict[str, Any]:
        """Learn a curve from what Gaspari-Cohn's filter does on the tuning seeds."""
        teacher = self.tuned(self.arm("gaspari_cohn", update)).best
        if teacher is None:
            # Without a filter that works there is nothing to learn from, and nothing to try.
            self._found[f"elf_{update}"] = Search(None, {})
            return {}
        runs = self.protocol.tuning
        found = EmpiricalLocalization(runs.twin.operator, runs.twin.checked_error)
        run_twin_experiments(
            runs,
            teacher.filter,
            self.members,
            spin_up=self.protocol.spin_up,
            watch=found.watch,
            advance=self.advance,
        )
        self.curves[f"elf_{update}"] = found.curve()
        return {"localization": self.curves[f"elf_{update}"]}

    def _model(self, _update: Update) -> dict[str, Any]:
        dens = self.protocol.tuning.twin.operator.obs_dens
        return {
            "localization": as_localization(
                self.given.model, obs_dens=dens, rolled=self.given.rolled
            )
        }


def _nice(update: Update) -> dict[str, Any]:
    if update == "matrix":
        return {"gain_of_ensemble": nice_gain}
    return {"taper_of_ensemble": nice_taper}


def read_curve(path: Any) -> Any:
    """Read a curve; one that is there already, or `None`, is returned as it is.

    Raises:
        ValueError: If the file holds none.
    """
    if not isinstance(path, str):
        return path
    try:
        return np.asarray(np.load(path, allow_pickle=False), dtype=np.float64).squeeze()
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(
            f"curve_path={path!r} is no .npy file with one array of numbers: {error}"
        ) from error


def fixed_curves(
    asked: Sequence[tuple[str, Update]], given: Ingredients, operator: ObservationOperator
) -> dict[str, FloatArray]:
    """Return the curves that need no twin experiment: that of a file, and the regression.

    Args:
        asked: The arms.
        given: What they are made of.
        operator: H.

    Returns:
        The curves of the arms `"curve"` and `"lrlf"`, as far as they are asked.

    Raises:
        ValueError: If one does not fit the operator.
    """
    names, curves = {name for name, _ in asked}, {}
    if "curve" in names:
        curves["curve"] = np.asarray(given.curve, dtype=np.float64)
        taper_of(curves["curve"], operator)
    if "lrlf" in names:
        pairs = read_pairs(given.data, "train", "kg_raw", "assimilation")
        square, product, _ = fitted_sums(pairs, operator.obs_dens, rolled=given.rolled)
        if square.size != operator.model_size:
            raise ValueError(
                f"the training pairs are of model_size={square.size}, and the twin experiment has "
                f"model_size={operator.model_size}. Change twin, or leave 'lrlf' out of arms."
            )
        curves["lrlf"] = static_vector(square, product, half=True)
    return curves
