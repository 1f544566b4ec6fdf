"""`zoo list`: what is installed, and which models the zoo has."""

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from zoo.cli.command import Answer, command
from zoo.cli.options import DebugOption, JsonOption, ZooOption
from zoo.components import ARGUMENT_KINDS, KINDS, MODELS, did_you_mean
from zoo.config.reader import read_toml
from zoo.errors import ConfigError, ZooError
from zoo.sources import find_model, model_sources
from zoo.workspace import Workspace

_LISTED = (*KINDS, *ARGUMENT_KINDS)


@command
def list_command(
    kind: Annotated[
        str | None,
        typer.Argument(help=f"{', '.join(_LISTED)}, or models; without it, all but models."),
    ] = None,
    zoo: ZooOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> Answer:
    """List components or models; nothing is imported.

    Example: zoo list layers
    """
    workspace = Workspace(zoo)
    if kind == MODELS:
        return _models(workspace)
    if kind is not None and kind not in _LISTED:
        raise ConfigError(
            f"there is no kind {kind!r}",
            suggestion=did_you_mean(kind, (*_LISTED, MODELS), f"one of {', '.join(_LISTED)}"),
        )
    kinds = (kind,) if kind else _LISTED
    # A distribution that cannot be read could be of any kind.
    rows = [row for row in workspace.catalog.rows if row.kind in (*kinds, "plugins")]
    document = [row.to_json() for row in rows]

    def text(console: Console) -> None:
        if not rows:
            console.print("nothing is registered; `make install` or `pip install` a plugin first")
            return
        table = Table("kind", "name", "distribution", "status", box=None)
        for row in rows:
            owner = f"{row.distribution} {row.version}"
            table.add_row(row.kind, row.name, owner, f"{row.status} {row.reason}".strip())
        console.print(table)

    return Answer(document, text)


def _models(workspace: Workspace) -> Answer:
    registry = workspace.registry
    document: list[dict[str, Any]] = []
    names = [*model_sources(workspace.catalog, registry), *(registry.names if registry else [])]
    for name in dict.fromkeys(names):
        versions = registry.versions(name) if registry is not None else []
        usable = [entry for entry in versions if entry.status != "yanked"]
        document.append(
            {
                "name": name,
                "description": _description(name, workspace),
                "config": model_sources(workspace.catalog, registry).get(name),
                "versions": [entry.version for entry in versions],
                "latest": usable[-1].version if usable else None,
            }
        )

    def text(console: Console) -> None:
        if not document:
            console.print("there are no models; declare one in TOML, or install a plugin with some")
            return
        table = Table("name", "latest", "versions", "description", box=None)
        for row in document:
            count = str(len(row["versions"]))
            table.add_row(row["name"], row["latest"] or "-", count, row["description"])
        console.print(table)

    return Answer(document, text)


def _description(name: str, workspace: Workspace) -> str:
    registry = workspace.registry
    entry = registry.model(name) if registry is not None else None
    if entry is not None and entry.description:
        return entry.description
    try:
        source = find_model(name, workspace.catalog, registry)
        return str(read_toml(source.path).get("description", ""))
    except ZooError as error:
        return f"({error.findings[0].message})"
