"""What a plugin registers: components, their kinds and their names."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

KINDS = (
    "layers",
    "losses",
    "metrics",
    "optimizers",
    "callbacks",
    "datasets",
    "loops",
    "evaluators",
)
"""The kinds that a config names in its own tables."""

ARGUMENT_KINDS = ("initializers", "regularizers", "constraints", "activations", "schedules")
"""The kinds that stand in the arguments of other components only."""

MODELS = "models"
"""The kind under which a plugin ships model configs."""

SHAPES = "shapes"
"""The kind under which a plugin offers the shape rules of its layers."""

_KIND_OF_ARGUMENT = (
    (re.compile(r"(?:.*_)?initializer"), "initializers"),
    (re.compile(r"(?:.*_)?regularizer"), "regularizers"),
    (re.compile(r"(?:.*_)?constraint"), "constraints"),
    (re.compile(r"(?:.*_)?activation"), "activations"),
    (re.compile(r"learning_rate"), "schedules"),
    (re.compile(r"inner_optimizer"), "optimizers"),
    (re.compile(r"layers?|cells?|forward_layer|backward_layer"), "layers"),
)


_PATH_ARGUMENT = re.compile(
    r"(?:.*_)?(?:path|paths|file|files|filename|filepath|folder|directory|dir|vocabulary)"
)


_LONGEST_WORD = 100
_MOST_LISTED = 12
_ALIKE = 0.62


@dataclass(frozen=True, slots=True)
class Component:
    """One row of the catalog.

    Attributes:
        kind: One of `KINDS`, `ARGUMENT_KINDS` or `models`.
        name: The name it is registered under.
        distribution: The distribution that registers it.
        version: That distribution's version.
        target: Where it is, as `module:object`.
        status: `"conflict"` if another distribution has the same name, `"broken"` if it cannot
            be loaded.
        reason: Why it is not ok.
    """

    kind: str
    name: str
    distribution: str
    version: str
    target: str
    status: Literal["ok", "conflict", "broken"] = "ok"
    reason: str = ""

    @property
    def qualified(self) -> str:
        """The name that stays unambiguous whatever else is installed."""
        return f"{self.distribution}/{self.name}"

    def to_json(self) -> dict[str, Any]:
        """Gives the row as the command line's JSON has it."""
        return asdict(self)


def singular(kind: str) -> str:
    """Gives the word for one component of a kind: `losses` to `loss`."""
    return kind.removesuffix("es" if kind == "losses" else "s")


def kind_of_argument(name: str) -> str | None:
    """Tells which kind of component an argument takes, where its name says so.

    Keras names such arguments alike everywhere: `kernel_initializer`, `bias_regularizer`.
    """
    return next((kind for pattern, kind in _KIND_OF_ARGUMENT if pattern.fullmatch(name)), None)


def paths_in(argument: str, value: Any) -> list[str]:
    """Lists the paths that an argument's value holds.

    An argument is a path if its name says so: `path`, `log_dir`, `filename`, `vocabulary` (which
    may be the list of words itself instead).
    """
    if not _PATH_ARGUMENT.fullmatch(argument):
        return []
    if isinstance(value, list) and argument != "vocabulary":
        return [item for item in value if isinstance(item, str)]
    return [value] if isinstance(value, str) else []


def normalized(distribution: str) -> str:
    """Gives a distribution's name in the one spelling that is compared."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def snake_case(name: str) -> str:
    """Spells a name as Keras spells its automatic ones: `EarlyStopping` to `early_stopping`."""
    name = re.sub(r"\W+", "_", name.rpartition("/")[2])
    name = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def closest(word: str, candidates: Iterable[str]) -> str | None:
    """Finds the candidate that a misspelt word probably means."""
    if len(word) > _LONGEST_WORD:
        return None
    by_folded: dict[str, list[str]] = {}
    for candidate in candidates:
        by_folded.setdefault(candidate.casefold(), []).append(candidate)
    folded = word.casefold()
    if folded in by_folded:
        return _spelt_alike(word, by_folded[folded])
    # In a short word, two exchanged letters are much of it.
    same_letters = (other for other in by_folded if sorted(other) == sorted(folded))
    match = next(same_letters, None) if len(folded) > 2 else None
    if match is None:
        match = next(iter(difflib.get_close_matches(folded, by_folded, n=1, cutoff=_ALIKE)), None)
    return None if match is None else _spelt_alike(word, by_folded[match])


def _spelt_alike(word: str, candidates: list[str]) -> str:
    """Picks of several that differ in letter case alone, as `Adam` and `adam`, the likelier one."""
    return max(candidates, key=lambda other: sum(map(str.__eq__, word, other)))


def listed(names: Iterable[str]) -> str:
    """Lists the first of some names."""
    first = list(names)
    more = ", ..." if len(first) > _MOST_LISTED else ""
    return ", ".join(first[:_MOST_LISTED]) + more


def did_you_mean(word: str, candidates: Iterable[str], otherwise: str | None = None) -> str | None:
    """Words the suggestion for a misspelt word."""
    match = closest(word, candidates)
    return f'did you mean "{match}"?' if match else otherwise
