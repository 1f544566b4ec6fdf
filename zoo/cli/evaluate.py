"""`zoo evaluate`: a version or a run through the evaluators of its config."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from zoo.cli.command import Answer, command, import_keras
from zoo.cli.locked import version_or_run
from zoo.cli.options import (
    AcceptHarmlessOption,
    DebugOption,
    JsonOption,
    LockedOption,
    QuietOption,
    VersionOrRunArgument,
    ZooOption,
)
from zoo.report import Report
from zoo.report.run_report import try_run_report
from zoo.runs import EVALUATION, open_run
from zoo.workspace import Workspace


@command
def evaluate_command(
    what: VersionOrRunArgument,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report", metavar="DIR", help="Where to write tables; by default a run's folder."
        ),
    ] = None,
    locked: LockedOption = False,
    accept_harmless: AcceptHarmlessOption = False,
    quiet: QuietOption = False,
    zoo: ZooOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> Answer:
    """Evaluate a model of the zoo, or a run, with the evaluators of its config.

    Example: zoo evaluate my-model
    """
    workspace = Workspace(zoo)
    label, is_run = version_or_run(workspace, what, locked)
    import_keras(quietly=not debug)
    from zoo.runtime.evaluation import evaluate
    from zoo.runtime.weights import Shelf

    shelf = Shelf(workspace.registry, workspace.catalog, accept_harmless=accept_harmless)
    model, built = shelf.of_run(what) if is_run else shelf.of_version(label)
    tables = Report(open_run(what).report_folder if is_run and report is None else report)
    results = evaluate(model, built, workspace.catalog, tables)
    files = [str(path) for path in tables.files]
    document: dict[str, Any] = {"model": label, "results": results, "report": files}
    if is_run and report is None:
        run = open_run(what)
        run.write_note(EVALUATION, {"epochs": run.facts.get("epochs"), "results": results})
        page = try_run_report(run, model, workspace.catalog)
        document["page"] = str(page) if page is not None else None

    def text(console: Console) -> None:
        for evaluator, values in results.items():
            console.print(_table(f"{label}  {evaluator}", values))
        if files or document.get("page"):
            console.print(f"report     {document.get('page') or tables.folder}")

    return Answer(document, text)


def _table(title: str, values: dict[str, float]) -> Table:
    # A ratio stands beside what it is the ratio of.
    table = Table("", "value", "ratio", box=None, title=title, title_justify="left")
    for name, value in values.items():
        ratio = values.get(f"{name}_ratio")
        if name.removesuffix("_ratio") == name or name.removesuffix("_ratio") not in values:
            table.add_row(name, f"{value:.6g}", "" if ratio is None else f"{ratio:.4f}")
    return table
