"""A new zoo: the folder that everything else is found from."""

from pathlib import Path

from zoo.errors import ConfigError
from zoo.files import write_atomically
from zoo.registry.root import FILE_NAME
from zoo.scaffold.templates import render

_IGNORED = ".gitignore"


def new_zoo(folder: Path) -> list[Path]:
    """Makes a folder a zoo. What is in it already stays as it is.

    Returns:
        The files that were written.

    Raises:
        ConfigError: If it is a zoo already.
        StorageError: If it cannot be written.
    """
    registry = folder.absolute() / FILE_NAME
    if registry.exists():
        raise ConfigError(
            f"{folder} is a zoo already: it has a {FILE_NAME}",
            suggestion="`zoo list models` shows its models, `zoo doctor` whether all is well",
        )
    written = []
    # The registry last: it is what makes the folder a zoo.
    for path, template in ((registry.with_name(_IGNORED), "gitignore"), (registry, FILE_NAME)):
        if not path.exists():
            write_atomically(path, render(template).encode())
            written.append(path)
    return written
