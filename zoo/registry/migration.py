"""From an older format of `registry.toml` to today's, one step a format."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from zoo.digest import sha256
from zoo.errors import RegistryError, ZooError
from zoo.files import read_bytes, safe_path, write_atomically
from zoo.registry.damage import FORMAT, Damage
from zoo.registry.document import MAX_BYTES, Registry, parse_registry, parse_values
from zoo.registry.editing import locked
from zoo.registry.root import FILE_NAME
from zoo.registry.text import sealed, with_format, with_value
from zoo.registry.verification import verify


@dataclass(frozen=True, slots=True)
class Migration:
    """What a migration did.

    Attributes:
        before: The format that the file had.
        after: The one that it has now.
        backup: Where the file lies as it was.
    """

    before: int
    after: int
    backup: Path


def migrate(root: Path) -> Migration | None:
    """Brings a `registry.toml` of an older format to today's; a person's comments stay.

    It is replaced only once every version that it lists has been checked against its files, and
    a copy of the old one lies beside it.

    Returns:
        What was done; None if the format is today's already.

    Raises:
        RegistryError: If the format is not an older one, or an entry does not fit its files.
        StorageError: If a file cannot be read or written.
    """
    path = root / FILE_NAME
    with locked(root):
        data = read_bytes(path, limit=MAX_BYTES)
        text, values = parse_values(data, str(path))
        damage = Damage(text, str(path), values)
        error = damage.other_format()
        if error is None:
            return None
        if not damage.is_older():
            raise error
        before = values.get("format", 0)
        for number in range(before, FORMAT):
            text = with_format(_STEPS[number](text, root), number + 1)
        text = sealed(text, str(path))
        _check(text, root)
        backup = _backup(path, data, before)
        write_atomically(path, text.encode())
    return Migration(before, FORMAT, backup)


def _check(text: str, root: Path) -> None:
    try:
        registry: Registry = parse_registry(text.encode(), root)
        wrong = verify(registry, registry.weights, {})
    except RegistryError as error:
        # The lines would be those of a text that nobody sees.
        wrong = [replace(f, line=None, column=None, excerpt=None) for f in error.findings]
    problems = [problem for problem in wrong if problem.code != "plugin-missing"]
    if problems:
        raise RegistryError.of(problems)


def _backup(path: Path, data: bytes, number: int) -> Path:
    backup = path.with_name(f"{path.name}.format-{number}")
    if backup.exists() and read_bytes(backup) != data:
        raise RegistryError(
            f"{backup} is there already, and is not what {path.name} is now",
            suggestion="move it away, then migrate again",
        )
    write_atomically(backup, data)
    return backup


def _entries_with_size_and_hash(text: str, root: Path) -> str:
    """Format 0 had no seal, and its entries neither `size`, `config_sha256` nor `status`."""
    _, values = parse_values(text.encode(), str(root / FILE_NAME))
    entries = values.get("weights", [])
    for number, entry in enumerate(entries if isinstance(entries, list) else []):
        if not isinstance(entry, dict) or "version" not in entry:
            continue  # the check that follows says so
        for key, value in reversed(_facts(entry, root).items()):
            if key not in entry:
                text = with_value(text, number, key, value)
    return text


def _facts(entry: dict[str, Any], root: Path) -> dict[str, str | int]:
    weights, config = (_bytes(entry, key, root) for key in ("file", "config"))
    if sha256(weights) != entry.get("sha256"):
        raise RegistryError(
            f"{entry.get('name')}@{entry['version']}: {entry['file']} is not the file that was "
            "published",
            "hash-mismatch",
            file=str(root / FILE_NAME),
            suggestion="restore the file from version control or a copy, or remove the entry",
        )
    return {"size": len(weights), "config_sha256": sha256(config), "status": "stable"}


def _bytes(entry: dict[str, Any], key: str, root: Path) -> bytes:
    what = f"{entry.get('name')}@{entry['version']}"
    if not isinstance(entry.get(key), str):
        raise RegistryError(f"{what}: `{key}` is missing", file=str(root / FILE_NAME))
    try:
        return read_bytes(safe_path(entry[key], folder=root, root=root))
    except ZooError as error:
        message = f"{what}: {error.findings[0].message}"
        raise RegistryError(message, file=str(root / FILE_NAME)) from error


_STEPS: dict[int, Callable[[str, Path], str]] = {0: _entries_with_size_and_hash}
"""What turns a file of each older format into one of the next."""
