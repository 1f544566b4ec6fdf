"""`zoo new`: a zoo, a model config, a plugin, from templates that work at once."""

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.command import Answer, command
from zoo.cli.made import made
from zoo.cli.new_model import new_model_command
from zoo.cli.options import DebugOption, JsonOption
from zoo.components import KINDS


@command
def new_zoo_command(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder; made where it is missing.")
    ],
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> Answer:
    """Make a folder a zoo: a registry without models yet.

    Example: zoo new zoo my-zoo
    """
    from zoo.scaffold.folder import new_zoo

    written = [str(path) for path in new_zoo(folder)]
    steps = [f"cd {folder}", "zoo new model my-model"]
    return made(f"{folder} is a zoo", written, steps, {"folder": str(folder.absolute())})


@command
def new_plugin_command(
    name: Annotated[str, typer.Argument(help="The name of the package, such as zoo-waves.")],
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind", help=f"What it begins with, by default losses; repeats: {', '.join(KINDS)}."
        ),
    ] = None,
    folder: Annotated[
        Path, typer.Option("--dir", metavar="DIR", help="Where its folder is made.")
    ] = Path(),
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> Answer:
    """Write a plugin: a package that can be installed and passes its own tests at once.

    Example: zoo new plugin zoo-waves --kind losses --kind datasets
    """
    from zoo.scaffold.plugin import DEFAULT_KINDS, new_plugin

    plugin = new_plugin(name, kind or DEFAULT_KINDS, folder)
    written = sorted(str(path) for path in plugin.folder.rglob("*") if path.is_file())
    steps = [
        f"cd {plugin.folder}",
        'pip install -e ".[test]"',
        "pytest",
        f"zoo plugin check {plugin.distribution}",
        f"zoo train {plugin.example}",
    ]
    about = {
        "distribution": plugin.distribution,
        "package": plugin.package,
        "folder": str(plugin.folder.absolute()),
        "components": plugin.components,
        "model": plugin.example,
    }
    return made(f"{plugin.folder} is a plugin", written, steps, about)


app = typer.Typer(help="Make a zoo, a model config or a plugin.", no_args_is_help=True)
app.command("zoo")(new_zoo_command)
app.command("model")(new_model_command)
app.command("plugin")(new_plugin_command)
