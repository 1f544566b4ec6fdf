"""Where modules lie, found without importing them."""

from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path


def spec_of(top: str) -> ModuleSpec | None:
    """Finds a top-level module.

    Only a top-level name is looked up: finding a submodule would import its package.
    """
    try:
        return find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return None


def package_folder(package: str) -> Path | None:
    """Finds the folder of a dotted package without importing anything."""
    top, _, rest = package.partition(".")
    spec = spec_of(top)
    for location in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(location, *rest.split(".")) if rest else Path(location)
        if folder.is_dir():
            return folder
    return None


def module_file(module: str) -> Path | None:
    """Finds the source file of a dotted module; None for a compiled one."""
    package = package_folder(module)
    if package is not None and (package / "__init__.py").is_file():
        return package / "__init__.py"
    parent, _, last = module.rpartition(".")
    if not parent:
        spec = spec_of(module)
        origin = str(spec.origin) if spec is not None else ""
        return Path(origin) if origin.endswith(".py") else None
    folder = package_folder(parent)
    file = folder / f"{last}.py" if folder is not None else None
    return file if file is not None and file.is_file() else None
