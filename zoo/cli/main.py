"""The `zoo` command."""

import sys
from typing import Annotated

import typer

from zoo import __version__
from zoo.cli.build import build_command
from zoo.cli.check import check_command
from zoo.cli.evaluate import evaluate_command
from zoo.cli.import_weights import import_command
from zoo.cli.list import list_command
from zoo.cli.predict import predict_command
from zoo.cli.publish import publish_command
from zoo.cli.show import show_command
from zoo.cli.train import train_command
from zoo.cli.verify import verify_command

app = typer.Typer(
    name="zoo",
    help="A model zoo for Keras: models declared in TOML, made of parts that plugins register.",
    epilog="Start with: zoo list models, then zoo train NAME --publish",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("list")(list_command)
app.command("show")(show_command)
app.command("check")(check_command)
app.command("build")(build_command)
app.command("train")(train_command)
app.command("publish")(publish_command)
app.command("predict")(predict_command)
app.command("evaluate")(evaluate_command)
app.command("verify")(verify_command)
app.command("import")(import_command)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"zoo {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    pass


def behind_the_command(arguments: list[str]) -> list[str]:
    """Moves `--debug` and `--zoo DIR` from before a command's name to the end of its options."""
    moved: list[str] = []
    rest = list(arguments)
    while rest and (rest[0] == "--debug" or rest[0].startswith("--zoo")):
        count = 2 if rest[0] == "--zoo" else 1
        moved += rest[:count]
        del rest[:count]
    return [*rest, *moved] if rest else arguments


def main() -> None:
    """Runs the command line."""
    app(behind_the_command(sys.argv[1:]))
