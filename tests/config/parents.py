"""Texts of configs that extend another."""

from typing import Any

from zoo.config.names import implied_names


def child(text: str = "", extends: str = '"base.toml"') -> str:
    """A config that extends another."""
    return f"extends = {extends}\n{text}"


def names(document: dict[str, Any]) -> list[str]:
    """The names of the layers of a config, in order."""
    return implied_names(document["layers"])
