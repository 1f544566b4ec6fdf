"""`zoo predict`: a model of the zoo on arrays from a file, into a file."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from zoo.cli.command import Answer, command, import_keras
from zoo.cli.locked import hold_to_the_lock
from zoo.cli.options import (
    AcceptHarmlessOption,
    DebugOption,
    JsonOption,
    LockedOption,
    QuietOption,
    VersionArgument,
    ZooOption,
)
from zoo.progress import progress
from zoo.workspace import Workspace


@command
def predict_command(
    name: VersionArgument,
    input_: Annotated[
        Path, typer.Argument(metavar="INPUT", help=".npy, .npz (by input name) or NetCDF.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="OUTPUT", help=".npy, .npz or NetCDF.")
    ],
    batch_size: Annotated[int, typer.Option(min=1, help="Samples at a time.")] = 32,
    locked: LockedOption = False,
    accept_harmless: AcceptHarmlessOption = False,
    quiet: QuietOption = False,
    zoo: ZooOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> Answer:
    """Predict with a model of the zoo; a single sample without a batch axis is accepted.

    Example: zoo predict my-model inputs.npy -o out.npy
    """
    workspace = Workspace(zoo)
    registry = workspace.known_registry
    reference = registry.find(name).reference
    if locked:
        hold_to_the_lock(workspace, versions=[name])

    from zoo.arrays import check_suffix, read_arrays, write_arrays

    check_suffix(output)
    values = read_arrays(input_)

    import_keras(quietly=not debug)
    from zoo.runtime.prediction import predict
    from zoo.runtime.weights import Shelf

    model = Shelf(registry, workspace.catalog, accept_harmless=accept_harmless).load(reference)
    with progress(f"predicting with {reference}"):
        results = predict(model, values, batch_size)
    write_arrays(output, results)
    shapes = {key: list(array.shape) for key, array in results.items()}
    document = {"model": reference, "output": str(output), "shapes": shapes}

    def text(console: Console) -> None:
        listed = ", ".join(f"{key} {tuple(shape)}" for key, shape in shapes.items())
        console.print(f"{reference}: {listed} written to {output}")

    return Answer(document, text)
