"""`zoo verify`: whether the registry's files are there, whole, and what they say."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from zoo.catalog.discovery import installed_versions
from zoo.cli.command import Answer, command, report
from zoo.cli.options import DebugOption, JsonOption, ZooOption
from zoo.errors import RegistryError, error_of
from zoo.registry.document import Registry, WeightsEntry
from zoo.registry.editing import editing
from zoo.registry.root import find_root, no_registry
from zoo.registry.verification import verify
from zoo.registry.versions import split_reference
from zoo.workspace import Workspace


@command
def verify_command(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME[@V]]", help="One model or version; by default all."),
    ] = None,
    accept_edits: Annotated[
        bool,
        typer.Option("--accept-edits", help="Accept registry.toml as it was edited by hand."),
    ] = False,
    zoo: ZooOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> Answer:
    """Verify hashes, manifests, fingerprints and required plugins, without Keras.

    Example: zoo verify my-model@1.0.0
    """
    if accept_edits:
        _accept_edits(zoo)
    registry = Workspace(zoo).known_registry
    entries = _entries(registry, name)
    problems = verify(registry, entries, installed_versions())
    document = {
        "ok": not problems,
        "checked": [entry.reference for entry in entries],
        "problems": [problem.to_json() for problem in problems],
    }

    def text(console: Console) -> None:
        console.print(f"{len(entries)} checked, {len(problems)} problems")

    report(problems, as_json=False)
    return Answer(document, text, error_of(problems).exit_status if problems else 0)


def _entries(registry: Registry, name: str | None) -> list[WeightsEntry]:
    if name is None:
        return list(registry.weights)
    bare, prefix = split_reference(name)
    found = [entry for entry in registry.versions(bare) if entry.number.matches(prefix)]
    return found or [registry.find(name)]


def _accept_edits(zoo: Path | None) -> None:
    root = find_root(zoo)
    if root is None:
        raise no_registry("there is no registry.toml here or above")
    with editing(root, accept_edits=True) as edit:
        problems = verify(edit.registry, edit.registry.weights, {})
        wrong = [problem for problem in problems if problem.code != "plugin-missing"]
        if wrong:
            raise RegistryError.of(wrong)
        edit.save()
