"""`zoo doctor`: whether all is well, and what to do where it is not."""

from typing import Annotated

import typer
from rich.console import Console

from zoo.cli.command import Answer, command
from zoo.cli.options import DebugOption, JsonOption, ZooOption
from zoo.cli.rows import print_rows
from zoo.workspace import Workspace


@command
def doctor_command(
    full: Annotated[
        bool, typer.Option("--full", help="Read all weights and check their hashes, too.")
    ] = False,
    zoo: ZooOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> Answer:
    """Look at environment, plugins, registry and cache, and for what was left behind.

    The exit status is 0 with warnings alone; otherwise 3 for the registry, 4 for files, 5 for
    plugins and packages, whichever comes first here.

    Example: zoo doctor
    """
    from zoo.doctor import diagnose
    from zoo.rows import exit_status

    rows = diagnose(Workspace(zoo), full=full)
    status = exit_status(rows)
    document = {"ok": status == 0, "rows": [row.to_json() for row in rows]}

    def text(console: Console) -> None:
        print_rows(console, rows)

    return Answer(document, text, status)
