"""What a run itself has to report, as tables and figures like those of evaluators."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zoo.report.graph_picture import Drawn
from zoo.report.tables import Report, Tables
from zoo.runs import DATA, PROVENANCE, TIMINGS, History, Run

FOLDER = "training"
"""The folder in a run's report that has them."""

CURVE, GRADIENT, GRAPH, CONFIG, EPOCH_TIMES, ARRAYS = (
    "curve-",
    "gradient-",
    "graph",
    "config",
    "seconds",
    "data",
)

_VALIDATION = "val_"
_LIKE_A_GRADIENT_NORM = re.compile(r"grad.*norm|norm.*grad", re.IGNORECASE)
_WIDE = 30.0
"""From this ratio of largest to smallest on, a logarithmic axis shows more."""


def write_training_tables(run: Run, nodes: Sequence[Drawn]) -> None:
    """Writes what a run has to report into its report's folder.

    Args:
        run: The run.
        nodes: Its graph.

    Raises:
        StorageError: If that cannot be done.
    """
    folder = run.report_folder / FOLDER
    _forget(folder)
    tables = Tables(Report(folder), "", "")
    _write_curves(tables, run.history)
    _write_graph(tables, nodes)
    _write_config(tables, run.note(PROVENANCE) or [])
    _write_times(tables, run.note(TIMINGS) or [])
    _write_data(tables, run.note(DATA) or [])


def _write_config(tables: Tables, rows: list[dict[str, Any]]) -> None:
    names = ("key", "value", "from")
    columns = {name: [_text(row.get(name)) for row in rows] for name in names}
    if rows:
        caption = "Each value of the config, and what it came from."
        tables.table(CONFIG, columns, caption)


def _write_times(tables: Tables, seconds: list[float | None]) -> None:
    columns = {"epoch": [*range(1, len(seconds) + 1)], "seconds": seconds}
    if any(value is not None for value in seconds):
        caption = "Seconds an epoch took, its checkpoint included; the first one compiles too."
        tables.lines(
            EPOCH_TIMES, columns, x="epoch", y=["seconds"], ylabel="seconds", caption=caption
        )


def _write_data(tables: Tables, rows: list[dict[str, Any]]) -> None:
    names = ("split", "array", "shape", "dtype", "mean", "std", "min", "max", "of")
    columns = {name: [_shape(row.get(name)) for row in rows] for name in names}
    if rows:
        caption = "Shapes have the samples first; the last column says what the statistics are of."
        tables.table(ARRAYS, columns, caption)


def _forget(folder: Path) -> None:
    # What an earlier state of the run had, and this one has not, is not to be shown.
    for path in folder.glob("*.*"):
        if path.suffix in (".json", ".csv", ".png"):
            path.unlink(missing_ok=True)


def _write_curves(tables: Tables, history: History) -> None:
    epochs = max((len(values) for values in history.values()), default=0)
    taken: set[str] = set()
    for metric in dict.fromkeys(name.removeprefix(_VALIDATION) for name in history):
        both = {"training": metric, "validation": f"{_VALIDATION}{metric}"}
        series = {label: history[name] for label, name in both.items() if name in history}
        padded = {label: [*v, *([None] * (epochs - len(v)))] for label, v in series.items()}
        is_norm = _LIKE_A_GRADIENT_NORM.search(metric) is not None
        name = _file_name(f"{GRADIENT if is_norm else CURVE}{metric}", taken)
        tables.lines(
            name,
            {"epoch": [*range(1, epochs + 1)], **padded},
            x="epoch",
            y=[*padded],
            ylabel=metric,
            log=is_norm or _spans_far(padded.values()),
            caption=metric,
        )


def _write_graph(tables: Tables, nodes: Sequence[Drawn]) -> None:
    columns: dict[str, list[Any]] = {
        "node": [node.name for node in nodes],
        "type": [node.type for node in nodes],
        "inputs": [", ".join(node.inputs) for node in nodes],
        "output shape": [node.shape for node in nodes],
        "parameters": [
            int(node.parameters.replace(",", "")) if node.parameters else None for node in nodes
        ],
    }
    tables.table(GRAPH, columns)


def _file_name(text: str, taken: set[str]) -> str:
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", text)[:56]
    name, count = plain, 1
    while name.lower() in taken:
        count += 1
        name = f"{plain}-{count}"
    taken.add(name.lower())
    return name


def _spans_far(series: Any) -> bool:
    values = [value for each in series for value in each if value is not None]
    return bool(values) and min(values) > 0.0 and max(values) / min(values) > _WIDE


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _shape(value: Any) -> Any:
    return f"({', '.join(map(str, value))})" if isinstance(value, list) else value
