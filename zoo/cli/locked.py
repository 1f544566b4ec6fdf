"""What `--locked` does, wherever it is an option."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.cli.command import report
from zoo.errors import RegistryError
from zoo.runs import RUN_FILE, open_run
from zoo.workspace import Workspace

if TYPE_CHECKING:  # what only some commands need is imported where they need it
    from zoo.checks import Checked


def hold_to_the_lock(
    workspace: Workspace,
    file: str | Path | None = None,
    checked: "Checked | None" = None,
    overrides: Mapping[str, Any] | None = None,
    *,
    versions: Sequence[str] = (),
) -> None:
    """Refuses what is not as `zoo.lock` says, and prints what differs and does no harm."""
    from zoo.locking import require_locked

    unlike = require_locked(workspace, file, checked, overrides, versions=versions)
    report(unlike, as_json=False)


def version_or_run(workspace: Workspace, what: str, locked: bool) -> tuple[str, bool]:
    """Tells what a command is about, held to the lock where asked.

    Args:
        workspace: The zoo.
        what: A model's name or version, or the folder of a run.
        locked: Whether it has to be as `zoo.lock` says.

    Returns:
        What to call it, and whether it is a run.

    Raises:
        ZooError: If there is no such thing, or it is not as the lock says.
    """
    is_run = Path(what, RUN_FILE).is_file()
    if not is_run and what.endswith(".toml"):
        raise RegistryError(
            f"{what} is a config; this takes a model's name or version, or a run's folder",
            "unknown-model",
            suggestion=f"train it first: zoo train {what}",
        )
    label = what if is_run else workspace.known_registry.find(what).reference
    if locked and is_run:
        config = open_run(what).config_path
        hold_to_the_lock(workspace, config, workspace.check(config))
    elif locked:
        hold_to_the_lock(workspace, versions=[what])
    return label, is_run
