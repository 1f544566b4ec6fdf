"""What two configs, runs or versions are, side by side."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.files import read_bytes
from zoo.registry.places import place_of
from zoo.registry.tensors import Tensors
from zoo.registry.verification import checked_config, read_weights
from zoo.resolve.document import resolved_document
from zoo.runs import RUN_FILE, open_run
from zoo.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Side:
    """One of what is compared.

    Attributes:
        label: What the user called it, or its full version.
        kind: `config`, `run` or `version`.
        document: The resolved config.
        metrics: What the training reached; empty for a config.
        fingerprint: The fingerprint of its graph; None for a config.
        weights: Reads its weights by path; None for a config, and where they are not here.
    """

    label: str
    kind: str
    document: Mapping[str, Any]
    metrics: Mapping[str, float] = field(default_factory=dict)
    fingerprint: str | None = None
    weights: Callable[[], Tensors] | None = None

    def same_graph(self, other: "Side") -> bool | None:
        """Tells whether weights of one fit the other; None where that is not known."""
        if self.fingerprint is None or other.fingerprint is None:
            return None
        return self.fingerprint == other.fingerprint

    def same_weights(self, other: "Side") -> bool | None:
        """Tells whether both have the same weights, bit for bit; None where that is not known."""
        if self.weights is None or other.weights is None:
            return None
        if self.same_graph(other) is False:
            return False
        one, two = self.weights(), other.weights()
        return one.keys() == two.keys() and all(_same(one[path], two[path]) for path in one)


def side(text: str, workspace: Workspace) -> Side:
    """Finds what a user names: a run's folder, a `name@version`, or else a config.

    Args:
        text: What the user wrote.
        workspace: Where it is looked for.

    Raises:
        ConfigError: If it is a config with errors.
        RegistryError: If it is a version that is not there, or is damaged.
        StorageError: If its file cannot be read.
    """
    if Path(text, RUN_FILE).is_file():
        run = open_run(text)
        document = _toml(run.config_path)
        weights = run.weights if run.checkpoint_path.exists() else None
        fingerprint = run.facts.get("fingerprint")
        return Side(text, "run", document, run.last_epoch(), fingerprint, weights)
    if "@" in text and not Path(text).exists():
        registry = workspace.known_registry
        entry = registry.find(text)
        document = _toml(checked_config(registry, entry))
        is_here = place_of(registry, entry.file, entry.sha256).exists()
        weights = (lambda: read_weights(registry, entry).tensors) if is_here else None
        known = (entry.metrics, entry.fingerprint, weights)
        return Side(entry.reference, "version", document, *known)
    return Side(text, "config", resolved_document(workspace.check(text).usable))


def _same(one: Any, other: Any) -> bool:
    alike = one.dtype == other.dtype and one.shape == other.shape
    return bool(alike and one.tobytes() == other.tobytes())


def _toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(read_bytes(path).decode())
