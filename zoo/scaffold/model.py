"""A new model of a zoo: its config, and its line in the registry."""

import re
from pathlib import Path

from zoo.errors import ConfigError
from zoo.files import write_atomically
from zoo.registry.editing import editing
from zoo.scaffold.templates import render
from zoo.sources import model_sources
from zoo.workspace import Workspace

MODELS_FOLDER = "models"
"""Where the zoo's own model configs lie, below its root."""

SCHEMA_PATH = ".zoo/schema.json"
"""Where editors look for the schema of model configs, below the zoo root."""

_EDITOR_FILE = ".taplo.toml"
_NAME = re.compile("[a-z0-9][a-z0-9._-]{0,63}")


def new_model(name: str, workspace: Workspace) -> Path:
    """Writes a small config that trains at once, and adds it to the registry.

    Args:
        name: The name of the model.
        workspace: The zoo.

    Returns:
        The config.

    Raises:
        ConfigError: If the name cannot be used or is taken.
        RegistryError: If there is no zoo, or its registry is damaged.
        StorageError: If it cannot be written.
    """
    root = workspace.known_registry.root
    _check_name(name)
    config = root / MODELS_FOLDER / f"{name}.toml"
    text = render("model.toml", {"name": name, "schema": f"../{SCHEMA_PATH}"})
    with editing(root) as edit:
        # Looked up under the lock: another process may have taken the name a moment ago.
        taken = model_sources(workspace.catalog, edit.registry).get(name)
        if taken is not None or config.exists():
            raise ConfigError(
                f"there is a model {name!r} already: {taken or config}",
                "duplicate-name",
                suggestion=f'choose another name; `extends = "{name}"` in it changes a few keys of '
                "that one",
            )
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


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or name.endswith(".toml"):
        raise ConfigError(
            f"{name!r} cannot be the name of a model",
            suggestion="use at most 64 lower-case letters, digits, `-`, `_` and `.`, with a letter "
            "or digit first, and no `.toml` at the end",
        )
