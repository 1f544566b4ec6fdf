"""`zoo report`: the page of a run, written anew."""

from typing import Annotated

import typer

from zoo.cli.command import Answer, command
from zoo.cli.completion import complete_run
from zoo.cli.options import DebugOption, JsonOption, ZooOption
from zoo.report.run_report import write_run_report
from zoo.runs import open_run
from zoo.workspace import Workspace


@command
def report_command(
    run: Annotated[
        str,
        typer.Argument(metavar="RUN", help="The folder of a run.", autocompletion=complete_run),
    ],
    zoo: ZooOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> Answer:
    """Write the report of a run: one page to open in a browser, pictures and numbers beside it.

    A training writes it at its end, and an evaluation too.

    Example: zoo report runs/my-model/20261124-090000
    """
    workspace = Workspace(zoo)
    opened = open_run(run)
    # Without a plugin it cannot be resolved, and the run has enough to say by itself.
    model = workspace.check(opened.config_path).model
    written = write_run_report(opened, model, workspace.catalog)
    files = sorted(path for path in opened.report_folder.rglob("*") if path.is_file())
    document = {
        "run": str(opened.folder),
        "report": str(written.index),
        "files": [str(path) for path in files],
        "missing": written.missing,
    }
    text = f"report  {written.index}"
    return Answer(document, f"{text}\n{written.missing}" if written.missing else text)
