"""Where the zoo is: the folder that holds `registry.toml`."""

import os
from pathlib import Path

from zoo.errors import RegistryError

FILE_NAME = "registry.toml"

WEIGHTS_FOLDER = "weights"
"""The folder of the zoo that holds every version's weights and resolved config."""


def find_root(explicit: str | os.PathLike[str] | None = None) -> Path | None:
    """Finds the zoo root.

    Args:
        explicit: A folder given by the user; otherwise `ZOO_ROOT`, otherwise the first folder
            with a `registry.toml`, walking up from the current one.

    Returns:
        The folder, or None where there is none above.

    Raises:
        RegistryError: If a folder that was named has no `registry.toml`.
    """
    named = explicit if explicit is not None else os.environ.get("ZOO_ROOT")
    if named:
        root = Path(named).absolute()
        if not (root / FILE_NAME).exists():
            raise no_registry(f"{root} has no {FILE_NAME}")
        return root
    return root_above(Path.cwd())


def root_above(folder: Path) -> Path | None:
    """Gives the first folder with a `registry.toml`, walking up from this one."""
    return next((p for p in (folder, *folder.parents) if (p / FILE_NAME).exists()), None)


def known_root(explicit: str | os.PathLike[str] | None = None) -> Path:
    """Finds the zoo root, which has to be there.

    Raises:
        RegistryError: If there is none.
    """
    root = find_root(explicit)
    if root is None:
        raise no_registry("there is no registry.toml here or above")
    return root


def no_registry(message: str) -> RegistryError:
    """Makes the error for a zoo that is not there."""
    return RegistryError(
        message,
        suggestion="go to a folder of a zoo, name one with --zoo DIR, ZOO_ROOT or, in Python, "
        'zoo="DIR", or make one: zoo new zoo DIR',
    )
