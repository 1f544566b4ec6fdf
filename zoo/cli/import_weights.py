"""`zoo import`: weights from elsewhere as a version of the zoo."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from zoo.cli.command import Answer, command, import_keras
from zoo.cli.completion import complete_model
from zoo.cli.options import AcceptHarmlessOption, DebugOption, JsonOption, QuietOption, ZooOption
from zoo.progress import progress
from zoo.workspace import Workspace


@command
def import_command(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help=".npz, .safetensors, .weights.h5 or .keras.")
    ],
    model: Annotated[
        str,
        typer.Option(
            "--model",
            metavar="FILE",
            help="The model that the weights are of.",
            autocompletion=complete_model,
        ),
    ],
    name_map: Annotated[
        Path | None,
        typer.Option("--map", metavar="MAP", help="TOML: layout, and a table names by variable."),
    ] = None,
    version: Annotated[
        str | None, typer.Option("--version", metavar="X.Y.Z", help="By default the next one.")
    ] = None,
    accept_harmless: AcceptHarmlessOption = False,
    quiet: QuietOption = False,
    zoo: ZooOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> Answer:
    """Publish weights from a file; their provenance is kept as the version's parent.

    Example: zoo import published.npz --model my-model --map names.toml
    """
    workspace = Workspace(zoo)
    root = workspace.known_registry.root
    resolved = workspace.check(model).usable

    import_keras(quietly=not debug)
    from zoo.runtime.importing import NameMap, check_importable, import_weights
    from zoo.runtime.weights import Shelf

    check_importable(file)
    names = NameMap.read(name_map) if name_map is not None else NameMap()
    shelf = Shelf(workspace.registry, workspace.catalog, accept_harmless=accept_harmless)
    with progress(f"importing {file.name}", live=False):
        entry = import_weights(file, resolved, shelf, root, names, version)
    document = {"version": entry.reference, "sha256": entry.sha256, "file": entry.file}

    def text(console: Console) -> None:
        console.print(f"published  {entry.reference}\nfile       {entry.file}")
        console.print(f"next       zoo evaluate {entry.reference}")

    return Answer(document, text)
