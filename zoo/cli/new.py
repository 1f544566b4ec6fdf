"""`zoo new`: a zoo, a model config, a plugin, from templates that work at once."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from zoo.cli.command import Answer, command
from zoo.cli.options import DebugOption, JsonOption, ZooOption
from zoo.components import KINDS
from zoo.workspace import Workspace


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
    return _made(f"{folder} is a zoo", written, steps, {"folder": str(folder.absolute())})


@command
def new_model_command(
    name: Annotated[str, typer.Argument(help="The name of the model, such as my-model.")],
    zoo: ZooOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> Answer:
    """Write a small model config that trains at once, and add it to the registry.

    Example: zoo new model my-model
    """
    from zoo.scaffold.model import new_model

    config = new_model(name, Workspace(zoo))
    steps = [
        f"edit {config}",
        f"zoo check {name}",
        f"zoo train {name} --publish",
        "zoo schema --write   (completion and errors in your editor)",
    ]
    about = {"name": name, "config": str(config)}
    return _made(f"{name} is a model of this zoo", [str(config)], steps, about)


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

    made = new_plugin(name, kind or DEFAULT_KINDS, folder)
    written = sorted(str(path) for path in made.folder.rglob("*") if path.is_file())
    steps = [
        f"cd {made.folder}",
        'pip install -e ".[test]"',
        "pytest",
        f"zoo plugin check {made.distribution}",
        f"zoo train {made.example}",
    ]
    about = {
        "distribution": made.distribution,
        "package": made.package,
        "folder": str(made.folder.absolute()),
        "components": made.components,
        "model": made.example,
    }
    return _made(f"{made.folder} is a plugin", written, steps, about)


def _made(what: str, written: list[str], steps: list[str], about: dict[str, Any]) -> Answer:
    def text(console: Console) -> None:
        console.print(escape(what))
        for path in written:
            console.print(f"  {escape(path)}")
        console.print("next")
        for step in steps:
            console.print(f"  {escape(step)}")

    return Answer({**about, "files": written, "next": steps}, text)


app = typer.Typer(help="Make a zoo, a model config or a plugin.", no_args_is_help=True)
app.command("zoo")(new_zoo_command)
app.command("model")(new_model_command)
app.command("plugin")(new_plugin_command)
