"""`zoo publish`: a run's weights as a version of the zoo."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from zoo.cli.command import Answer, command
from zoo.cli.completion import complete_run
from zoo.cli.options import DebugOption, JsonOption, QuietOption, ZooOption
from zoo.runs import open_run


@command
def publish_command(
    run: Annotated[
        Path,
        typer.Argument(metavar="RUN", help="The folder of a run.", autocompletion=complete_run),
    ],
    version: Annotated[
        str | None,
        typer.Option("--version", metavar="X.Y.Z", help="The version; by default the next one."),
    ] = None,
    quiet: QuietOption = False,
    zoo: ZooOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> Answer:
    """Publish a run's weights: a new major version if the graph changed, else a minor one.

    Example: zoo publish runs/my-model/20261123-120000
    """
    opened = open_run(run)
    if (status := opened.facts.get("status")) != "finished":
        epochs = opened.facts.get("epochs", 0)
        print(f"note: this run is {status}; its weights are of epoch {epochs}", file=sys.stderr)
    entry = opened.publish(version, zoo=zoo)
    document = {"version": entry.reference, "sha256": entry.sha256, "file": entry.file}

    def text(console: Console) -> None:
        console.print(f"published  {entry.reference}\nfile       {entry.file}")
        console.print(f"next       zoo evaluate {entry.reference}")

    return Answer(document, text)
