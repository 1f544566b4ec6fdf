"""Versions brought here from a store: the files, and the entries that the registry lacks."""

from collections.abc import Sequence
from dataclasses import dataclass

from zoo.errors import RegistryError, StorageError
from zoo.registry.document import ModelEntry, Registry, WeightsEntry
from zoo.registry.editing import editing
from zoo.registry.places import is_here
from zoo.registry.root import WEIGHTS_FOLDER
from zoo.registry.versions import Version, split_reference
from zoo.store.fetching import fetch
from zoo.store.objects import Store
from zoo.store.progress import Transfers
from zoo.store.records import listed_versions, read_record, refuse_another


@dataclass(frozen=True, slots=True)
class Pulled:
    """What was done for one version.

    Attributes:
        reference: The version.
        size: The bytes that were fetched.
        new: Whether its entry was added to the registry.
    """

    reference: str
    size: int
    new: bool


def pull(
    registry: Registry, references: Sequence[str], store: Store, shown: Transfers
) -> list[Pulled]:
    """Fetches the files of versions that are not here.

    Without references these are the versions that the registry lists. What a reference names
    is looked up in the store too, and entries that the registry lacks are added to it, once
    their files are here.

    Raises:
        RegistryError: If nothing is called so, or the store has another version under the same
            number, or another content.
        StorageError: If the store cannot be reached or lacks a file, or it cannot be written.
    """
    if not references:
        return [_pulled(registry, entry, store, shown) for entry in registry.weights]
    done: dict[str, Pulled] = {}
    for reference in references:
        for entry, model in _meant(registry, reference, store):
            done[entry.reference] = _pulled(registry, entry, store, shown, model)
    return list(done.values())


def _pulled(
    registry: Registry,
    entry: WeightsEntry,
    store: Store,
    shown: Transfers,
    model: ModelEntry | None = None,
) -> Pulled:
    size = fetch(registry, entry, store, shown)
    if model is not None:
        _add(registry, entry, model)
    return Pulled(entry.reference, size, model is not None)


def _meant(
    registry: Registry, reference: str, store: Store
) -> list[tuple[WeightsEntry, ModelEntry | None]]:
    """Finds what a reference means here and in the store; a model stands beside what is new."""
    name, prefix = split_reference(reference)
    ours = {entry.version: entry for entry in registry.versions(name)}
    numbers = [prefix] if prefix and prefix.count(".") == 2 else listed_versions(store, name)
    meant: list[tuple[WeightsEntry, ModelEntry | None]] = [
        (entry, None) for entry in ours.values() if entry.number.matches(prefix)
    ]
    for number in numbers:
        if not Version.parse(number).matches(prefix):
            continue
        record = read_record(store, f"{name}@{number}")
        if record is None:
            continue
        model, entry = record
        if number in ours:
            refuse_another(ours[number], entry, store.url)
        else:
            meant.append((_in_its_place(entry), model))
    return meant or [(registry.find(reference), None)]


def _in_its_place(entry: WeightsEntry) -> WeightsEntry:
    # A store may be filled by anybody who may write there: it does not choose where files go.
    place = f"{WEIGHTS_FOLDER}/{entry.name}/{entry.version}"
    if (entry.file, entry.config) != (f"{place}.safetensors", f"{place}.toml"):
        raise RegistryError(
            f"{entry.reference}: the store's entry puts its files at {entry.file}, {entry.config}",
            "unsafe-path",
            suggestion=f"only {place}.safetensors and {place}.toml are accepted",
        )
    return entry


def _add(registry: Registry, entry: WeightsEntry, model: ModelEntry) -> None:
    with editing(registry.root) as edit:
        there = [e for e in edit.registry.versions(entry.name) if e.version == entry.version]
        if there:  # added by another process meanwhile
            refuse_another(there[0], entry, registry.store or "")
            return
        if not is_here(registry, entry):
            raise StorageError(
                f"the files of {entry.reference} were removed while they were fetched",
                suggestion=f"run it again: zoo pull {entry.reference}",
            )
        if edit.registry.model(entry.name) is None:
            edit.append("models", model.model_dump())
        edit.append("weights", entry.model_dump())
        edit.save()
