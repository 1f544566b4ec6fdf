"""`zoo list`: what is installed, and which models the zoo has."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from zoo.cli.columns import columns
from zoo.cli.command import Answer, command
from zoo.cli.completion import complete_kind
from zoo.cli.options import DebugOption, JsonOption, ZooOption
from zoo.components import ARGUMENT_KINDS, KINDS, MODELS, did_you_mean
from zoo.errors import ConfigError, ZooError
from zoo.workspace import Workspace

_LISTED = (*KINDS, *ARGUMENT_KINDS)


@command
def list_command(
    kind: Annotated[
        str | None,
        typer.Argument(
            help=f"{', '.join(_LISTED)}, or models; without it, all but models.",
            autocompletion=complete_kind,
        ),
    ] = None,
    match: Annotated[
        str,
        typer.Option(metavar="TEXT", help="Only those with this text in a name or description."),
    ] = "",
    zoo: ZooOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> Answer:
    """List components or models; nothing is imported.

    Example: zoo list layers --match conv
    """
    workspace = Workspace(zoo)
    if kind == MODELS:
        return _models(workspace, match)
    if kind is not None and kind not in _LISTED:
        raise ConfigError(
            f"there is no kind {kind!r}",
            suggestion=did_you_mean(kind, (*_LISTED, MODELS), f"one of {', '.join(_LISTED)}"),
        )
    kinds = (kind,) if kind else _LISTED
    # A distribution that cannot be read could be of any kind.
    rows = [row for row in workspace.catalog.rows if row.kind in (*kinds, "plugins")]
    rows = [row for row in rows if _has(match, row.name, row.distribution, row.target)]
    document = [row.to_json() for row in rows]
    if not rows and match:
        return Answer(document, f"nothing matches {match!r}")
    if not rows:
        text = "nothing is registered; `make install` or `pip install` a plugin first"
        return Answer(document, text)
    lines = [("kind", "name", "distribution", "status")]
    for row in rows:
        owner = f"{row.distribution} {row.version}"
        lines.append((row.kind, row.name, owner, f"{row.status} {row.reason}".strip()))
    return Answer(document, columns(lines))


def _has(match: str, *texts: str) -> bool:
    return any(match.casefold() in text.casefold() for text in texts)


def _models(workspace: Workspace, match: str) -> Answer:
    from zoo.sources import model_sources

    registry = workspace.registry
    document: list[dict[str, Any]] = []
    sources = model_sources(workspace.catalog, registry)
    names = [*sources, *(registry.names if registry else [])]
    for name in dict.fromkeys(names):
        versions = registry.versions(name) if registry is not None else []
        latest = registry.latest(name) if registry is not None else None
        document.append(
            {
                "name": name,
                "description": _description(name, workspace),
                "config": sources.get(name),
                "versions": [entry.version for entry in versions],
                "latest": latest.version if latest is not None else None,
                "statuses": {entry.version: entry.status for entry in versions},
            }
        )

    document = [row for row in document if _has(match, row["name"], row["description"])]
    if not document and match:
        return Answer(document, f"nothing matches {match!r}")
    if not document:
        text = "there are no models; declare one in TOML, or install a plugin with some"
        return Answer(document, text)
    lines = [("name", "latest", "versions", "from", "description")]
    for row in document:
        count, whose = _count(row["statuses"]), _whose(row["config"])
        lines.append((row["name"], row["latest"] or "-", count, whose, row["description"]))
    return Answer(document, columns(lines))


def _count(statuses: Mapping[str, str]) -> str:
    """Counts versions, and says how many of them should not be used."""
    counts = {status: list(statuses.values()).count(status) for status in ("deprecated", "yanked")}
    withdrawn = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    return f"{len(statuses)} ({withdrawn})" if withdrawn else str(len(statuses))


def _whose(config: str | None) -> str:
    """Says whose a model is: the plugin's that ships its config, or this zoo's."""
    is_shipped = config is not None and not config.endswith(".toml")
    return str(config).partition("/")[0] if is_shipped else "this zoo"


def _description(name: str, workspace: Workspace) -> str:
    from zoo.config.reader import read_toml
    from zoo.sources import find_model

    registry = workspace.registry
    entry = registry.model(name) if registry is not None else None
    if entry is not None and entry.description:
        return entry.description
    try:
        source = find_model(name, workspace.catalog, registry)
        return str(read_toml(source.path).get("description", ""))
    except ZooError as error:
        return f"({error.findings[0].message})"
