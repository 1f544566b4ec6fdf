"""The table of a sweep's trials that stands on a terminal while they are trained."""

import json
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from zoo.runs import RUN_FILE
from zoo.sweeps.running import Sweep, Trial


def live_table(sweep: Sweep, failed: Mapping[int, str], console: Console) -> Live:
    """Gives what shows how far each trial is, as the runs on disk say, and is gone at its end.

    Args:
        sweep: The sweep, whose trials may become more.
        failed: Why a trial failed, by its number; may become more.
        console: The terminal.
    """
    return Live(
        get_renderable=lambda: trials_table(sweep, failed, console.height - 4),
        console=console,
        refresh_per_second=1,
        transient=True,
    )


def trials_table(sweep: Sweep, failed: Mapping[int, str], most: int) -> Table:
    """Gives a row for each trial that is under way, then for the finished ones, best first.

    Args:
        sweep: The sweep.
        failed: Why a trial failed, by its number.
        most: How many rows there is room for.
    """
    ranked = sweep.ranked()
    over = {trial.number for trial, _ in ranked} | failed.keys()
    others = [trial for trial in sweep.trials if trial.number not in over]
    begun = [trial for trial in others if (trial.folder / RUN_FILE).is_file()]
    rows = [(trial, "", f"epoch {_epochs(trial) + 1}") for trial in begun]
    rows += [(trial, in_digits(value), "finished") for trial, value in ranked]
    rows += [(trial, "", "failed") for trial in sweep.trials if trial.number in failed]
    table = Table("trial", *sweep.table.values, sweep.metric, "", box=None)
    for trial, value, state in rows[:most]:
        cells = [in_digits(tried) for tried in trial.values.values()]
        table.add_row(str(trial.number), *cells, value, state)
    waiting = sweep.size - len(rows)
    table.caption = f"{len(over)} of {sweep.size} done, {len(begun)} under way, {waiting} waiting"
    table.caption_justify = "left"
    return table


def in_digits(value: Any) -> str:
    """Words a value, a float by its first four digits."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _epochs(trial: Trial) -> int:
    """Gives how many epochs a trial under way has finished."""
    try:
        history = json.loads((trial.folder / "history.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0
    return max((len(values) for values in history.values()), default=0)
