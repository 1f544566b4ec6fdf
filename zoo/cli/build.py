"""`zoo build`: the Keras model of a config, built to see that it can be."""

from rich.console import Console

from zoo.cli.command import Answer, command, import_keras
from zoo.cli.locked import hold_to_the_lock
from zoo.cli.options import (
    DebugOption,
    FileArgument,
    JsonOption,
    LockedOption,
    SetOption,
    ZooOption,
)
from zoo.config.overrides import parse_overrides
from zoo.workspace import Workspace


@command
def build_command(
    file: FileArgument,
    set_: SetOption = None,
    locked: LockedOption = False,
    zoo: ZooOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> Answer:
    """Build the model of a config, and say what it is.

    Example: zoo build my-model
    """
    workspace = Workspace(zoo)
    overrides = parse_overrides(set_ or [])
    checked = workspace.check(file, overrides)
    if locked:
        hold_to_the_lock(workspace, file, checked, overrides)
    model = checked.usable

    import_keras(quietly=not debug)
    from zoo.runtime.data import output_names
    from zoo.runtime.fingerprint import fingerprint
    from zoo.runtime.weights import Shelf

    shelf = Shelf(workspace.registry, workspace.catalog)
    with workspace.pointing(model.source, overrides):
        built = shelf.build(model)
    outputs = zip(output_names(built), built.outputs, strict=True)
    document = {
        "name": model.name,
        "fingerprint": fingerprint(shelf.graph(model, built)),
        "parameters": int(built.count_params()),
        "inputs": {tensor.name: list(tensor.shape[1:]) for tensor in built.inputs},
        "outputs": {name: list(tensor.shape[1:]) for name, tensor in outputs},
    }

    def text(console: Console) -> None:
        built.summary(print_fn=lambda line, **_: console.print(line, markup=False))
        console.print(f"fingerprint {document['fingerprint']}")

    return Answer(document, text)
