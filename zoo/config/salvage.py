"""What can still be looked at in a config whose form is wrong, so that one error hides no other."""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from zoo.config.names import Keys, Place
from zoo.config.schema import ModelConfig
from zoo.config.validation import place_of
from zoo.errors import Finding

_ROUNDS = 8
_STAND_INS: dict[str, Any] = {"zoo": 1, "name": "nameless", "inputs": [{"name": "x", "shape": []}]}
_GRAPH_KEYS = ("name", "type", "inputs", "shared_with")
_ABOUT_THE_GRAPH = {
    "unknown-node",
    "duplicate-name",
    "cycle",
    "unreachable-node",
    "missing-key",
    "unbound-need",
    "shape-mismatch",
    "too-large",
}
ABOUT_SHAPES = {"shape-mismatch", "too-large"}
"""The codes of findings that follow from every layer and input before."""

_ABOUT_THE_WHOLE_TABLE = {"missing-argument", "unbound-need"}
_DEPTHS = {
    "inputs": 2,
    "layers": 2,
    "metrics": 2,
    "evaluate": 2,
    "losses": 2,
    "train.callbacks": 3,
    "train.loop": 2,
    "loss": 1,
    "optimizer": 1,
    "data": 1,
}
"""How many parts of a place lead to the table of one item or component."""


@dataclass(frozen=True, slots=True)
class Known:
    """A config, or what is left of one.

    Attributes:
        config: The config.
        whole: Whether its graph is all there.
        spoilt: The keys of the tables that something was taken out of.
    """

    config: ModelConfig
    whole: bool = True
    spoilt: tuple[str, ...] = ()

    def sure(self, findings: Iterable[Finding]) -> list[Finding]:
        """Leaves out what is only found because something was taken out."""
        return [
            finding
            for finding in findings
            if (self.whole or finding.code not in _ABOUT_THE_GRAPH)
            and not (finding.code in _ABOUT_THE_WHOLE_TABLE and self._is_spoilt(finding))
            and not (finding.code in ABOUT_SHAPES and self._has_other_shapes())
        ]

    def _has_other_shapes(self) -> bool:
        return not self.whole or any(key.startswith(("layers", "inputs")) for key in self.spoilt)

    def _is_spoilt(self, finding: Finding) -> bool:
        return any(f"{finding.key}.".startswith(f"{key}.") for key in self.spoilt)


def known_part(document: Mapping[str, Any]) -> Known | None:
    """Takes out of a document what is wrong with its form.

    Returns:
        None where nothing is left to look at.
    """
    rest = copy.deepcopy(dict(document))
    whole = True
    spoilt: list[str] = []
    for _ in range(_ROUNDS):
        try:
            return Known(ModelConfig.model_validate(rest), whole, tuple(spoilt))
        except ValidationError as error:
            keys = Keys(rest)
            # From the end, so that the numbers of the items before stay what they are.
            details = {place_of(d): d["type"] for d in error.errors(include_url=False)}
            for place in sorted(details, reverse=True, key=_comparable):
                unknown = details[place] == "extra_forbidden"
                whole = whole and (unknown or not _is_of_the_graph(place))
                if not unknown:
                    spoilt.append(keys.of(place[: _depth(place)]))
                _take_out(rest, place, missing=details[place] == "missing")
    return None


def _comparable(place: Place) -> list[tuple[bool, int | str]]:
    return [(isinstance(part, str), part) for part in place]


def _is_of_the_graph(place: Place) -> bool:
    if place[:1] == ("layers",):
        return len(place) <= 2 or place[2] in _GRAPH_KEYS
    return place[:1] in (("inputs",), ("outputs",))


def _depth(place: Place) -> int:
    head = ".".join(str(part) for part in place[:2])
    return min(_DEPTHS.get(head, _DEPTHS.get(str(place[0]) if place else "", 0)), len(place))


def _take_out(rest: dict[str, Any], place: Place, *, missing: bool) -> None:
    if not place:
        rest.pop("losses", None)  # the loss was said in two ways
        return
    if missing and len(place) == 1 and place[0] in _STAND_INS:
        rest[str(place[0])] = copy.deepcopy(_STAND_INS[str(place[0])])
        return
    # What lacks something goes as a whole.
    place = place[: max(_depth(place), 1)] if missing else place
    holder: Any = rest
    for index, part in enumerate(place):
        try:
            value = holder[part]
        except (KeyError, IndexError, TypeError):
            return
        if index + 1 == len(place) or not isinstance(value, dict | list):
            del holder[part]
            return
        holder = value
