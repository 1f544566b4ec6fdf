"""The registry, the models and weights that it lists, and the plugins that it requires."""

from collections.abc import Iterator
from dataclasses import replace

from zoo.catalog.discovery import installed_versions
from zoo.config.reader import read_toml
from zoo.errors import RegistryError, ZooError, error_of
from zoo.registry.document import Registry, WeightsEntry
from zoo.registry.places import is_here, place_of
from zoo.registry.verification import missing_plugins, verify
from zoo.rows import Row, rows_of
from zoo.sources import find_model
from zoo.workspace import Workspace

_SUBJECT = "registry"
_RESTORE = "restore it from version control, or correct it there; then zoo verify --accept-edits"


def look_at_registry(workspace: Workspace, *, full: bool) -> Iterator[Row]:
    """Looks at `registry.toml` and at what it lists.

    Args:
        workspace: The zoo and what is installed.
        full: Whether the weights are read and their hashes checked.
    """
    try:
        registry = workspace.registry
    except ZooError as error:
        for row in rows_of(error, _SUBJECT, "registry.toml"):
            yield replace(row, remedy=row.remedy or _RESTORE)
        return
    if registry is None:
        message = "there is no zoo here or above"
        yield Row(_SUBJECT, "registry.toml", "ok", message, "zoo new zoo DIR makes one")
        return
    count = len(registry.models) + len(registry.weights)
    message = f"{registry.root}: {count} entries, as they were written"
    remedy = "after an edit by hand: zoo verify --accept-edits"
    yield Row(_SUBJECT, "registry.toml", "ok", message, remedy)
    yield from _requirements(registry)
    yield from _models(workspace, registry)
    yield from _weights(registry, full=full)


def _requirements(registry: Registry) -> Iterator[Row]:
    installed = installed_versions()
    unmet = verify(registry, [], installed)
    for finding in unmet:
        status = error_of([finding]).exit_status
        remedy = finding.suggestion or ""
        yield Row(_SUBJECT, "requirements", "error", finding.message, remedy, status)
    # Of many versions that lack one plugin the newest says it.
    lacking = {f.suggestion: f for e in registry.weights for f in missing_plugins(e, installed)}
    for finding in lacking.values():
        yield Row(_SUBJECT, "versions", "warning", finding.message, finding.suggestion or "")
    if not unmet:
        message = f"{len(registry.plugins)} required plugins are installed"
        yield Row(_SUBJECT, "requirements", "ok", message)


def _models(workspace: Workspace, registry: Registry) -> Iterator[Row]:
    good = 0
    for entry in registry.models:
        try:
            read_toml(find_model(entry.name, workspace.catalog, registry).path)
            good += 1
        except ZooError as error:
            yield from rows_of(error, _SUBJECT, f"model {entry.name}")
    yield Row(_SUBJECT, "models", "ok", f"{good} of {len(registry.models)} have a config")


def _weights(registry: Registry, *, full: bool) -> Iterator[Row]:
    # The store is not asked: all may be well without a network.
    here = [e for e in registry.weights if registry.store is None or is_here(registry, e)]
    wrong = [row for entry in here for row in _wrong_files(registry, entry)]
    yield from wrong
    if away := len(registry.weights) - len(here):
        message = f"{away} versions are not here; the store is {registry.store}"
        yield Row(_SUBJECT, "store", "ok", message, "zoo pull fetches them, and so does using them")
    if full and not wrong:
        # The plugins that are required have rows of their own.
        problems = [p for p in verify(registry, here, {}) if p.code != "plugin-missing"]
        for problem in problems:
            status, remedy = error_of([problem]).exit_status, problem.suggestion or ""
            yield Row(_SUBJECT, "weights", "error", problem.message, remedy, status)
        wrong = [*wrong, *(Row(_SUBJECT, "weights", "error", p.message) for p in problems)]
    if not wrong:
        checked = "hashes agree" if full else "sizes agree; hashes were not read"
        remedy = "" if full else "zoo doctor --full, or zoo verify, reads them"
        message = f"{len(here)} versions: {checked}"
        yield Row(_SUBJECT, "weights", "ok", message, remedy)


def _wrong_files(registry: Registry, entry: WeightsEntry) -> Iterator[Row]:
    remedy = "restore it from version control or a copy, or train and publish anew"
    files = (
        (entry.file, entry.sha256, entry.size),
        (entry.config, entry.config_sha256, None),
    )
    for name, digest, size in files:
        try:
            status = place_of(registry, name, digest).stat()
        except ZooError as error:
            yield from rows_of(error, _SUBJECT, entry.reference)
            continue
        except OSError as error:
            message = f"{name}: {error.strerror}"
            yield Row(
                _SUBJECT, entry.reference, "error", message, remedy, RegistryError.exit_status
            )
            continue
        if size is not None and status.st_size != size:
            message = f"{name} has {status.st_size:,} bytes; {size:,} were published"
            yield Row(
                _SUBJECT, entry.reference, "error", message, remedy, RegistryError.exit_status
            )
