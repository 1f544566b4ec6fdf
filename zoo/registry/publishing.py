"""From a trained model's arrays to a version in the registry: weights first, index second."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from zoo.digest import sha256
from zoo.errors import ConfigError, RegistryError
from zoo.files import write_atomically
from zoo.progress import progress
from zoo.registry.document import Registry, WeightsEntry
from zoo.registry.editing import editing
from zoo.registry.root import WEIGHTS_FOLDER
from zoo.registry.tensors import Tensors, encode, manifest_of
from zoo.registry.verification import WEIGHTS_FORMAT
from zoo.registry.versions import Version


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is to be published.

    Attributes:
        name: The model's name.
        description: Its description.
        source: Where its config comes from, as `[[models]]` says it; empty if that lies outside
            the zoo.
        config: The resolved config, as TOML.
        tensors: The weights by variable path.
        fingerprint: The fingerprint of the graph.
        graph: The canonical graph itself, by which a difference can be named.
        plugins: The version of each plugin that the model is made of.
        keras: The version of Keras.
        metrics: What the training reached.
        parent: The version that the training started from.
    """

    name: str
    description: str
    source: str
    config: str
    tensors: Tensors
    fingerprint: str
    graph: Mapping[str, Any]
    plugins: Mapping[str, str]
    keras: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    parent: str = ""


def publish(root: Path, candidate: Candidate, version: str | None = None) -> WeightsEntry:
    """Publishes a version.

    The major number grows when the graph's fingerprint differs from the newest version's,
    otherwise the minor one. A file that is there already but not listed was left by a publish
    that was killed, and is replaced; a listed one never is.

    Args:
        root: The zoo root.
        candidate: What to publish.
        version: The version to give it.

    Returns:
        The new entry.

    Raises:
        ConfigError: If the version asked for is not acceptable.
        RegistryError: If the registry is damaged.
        StorageError: If a file cannot be written.
    """
    with progress(f"publishing {candidate.name}"), editing(root) as edit:
        number = _number(edit.registry, candidate, version)
        folder = f"{WEIGHTS_FOLDER}/{candidate.name}"
        config = candidate.config.encode()
        weights = encode(
            candidate.tensors,
            {
                "format": WEIGHTS_FORMAT,
                "model": f"{candidate.name}@{number}",
                "fingerprint": candidate.fingerprint,
                "graph": json.dumps(candidate.graph),
                "manifest": json.dumps(manifest_of(candidate.tensors)),
            },
        )
        entry: dict[str, Any] = {
            "name": candidate.name,
            "version": str(number),
            "file": f"{folder}/{number}.safetensors",
            "sha256": sha256(weights),
            "size": len(weights),
            "fingerprint": candidate.fingerprint,
            "config": f"{folder}/{number}.toml",
            "config_sha256": sha256(config),
            "plugins": dict(candidate.plugins),
            "created": datetime.now(UTC).replace(microsecond=0),
            "keras": candidate.keras,
            "metrics": dict(candidate.metrics),
            "parent": candidate.parent,
            "status": "stable",
        }
        write_atomically(edit.registry.path(entry["file"]), weights)
        write_atomically(edit.registry.path(entry["config"]), config)
        if edit.registry.model(candidate.name) is None:
            model = {"name": candidate.name, "config": candidate.source or entry["config"]}
            edit.append("models", {**model, "description": candidate.description})
        edit.append("weights", entry)
        edit.save()
    return WeightsEntry.model_validate(entry)


def _number(registry: Registry, candidate: Candidate, asked: str | None) -> Version:
    versions = registry.versions(candidate.name)
    if asked is not None:
        try:
            number = Version.parse(asked)
        except ValueError as error:
            raise ConfigError(str(error), suggestion="for example --version 1.2.0") from None
        if number in [entry.number for entry in versions]:
            raise RegistryError(
                f"{candidate.name}@{number} is published already, and never changes",
                suggestion="leave --version out for the next free one",
            )
        return number
    if not versions:
        return Version(1, 0, 0)
    newest = versions[-1]
    same = newest.fingerprint == candidate.fingerprint
    return newest.number.next_minor() if same else newest.number.next_major()
