"""A document's form checked against the schema, every error as a finding."""

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from zoo.components import did_you_mean
from zoo.config.compose import NAMED_ARRAYS, implied_names
from zoo.config.schema import InputTable, ModelConfig, TrainTable
from zoo.errors import Finding

_OWN_TYPES = ("wrong-type", "bad-value")
_UNION_BRANCHES = ("str", "list[str]", "dict[str,any]")


def validated(
    document: Mapping[str, Any], file: str | None = None
) -> tuple[ModelConfig | None, list[Finding]]:
    """Checks the form of a composed document.

    Args:
        document: The document, after `extends`, `--set` and `[vars]`.
        file: What to call it in findings.

    Returns:
        The config, or None beside the findings that say why not.
    """
    version = document.get("zoo")
    if isinstance(version, int) and not isinstance(version, bool) and version != 1:
        newer = "update zoo" if version > 1 else "write zoo = 1"
        message = f"this zoo reads format 1; the config has zoo = {version}"
        return None, [Finding("bad-value", message, file, key="zoo", suggestion=newer)]
    try:
        return ModelConfig.model_validate(document), []
    except ValidationError as error:
        names = _Names(document)
        return None, [_finding(detail, names, file) for detail in error.errors(include_url=False)]


def known_part(document: Mapping[str, Any]) -> ModelConfig | None:
    """Gives the config without the keys that nothing knows, to look at the rest in the same pass.

    Returns:
        None where something else is wrong with the form too.
    """
    try:
        return ModelConfig.model_validate(document)
    except ValidationError as error:
        unknown = [
            detail["loc"] for detail in error.errors() if detail["type"] == "extra_forbidden"
        ]
        if len(unknown) < error.error_count():
            return None
        return known_part(_without(document, unknown))


def _without(
    document: Mapping[str, Any], unknown: Iterable[tuple[int | str, ...]]
) -> dict[str, Any]:
    rest = copy.deepcopy(dict(document))
    for place in unknown:
        holder: Any = rest
        for part in place[:-1]:
            holder = holder[part]
        del holder[place[-1]]
    return rest


class _Names:
    """Turns Pydantic's places into keys that say `layers.conv1`, not `layers[17]`."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._known: dict[str, list[str]] = {}

    def key(self, place: tuple[int | str, ...]) -> str:
        parts: list[str] = []
        for part in place:
            if isinstance(part, int):
                names = self._of(".".join(parts))
                parts.append(names[part] if part < len(names) else str(part))
            else:
                parts.append(part)
        return ".".join(parts)

    def _of(self, path: str) -> list[str]:
        if path not in self._known:
            value: Any = self._document
            for part in path.split("."):
                value = value.get(part) if isinstance(value, Mapping) else None
            listed = path in NAMED_ARRAYS and isinstance(value, list)
            self._known[path] = implied_names(value) if listed else []
        return self._known[path]


def _finding(detail: Any, names: _Names, file: str | None) -> Finding:
    place = tuple(part for part in detail["loc"] if part not in _UNION_BRANCHES)
    key, kind = names.key(place), detail["type"]
    if kind == "missing":
        # A layer may have `type` or `shared_with`, so its whole table is what lacks one.
        key = key if place and isinstance(place[-1], str) else f"{key}.type"
        message = f"`{key.rpartition('.')[2]}` is missing in {_table(key)}"
        return Finding("missing-key", message, file, key=key)
    if kind == "extra_forbidden":
        known, last = _keys_of(place), str(place[-1])
        suggestion = did_you_mean(last, known, f"known here: {', '.join(known)}")
        message = f"unknown key `{last}` in {_table(key)}"
        return Finding("unknown-key", message, file, key=key, suggestion=suggestion)
    message = f"{key or 'the config'}: {detail['msg']}{_received(kind, detail['input'])}"
    return Finding(_code(kind), message, file, key=key or None)


def _received(kind: str, value: Any) -> str:
    plain = isinstance(value, str | int | float) and kind not in _OWN_TYPES
    return f"; received {str(value)[:80]!r}" if plain else ""


def _code(kind: str) -> str:
    if kind in _OWN_TYPES:
        return kind
    if kind == "too_long":
        return "too-large"
    return "wrong-type" if kind.endswith("_type") or kind == "int_from_float" else "bad-value"


def _table(key: str) -> str:
    holder = key.rpartition(".")[0]
    return f"[{holder}]" if holder else "the config"


def _keys_of(place: tuple[int | str, ...]) -> list[str]:
    head = str(place[0]) if len(place) > 1 else ""
    tables: dict[str, type[BaseModel]] = {"inputs": InputTable, "train": TrainTable}
    table = tables.get(head, ModelConfig)
    composed = [] if head else ["extends", "vars", "unset"]
    return [*table.model_fields, *composed]
