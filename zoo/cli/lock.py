"""`zoo lock`: pins what gives the names of a zoo's models their meaning."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli.columns import columns
from zoo.cli.command import Answer, command, report
from zoo.cli.completion import complete_model
from zoo.cli.options import DebugOption, JsonOption, ZooOption
from zoo.errors import RegistryError
from zoo.workspace import Workspace

if TYPE_CHECKING:
    from zoo.locking import Change, Lock


@command
def lock_command(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE|NAME...]",
            help="Configs, or names of models; by default all that the registry lists.",
            autocompletion=complete_model,
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Write nothing; say whether zoo.lock is up to date."),
    ] = False,
    zoo: ZooOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> Answer:
    """Write zoo.lock: the plugins, configs, weights and versions that the models rest on.

    Other commands refuse with --locked what is no longer so. With --check the exit status is 0
    if nothing is, 5 for plugins and packages, 3 for weights, 2 for configs, whichever comes first
    here.

    Example: zoo lock, and later: zoo train my-model --locked
    """
    from zoo.files import write_atomically
    from zoo.locking import LOCK_FILE, newly_locked, refusal, written

    workspace = Workspace(zoo)
    path = workspace.known_registry.root / LOCK_FILE
    if check:
        return _checked(workspace, path, models or [])
    picture = newly_locked(workspace, models or [])
    if picture.findings:
        raise refusal(picture.findings)
    old, damage = _old(path.parent)
    changes = _changes(old, picture.lock)
    data = written(picture.lock)
    is_new = not path.exists() or path.read_bytes() != data
    if is_new:
        write_atomically(path, data)
    document = {**_document(path, picture.lock, changes), "ok": True, "written": is_new}
    said = [f"replaced one that was damaged: {damage}"] if damage else []
    said += [_table(changes)] if changes else []
    what = "wrote" if is_new else "up to date:"
    return Answer(
        document, "\n".join([*said, f"{what} {os.path.relpath(path)}: {_counts(picture.lock)}"])
    )


def _checked(workspace: Workspace, path: Path, models: Sequence[str]) -> Answer:
    from zoo.locking import compare, locked_again, newly_locked, read_lock, refusal

    lock = read_lock(path.parent)
    if models:
        known = [plugin.name for plugin in lock.plugins]
        picture = newly_locked(workspace, models, known)
        configs = [entry.config for entry in picture.lock.models]
        lock = lock.narrowed(configs, [entry.version for entry in picture.lock.weights])
    else:
        picture = locked_again(workspace, lock)
    disabled = {row.distribution for row in workspace.catalog.disabled}
    changes = compare(lock, picture.lock, unresolved=picture.unresolved, disabled=disabled)
    findings = [*(change.finding for change in changes), *picture.findings]
    errors = [finding for finding in findings if finding.severity == "error"]
    document = {
        **_document(path, picture.lock, changes),
        "ok": not errors,
        "written": False,
        "errors": [finding.to_json() for finding in errors],
    }
    report(findings, as_json=False)
    state = f"not up to date: {_count(len(errors), 'difference')}" if errors else "up to date"
    text = f"{os.path.relpath(path)} is {state}"
    return Answer(document, text, refusal(errors).exit_status if errors else 0)


def _old(root: Path) -> tuple["Lock | None", str]:
    """Reads the lock that is to be replaced; one that is damaged is no hindrance."""
    from zoo.locking import LOCK_FILE, read_lock

    if not (root / LOCK_FILE).exists():
        return None, ""
    try:
        return read_lock(root), ""
    except RegistryError as error:
        return None, error.findings[0].message


def _changes(old: "Lock | None", new: "Lock") -> list["Change"]:
    from zoo.locking import compare

    return compare(old, new) if old is not None else []


def _document(path: Path, lock: "Lock", changes: Sequence["Change"]) -> dict[str, Any]:
    return {
        "file": str(path),
        "plugins": {plugin.name: plugin.version for plugin in lock.plugins},
        "models": [entry.config for entry in lock.models],
        "weights": [entry.version for entry in lock.weights],
        "environment": lock.environment,
        "changes": [change.to_json() for change in changes],
    }


def _table(changes: Sequence["Change"]) -> str:
    return columns([(c.how, c.kind, c.name, c.detail) for c in changes])


def _counts(lock: "Lock") -> str:
    counts = (("plugin", lock.plugins), ("model", lock.models), ("version", lock.weights))
    return ", ".join(_count(len(entries), word) for word, entries in counts)


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
