"""The report of a run: one page for a person, the pictures and the numbers beside it."""

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from zoo.catalog.catalog import Catalog
from zoo.errors import in_one_line
from zoo.files import read_bytes, write_atomically
from zoo.report.charts import MISSING, can_draw
from zoo.report.documents import Shown, shown
from zoo.report.graph_picture import graph_svg
from zoo.report.graph_table import drawn_nodes
from zoo.report.page import page
from zoo.report.templating import filled
from zoo.report.training_tables import CURVE, FOLDER, GRADIENT, write_training_tables
from zoo.resolve import ResolvedModel
from zoo.runs import EVALUATION, TIMINGS, Run

INDEX = "index.html"

_SECTIONS = {
    "curves": "Learning curves",
    "gradients": "Gradient norm",
    "evaluation": "Evaluation",
    "graph": "Model graph",
    "data": "Data",
    "timings": "Timings",
    "config": "Config",
    "environment": "Environment",
}
_MOST_OF_A_GRAPH = 400
"""A picture of more nodes is of no use to anybody."""


@dataclass(frozen=True, slots=True)
class Written:
    """A report that was written.

    Attributes:
        index: The page.
        missing: What it lacks for want of an extra, in one line; empty if nothing.
    """

    index: Path
    missing: str = ""


@dataclass(slots=True)
class _Evaluator:
    results: list[tuple[str, str]] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)


def write_run_report(run: Run, model: ResolvedModel | None, catalog: Catalog) -> Written:
    """Writes the report of a run into its `report/`, in place of an earlier one.

    Args:
        run: The run.
        model: Its resolved model; None where it cannot be resolved here, as without a plugin.
        catalog: The installed components.

    Raises:
        StorageError: If the run cannot be read, or the report not be written.
    """
    facts = run.facts
    draw = can_draw()
    nodes = drawn_nodes(model, facts.get("graph", {}), catalog)
    write_training_tables(run, nodes)
    own = {one.name: one for one in shown(run.report_folder / FOLDER, f"{FOLDER}/", draw=draw)}
    names = _in_order(run, own)
    ending, remedy = _ending(run, facts)
    values = {
        "facts": {"description": "", "status": "", **facts},
        "is_bad": facts.get("status") in ("failed", "stopped"),
        "ending": ending,
        "remedy": remedy,
        "cards": [*_cards(run, facts)],
        "missing": "" if draw else MISSING,
        "curves": [own[name] for name in names if name.startswith(CURVE)],
        "gradients": [own[name] for name in names if name.startswith(GRADIENT)],
        "tables": {name: own.get(name) for name in ("graph", "data", "seconds", "config")},
        "graph_svg": graph_svg(nodes) if len(nodes) <= _MOST_OF_A_GRAPH else "",
        "environment": [*_environment(facts)],
        **_evaluation(run, draw=draw),
    }
    there = {
        "curves": values["curves"],
        "gradients": values["gradients"],
        "evaluation": values["evaluators"],
        "data": values["tables"]["data"],
        "timings": values["tables"]["seconds"],
        "config": values["tables"]["config"],
    }
    contents = [(id_, title) for id_, title in _SECTIONS.items() if there.get(id_, True)]
    body = filled("run.html", contents=contents, **values)
    index = run.report_folder / INDEX
    write_atomically(index, page(f"{facts.get('model', '')}: training", body).encode())
    return Written(index, values["missing"])


def try_run_report(
    run: Run, model: ResolvedModel | None, catalog: Catalog, *, quiet: bool = False
) -> Path | None:
    """Writes the report of a run where that can be done; what cannot is a line on stderr.

    Args:
        run: The run.
        model: Its resolved model.
        catalog: The installed components.
        quiet: Whether to say nothing of an extra that is missing.

    Returns:
        The page; None if there is none.
    """
    try:
        written = write_run_report(run, model, catalog)
    except Exception as error:  # noqa: BLE001  # no report is worth what it reports on
        print(f"no report was written: {in_one_line(error)}", file=sys.stderr)
        return None
    if written.missing and not quiet:
        print(written.missing, file=sys.stderr)
    return written.index


def _in_order(run: Run, own: Mapping[str, Shown]) -> list[str]:
    # As the history has them: the loss first.
    captions = [name.removeprefix("val_") for name in run.history]
    order = {name: place for place, name in reversed([*enumerate(captions)])}
    return sorted(own, key=lambda name: order.get(own[name].caption, len(order)))


def _evaluation(run: Run, *, draw: bool) -> dict[str, Any]:
    found = run.note(EVALUATION) or {}
    evaluators: dict[str, _Evaluator] = {}
    for name, results in found.get("results", {}).items():
        pairs = [(str(key), f"{value:.4g}") for key, value in results.items()]
        evaluators[name] = _Evaluator(pairs)
    for one in shown(run.report_folder, draw=draw):
        evaluators.setdefault(one.evaluator or "other", _Evaluator()).shown.append(one)
    after, done = found.get("epochs"), run.facts.get("epochs")
    note = f"After epoch {after}; {done} are done by now." if after not in (None, done) else ""
    return {"evaluators": evaluators, "results": found.get("results"), "results_note": note}


def _ending(run: Run, facts: Mapping[str, Any]) -> tuple[str, str]:
    """Gives why a run ended before its time, and what to do about it."""
    if facts.get("status") not in ("failed", "stopped"):
        return "", ""
    log = run.folder / "log.txt"
    lines = read_bytes(log).decode("utf-8", "replace").splitlines() if log.is_file() else []
    prefix = f" {facts['status']}: "
    said = next((line.partition(prefix)[2] for line in reversed(lines) if prefix in line), "")
    why, _, remedy = re.sub(r"^error\[[\w-]+\]: ", "", said).partition(" = ")
    return why, remedy


def _cards(run: Run, facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    done, planned = facts.get("epochs"), facts.get("planned")
    yield "epochs", f"{done} of {planned}" if done != planned else str(done)
    for name, value in run.last_epoch().items():
        if name in ("loss", "val_loss"):
            yield f"last {name}", f"{value:.4g}"
    validation = [value for value in run.history.get("val_loss", []) if value is not None]
    if validation:
        best = min(validation)
        yield "best val_loss", f"{best:.4g} (epoch {run.history['val_loss'].index(best) + 1})"
    yield "parameters", f"{facts.get('parameters', 0):,}"
    if seconds := [value for value in run.note(TIMINGS) or () if value is not None]:
        yield "training time", duration(sum(seconds))
    yield "seed", str(facts.get("seed"))


def duration(seconds: float) -> str:
    """Words a time: `2.1 s`, `3 min 20 s`, `5 h 12 min`."""
    if seconds < 60.0:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def _environment(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in ("python", "keras", "tensorflow"):
        yield name, str(facts.get(name, ""))
    for plugin, version in (facts.get("plugins") or {}).items():
        yield str(plugin), str(version)
    for name in ("started", "finished"):
        yield name, _time(facts.get(name))
    yield "config", str(facts.get("source") or "outside of a zoo")
    if facts.get("parent"):
        yield "started from", str(facts["parent"])
    yield "fingerprint", str(facts.get("fingerprint", ""))


def _time(text: Any) -> str:
    try:
        return f"{datetime.fromisoformat(str(text)):%Y-%m-%d %H:%M:%S %Z}"
    except ValueError:
        return ""
