"""`zoo sweep`: many trainings of one config, and the best of them."""

from contextlib import nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from zoo.cli.command import Answer, command, import_keras
from zoo.cli.options import (
    AddressOption,
    DebugOption,
    FileArgument,
    JsonOption,
    QuietOption,
    SetOption,
    WorkersOption,
    ZooOption,
)
from zoo.cli.sweep_table import in_digits, live_table
from zoo.config.overrides import parse_overrides
from zoo.config.schema import SweepTable
from zoo.errors import ConfigError, RunError, Stopped, StorageError
from zoo.sweeps.running import SWEEP_FILE, Sweep, Trial
from zoo.workspace import Workspace


@command
def sweep_command(
    file: FileArgument,
    set_: SetOption = None,
    workers: WorkersOption = 0,
    address: AddressOption = None,
    run: Annotated[
        Path | None, typer.Option("--run", metavar="DIR", help="The sweep's folder.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the sweep in --run DIR, or the newest one.")
    ] = False,
    publish: Annotated[
        bool, typer.Option("--publish", help="Publish the weights of the best trial.")
    ] = False,
    quiet: QuietOption = False,
    zoo: ZooOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> Answer:
    """Train a config once for each trial of its [sweep], and rank what came out.

    Ctrl-C stops; --resume goes on, and no trial that is finished is trained again.

    Example: zoo sweep my-model --workers 4 --publish
    """
    workspace = Workspace(zoo)
    if publish:
        _ = workspace.known_registry
    sweep = _sweep(workspace, file, parse_overrides(set_ or []), run, resume)
    sweep.begin(resume)
    if not workers and not address:  # Ray's processes import Keras themselves
        import_keras(quietly=not debug, said=True)
    failed = _train(sweep, workers, address, quiet)
    ranked = sweep.ranked()
    published = None
    if publish and ranked:
        import_keras(quietly=not debug, said=True)
        from zoo.runs import Run

        published = Run(ranked[0][0].folder).publish(zoo=workspace.root).reference
    document = _document(sweep, ranked, failed, published)
    status = 0 if ranked and not failed else RunError.exit_status
    return Answer(document, partial(_print, document, sweep), status)


def _sweep(
    workspace: Workspace, file: str, overrides: dict[str, Any], run: Path | None, resume: bool
) -> Sweep:
    model = workspace.check(file, overrides).usable
    if "sweep" not in model.document:
        raise ConfigError(
            "there is no [sweep] that says what to try",
            "missing-key",
            file=str(model.source.path),
            key="sweep",
            suggestion='such as [sweep.values] with "optimizer.learning_rate" = [0.01, 0.001]',
        )
    table = SweepTable.model_validate(model.document["sweep"])
    home = (workspace.root or Path.cwd()) / "runs" / model.name
    folder = run.absolute() if run is not None else _newest(home) if resume else _new(home)
    sweep = Sweep.planned(file, overrides, workspace.root, folder, table)
    for values in [trial.values for trial in sweep.trials] or _ends(table):
        _ = workspace.check(file, {**overrides, **values}).usable
    return sweep


def _ends(table: SweepTable) -> list[dict[str, Any]]:
    """Gives trials that have, between them, every value of a list and both ends of a range."""
    ends = {
        key: choices if isinstance(choices, list) else [choices.low, choices.high]
        for key, choices in table.values.items()
    }
    most = max(len(values) for values in ends.values())
    return [
        {key: values[min(number, len(values) - 1)] for key, values in ends.items()}
        for number in range(most)
    ]


def _new(home: Path) -> Path:
    stamp = datetime.now(UTC).strftime("sweep-%Y%m%d-%H%M%S")
    candidates = (home / (f"{stamp}-{n}" if n else stamp) for n in range(1000))
    return next(folder for folder in candidates if not folder.exists())


def _newest(home: Path) -> Path:
    sweeps = sorted(path.parent for path in home.glob(f"*/{SWEEP_FILE}"))
    if not sweeps:
        raise StorageError(
            f"there is no sweep to resume in {home}",
            suggestion="name its folder with --run DIR, or sweep without --resume",
        )
    return sweeps[-1]


def _train(sweep: Sweep, workers: int, address: str | None, quiet: bool) -> dict[int, str]:
    failed: dict[int, str] = {}
    console = Console(stderr=True, quiet=quiet, highlight=False)
    done = sum(trial.finished for trial in sweep.trials)
    if done:
        console.print(f"{done} of {sweep.size} trials are finished already")
    live = console.is_terminal and not quiet
    try:
        with live_table(sweep, failed, console) if live else nullcontext():
            for trial, reason in sweep.run(workers, address):
                done += 1
                if reason:
                    failed[trial.number] = reason
                if not live:
                    said = f"trial {trial.number}, {done} of {sweep.size}: {_words(trial)}"
                    outcome = _outcome(trial, sweep.metric, reason)
                    console.print(f"{said}  {outcome}", markup=False, soft_wrap=True)
    except (Stopped, KeyboardInterrupt) as stopped:
        hint = f"go on with: zoo sweep {sweep.file} --run {sweep.folder} --resume"
        number = getattr(stopped, "signal_number", 2)
        raise Stopped(
            f"stopped with {done} of {sweep.size} trials done", number, suggestion=hint
        ) from None
    return failed


def _outcome(trial: Trial, metric: str, reason: str) -> str:
    value = trial.result(metric)
    return reason or (f"{metric} {value:.4g}" if value is not None else f"no {metric}")


def _words(trial: Trial) -> str:
    return "  ".join(f"{key} {in_digits(value)}" for key, value in trial.values.items())


def _document(
    sweep: Sweep,
    ranked: list[tuple[Trial, float]],
    failed: dict[int, str],
    published: str | None,
) -> dict[str, Any]:
    rows = [
        {"trial": t.number, "values": dict(t.values), "value": v, "run": str(t.folder)}
        for t, v in ranked
    ]
    return {
        "sweep": str(sweep.folder),
        "metric": sweep.metric,
        "mode": sweep.table.mode,
        "trials": rows,
        "failed": [{"trial": number, "reason": reason} for number, reason in failed.items()],
        "published": published,
    }


def _print(document: dict[str, Any], sweep: Sweep, console: Console) -> None:
    table = Table("trial", *sweep.table.values, sweep.metric, box=None)
    for row in document["trials"]:
        cells = [in_digits(value) for value in (*row["values"].values(), row["value"])]
        table.add_row(str(row["trial"]), *cells)
    console.print(table)
    for failure in document["failed"]:
        console.print(
            f"trial {failure['trial']} failed: {failure['reason']}", markup=False, soft_wrap=True
        )
    if not document["trials"]:
        console.print(f"no trial has {sweep.metric}; `metric` in [sweep] says what decides")
        return
    best = document["trials"][0]["run"]
    console.print(f"best       {best}", soft_wrap=True)
    if document["published"]:
        console.print(f"published  {document['published']}")
    else:
        console.print(f"next       zoo publish {best}", soft_wrap=True)
