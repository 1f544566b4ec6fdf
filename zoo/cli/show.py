"""`zoo show`: one component, model or version, from its source and metadata."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from zoo.catalog.cards import Argument, Card
from zoo.cli.command import Answer, command
from zoo.cli.completion import complete_anything
from zoo.cli.graph import model_answer
from zoo.cli.options import DebugOption, JsonOption, ZooOption
from zoo.components import MODELS, Component, did_you_mean, singular
from zoo.errors import ConfigError
from zoo.resolve.missing import MissingPlugins
from zoo.resolve.needs import TARGETS, call_of
from zoo.sources import model_sources
from zoo.workspace import Workspace


@command
def show_command(
    name: Annotated[
        str,
        typer.Argument(
            help="A component, a model, or a version such as my-model@1.",
            autocompletion=complete_anything,
        ),
    ],
    card: Annotated[
        bool, typer.Option("--card", help="Of a version: its card, in Markdown.")
    ] = False,
    zoo: ZooOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> Answer:
    """Show a component's arguments, a model's graph, or a version's entry or card.

    Example: zoo show Dense
    """
    workspace = Workspace(zoo)
    if "@" in name:
        return _card(name, workspace) if card else _version(name, workspace)
    if card:
        latest = workspace.known_registry.find(name).reference
        return _card(latest, workspace)
    rows = [row for row in workspace.catalog.named(name) if row.kind != MODELS]
    if rows:
        return _components(rows, workspace)
    # A slash may also stand between a distribution and a component that is not there.
    if (
        name.endswith(".toml")
        or Path(name).exists()
        or name in model_sources(workspace.catalog, workspace.registry)
    ):
        return model_answer(name, workspace)
    known = [*(row.name for row in workspace.catalog.rows), *_model_names(workspace)]
    error = ConfigError(
        f"there is no component or model called {name!r}",
        "unknown-component",
        suggestion=did_you_mean(name, known, "`zoo list` shows what there is"),
    )
    raise MissingPlugins(lambda: workspace.registry).explained(error, name)


def _model_names(workspace: Workspace) -> list[str]:
    return list(model_sources(workspace.catalog, workspace.registry))


def _components(rows: list[Component], workspace: Workspace) -> Answer:
    documents = [_component(row, workspace.catalog.card(row)) for row in rows]

    def text(console: Console) -> None:
        for row in rows:
            _print_component(console, row, workspace.catalog.card(row))

    return Answer(documents[0] if len(documents) == 1 else documents, text)


def _component(row: Component, card: Card) -> dict[str, Any]:
    return {
        **row.to_json(),
        "arguments": {argument.name: argument.default for argument in card.arguments},
        "needs": _needs(row, card),
        "card": card.to_json(),
        "source": card.source or None,
        "summary": card.summary,
        "docstring": card.docstring,
    }


def _needs(row: Component, card: Card) -> list[str]:
    call = call_of(card, row.kind, row.name)
    if call is None:
        return []
    needs = call.needs()
    return [*needs.required, *needs.optional]


def _handed_over(row: Component, card: Card) -> set[str]:
    """Gives the arguments of a function that no config writes, since each step has them."""
    call = call_of(card, row.kind, row.name)
    if call is None or call.form != "function":
        return set()
    return {*TARGETS, *call.sources({}), *call.needs().required}


def _print_component(console: Console, row: Component, card: Card) -> None:
    owner = f"{row.distribution} {row.version}"
    console.print(f"[bold]{escape(row.name)}[/bold]  ({row.kind}, {owner})")
    if row.status != "ok":
        console.print(f"[red]{row.status}[/red]: {escape(row.reason)}")
    console.print(f"target  {escape(row.target)}")
    if card.source:
        console.print(f"source  {escape(card.source)}")
    if needs := _needs(row, card):
        console.print(f"needs   {escape(', '.join(needs))}")
    if card.unknown:
        console.print(f"[yellow]its arguments are not known[/yellow]: {escape(card.unknown)}")
    if card.arguments:
        table = Table("argument", "type", "default", box=None)
        handed_over = _handed_over(row, card)
        for argument in card.arguments:
            required = "from the training" if argument.name in handed_over else "required"
            default = required if argument.required else argument.default or ""
            table.add_row(escape(argument.name), _type(argument), escape(default))
        console.print(table)
    if card.open and not card.unknown:
        console.print("and whatever else it is given")
    console.print(f"\n{escape(card.docstring)}\n")


def _type(argument: Argument) -> str:
    if argument.choices:
        return " | ".join(f'"{choice}"' for choice in argument.choices)
    if argument.kind is not None:
        return singular(argument.kind)
    return " or ".join(argument.types)


def _card(reference: str, workspace: Workspace) -> Answer:
    from zoo.report.card import card_of

    registry = workspace.known_registry
    entry = registry.find(reference)
    markdown = card_of(registry, entry, workspace)
    document = {**entry.model_dump(mode="json"), "card": markdown}
    # Printed as it is: rich would take what stands in brackets for its own.
    return Answer(document, lambda console: console.out(markdown, highlight=False))


def _version(reference: str, workspace: Workspace) -> Answer:
    entry = workspace.known_registry.find(reference)
    document = entry.model_dump(mode="json")

    def text(console: Console) -> None:
        for key, value in document.items():
            shown = _pairs(value) if key == "metrics" else value
            console.print(f"{key:14} {escape(str(shown))}")

    return Answer(document, text)


def _pairs(metrics: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in metrics.items())
