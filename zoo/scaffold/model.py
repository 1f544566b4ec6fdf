"""A new model of a zoo: its config, and its line in the registry."""

import re
from collections.abc import Mapping
from pathlib import Path

from zoo.errors import ConfigError
from zoo.files import write_atomically
from zoo.registry.editing import editing
from zoo.scaffold.model_plan import ModelPlan, config_text
from zoo.scaffold.templates import render
from zoo.sources import model_sources
from zoo.workspace import Workspace

MODELS_FOLDER = "models"
"""Where the zoo's own model configs lie, below its root."""

SCHEMA_PATH = ".zoo/schema.json"
"""Where editors look for the schema of model configs, below the zoo root."""

_EDITOR_FILE = ".taplo.toml"
_NAME = re.compile("[a-z0-9][a-z0-9._-]{0,63}")


def new_model(plan: ModelPlan, workspace: Workspace) -> Path:
    """Writes the config of a plan, and adds it to the registry.

    Args:
        plan: What the model is to be.
        workspace: The zoo.

    Returns:
        The config.

    Raises:
        ConfigError: If the name cannot be used or is taken.
        RegistryError: If there is no zoo, or its registry is damaged.
        StorageError: If it cannot be written.
    """
    root = workspace.known_registry.root
    name = plan.name
    _check_form(name)
    config = root / MODELS_FOLDER / f"{name}.toml"
    text = config_text(plan, f"../{SCHEMA_PATH}")
    with editing(root) as edit:
        # Looked up under the lock: another process may have taken the name a moment ago.
        _check_free(name, config, model_sources(workspace.catalog, edit.registry))
        path = config.relative_to(root).as_posix()
        edit.append("models", {"name": name, "config": path})
        write_atomically(config, text.encode())
        try:
            edit.save()
        except BaseException:
            config.unlink(missing_ok=True)
            raise
    if not (root / _EDITOR_FILE).exists():
        write_atomically(root / _EDITOR_FILE, render("taplo.toml").encode())
    return config


def check_name(name: str, workspace: Workspace) -> str:
    """Gives a name back if a new model can have it.

    Raises:
        ConfigError: If it cannot be used or is taken.
    """
    registry = workspace.known_registry
    _check_form(name)
    config = registry.root / MODELS_FOLDER / f"{name}.toml"
    _check_free(name, config, model_sources(workspace.catalog, registry))
    return name


def _check_form(name: str) -> None:
    if not _NAME.fullmatch(name) or name.endswith(".toml"):
        raise ConfigError(
            f"{name!r} cannot be the name of a model",
            suggestion="use at most 64 lower-case letters, digits, `-`, `_` and `.`, with a letter "
            "or digit first, and no `.toml` at the end",
        )


def _check_free(name: str, config: Path, known: Mapping[str, str]) -> None:
    if name in known or config.exists():
        raise ConfigError(
            f"there is a model {name!r} already: {known.get(name, config)}",
            "duplicate-name",
            suggestion=f'choose another name; `extends = "{name}"` in it changes a few keys of '
            "that one",
        )
