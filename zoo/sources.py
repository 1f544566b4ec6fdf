"""From what a user names, a path, a model or a version, to the config that is meant."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.catalog.catalog import Catalog
from zoo.catalog.modules import package_folder
from zoo.components import MODELS, Component, did_you_mean
from zoo.config.compose import Source
from zoo.config.schema import MODEL_NAME
from zoo.errors import ConfigError, PluginError, RegistryError, StorageError
from zoo.registry.root import FILE_NAME, WEIGHTS_FOLDER
from zoo.runs import Run

if TYPE_CHECKING:  # reading one is seldom needed, and takes time to import
    from zoo.registry.document import Registry


def looks_like_a_path(text: str) -> bool:
    """Tells whether a command's FILE is a path rather than a model's name."""
    return text.endswith(".toml") or "/" in text or "\\" in text or Path(text).exists()


def path_source(text: str, root: Path | None) -> Source:
    """Gives the config at a path, with the zoo root as its root where it lies inside.

    The configs that a run and a version keep are resolved ones.

    Args:
        text: The path.
        root: The zoo root, where there is one.
    """
    path = Path(text).absolute()
    if (path.parent / "run.json").exists() and path == Run(path.parent).config_path:
        return Run(path.parent).source
    root = root.resolve() if root is not None else None
    if root is None or not path.resolve().is_relative_to(root):
        return Source(path, path.parent)
    inside = path.resolve().relative_to(root)
    return Source(path, root, inside.as_posix(), resolved=inside.parts[0] == WEIGHTS_FOLDER)


def find_model(name: str, catalog: Catalog, registry: "Registry | None") -> Source:
    """Finds the config of a model: the registry's own entry first, then what a plugin ships.

    Args:
        name: The model's name, or `distribution/name` for one that a plugin ships.
        catalog: What the plugins ship.
        registry: The zoo's registry, where there is one.

    Raises:
        RegistryError: `unknown-model`.
        PluginError: If the plugin that ships it is not installed.
    """
    entry = registry.model(name) if registry is not None else None
    if registry is not None and entry is not None:
        if entry.config.endswith(".toml"):
            return Source(registry.path(entry.config), registry.root, entry.config)
        return _shipped(_row(entry.config, catalog, registered=True))
    return _shipped(_row(name, catalog, registered=False, registry=registry))


def model_sources(catalog: Catalog, registry: "Registry | None") -> dict[str, str]:
    """Names every model, with where its config comes from."""
    shipped = {row.name: row.qualified for row in catalog.of_kind(MODELS)}
    entries = registry.models if registry is not None else ()
    return {**shipped, **{entry.name: entry.config for entry in entries}}


def _row(
    name: str, catalog: Catalog, *, registered: bool, registry: "Registry | None" = None
) -> Component:
    try:
        return catalog.find(MODELS, name)
    except ConfigError as error:
        if error.findings[0].code != "unknown-component":
            raise
        if registered:
            distribution = name.partition("/")[0]
            raise PluginError(
                f"the registry takes this model from {distribution}, which does not ship it here",
                "plugin-missing",
                suggestion=f"pip install {distribution}",
            ) from None
        hint = _whose_it_may_be(name, catalog, registry)
        raise RegistryError(
            f"there is no model {name!r}", "unknown-model", suggestion=hint
        ) from None


def _whose_it_may_be(name: str, catalog: Catalog, registry: "Registry | None") -> str:
    root = registry.root if registry is not None else Path.cwd()
    if re.fullmatch(MODEL_NAME, name):
        for file in (root / "models" / f"{name}.toml", root / f"{name}.toml"):
            if file.is_file():
                return f"{FILE_NAME} does not name it: use its path, {os.path.relpath(file)}"
    from zoo.resolve.missing import MissingPlugins  # only where something is wrong

    meant = did_you_mean(name, model_sources(catalog, registry))
    missing = MissingPlugins(lambda: registry).hint
    said = " or ".join(hint for hint in (meant, missing) if hint)
    return said or "`zoo list models` shows all"


def _shipped(row: Component) -> Source:
    folder = package_folder(row.target.partition(":")[0])
    if folder is None or not (folder / f"{row.name}.toml").is_file():
        raise StorageError(
            f"{row.distribution} does not have {row.name}.toml in {row.target}, as it says",
            suggestion=f"reinstall {row.distribution}",
        )
    return Source(folder / f"{row.name}.toml", folder, row.qualified)
