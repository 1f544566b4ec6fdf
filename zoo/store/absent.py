"""Versions whose files are not on this machine, though they may be in the store."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from zoo.errors import Finding, ZooError
from zoo.registry.document import Registry, WeightsEntry
from zoo.registry.places import is_here
from zoo.store.fetching import is_in
from zoo.store.objects import Store


@dataclass
class Whereabouts:
    """Where versions are.

    Attributes:
        here: Those to look at on this machine; all of them where the zoo has no store.
        in_the_store: Those that only the store has.
        problems: That neither has a version, or that the store cannot be asked.
    """

    here: list[WeightsEntry] = field(default_factory=list)
    in_the_store: list[WeightsEntry] = field(default_factory=list)
    problems: list[Finding] = field(default_factory=list)


def whereabouts(registry: Registry, entries: Iterable[WeightsEntry]) -> Whereabouts:
    """Finds out where versions are; the store is asked only for those that are not here."""
    found = Whereabouts()
    away: list[WeightsEntry] = []
    for entry in entries:
        is_away = registry.store is not None and not is_here(registry, entry)
        (away if is_away else found.here).append(entry)
    if registry.store is None or not away:
        return found
    try:
        store = Store(registry.store)
        for entry in away:
            if is_in(store, entry):
                found.in_the_store.append(entry)
            else:
                found.problems.append(_nowhere(entry, store.url))
    except ZooError as error:
        found.problems.extend(error.findings)
    return found


def _nowhere(entry: WeightsEntry, url: str) -> Finding:
    message = f"{entry.reference} is listed but neither here nor in {url}"
    hint = f"push it from a zoo that has it: zoo push {entry.reference}"
    return Finding("bad-registry", message, suggestion=hint)
