"""A version's life once it is published: stable, deprecated, yanked, and back."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from zoo.errors import Finding, RegistryError, ZooError
from zoo.registry.document import Registry, WeightsEntry
from zoo.registry.editing import editing
from zoo.registry.versions import split_reference

Withdrawn = Literal["deprecated", "yanked"]


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one version.

    Attributes:
        reference: `name@version`.
        before: Its status before.
        after: Its status now.
    """

    reference: str
    before: str
    after: str


def set_status(
    root: Path, references: Sequence[str], status: Withdrawn, *, undo: bool = False
) -> list[Change]:
    """Withdraws versions, or makes them stable again; all of them or none.

    The published files are left alone. A version that is yanked is not made a deprecated one.

    Args:
        root: The zoo root.
        references: `name@version`, each a full one.
        status: What they become, or with `undo` what they are no longer.
        undo: Whether they become stable again; those of another status stay as they are.

    Raises:
        RegistryError: `unknown-model` or `unknown-version`, of every one; or the registry is
            damaged.
        StorageError: If it cannot be written.
    """
    with editing(root) as edit:
        changes: list[Change] = []
        for entry in _entries(edit.registry, list(dict.fromkeys(references))):
            if undo:
                after = "stable" if entry.status == status else entry.status
            else:
                after = "yanked" if entry.status == "yanked" else status
            changes.append(Change(entry.reference, entry.status, after))
            if after != entry.status:
                edit.change(entry, "status", after)
        if any(change.before != change.after for change in changes):
            edit.save()
    return changes


def _entries(registry: Registry, references: list[str]) -> list[WeightsEntry]:
    found: list[WeightsEntry] = []
    wrong: list[Finding] = []
    for reference in references:
        try:
            found.append(_entry(registry, reference))
        except ZooError as error:
            wrong.extend(error.findings)
    if wrong:
        raise RegistryError.of(wrong)
    return found


def _entry(registry: Registry, reference: str) -> WeightsEntry:
    name, number = split_reference(reference)
    versions = registry.versions(name)
    for entry in versions:
        if entry.version == number:
            return entry
    if not versions:
        registry.find(name)  # says what is wrong with the name
    there = ", ".join(entry.reference for entry in versions)
    if number is None or number.count(".") < 2:
        message = f"{reference!r} is not one version: this takes its full number"
    else:
        message = f"{name} has no version {number}"
    raise RegistryError(message, "unknown-version", suggestion=f"there is {there}")
