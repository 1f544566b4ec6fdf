"""Which models a lock is of: the registry's, those that are named, or those of a lock."""

from collections.abc import Sequence
from pathlib import Path

from zoo.checks import check_source
from zoo.config.compose import Source
from zoo.errors import ConfigError, Finding, ZooError
from zoo.locking.document import Lock, LockedModel
from zoo.locking.picture import Camera, Picture
from zoo.runs import Run
from zoo.sources import find_model, path_source
from zoo.workspace import Workspace


def newly_locked(
    workspace: Workspace, names: Sequence[str] = (), besides: Sequence[str] = ()
) -> Picture:
    """Takes the picture that `zoo lock` writes.

    Args:
        workspace: The zoo and what is installed.
        names: Model configs and names of models, each with its published versions; by default
            all that the registry lists. What plugins ship besides is no part of this zoo, and
            differs from one machine to the next.
        besides: Plugins to look at whether or not a model uses them.

    Raises:
        ConfigError: If there is nothing to lock, or a config lies outside of the zoo.
        RegistryError: If there is no zoo, or its registry is damaged.
    """
    registry = workspace.known_registry
    if not names and not registry.names:
        raise ConfigError(
            "the registry lists no model, so there is nothing to lock",
            suggestion="name a config: zoo lock FILE; or add a model: zoo new model NAME",
        )
    sources: list[Source] = []
    findings: list[Finding] = []
    for name in names or [entry.name for entry in registry.models]:
        try:
            sources.append(_inside(workspace, name) if names else _of_model(workspace, name))
        except ZooError as error:
            findings += error.located(file=name).findings
    return _picture(workspace, sources, findings, besides, complete=not names)


def locked_again(workspace: Workspace, lock: Lock) -> Picture:
    """Takes the picture of what is here now of all that a lock has.

    A lock of the whole registry is compared with the whole registry, one of named models with
    those models.
    """
    besides = [plugin.name for plugin in lock.plugins]
    if lock.complete:
        names = [entry.name for entry in workspace.known_registry.models]
    else:
        names = [entry.config for entry in lock.models]
    sources: list[Source] = []
    findings: list[Finding] = []
    unresolved: set[str] = set()
    for name in names:
        try:
            sources.append(_of_model(workspace, name))
        except ZooError as error:
            findings += error.located(file=name).findings
            unresolved |= {e.config for e in lock.models if name in (e.name, e.config)}
    picture = _picture(workspace, sources, findings, besides, complete=lock.complete)
    picture.unresolved.update(unresolved)
    return picture


def config_of(source: Source) -> str:
    """Gives where a config comes from, as the registry names it; that of a run's is its model's."""
    run = Run(source.path.parent)
    if source.path == run.config_path and (run.folder / "run.json").exists():
        return str(run.facts.get("source", ""))
    return source.origin


def outside(config: str | Path) -> ConfigError:
    """Makes the error for a config that no lock can have."""
    return ConfigError(
        f"{config} lies outside of the zoo, and only what is inside of it can be locked",
        "not-locked",
        suggestion="put it into the zoo, or name the zoo that it is in with --zoo DIR",
    )


def _inside(workspace: Workspace, name: str) -> Source:
    source = workspace.source(name)
    if not config_of(source):
        raise outside(name)
    return source


def _of_model(workspace: Workspace, name: str) -> Source:
    """Finds the config of a model by its name, or by where it comes from."""
    registry = workspace.known_registry
    if registry.model(name) is None and name.endswith(".toml"):
        return path_source(str(registry.root / name), registry.root)
    return find_model(name, workspace.catalog, registry)


def _picture(
    workspace: Workspace,
    sources: Sequence[Source],
    findings: list[Finding],
    besides: Sequence[str],
    *,
    complete: bool,
) -> Picture:
    camera, registry = Camera(workspace), workspace.known_registry
    models: dict[str, LockedModel] = {}
    unresolved: set[str] = set()
    for source in sources:
        checked = check_source(source, workspace.catalog, lambda: registry)
        if checked.model is None:
            findings += checked.errors
            unresolved.add(config_of(source))
        else:
            config = config_of(source)
            models[config] = camera.model(checked.model, config)
    entries = [
        entry.reference
        for entry in registry.weights
        if complete or entry.name in {model.name for model in models.values()}
    ]
    picture = camera.picture(models.values(), entries, besides=besides, complete=complete)
    return Picture(picture.lock, [*findings, *picture.findings], unresolved)
