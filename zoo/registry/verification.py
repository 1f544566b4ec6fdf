"""Whether what the registry lists is there, whole, and what it says it is."""

import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from zoo.components import normalized
from zoo.digest import sha256
from zoo.errors import Finding, RegistryError, ZooError
from zoo.files import read_bytes
from zoo.progress import progress
from zoo.registry.document import PluginRequirement, Registry, WeightsEntry
from zoo.registry.places import place_of
from zoo.registry.tensors import TensorFile, decode, manifest_of

WEIGHTS_FORMAT = "zoo-weights-1"


def read_weights(registry: Registry, entry: WeightsEntry) -> TensorFile:
    """Reads the weights of one version; the very bytes that are parsed are checked first.

    Raises:
        RegistryError: `hash-mismatch`, or if the file is not what the entry says.
        StorageError: If it cannot be read.
    """
    data = _listed_bytes(registry, entry, entry.file, entry.sha256)
    # Hashing takes as long as parsing and lets other threads run, so both go on at once. Where
    # the bytes are others, whatever else is wrong with them follows from that.
    with ThreadPoolExecutor(1) as pool:
        parsed = pool.submit(decode, data, f"{entry.reference} ({entry.file})")
        _refuse_other_bytes(entry, entry.file, sha256(data) == entry.sha256)
        content = parsed.result()
    if len(data) != entry.size:
        raise _wrong(entry, f"{entry.file} has {len(data):,} bytes, the registry {entry.size:,}")
    if content.metadata.get("format") != WEIGHTS_FORMAT:
        raise _wrong(entry, f"{entry.file} is not a weights file of the zoo")
    if sorted(_listed(content)) != sorted(manifest_of(content.tensors)):
        raise _wrong(entry, f"{entry.file} does not hold the arrays that its manifest lists")
    if content.metadata.get("fingerprint") != entry.fingerprint:
        raise _wrong(
            entry,
            f"{entry.file} was made by another graph than the registry says",
            "fingerprint-mismatch",
        )
    return content


def checked_config(registry: Registry, entry: WeightsEntry) -> Path:
    """Gives the resolved config of one version after checking its hash."""
    data = _listed_bytes(registry, entry, entry.config, entry.config_sha256)
    _refuse_other_bytes(entry, entry.config, sha256(data) == entry.config_sha256)
    return place_of(registry, entry.config, entry.config_sha256)


def verify(
    registry: Registry, entries: Iterable[WeightsEntry], installed: Mapping[str, str]
) -> list[Finding]:
    """Checks versions without Keras: files, hashes, manifests, and the plugins required.

    Args:
        registry: The registry.
        entries: The versions to check.
        installed: The version of each installed distribution.

    Returns:
        What is wrong; empty if all is well.
    """
    problems = [
        problem for requirement in registry.plugins for problem in _unmet(requirement, installed)
    ]
    listed = list(entries)
    with progress("verifying", sum(entry.size for entry in listed), of_bytes=True) as advance:
        for entry in listed:
            problems += _problems_of(registry, entry)
            advance(entry.size)
    return problems


def _problems_of(registry: Registry, entry: WeightsEntry) -> Iterator[Finding]:
    for check in (read_weights, checked_config):
        try:
            check(registry, entry)
        except ZooError as error:
            yield from error.findings


def missing_plugins(entry: WeightsEntry, installed: Mapping[str, str]) -> list[Finding]:
    """Finds the plugins that a version is made of and that are not installed."""
    return [
        Finding(
            "plugin-missing",
            f"{entry.reference} is made of {name}, which is not installed",
            suggestion=f"pip install '{name}=={version}'",
        )
        for name, version in entry.plugins.items()
        if normalized(name) not in installed
    ]


def _unmet(requirement: PluginRequirement, installed: Mapping[str, str]) -> Iterable[Finding]:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    version = installed.get(normalized(requirement.name))
    wanted = f"{requirement.name}{requirement.requires}"
    if version is None:
        yield Finding(
            "plugin-missing",
            f"the zoo requires {wanted}, which is not installed",
            suggestion=f"pip install '{wanted}'",
        )
        return
    try:
        fits = SpecifierSet(requirement.requires).contains(version, prereleases=True)
    except InvalidSpecifier:
        yield Finding(
            "bad-registry",
            f"{requirement.requires!r} is not a version requirement",
            key=f"plugins.{requirement.name}.requires",
            suggestion='write for example requires = ">=0.1"',
        )
        return
    if not fits:
        yield Finding(
            "plugin-missing",
            f"the zoo requires {wanted}; {version} is installed",
            suggestion=f"pip install --upgrade '{wanted}'",
        )


def _listed_bytes(registry: Registry, entry: WeightsEntry, file: str, digest: str) -> bytes:
    path = place_of(registry, file, digest)
    if not path.exists():
        raise _wrong(entry, f"{file} is listed but not there")
    return read_bytes(path)


def _refuse_other_bytes(entry: WeightsEntry, file: str, same: bool) -> None:
    if not same:
        raise _wrong(entry, f"{file} is not the file that was published", "hash-mismatch")


def _listed(content: TensorFile) -> list[list[Any]]:
    try:
        manifest = json.loads(content.metadata.get("manifest", "[]"))
        return [[str(path), list(shape), str(dtype)] for path, shape, dtype in manifest]
    except (ValueError, TypeError):
        return []


def _wrong(entry: WeightsEntry, what: str, code: str = "bad-registry") -> RegistryError:
    return RegistryError(
        f"{entry.reference}: {what}",
        code,
        suggestion="restore the file from version control or a copy, or train and publish anew",
    )
