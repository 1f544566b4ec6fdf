"""`--locked`: what a command is about to use is what the lock says, or the command ends."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from zoo.checks import Checked
from zoo.errors import CLASS_OF_CODE, ConfigError, Finding, ZooError
from zoo.locking.compare import compare
from zoo.locking.document import LOCK_FILE, Lock, read_lock
from zoo.locking.picture import Camera
from zoo.locking.selection import config_of, outside
from zoo.registry.root import no_registry
from zoo.registry.versions import Version, split_reference
from zoo.workspace import Workspace


def require_locked(
    workspace: Workspace,
    file: str | Path | None = None,
    checked: Checked | None = None,
    overrides: Mapping[str, Any] | None = None,
    *,
    versions: Sequence[str] = (),
) -> list[Finding]:
    """Refuses whatever differs from the lock, all of it in one error.

    Args:
        workspace: The zoo and what is installed.
        file: The config, as it was named; None for versions alone.
        checked: What a check of it found; its errors are said too.
        overrides: The values that it was checked with.
        versions: The published versions that are used besides. All that fit `name` or `name@1`
            are held to the lock, since the status of each decides which one is meant.

    Returns:
        Warnings, of what differs and changes no result.

    Raises:
        PluginError: `plugin-changed` or `plugin-missing`; it comes before what follows from it.
        RegistryError: If versions differ, or the lock is damaged.
        ConfigError: If the config differs, or is not in the lock.
    """
    found = lock_findings(workspace, file, checked, overrides, versions=versions)
    errors = [finding for finding in found if finding.severity == "error"]
    if errors:
        raise refusal([*errors, *(checked.errors if checked is not None else [])])
    return found


def refusal(findings: Sequence[Finding]) -> ZooError:
    """Makes one error of what differs; the first, which the rest may follow from, decides."""
    return CLASS_OF_CODE.get(findings[0].code, ConfigError).of(findings)


def lock_findings(
    workspace: Workspace,
    file: str | Path | None = None,
    checked: Checked | None = None,
    overrides: Mapping[str, Any] | None = None,
    *,
    versions: Sequence[str] = (),
) -> list[Finding]:
    """Finds whatever differs from the lock; see `require_locked`."""
    if workspace.root is None:
        raise no_registry(f"there is no registry.toml here or above, and so no {LOCK_FILE}")
    lock = read_lock(workspace.root)
    config = _config(workspace, lock, str(file)) if file is not None else None
    if file is not None and config is None:
        return []  # it is not there, which the check of it says
    known = {entry.version for entry in lock.weights}
    meant = [workspace.known_registry.find(name).reference for name in versions]
    unknown = [_not_locked(name, name, lock) for name in meant if name not in known]
    if config is not None and lock.model(config) is None:
        unknown = [_not_locked(str(file), config, lock), *unknown]
    if unknown:
        return unknown

    candidates = {other for name in versions for other in known if _fits(other, name)}
    old = lock.narrowed([config] if config else [], candidates)
    model = checked.model if checked is not None else None
    camera = Camera(workspace)
    picture = camera.picture(
        [camera.model(model, config)] if model is not None and config else [],
        [entry.version for entry in old.weights],
        besides=[plugin.name for plugin in old.plugins],
    )
    changes = compare(
        old,
        picture.lock,
        unresolved=[config] if config and model is None else [],
        disabled={row.distribution for row in workspace.catalog.disabled},
    )
    found = [_hinting(change.finding, overrides) for change in changes]
    return [*found, *picture.findings]


def _fits(version: str, reference: str) -> bool:
    name, prefix = split_reference(reference)
    own, _, number = version.partition("@")
    return own == name and Version.parse(number).matches(prefix)


def _config(workspace: Workspace, lock: Lock, file: str) -> str | None:
    """Finds where a config comes from; the lock knows it even where its plugin is gone."""
    try:
        source = workspace.source(file)
    except ZooError:
        known = (e.config for e in lock.models if file in (e.name, e.config))
        return next(known, None)
    if not source.path.exists():
        return None
    config = config_of(source)
    if not config:
        raise outside(file)
    return config


def _not_locked(what: str, config: str, lock: Lock) -> Finding:
    configs = [*(entry.config for entry in lock.models), config.partition("@")[0]]
    named = " ".join(dict.fromkeys(map(_as_named, configs)))
    remedy = "`zoo lock` locks all that the registry lists, `zoo lock FILE...` all that is named"
    return Finding(
        "not-locked",
        f"{what} is not in {LOCK_FILE}",
        suggestion=remedy if lock.complete else f"lock it too: zoo lock {named}",
    )


def _as_named(config: str) -> str:
    # One that a plugin ships goes by its own name.
    return config if config.endswith(".toml") else config.rpartition("/")[2]


def _hinting(finding: Finding, overrides: Mapping[str, Any] | None) -> Finding:
    if finding.code != "config-changed" or not overrides:
        return finding
    given = ", ".join(overrides)
    return replace(finding, suggestion=f"leave {given} as locked, or do without --locked")
