"""Where the files of a version lie: in the zoo, or fetched for a zoo that cannot be written."""

from pathlib import Path

from zoo.cache import cache_folder
from zoo.registry.document import Registry, WeightsEntry


def cached(file: str, digest: str) -> Path:
    """Gives where a file lies that was fetched for a zoo whose folder cannot be written."""
    return cache_folder() / "store" / f"{digest}{Path(file).suffix}"


def place_of(registry: Registry, file: str, digest: str) -> Path:
    """Gives where a file that is listed lies, or belongs.

    Raises:
        RegistryError: `unsafe-path`, if it leads out of the zoo root.
    """
    path = registry.path(file)
    if registry.store is not None and not path.exists() and cached(file, digest).exists():
        return cached(file, digest)
    return path


def is_here(registry: Registry, entry: WeightsEntry) -> bool:
    """Tells whether both files of a version lie on this machine, be they whole or not."""
    files = ((entry.file, entry.sha256), (entry.config, entry.config_sha256))
    return all(place_of(registry, file, digest).exists() for file, digest in files)
