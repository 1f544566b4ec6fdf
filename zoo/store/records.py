"""The store's index: one small sealed registry for each version, which is put there last."""

from pathlib import Path
from typing import Any

from zoo.errors import RegistryError, ZooError
from zoo.registry.document import (
    MAX_BYTES,
    ModelEntry,
    Registry,
    WeightsEntry,
    parse_registry,
)
from zoo.registry.text import sealed, with_entry
from zoo.registry.versions import Version
from zoo.store.objects import Store

_SUFFIX = ".toml"


def object_key(digest: str) -> str:
    """Gives the key of a file with this content."""
    return f"objects/{digest}"


def record_key(reference: str) -> str:
    """Gives the key of the entry of `name@1.2.3`."""
    return f"versions/{reference.replace('@', '/')}{_SUFFIX}"


def record_of(registry: Registry, entry: WeightsEntry) -> bytes:
    """Writes the entry of a version, and of its model, as the store's index has it."""
    model = registry.model(entry.name) or ModelEntry(name=entry.name, config=entry.config)
    # A config of this zoo's own is not in the store; the resolved one of the version is.
    config = entry.config if model.config.endswith(".toml") else model.config
    text = with_entry("format = 1\n", "models", {**model.model_dump(), "config": config})
    text = with_entry(text, "weights", entry.model_dump())
    return sealed(text, record_key(entry.reference)).encode()


def read_record(store: Store, reference: str) -> tuple[ModelEntry, WeightsEntry] | None:
    """Reads the entry that the store has of `name@1.2.3`, if it has one.

    Raises:
        RegistryError: If it is damaged, or the entry of something else.
        StorageError: If the store cannot be reached.
    """
    key = record_key(reference)
    size = store.size(key)
    if size is None:
        return None
    data = b"".join(store.read(key, size)) if size <= MAX_BYTES else b""
    try:
        found = parse_registry(data, Path(store.url) / key)
        ((model,), (entry,)) = found.models, found.weights
    except (ZooError, ValueError) as error:
        raise _damaged(store, key, str(error).splitlines()[0]) from error
    if entry.reference != reference or model.name != entry.name:
        raise _damaged(store, key, f"it is the entry of {entry.reference}")
    return model, entry


def listed_versions(store: Store, name: str) -> list[str]:
    """Lists the versions of a model that the store has, oldest first."""
    folder = record_key(f"{name}@").removesuffix(_SUFFIX).rstrip("/")
    found = [text.removesuffix(_SUFFIX) for text in store.names(folder) if text.endswith(_SUFFIX)]
    return [str(number) for number in sorted(filter(None, map(_version, found)))]


def same_facts(one: WeightsEntry, other: WeightsEntry) -> bool:
    """Tells whether two entries say the same of a version; its status alone may change."""
    return _facts(one) == _facts(other)


def refuse_another(ours: WeightsEntry, theirs: WeightsEntry, url: str) -> None:
    """Raises an error if the store has other weights under the same version."""
    if not same_facts(ours, theirs):
        differing = [key for key, value in _facts(ours).items() if _facts(theirs)[key] != value]
        raise RegistryError(
            f"{url} has another {ours.reference}: they differ in {', '.join(differing)}",
            "hash-mismatch",
            suggestion="a version never changes: publish yours under another number",
        )


def _facts(entry: WeightsEntry) -> dict[str, Any]:
    return entry.model_dump(exclude={"status"})


def _version(text: str) -> Version | None:
    try:
        return Version.parse(text)
    except ValueError:
        return None


def _damaged(store: Store, key: str, why: str) -> RegistryError:
    return RegistryError(
        f"{store.url}/{key} is not the entry that was pushed: {why}",
        "hash-mismatch",
        suggestion="remove that object from the store, then push the version again",
    )
