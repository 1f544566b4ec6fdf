"""The templates, and folders that are made whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from string import Template

from zoo.errors import ConfigError, StorageError


def render(template: str, values: Mapping[str, str] | None = None) -> str:
    """Fills in a template of this package; a name that has no value is a defect.

    Args:
        template: Its path below `files/`, without the `.txt` that hides it from Python's tools.
        values: What stands for each `$name`.
    """
    text = (files(__package__) / "files" / f"{template}.txt").read_text(encoding="utf-8")
    return Template(text).substitute(values or {})


def has_template(template: str) -> bool:
    """Tells whether there is a template of that name."""
    return (files(__package__) / "files" / f"{template}.txt").is_file()


def write_folder(folder: Path, contents: Mapping[str, str]) -> None:
    """Writes a new folder; what stops it half-way leaves nothing behind.

    Args:
        folder: The folder; it may be there if it is empty.
        contents: The text of each file, by its path inside.

    Raises:
        ConfigError: If the folder holds something already.
        StorageError: If it cannot be written.
    """
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ConfigError(
                f"{folder} is there already; nothing was written",
                suggestion="choose another name or another --dir, or move it away first",
            )
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        try:
            for name, text in contents.items():
                (made / name).parent.mkdir(parents=True, exist_ok=True)
                (made / name).write_text(text, encoding="utf-8")
            made.chmod(0o777 & ~_umask())
            made.replace(folder)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        raise StorageError(
            f"cannot write {folder}: {error.strerror or error}",
            suggestion="check that the folder above it is yours and that its disk has space",
            file=str(folder),
        ) from error


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask
