"""`zoo schema`: what editors have to know of model configs."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.command import Answer, command
from zoo.cli.options import DebugOption, JsonOption, ZooOption
from zoo.errors import ConfigError
from zoo.files import write_atomically
from zoo.workspace import Workspace

DEFAULT_PATH = Path(".zoo", "schema.json")
"""Where editors look for it, below the zoo root."""


@command
def schema_command(
    file: Annotated[
        Path | None,
        typer.Argument(help=f"With --write: the file; by default {DEFAULT_PATH} in the zoo."),
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Write it to a file instead of printing it.")
    ] = False,
    zoo: ZooOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> Answer:
    """Print the JSON Schema of model configs, with the arguments of what is installed here.

    Example: zoo schema --write
    """
    from zoo.schema import config_schema

    if file is not None and not write:
        message = "FILE is where the schema is written"
        raise ConfigError(message, suggestion=f"zoo schema --write {file}")
    workspace = Workspace(zoo)
    schema = config_schema(workspace.catalog)
    text = json.dumps(schema, indent=1)
    if not write:
        return Answer(schema, text)
    root = workspace.known_registry.root if file is None else Path()
    path = root / (DEFAULT_PATH if file is None else file)
    write_atomically(path, f"{text}\n".encode())
    document = {"file": str(path), "components": len(workspace.catalog.rows)}
    return Answer(document, f"wrote {os.path.relpath(path)}")
