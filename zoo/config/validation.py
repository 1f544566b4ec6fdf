"""A document's form checked against the schema, every error as a finding."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from zoo.components import did_you_mean
from zoo.config.names import Keys, Place
from zoo.config.schema import InputTable, ModelConfig, TrainTable
from zoo.errors import Finding, as_written

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
        keys = Keys(document)
        return None, [_finding(detail, keys, file) for detail in error.errors(include_url=False)]


def place_of(detail: Any) -> Place:
    """Gives the place that an error of Pydantic's is about."""
    return tuple(part for part in detail["loc"] if part not in _UNION_BRANCHES)


def _finding(detail: Any, keys: Keys, file: str | None) -> Finding:
    place = place_of(detail)
    key, kind = keys.of(place), detail["type"]
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
    return f"; received {as_written(value)}" if plain else ""


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
