"""`zoo yank` and `zoo deprecate`: versions that should not be used, or not any more."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from zoo.cli.command import Answer, command
from zoo.cli.completion import complete_version
from zoo.cli.options import DebugOption, JsonOption, ZooOption
from zoo.registry.life import Withdrawn, set_status
from zoo.registry.root import known_root

VersionsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="NAME@V...",
        help="Versions, each by its full number.",
        autocompletion=complete_version,
    ),
]


@command
def yank_command(
    versions: VersionsArgument,
    undo: Annotated[
        bool, typer.Option("--undo", help="Make versions that were yanked stable again.")
    ] = False,
    zoo: ZooOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> Answer:
    """Yank versions: only the full number finds them still, with a warning.

    The files stay, so whatever was made with a version can be made again.

    Example: zoo yank my-model@1.0.0
    """
    return _answer(versions, "yanked", zoo, undo=undo)


@command
def deprecate_command(
    versions: VersionsArgument,
    undo: Annotated[
        bool, typer.Option("--undo", help="Make versions that were deprecated stable again.")
    ] = False,
    zoo: ZooOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> Answer:
    """Deprecate versions: stable ones are taken first, and these with a warning.

    Example: zoo deprecate my-model@1.0.0 my-model@1.1.0
    """
    return _answer(versions, "deprecated", zoo, undo=undo)


def _answer(versions: list[str], status: Withdrawn, zoo: Path | None, *, undo: bool) -> Answer:
    changes = set_status(known_root(zoo), versions, status, undo=undo)
    document = {
        "versions": [
            {
                "version": change.reference,
                "status": change.after,
                "changed": change.before != change.after,
            }
            for change in changes
        ]
    }

    def text(console: Console) -> None:
        for change in changes:
            is_new = change.before != change.after
            now = f"is {change.after} now" if is_new else f"stays {change.after}"
            console.print(f"{change.reference} {now}")

    return Answer(document, text)
