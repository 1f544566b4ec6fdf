"""`zoo show`: one component, model or version, from its source and metadata."""

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from zoo.catalog.source import read_source
from zoo.cli.command import Answer, command
from zoo.cli.options import DebugOption, JsonOption, ZooOption
from zoo.components import MODELS, Component, did_you_mean
from zoo.errors import ConfigError
from zoo.resolve import Node, referenced
from zoo.sources import looks_like_a_path, model_sources
from zoo.workspace import Workspace


@command
def show_command(
    name: Annotated[
        str, typer.Argument(help="A component, a model, or a version such as my-model@1.")
    ],
    zoo: ZooOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> Answer:
    """Show a component's arguments, a model's graph, or a version's entry.

    Example: zoo show Dense
    """
    workspace = Workspace(zoo)
    if "@" in name:
        return _version(name, workspace)
    rows = [row for row in workspace.catalog.named(name) if row.kind != MODELS]
    if rows:
        return _components(rows)
    if looks_like_a_path(name) or name in model_sources(workspace.catalog, workspace.registry):
        return _model(name, workspace)
    known = [*(row.name for row in workspace.catalog.rows), *_model_names(workspace)]
    raise ConfigError(
        f"there is no component or model called {name!r}",
        "unknown-component",
        suggestion=did_you_mean(name, known, "`zoo list` shows what there is"),
    )


def _model_names(workspace: Workspace) -> list[str]:
    return list(model_sources(workspace.catalog, workspace.registry))


def _components(rows: list[Component]) -> Answer:
    documents: list[dict[str, Any]] = []
    for row in rows:
        card = read_source(row)
        documents.append(
            {
                **row.to_json(),
                "arguments": card.arguments if card else None,
                "source": f"{card.file}:{card.line}" if card else None,
                "summary": card.docstring.strip().partition("\n")[0] if card else "",
                "docstring": card.docstring if card else "",
            }
        )

    def text(console: Console) -> None:
        for document in documents:
            _print_component(console, document)

    return Answer(documents[0] if len(documents) == 1 else documents, text)


def _print_component(console: Console, document: dict[str, Any]) -> None:
    owner = f"{document['distribution']} {document['version']}"
    console.print(f"[bold]{escape(document['name'])}[/bold]  ({document['kind']}, {owner})")
    if document["status"] != "ok":
        console.print(f"[red]{document['status']}[/red]: {escape(document['reason'])}")
    console.print(f"target  {document['target']}")
    if document["source"]:
        console.print(f"source  {document['source']}")
    for name, default in (document["arguments"] or {}).items():
        value = "required" if default is None else f"= {default}"
        console.print(f"  {escape(name)} {escape(value)}")
    console.print(f"\n{escape(document['docstring'])}\n")


def _model(name: str, workspace: Workspace) -> Answer:
    model = workspace.check(name).usable
    inputs = [{"name": table.name, "shape": table.shape} for table in model.inputs]
    nodes = [_node(node) for node in model.nodes]
    versions = workspace.registry.versions(model.name) if workspace.registry else []
    document = {
        "name": model.name,
        "description": model.description,
        "config": str(model.source.path),
        "inputs": inputs,
        "nodes": nodes,
        "outputs": list(model.outputs),
        "losses": {key: part.component.qualified for key, part in model.losses.items()},
        "metrics": [part.component.qualified for part in model.metrics],
        "optimizer": model.optimizer.component.qualified,
        "data": model.data.component.qualified if model.data else None,
        "versions": [entry.version for entry in versions],
    }

    def text(console: Console) -> None:
        console.print(f"[bold]{model.name}[/bold]  {escape(model.description)}")
        console.print(f"config  {model.source.path}")
        table = Table("node", "type", "inputs", "arguments", box=None)
        for row in inputs:
            table.add_row(str(row["name"]), "input", "", f"shape = {row['shape']}")
        for node in nodes:
            arguments = ", ".join(f"{key} = {value}" for key, value in node["arguments"].items())
            kind = node["type"].removeprefix("zoo/")
            table.add_row(node["name"], kind, ", ".join(node["inputs"]), escape(arguments))
        console.print(table)
        for key in ("outputs", "losses", "metrics", "optimizer", "data", "versions"):
            console.print(f"{key}  {escape(str(document[key]))}")

    return Answer(document, text)


def _node(node: Node) -> dict[str, Any]:
    if node.part is not None:
        kind = node.part.component.qualified
        arguments = {key: _plain(value) for key, value in node.part.arguments.items()}
    else:
        kind = f"zoo:{node.model}" if node.model else f"shared with {node.layer}"
        arguments = {}
    inputs = referenced(node.inputs)
    return {"name": node.name, "type": kind, "inputs": inputs, "arguments": arguments}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    component = getattr(value, "component", None)
    return component.name if component is not None else value


def _version(reference: str, workspace: Workspace) -> Answer:
    entry = workspace.known_registry.find(reference)
    document = entry.model_dump(mode="json")

    def text(console: Console) -> None:
        for key, value in document.items():
            console.print(f"{key:14} {escape(str(value))}")

    return Answer(document, text)
