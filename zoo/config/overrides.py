"""A document changed by dotted keys, as `--set` and `unset` do."""

from collections.abc import Iterable
from typing import Any

from zoo.components import did_you_mean, listed
from zoo.config.names import implied_names
from zoo.config.reader import parse_toml
from zoo.errors import ConfigError

SET = "--set"
"""Stands for the file of what the command line gave."""

Document = dict[str, Any]


def parse_overrides(texts: Iterable[str]) -> Document:
    """Reads `key.path=value` texts, each value in TOML syntax, as `--set` takes them.

    Raises:
        ConfigError: If a text is not of that form.
    """
    overrides = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(
                f"--set {text!r} is not of the form key.path=value",
                suggestion="for example --set layers.conv1.filters=64",
            )
        if key.partition(".")[0].strip() in ("extends", "unset"):
            raise ConfigError(f"--set does not change what a config extends: {text!r}", key=key)
        overrides[key.strip()] = _toml_value(key.strip(), value)
    return overrides


def _toml_value(key: str, text: str) -> Any:
    try:
        values = parse_toml(f"value = {text}")
    except ConfigError as error:
        values = {}
        if error.findings[0].code == "too-large":
            raise error.located(key=key) from None
    if set(values) != {"value"}:
        raise ConfigError(
            f"{text!r} is not a value in TOML syntax",
            "syntax",
            key=key,
            file=SET,
            suggestion=f"strings need quotes: --set '{key}=\"{text.strip()}\"'",
        )
    return values["value"]


def override(document: Document, key: str, value: Any) -> None:
    """Puts a value where a dotted key says; tables on the way are made.

    Raises:
        ConfigError: If nothing can stand there.
    """
    parts = key.split(".")
    if not all(parts):
        raise ConfigError(f"{key!r} is not a dotted key", suggestion="for example train.epochs")
    holder = _descend(document, parts[:-1], key, create=True)
    index = _index_in(holder, parts[-1], key) if isinstance(holder, list) else parts[-1]
    try:
        holder[index] = value
    except TypeError:
        raise ConfigError(f"{key}: nothing can be set there", "unknown-key", key=key) from None


def remove(document: Document, key: str) -> None:
    """Takes out what a dotted key stands for.

    Raises:
        ConfigError: If it stands for nothing.
    """
    parts = key.split(".")
    holder = _descend(document, parts[:-1], key)
    index = _index_in(holder, parts[-1], key)
    del holder[index]


def _descend(document: Document, parts: list[str], key: str, *, create: bool = False) -> Any:
    holder: Any = document
    for part in parts:
        if isinstance(holder, dict) and isinstance(holder.get(part), str) and create:
            holder[part] = {"type": holder[part]}
        if create and isinstance(holder, dict) and part not in holder:
            holder[part] = {}
        holder = holder[_index_in(holder, part, key)]
    return holder


def _index_in(holder: Any, part: str, key: str) -> Any:
    if isinstance(holder, dict):
        names = list(holder)
        if part in holder:
            return part
    elif isinstance(holder, list):
        # Numbers have no names: in [1, 3] the part "1" is a place.
        named = [isinstance(item, dict | str) for item in holder]
        names = [n if has else "" for n, has in zip(implied_names(holder), named, strict=True)]
        if part and part in names:
            return names.index(part)
        if part.isdecimal() and int(part) < len(holder):
            return int(part)
    else:
        names = []
    raise ConfigError(
        f"{key}: there is nothing called {part!r}",
        "unknown-node" if isinstance(holder, list) else "unknown-key",
        key=key,
        suggestion=did_you_mean(part, names, f"there is: {listed(names)}" if names else None),
    )
