"""What a shell completes: names of models, versions and components, and folders of runs.

Where it cannot know it says nothing: a shell in the middle of a line has no place for an error.
"""

import contextlib
import io
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import typer

from zoo.components import ARGUMENT_KINDS, KINDS, MODELS
from zoo.errors import ZooError
from zoo.runs import RUN_FILE
from zoo.sources import model_sources
from zoo.workspace import Workspace

Completion = Callable[[typer.Context, str], list[str]]


def _completion(find: Callable[[Workspace, str], Iterable[str]]) -> Completion:
    def complete(context: typer.Context, incomplete: str) -> list[str]:
        try:
            found = set(find(Workspace(context.params.get("zoo")), incomplete))
        except (ZooError, OSError):
            return []
        return sorted(text for text in found if text.startswith(incomplete))

    return complete


@_completion
def complete_model(workspace: Workspace, incomplete: str) -> Iterable[str]:
    """Completes a model's name, or a config in the current folder; other paths are the shell's."""
    return [*_models(workspace), *(path.name for path in Path().glob("*.toml") if _is_config(path))]


@_completion
def complete_version(workspace: Workspace, incomplete: str) -> Iterable[str]:
    """Completes a model that has weights; behind its `@`, the version."""
    return _versions(workspace, incomplete)


@_completion
def complete_run(workspace: Workspace, incomplete: str) -> Iterable[str]:
    """Completes the folder of a run."""
    return _runs(workspace)


@_completion
def complete_version_or_run(workspace: Workspace, incomplete: str) -> Iterable[str]:
    """Completes a version or the folder of a run."""
    return [*_versions(workspace, incomplete), *_runs(workspace)]


@_completion
def complete_anything(workspace: Workspace, incomplete: str) -> Iterable[str]:
    """Completes a component, a model or a version."""
    rows = (row.name for row in workspace.catalog.rows if row.kind != MODELS)
    return [*rows, *_models(workspace), *_versions(workspace, incomplete)]


@_completion
def complete_kind(workspace: Workspace, incomplete: str) -> Iterable[str]:
    """Completes a kind of component."""
    return (*KINDS, *ARGUMENT_KINDS, MODELS)


@_completion
def complete_plugin(workspace: Workspace, incomplete: str) -> Iterable[str]:
    """Completes the name of an installed plugin."""
    return (row.distribution for row in workspace.catalog.rows)


def _models(workspace: Workspace) -> Iterable[str]:
    return model_sources(workspace.catalog, workspace.registry)


def _is_config(path: Path) -> bool:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return any(line.startswith("zoo =") for line in lines)


def _versions(workspace: Workspace, incomplete: str) -> Iterator[str]:
    if workspace.registry is None:
        return
    entries = workspace.registry.weights
    names = {entry.name for entry in entries if entry.name.startswith(incomplete)}
    yield from names
    if "@" in incomplete or len(names) == 1:
        yield from (entry.reference for entry in entries)


def _runs(workspace: Workspace) -> Iterator[str]:
    home = workspace.root or Path.cwd()
    for file in home.glob(f"runs/*/*/{RUN_FILE}"):
        yield os.path.relpath(file.parent)


def words_so_far() -> list[str]:
    """Gives the words before the one that a shell asks about."""
    line = os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS", "")
    words = line.split()
    return words[1:] if line[-1:].isspace() else words[1:-1]


@contextlib.contextmanager
def bash_with_versions() -> Iterator[None]:
    """Lets bash complete `NAME@V`, of which it makes three words and asks for the last alone.

    Inside they are one word; what is printed loses the part that bash has already.
    """
    words = os.environ.get("COMP_WORDS", "").split("\n")
    at = int(os.environ.get("COMP_CWORD") or 0)
    joined: list[str] = []
    for place, word in enumerate(words[: at + 1]):
        if joined and (word == "@" or words[place - 1] == "@"):
            joined[-1] += word
        else:
            joined.append(word)
    if len(joined) == len(words[: at + 1]):
        yield
        return
    os.environ.update(COMP_WORDS="\n".join(joined), COMP_CWORD=str(len(joined) - 1))
    known = joined[-1].rpartition("@")
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            yield
    finally:
        for line in said.getvalue().splitlines():
            print(line.removeprefix(known[0] + known[1]))
