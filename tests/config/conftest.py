"""What the tests of configs share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from zoo.config.compose import Source, compose
from zoo.errors import ConfigError, Finding, RegistryError


@pytest.fixture
def composed(write_config: Callable[..., Path]) -> Callable[..., dict[str, Any]]:
    """Composes a TOML text in a zoo without models."""

    def document(text: str, overrides: dict[str, Any] | None = None) -> dict[str, Any]:
        path = write_config(text)
        composed = compose(Source(path, path.parent), overrides or {}, _no_model)
        if composed.findings:
            raise ConfigError.of(composed.findings)
        return composed.document

    return document


@pytest.fixture
def refused(composed: Callable[..., dict[str, Any]]) -> Callable[..., Finding]:
    """Gives the one thing that composing a text finds wrong."""

    def finding(text: str, overrides: dict[str, Any] | None = None) -> Finding:
        with pytest.raises(ConfigError) as info:
            composed(text, overrides)
        (finding,) = info.value.findings
        return finding

    return finding


def _no_model(name: str) -> Source:
    raise RegistryError(f"there is no model {name!r}", "unknown-model")
