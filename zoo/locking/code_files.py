"""What a distribution's code is: the files that are really there, by their hashes."""

import csv
import json
import os
import sys
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path, PurePosixPath

from zoo.catalog.modules import spec_of
from zoo.digest import sha256
from zoo.files import read_bytes

PACKAGES = ("keras", "numpy", "tensorflow")
"""The packages that are locked by their version, not by their files."""

MISSING = "missing"
"""Stands for the hash of a file that a distribution lists and that is not there."""

_COMPILED = (".pyc", ".pyo")
# A checkout may end their lines in another way, which Python and TOML do not mind.
_TEXT = (".py", ".pyi", ".toml", ".json", ".txt", ".csv", ".md", ".cfg", ".ini", ".yaml", ".yml")


def code_files(distribution: str, modules: Iterable[str]) -> dict[str, str]:
    """Hashes the files of an installed distribution.

    They are what its RECORD lists, as it is now, and whatever lies in the packages that its entry
    points lead to; of an editable one the latter alone, since its RECORD lists no code. Compiled
    files, metadata, scripts and hidden files are left out, and so is where the files lie.

    Args:
        distribution: Its name.
        modules: The dotted modules that its entry points name.

    Returns:
        The SHA-256 of each file, or `MISSING`, by its path from the folder it is imported from.

    Raises:
        StorageError: If a file cannot be read.
    """
    paths = {} if is_editable(distribution) else dict(_recorded(distribution))
    # Many modules lie in one package, which is looked through once.
    places = {place: None for module in dict.fromkeys(modules) for place in _code_of(module)}
    for place, name in places:
        # What is imported counts, should another file of that name be recorded.
        paths |= _files_in(place, name)
    return {name: _digest(path) for name, path in sorted(paths.items())}


def is_editable(distribution: str) -> bool:
    """Tells whether a distribution's code lies elsewhere, where it is worked on."""
    try:
        direct = json.loads(metadata.distribution(distribution).read_text("direct_url.json") or "")
        return bool(direct["dir_info"]["editable"])
    except (metadata.PackageNotFoundError, OSError, ValueError, KeyError, TypeError):
        return False


def _recorded(distribution: str) -> Iterator[tuple[str, Path]]:
    try:
        found = metadata.distribution(distribution)
        lines = (found.read_text("RECORD") or "").splitlines()
    except (metadata.PackageNotFoundError, OSError, ValueError):
        return
    for row in csv.reader(lines):
        name = PurePosixPath(row[0]) if row else PurePosixPath()
        inside = name.parts and not name.is_absolute() and ".." not in name.parts
        if inside and not name.parts[0].endswith(".dist-info") and _counts(name):
            yield str(name), Path(str(found.locate_file(str(name))))


def _code_of(module: str) -> Iterator[tuple[Path, str]]:
    """Finds the package or file that a module's code is in, and its name in an import."""
    top, *inner = module.split(".")
    if top in PACKAGES or top in sys.stdlib_module_names or (spec := spec_of(top)) is None:
        return
    if spec.submodule_search_locations is None:
        if spec.has_location and spec.origin:
            yield Path(spec.origin), Path(spec.origin).name
        return
    for location in spec.submodule_search_locations:
        place, name = Path(location), top
        for part in inner:
            if (place / "__init__.py").is_file():
                break  # a whole package; what is above it is shared with other distributions
            place, name = place / part, f"{name}/{part}"
        if place.is_dir():
            yield place, name
        elif place.with_suffix(".py").is_file():
            yield place.with_suffix(".py"), f"{name}.py"


def _files_in(place: Path, name: str) -> dict[str, Path]:
    if place.is_file():
        return {name: place}
    found: dict[str, Path] = {}
    for folder, folders, files in os.walk(place):
        folders[:] = [inner for inner in folders if _counts(PurePosixPath(inner))]
        inside = PurePosixPath(name, Path(folder).relative_to(place).as_posix())
        for file in files:
            path = Path(folder, file)
            if not file.startswith(".") and _counts(PurePosixPath(file)) and path.is_file():
                found[str(inside / file)] = path
    return found


def _counts(name: PurePosixPath) -> bool:
    return "__pycache__" not in name.parts and name.suffix not in _COMPILED


def _digest(path: Path) -> str:
    if not path.is_file():
        return MISSING
    data = read_bytes(path)
    return sha256(data.replace(b"\r\n", b"\n") if path.suffix in _TEXT else data)
