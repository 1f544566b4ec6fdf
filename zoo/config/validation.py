"""A document's form checked against the schema, every error as a finding."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from zoo.components import did_you_mean
from zoo.config.names import Keys, Place, implied_names
from zoo.config.schema import MODEL_NAME, InputTable, ModelConfig, SweepTable, TrainTable
from zoo.errors import Finding, as_written

_OWN_TYPES = ("wrong-type", "bad-value")
_UNION_BRANCHES = ("str", "list[str]", "dict[str,any]")
_WANTED = {
    **dict.fromkeys(("int_type", "int_from_float"), "an integer"),
    "float_type": "a number",
    "string_type": "a string",
    "bool_type": "true or false",
    "list_type": "a list",
    **dict.fromkeys(("dict_type", "model_type"), "a table"),
    "greater_than_equal": "an integer of at least {ge}",
    "less_than": "an integer below {lt:,}",
    "too_short": "a list of at least {min_length}",
    "too_long": "a list of at most {max_length:,}",
}
"""What Pydantic finds missing, in our words."""

_NAME_RULE = "a-z, A-Z, 0-9, `_`, `.` and `-`, at most 64 of them, the first no `.` or `-`"
_MODEL_NAME_RULE = "a-z, 0-9, `.`, `_` and `-`, at most 64 of them, the first a letter or digit"
_HINTS = {
    "zoo": "write: zoo = 1",
    "name": 'write: name = "my-model"',
    "inputs": "write [[inputs]] with `name` and `shape`",
    "layers": "write [[layers]] with `type`",
    ".type": "name a component; `zoo list` shows all",
    ".name": 'write: name = "x"',
    ".shape": "write: shape = [8], without the batch axis",
}
"""What to write where one of these is missing."""

_ELSEWHERE = {
    "train.class_weight": "weigh each sample instead: an array sample_weight in the data",
    "train.validation_split": "`validation_split` is an argument of [data]",
}
"""What to write for an argument of Keras's `fit` that is no key here."""

TOP_LEVEL_KEYS = (*ModelConfig.model_fields, "extends", "vars", "unset")
"""The keys of a config itself."""

BY_OUTPUT = ("losses", "loss_weights")
"""The tables whose keys are the names of outputs."""


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
        details = error.errors(include_url=False)
        nodes = _node_names(document)
        return None, [_finding(detail, keys, file, nodes) for detail in details]


def place_of(detail: Any) -> Place:
    """Gives the place that an error of Pydantic's is about."""
    return tuple(part for part in detail["loc"] if part not in _UNION_BRANCHES)


def _node_names(document: Mapping[str, Any]) -> set[str]:
    tables = [document.get(place) for place in ("inputs", "layers")]
    return {name for items in tables if isinstance(items, list) for name in implied_names(items)}


def _finding(detail: Any, keys: Keys, file: str | None, nodes: set[str]) -> Finding:
    place = place_of(detail)
    key, kind = keys.of(place), detail["type"]
    if kind == "missing":
        # A layer may have `type` or `shared_with`, so its whole table is what lacks one.
        key = key if place and isinstance(place[-1], str) else f"{key}.type"
        message = f"`{key.rpartition('.')[2]}` is missing in {_table(key)}"
        hint = _HINTS.get(key) or _HINTS.get(f".{key.rpartition('.')[2]}")
        if key == "loss.type" and nodes & set(detail["input"]):
            hint = "losses by output stand in [losses]"
        return Finding("missing-key", message, file, key=key, suggestion=hint)
    if kind == "extra_forbidden":
        known, last = _keys_of(place), str(place[-1])
        otherwise = f"known here: {', '.join(known)}"
        of_the_config = len(place) > 1 and last in TOP_LEVEL_KEYS
        suggestion = stands_above(last) if of_the_config else did_you_mean(last, known, otherwise)
        suggestion = _ELSEWHERE.get(key, suggestion)
        message = f"unknown key `{last}` in {_table(key)}"
        return Finding("unknown-key", message, file, key=key, suggestion=suggestion)
    if kind == "two_losses":
        return Finding("bad-value", detail["msg"], file, key="losses")
    message = f"{key}{_wrong(detail)}{_received(kind, detail['input'])}"
    hint = _hint(detail, key, place, nodes)
    return Finding(_code(kind), message, file, key=key, suggestion=hint)


def _hint(detail: Any, key: str, place: Place, nodes: set[str]) -> str | None:
    if detail["type"] == "list_type" and isinstance(detail["input"], dict):
        return f"write [[{key}]]"
    if len(place) == 2 and place[0] in BY_OUTPUT and place[1] in {*TOP_LEVEL_KEYS} - nodes:
        return stands_above(str(place[1]))
    hint: str | None = detail.get("ctx", {}).get("hint")
    return hint


def _wrong(detail: Any) -> str:
    kind = detail["type"]
    if kind == "string_pattern_mismatch":
        of_a_model = detail["ctx"]["pattern"] == MODEL_NAME
        return f" takes {_MODEL_NAME_RULE if of_a_model else _NAME_RULE}"
    wanted = _WANTED.get(kind, "").format(**detail.get("ctx", {}))
    return f" takes {wanted}" if wanted else f": {detail['msg']}"


def stands_above(key: str) -> str:
    """Says what to do about a key of the whole config that stands in one of its tables."""
    return f"`{key}` is a key of the whole config: write it above the first [table]"


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
    tables: dict[str, type[BaseModel]] = {
        "inputs": InputTable,
        "sweep": SweepTable,
        "train": TrainTable,
    }
    table = tables.get(head, ModelConfig)
    return list(TOP_LEVEL_KEYS if table is ModelConfig else table.model_fields)
