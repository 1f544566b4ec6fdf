"""A model zoo for Keras: models declared in TOML, made of parts that plugins register.

Importing this package imports neither Keras nor TensorFlow; the functions that need them do.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import (
    ConfigError,
    Finding,
    PluginError,
    RegistryError,
    RunError,
    Stopped,
    StorageError,
    ZooError,
)

if TYPE_CHECKING:
    from zoo.catalog.catalog import Catalog
    from zoo.registry.document import Registry
    from zoo.resolve import ResolvedModel
    from zoo.runs import Run
    from zoo.workspace import Workspace

__version__ = "0.1.0"

__all__ = [
    "ConfigError",
    "Finding",
    "PluginError",
    "RegistryError",
    "RunError",
    "Stopped",
    "StorageError",
    "ZooError",
    "__version__",
    "build",
    "check",
    "custom_objects",
    "discover",
    "load",
    "open_registry",
    "train",
]

Overrides = Mapping[str, Any]


def load(
    reference: str,
    *,
    zoo: str | Path | None = None,
    locked: bool = False,
    accept_harmless: bool = False,
) -> Any:
    """Loads a model of the zoo with its weights.

    Args:
        reference: `"name@1.2.3"`; `"name@1"` is the newest 1.x.y, `"name"` the newest stable one.
        zoo: The zoo root; by default found from the current folder or `ZOO_ROOT`.
        locked: Whether to refuse what is not as `zoo.lock` says.
        accept_harmless: Whether its graph may differ from the published one in what no prediction
            depends on, such as the rate of a dropout.

    Returns:
        A compiled `keras.Model`.

    Raises:
        RegistryError: If it is unknown, damaged, or not what was published.
        PluginError: If a plugin that it is made of is missing, or not the locked one.
    """
    from zoo.workspace import Workspace

    workspace = Workspace(zoo)
    if locked:
        from zoo.locking import require_locked

        require_locked(workspace, versions=[reference])

    from zoo.runtime.weights import Shelf

    shelf = Shelf(workspace.known_registry, workspace.catalog, accept_harmless=accept_harmless)
    return shelf.load(reference)


def build(
    file: str | Path,
    overrides: Overrides | None = None,
    *,
    zoo: str | Path | None = None,
    locked: bool = False,
) -> Any:
    """Builds the compiled Keras model of a config, with fresh weights.

    Args:
        file: A path, or a model's name.
        overrides: Values by dotted key, such as `{"train.epochs": 1}`.
        zoo: The zoo root; by default found from the current folder or `ZOO_ROOT`.
        locked: Whether to refuse what is not as `zoo.lock` says.

    Returns:
        A compiled `keras.Model`.

    Raises:
        ConfigError: If the config is wrong; it carries every finding.
        PluginError: If a plugin that it is made of is missing, or not the locked one.
    """
    from zoo.workspace import Workspace

    workspace = Workspace(zoo)
    model = _usable(workspace, file, overrides, locked)

    from zoo.runtime.weights import Shelf

    with workspace.pointing(model.source, overrides):
        return Shelf(workspace.registry, workspace.catalog).build(model)


def train(
    file: str | Path,
    overrides: Overrides | None = None,
    *,
    zoo: str | Path | None = None,
    folder: str | Path | None = None,
    resume: bool = False,
    start_from: str | None = None,
    quiet: bool = False,
    locked: bool = False,
    accept_harmless: bool = False,
) -> "Run":
    """Trains the model of a config.

    Args:
        file: A path, or a model's name.
        overrides: Values by dotted key, such as `{"train.epochs": 1}`.
        zoo: The zoo root; by default found from the current folder or `ZOO_ROOT`.
        folder: The run's folder; by default a new one in `runs/NAME/` of the zoo.
        resume: Whether to go on with the run in that folder, or with the newest one.
        start_from: The `name@version` whose weights the training starts from.
        quiet: Whether to show no progress.
        locked: Whether to refuse what is not as `zoo.lock` says.
        accept_harmless: Whether the graph of `start_from` may differ in what no prediction
            depends on, such as the rate of a dropout.

    Returns:
        The run, with `history`, `folder` and `publish()`.

    Raises:
        ConfigError: If the config is wrong; nothing is written.
        PluginError: If a plugin that it is made of is missing, or not the locked one.
        RunError: If the data or the training is not finite.
        Stopped: If a signal stopped it; it can be resumed.
    """
    from zoo.workspace import Workspace

    workspace = Workspace(zoo)
    model = _usable(workspace, file, overrides, locked, start_from)

    from zoo.runtime.training import Wishes
    from zoo.runtime.training import train as train_model
    from zoo.runtime.weights import Shelf

    shelf = Shelf(workspace.registry, workspace.catalog, accept_harmless=accept_harmless)
    origins = workspace.origins(model, overrides)
    wishes = Wishes(folder, resume, start_from, quiet, origins)
    with workspace.pointing(model.source, overrides):
        return train_model(model, shelf, workspace.root, wishes)


def _usable(
    workspace: "Workspace",
    file: str | Path,
    overrides: Overrides | None,
    locked: bool,
    start_from: str | None = None,
) -> "ResolvedModel":
    checked = workspace.check(file, overrides)
    if locked:
        from zoo.locking import require_locked

        versions = [start_from] if start_from is not None else []
        require_locked(workspace, file, checked, overrides, versions=versions)
    return checked.usable


def custom_objects(file: str | Path, *, zoo: str | Path | None = None) -> dict[str, Any]:
    """Gives the classes that Keras needs to load a saved model of a config.

    Args:
        file: A path, or a model's name.
        zoo: The zoo root; by default found from the current folder or `ZOO_ROOT`.

    Returns:
        Each class by its name, for `keras.saving.load_model(..., custom_objects=...)`.
    """
    from zoo.runtime.custom_objects import custom_objects_of
    from zoo.workspace import Workspace

    return custom_objects_of(Workspace(zoo).check(file).usable)


def check(
    file: str | Path,
    overrides: Overrides | None = None,
    *,
    zoo: str | Path | None = None,
    locked: bool = False,
) -> list[Finding]:
    """Finds every problem of a config without Keras.

    Args:
        file: A path, or a model's name.
        overrides: Values by dotted key, such as `{"train.epochs": 1}`.
        zoo: The zoo root; by default found from the current folder or `ZOO_ROOT`.
        locked: Whether to find, too, what is not as `zoo.lock` says.

    Returns:
        Errors and warnings; empty if all is well.

    Raises:
        ConfigError: With `locked`, if there is no `zoo.lock`.
        RegistryError: With `locked`, if it is damaged.
    """
    from zoo.workspace import Workspace

    workspace = Workspace(zoo)
    checked = workspace.check(file, overrides)
    if not locked:
        return checked.findings
    from zoo.locking import lock_findings

    return [*lock_findings(workspace, file, checked, overrides), *checked.findings]


def discover() -> "Catalog":
    """Reads which components the installed plugins register; nothing is imported."""
    from zoo.catalog.discovery import find_components

    return find_components()


def open_registry(zoo: str | Path | None = None) -> "Registry":
    """Reads the registry of a zoo.

    Args:
        zoo: The zoo root; by default found from the current folder or `ZOO_ROOT`.

    Raises:
        RegistryError: If there is none, or it is damaged.
    """
    from zoo.workspace import Workspace

    return Workspace(zoo).known_registry
