"""What the tests of configs share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from zoo.config.compose import Source, compose
from zoo.errors import ConfigError, RegistryError


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


def _no_model(name: str) -> Source:
    raise RegistryError(f"there is no model {name!r}", "unknown-model")
