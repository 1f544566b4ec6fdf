"""What the tests of the registry share: something to publish, and a zoo with two versions."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.candidates import a_candidate
from zoo.registry.document import WeightsEntry
from zoo.registry.publishing import Candidate, publish

CANDIDATE = a_candidate(
    graph={"nodes": ["dense"]}, plugins={"zoo-diagnostics": "1.0"}, metrics={"val_loss": 0.5}
)


@pytest.fixture
def candidate() -> Candidate:
    return CANDIDATE


@pytest.fixture
def publish_tiny(zoo_root: Path) -> Callable[..., WeightsEntry]:
    """Publishes `tiny`, changed as told, into the zoo."""

    def run(version: str | None = None, **changes: Any) -> WeightsEntry:
        return publish(zoo_root, replace(CANDIDATE, **changes), version)

    return run


@pytest.fixture
def published(zoo_root: Path, publish_tiny: Callable[..., WeightsEntry]) -> Path:
    """A zoo with `tiny@1.0.0` and `tiny@1.1.0`."""
    publish_tiny()
    publish_tiny()
    return zoo_root
