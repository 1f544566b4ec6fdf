"""`zoo train`: from a config to a run, and on request to a published version."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from zoo.cli.command import Answer, command, import_keras
from zoo.cli.completion import complete_run, complete_version
from zoo.cli.locked import hold_to_the_lock
from zoo.cli.options import (
    AcceptHarmlessOption,
    AddressOption,
    DebugOption,
    FileArgument,
    JsonOption,
    LockedOption,
    QuietOption,
    SetOption,
    WorkersOption,
    ZooOption,
)
from zoo.config.overrides import parse_overrides
from zoo.report.run_report import INDEX
from zoo.runs import Run
from zoo.runtime.workers import Worker, worker_of
from zoo.workspace import Workspace

if TYPE_CHECKING:
    from zoo.resolve import ResolvedModel


_RunOption = Annotated[
    Path | None,
    typer.Option("--run", metavar="DIR", help="The run's folder.", autocompletion=complete_run),
]
_ResumeOption = Annotated[
    bool, typer.Option("--resume", help="Go on with the run in --run DIR, or the newest one.")
]
_FromOption = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="NAME@V",
        help="Start from the weights of a version.",
        autocompletion=complete_version,
    ),
]


@command
def train_command(
    file: FileArgument,
    set_: SetOption = None,
    run: _RunOption = None,
    resume: _ResumeOption = False,
    start_from: _FromOption = None,
    workers: WorkersOption = 0,
    address: AddressOption = None,
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

    Ctrl-C stops at the next batch; --resume goes on after the last finished epoch. --workers and
    --address have Ray start the processes of a training with strategy = "multi_worker".

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

    asked: dict[str, Any] = {"folder": run, "resume": resume}
    asked |= {"start_from": start_from, "quiet": quiet}
    worker = Worker()
    with workspace.pointing(model.source, overrides):
        if workers or address:
            from zoo.runtime.placing import train_on_ray

            asked |= {"file": file, "overrides": overrides, "zoo": workspace.root}
            asked |= {"locked": locked, "accept_harmless": accept_harmless}
            home = workspace.root or Path.cwd()
            done = train_on_ray(model, home, asked, workers, address)
        else:
            import_keras(quietly=not debug, said=True)
            asked["origins"] = workspace.origins(model, overrides)
            done = _train_here(workspace, model, asked, accept_harmless)
            worker = worker_of(model.train.strategy)
    if not worker.leads:
        return _of_a_helper(worker, done)
    published = done.publish(zoo=workspace.root).reference if publish else None
    document = {"run": str(done.folder), "history": done.history, "published": published}
    return Answer(document, partial(_print, done, published))


def _train_here(
    workspace: Workspace, model: "ResolvedModel", asked: dict[str, Any], accept_harmless: bool
) -> Run:
    from zoo.runtime.training import Wishes, train
    from zoo.runtime.weights import Shelf

    shelf = Shelf(workspace.registry, workspace.catalog, accept_harmless=accept_harmless)
    return train(model, shelf, workspace.root, Wishes(**asked))


def _of_a_helper(worker: Worker, done: Run) -> Answer:
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
