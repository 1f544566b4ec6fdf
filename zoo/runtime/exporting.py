"""A model of the zoo as a file that others use: written, checked without the zoo, put in place."""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.digest import sha256
from zoo.errors import ConfigError
from zoo.files import file_error, make_folder, sync_folder
from zoo.runtime.converting import SUFFIXES, convert
from zoo.runtime.export_check import Agreement, agreement
from zoo.runtime.exported import foreign_parts
from zoo.runtime.plain import plain_config

_MARK_OF_A_SAVED_MODEL = "saved_model.pb"


@dataclass(frozen=True, slots=True)
class Exported:
    """A file that was written.

    Attributes:
        file: The file; a folder for a SavedModel.
        sha256: Of its bytes; of a folder, of the lines `SHA-256  path` of its files.
        size: Its bytes.
        check: How closely it computes what the model does.
        modules: What has to be imported before Keras can load it: the plugins' own classes.
    """

    file: Path
    sha256: str
    size: int
    check: Agreement
    modules: tuple[str, ...]


def export(
    model: Any,
    graph: dict[str, Any],
    reference: str,
    kind: str,
    file: Path,
    say: Callable[[str], None],
) -> Exported:
    """Exports a model; the file is in its place only once it has passed its check.

    Args:
        model: The model, with its weights.
        graph: Its canonical graph.
        reference: `name@version`, or the run's folder.
        kind: The format, one of `SUFFIXES`.
        file: Where it is to be; what is there already is replaced.
        say: Is told what is being done.

    Raises:
        ConfigError: If the name does not fit the format, or the format cannot hold the model.
        RunError: If the file does not compute what the model does.
        StorageError: If it cannot be written.
    """
    check_target(file, kind)
    try:
        make_folder(file.parent)
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=f".{file.name}.") as folder:
            new = Path(folder, f"export{SUFFIXES[kind]}")
            say(f"writing {file.name}")
            convert(model, graph, reference, kind, new)
            say("checking it in a process without the zoo")
            check = agreement(model, new, kind)
            parts = sorted(new.rglob("*")) if new.is_dir() else [new]
            files = [part for part in parts if part.is_file()]
            digest, size = _digest(new, files), sum(part.stat().st_size for part in files)
            _put(new, file, files, Path(folder, "old"))
    except OSError as error:
        raise file_error("write", file, error) from error
    named = {module for module, _, _ in foreign_parts(plain_config(model))}
    modules = tuple(sorted(named)) if kind in ("keras", "h5") else ()
    return Exported(file, digest, size, check, modules)


def check_target(file: Path, kind: str) -> None:
    """Refuses a name that does not fit the format, and what must not be replaced.

    Raises:
        ConfigError: With the suffix, or what is there.
    """
    if not file.name.endswith(SUFFIXES[kind]) or file.name == SUFFIXES[kind]:
        raise ConfigError(
            f"{file.name} is no name for {kind}",
            suggestion=f"a name that ends in {SUFFIXES[kind]}",
        )
    if kind != "savedmodel" and file.is_dir():
        raise ConfigError(f"{file} is a folder", suggestion="give another name with --output")
    if kind == "savedmodel" and file.exists() and not (file / _MARK_OF_A_SAVED_MODEL).is_file():
        raise ConfigError(
            f"{file} is there, and is not a SavedModel", suggestion="give another name or remove it"
        )


def _digest(new: Path, files: list[Path]) -> str:
    if not new.is_dir():
        return sha256(new.read_bytes())
    lines = [f"{sha256(part.read_bytes())}  {part.relative_to(new)}\n" for part in files]
    return sha256("".join(lines).encode())


def _put(new: Path, file: Path, files: list[Path], old: Path) -> None:
    for part in files:
        with part.open("rb") as opened:
            os.fsync(opened.fileno())
    if new.is_dir() and file.is_dir():
        os.rename(file, old)  # a folder cannot be renamed over another
    os.replace(new, file)
    sync_folder(file.parent)
