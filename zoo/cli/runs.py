"""`zoo runs`: the trainings of a zoo, side by side."""

import contextlib
import math
import time
import tomllib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from zoo.cli.command import Answer, command
from zoo.cli.completion import complete_model
from zoo.cli.options import DebugOption, JsonOption, ZooOption
from zoo.components import did_you_mean
from zoo.differences import flattened
from zoo.digest import sha256
from zoo.errors import ConfigError, StorageError, ZooError
from zoo.files import read_bytes
from zoo.registry.garbage import RUN_LOCK, RUNS, is_held
from zoo.runs import RUN_FILE, TIMINGS, Run, open_run
from zoo.workspace import Workspace


@command
def runs_command(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME | RUN...]",
            help="A model's name, or the folders of runs to compare; by default all runs.",
            autocompletion=complete_model,
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            "--by", metavar="METRIC", help="The run with the lowest last value first; or -METRIC."
        ),
    ] = None,
    zoo: ZooOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> Answer:
    """List the runs of a zoo, the newest first, with what each reached.

    Of runs that are named by their folders, it also shows what their configs do not share.

    Example: zoo runs my-model --by val_loss
    """
    workspace = Workspace(zoo)
    if names and (len(names) > 1 or Path(names[0], RUN_FILE).is_file()):
        return _compared([_row(open_run(folder), workspace) for folder in names], by)
    name = names[0] if names else None
    folder = (workspace.root or Path.cwd()) / RUNS
    # A sweep's folder holds a run for each trial.
    files = [*folder.glob(f"*/*/{RUN_FILE}"), *folder.glob(f"*/*/trial-*/{RUN_FILE}")]
    found = [_row(Run(file.parent), workspace) for file in files]
    rows = [row for row in found if name in (None, row["model"])]
    if name is not None and not rows:
        models = {str(row["model"]) for row in found}
        hint = did_you_mean(name, models, f"train it: zoo train {name}")
        raise ConfigError(f"there is no run of {name!r} in {folder}", suggestion=hint)
    rows.sort(key=lambda row: row["started"] or "", reverse=True)
    if by is not None:
        rows = _sorted_by(by, rows)
    if not rows:
        return Answer(rows, f"there is no run in {folder}; `zoo train FILE` makes one")
    return Answer(rows, lambda console: console.print(_table(rows)))


def _compared(rows: list[dict[str, Any]], by: str | None) -> Answer:
    configs = [flattened(_config(Path(row["run"]))) for row in rows]
    keys = list(dict.fromkeys(key for config in configs for key in config))
    differing = [key for key in keys if len({repr(config.get(key)) for config in configs}) > 1]
    for row, config in zip(rows, configs, strict=True):
        row["config"] = {key: config.get(key) for key in differing}
    ordered = _sorted_by(by, rows) if by is not None else rows
    table = Table("config", *(escape(_short(row["run"])) for row in ordered), box=None)
    for key in differing:
        values = (row["config"][key] for row in ordered)
        table.add_row(
            escape(key), *("" if value is None else escape(str(value)) for value in values)
        )

    def text(console: Console) -> None:
        console.print(_table(ordered))
        console.print(table if differing else "the configs are the same")

    return Answer(ordered, text)


def _config(folder: Path) -> dict[str, Any]:
    return tomllib.loads(read_bytes(Run(folder).config_path).decode())


def _sorted_by(metric: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    sign = -1 if metric.startswith("-") else 1
    name = metric.removeprefix("-")
    known = {key for row in rows for key in row["metrics"]}
    if rows and name not in known:
        hint = did_you_mean(name, known, f"one of {', '.join(sorted(known))}")
        raise ConfigError(f"no run has a metric {name!r}", suggestion=hint)
    return sorted(rows, key=lambda row: sign * row["metrics"].get(name, sign * math.inf))


def _row(run: Run, workspace: Workspace) -> dict[str, Any]:
    row: dict[str, Any] = {"run": str(run.folder), "model": run.folder.parent.name}
    row |= {"status": "damaged", "started": None, "seconds": None, "seed": None, "reason": ""}
    row |= {"epochs": 0, "planned": None, "metrics": {}, "best": {}, "published": []}
    try:
        facts, history = run.facts, run.history
        row |= {key: facts.get(key) for key in ("model", "started", "seed", "planned")}
        row["epochs"] = max((len(values) for values in history.values()), default=0)
        row["status"] = _status(run, facts)
        row["seconds"] = _seconds(run, facts, row["epochs"])
        row["metrics"] = run.last_epoch()
        finite = {key: [v for v in values if v is not None] for key, values in history.items()}
        row["best"] = {key: min(values) for key, values in finite.items() if values}
        row["published"] = list(_published(run, workspace))
    except ZooError as error:
        row["reason"] = error.findings[0].message
    return row


def _status(run: Run, facts: dict[str, Any]) -> str:
    status = str(facts.get("status", "unknown"))
    # Whoever trains holds the lock for as long as it lives.
    return "killed" if status == "running" and not is_held(run.folder / RUN_LOCK) else status


def _seconds(run: Run, facts: dict[str, Any], epochs: int) -> float | None:
    """Gives how long a run trained: its epochs, or where they were not timed from start to end."""
    with contextlib.suppress(StorageError, TypeError):
        # Between the start and the end of a run that was resumed, nothing was trained for a while.
        timed = run.note(TIMINGS) or []
        if len(timed) == epochs > 0 and None not in timed:
            return float(sum(timed))
    try:
        started = datetime.fromisoformat(facts["started"]).timestamp()
        finished = facts.get("finished")
        end = datetime.fromisoformat(finished).timestamp() if finished else time.time()
    except (KeyError, TypeError, ValueError):
        return None
    return end - started if finished or facts.get("status") == "running" else None


def _published(run: Run, workspace: Workspace) -> Iterator[str]:
    """Finds the versions whose config and metrics are those of a run."""
    if workspace.registry is None:
        return
    digest = sha256(read_bytes(run.config_path))
    for entry in workspace.registry.weights:
        if entry.config_sha256 == digest and dict(entry.metrics) == run.last_epoch():
            yield entry.reference


def _table(rows: Sequence[dict[str, Any]]) -> Table:
    names = list(dict.fromkeys(key for row in rows for key in row["metrics"]))
    folders = [_short(row["run"]) for row in rows]
    table = Table(
        # Never cut: a folder is there to be pasted.
        Column("run", no_wrap=True, min_width=max(map(len, folders), default=0)),
        *("started", "status", "epochs", "seconds", *map(escape, names), "published"),
        box=None,
    )
    for row, folder in zip(rows, folders, strict=True):
        seconds = "" if row["seconds"] is None else f"{row['seconds']:.0f}"
        values = (row["metrics"].get(name) for name in names)
        table.add_row(
            escape(folder),
            (row["started"] or "")[:16].replace("T", " "),
            row["status"],
            f"{row['epochs']}/{row['planned'] or '?'}",
            seconds,
            *("" if value is None else f"{value:.4g}" for value in values),
            ", ".join(row["published"]),
        )
    return table


def _short(folder: str) -> str:
    path = Path(folder)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else folder
