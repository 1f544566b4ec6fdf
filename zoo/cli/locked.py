"""What `--locked` does, wherever it is an option."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.cli.command import report
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
