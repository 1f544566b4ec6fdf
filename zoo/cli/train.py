"""`zoo train`: from a config to a run, and on request to a published version."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from zoo.cli.command import Answer, command, import_keras
from zoo.cli.completion import complete_run, complete_version
from zoo.cli.locked import hold_to_the_lock
from zoo.cli.options import (
    AcceptHarmlessOption,
    DebugOption,
    FileArgument,
    JsonOption,
    LockedOption,
    QuietOption,
    SetOption,
    ZooOption,
)
from zoo.config.overrides import parse_overrides
from zoo.report.run_report import INDEX
from zoo.runs import Run
from zoo.workspace import Workspace

if TYPE_CHECKING:
    from zoo.runtime.workers import Worker


@command
def train_command(
    file: FileArgument,
    set_: SetOption = None,
    run: Annotated[
        Path | None,
        typer.Option("--run", metavar="DIR", help="The run's folder.", autocompletion=complete_run),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in --run DIR, or the newest one.")
    ] = False,
    start_from: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="NAME@V",
            help="Start from the weights of a version.",
            autocompletion=complete_version,
        ),
    ] = None,
    publish: Annotated[
        bool, typer.Option("--publish", help="Publish the weights when the training is done.")
    ] = False,
    quiet: QuietOption = False,
    locked: LockedOption = False,
    accept_harmless: AcceptHarmlessOption = False,
    zoo: ZooOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> Answer:
    """Train the model of a config.

    Ctrl-C stops at the next batch; --resume goes on after the last finished epoch.

    Example: zoo train my-model --set train.epochs=5 --publish
    """
    workspace = Workspace(zoo)
    if publish:
        _ = workspace.known_registry  # what is wrong with it is better known before than after
    overrides = parse_overrides(set_ or [])
    checked = workspace.check(file, overrides)
    if locked:
        versions = [start_from] if start_from is not None else []
        hold_to_the_lock(workspace, file, checked, overrides, versions=versions)
    model = checked.usable

    import_keras(quietly=not debug)
    from zoo.runtime.training import Wishes, train
    from zoo.runtime.weights import Shelf
    from zoo.runtime.workers import worker_of

    shelf = Shelf(workspace.registry, workspace.catalog, accept_harmless=accept_harmless)
    wishes = Wishes(run, resume, start_from, quiet, workspace.origins(model, overrides))
    with workspace.pointing(model.source, overrides):
        done = train(model, shelf, workspace.root, wishes)
    worker = worker_of(model.train.strategy)
    if not worker.leads:
        return _of_a_helper(worker, done)
    published = done.publish(zoo=workspace.root).reference if publish else None
    document = {"run": str(done.folder), "history": done.history, "published": published}
    return Answer(document, partial(_print, done, published))


def _of_a_helper(worker: "Worker", done: Run) -> Answer:
    document = {"run": None, "history": done.history, "published": None}
    line = f"worker {worker.rank} of {worker.count} is done; worker 0 has the run"
    return Answer(document, lambda console: console.print(line))


def _print(done: Run, published: str | None, console: Console) -> None:
    last = "  ".join(f"{name} {value:.4g}" for name, value in done.last_epoch().items())
    console.print(f"run        {done.folder}\nlast epoch {last}")
    if (page := done.report_folder / INDEX).is_file():
        console.print(f"report     {page}")
    if published:
        console.print(f"published  {published}\nnext       zoo evaluate {published}")
    else:
        console.print(f"next       zoo publish {done.folder}")
