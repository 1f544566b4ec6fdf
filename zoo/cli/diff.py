"""`zoo diff`: what differs between two configs, runs or versions."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from zoo.cli.command import Answer, command
from zoo.cli.completion import complete_version
from zoo.cli.options import DebugOption, JsonOption, ZooOption
from zoo.comparing import Side, side
from zoo.differences import ABSENT, Difference, differences
from zoo.workspace import Workspace

_SIGNS = {"added": "[green]+[/green]", "removed": "[red]-[/red]", "changed": "[yellow]~[/yellow]"}
_WIDEST = 60

_OneArgument = Annotated[
    str,
    typer.Argument(
        metavar="A",
        help="A config, a model's name, a run's folder, or a version such as my-model@1.",
        autocompletion=complete_version,
    ),
]
_OtherArgument = Annotated[
    str, typer.Argument(metavar="B", help="Another.", autocompletion=complete_version)
]


@command
def diff_command(
    one: _OneArgument,
    other: _OtherArgument,
    zoo: ZooOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> Answer:
    """Show what differs between two configs, runs or versions, in any mix.

    The resolved configs are compared, nodes by their names. The metrics of a side that has any
    are shown too, and of two that were trained whether their graphs and weights are the same.

    Example: zoo diff my-model@1 runs/my-model/20260101-120000
    """
    workspace = Workspace(zoo)
    sides = (side(one, workspace), side(other, workspace))
    found = differences(sides[0].document, sides[1].document)
    document = {
        "a": _described(sides[0]),
        "b": _described(sides[1]),
        "config": [row.to_json() for row in found],
        "metrics": metrics_of(*sides),
        "same_graph": sides[0].same_graph(sides[1]),
        "same_weights": sides[0].same_weights(sides[1]),
    }
    return Answer(document, lambda console: _print(console, sides, found, document))


def metrics_of(one: Side, other: Side) -> dict[str, dict[str, float | None]]:
    """Puts the metrics of both side by side; None where one does not have it."""
    names = dict.fromkeys([*one.metrics, *other.metrics])
    return {name: {"a": one.metrics.get(name), "b": other.metrics.get(name)} for name in names}


def _described(which: Side) -> dict[str, Any]:
    return {"name": which.label, "kind": which.kind, "fingerprint": which.fingerprint}


def _print(
    console: Console,
    sides: tuple[Side, Side],
    found: list[Difference],
    document: Mapping[str, Any],
) -> None:
    for name, which in zip("AB", sides, strict=True):
        console.print(f"{name}  {escape(which.label)}  ({which.kind})")
    # In a pipe or a file, nothing is cut.
    widest = _WIDEST if console.is_terminal else None
    table = Table("", "config", "A", "B", box=None)
    for row in found:
        sign = _SIGNS[row.change]
        values = (_words(value, widest) for value in (row.before, row.after))
        table.add_row(sign, escape(row.key), *values)
    console.print(table if found else "the configs are the same")
    if document["metrics"]:
        console.print(_metrics_table(document["metrics"]))
    for what in ("graph", "weights"):
        if (same := document[f"same_{what}"]) is not None:
            ending = "are the same" if same else "differ"
            console.print(f"the {what.removesuffix('s')}s {ending}")


def _metrics_table(metrics: Mapping[str, Mapping[str, float | None]]) -> Table:
    table = Table("metric", "A", "B", "B - A", box=None)
    for name, values in metrics.items():
        one, other = values["a"], values["b"]
        change = f"{other - one:+.4g}" if one is not None and other is not None else ""
        cells = ("" if value is None else f"{value:.6g}" for value in (one, other))
        table.add_row(escape(name), *cells, change)
    return table


def _words(value: Any, widest: int | None) -> str:
    if value is ABSENT:
        return ""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return escape(text if widest is None or len(text) <= widest else f"{text[: widest - 1]}…")
