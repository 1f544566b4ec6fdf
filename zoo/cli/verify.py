"""`zoo verify`: whether the registry's files are there, whole, and what they say."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from zoo.catalog.discovery import installed_versions
from zoo.cli.command import Answer, command, report
from zoo.cli.completion import complete_version
from zoo.cli.options import DebugOption, JsonOption, QuietOption, ZooOption
from zoo.errors import RegistryError, error_of
from zoo.registry.document import Registry, WeightsEntry
from zoo.registry.editing import editing
from zoo.registry.root import known_root
from zoo.registry.verification import missing_plugins, verify
from zoo.registry.versions import split_reference
from zoo.store.absent import whereabouts
from zoo.workspace import Workspace


@command
def verify_command(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME[@V]]",
            help="One model or version; by default all.",
            autocompletion=complete_version,
        ),
    ] = None,
    accept_edits: Annotated[
        bool,
        typer.Option("--accept-edits", help="Accept registry.toml as it was edited by hand."),
    ] = False,
    migrate: Annotated[
        bool,
        typer.Option("--migrate", help="Bring registry.toml of an older format to today's first."),
    ] = False,
    quiet: QuietOption = False,
    zoo: ZooOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> Answer:
    """Verify hashes, manifests, fingerprints and required plugins, without Keras.

    Example: zoo verify my-model@1.0.0
    """
    if migrate:
        _migrate(zoo)
    if accept_edits:
        _accept_edits(zoo)
    registry = Workspace(zoo).known_registry
    entries = _entries(registry, name)
    found = whereabouts(registry, entries)
    installed = installed_versions()
    problems = [*verify(registry, found.here, installed), *found.problems]
    problems += [lack for entry in entries for lack in missing_plugins(entry, installed)]
    away = [entry.reference for entry in found.in_the_store]
    document = {
        "ok": not problems,
        "checked": [entry.reference for entry in entries if entry not in found.in_the_store],
        "in_the_store": away,
        "problems": [problem.to_json() for problem in problems],
    }

    def text(console: Console) -> None:
        console.print(f"{len(entries) - len(away)} checked, {len(problems)} problems")
        if away:
            console.print(f"not here, in the store: {', '.join(away)}")
            console.print("next       zoo pull")

    report(problems, as_json=False)
    return Answer(document, text, error_of(problems).exit_status if problems else 0)


def _entries(registry: Registry, name: str | None) -> list[WeightsEntry]:
    if name is None:
        return list(registry.weights)
    bare, prefix = split_reference(name)
    found = [entry for entry in registry.versions(bare) if entry.number.matches(prefix)]
    return found or [registry.find(name)]


def _migrate(zoo: Path | None) -> None:
    from zoo.registry.migration import migrate  # seldom needed

    done = migrate(known_root(zoo))
    if done is None:
        print("registry.toml has today's format already", file=sys.stderr)
    else:
        formats = f"from format {done.before} to {done.after}"
        print(f"registry.toml: {formats}; as it was: {done.backup}", file=sys.stderr)


def _accept_edits(zoo: Path | None) -> None:
    with editing(known_root(zoo), accept_edits=True) as edit:
        found = whereabouts(edit.registry, edit.registry.weights)
        problems = [*verify(edit.registry, found.here, {}), *found.problems]
        wrong = [problem for problem in problems if problem.code != "plugin-missing"]
        if wrong:
            raise RegistryError.of(wrong)
        edit.save()
