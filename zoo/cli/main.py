"""The `zoo` command."""

from typing import Annotated

import typer

from zoo import __version__
from zoo.cli.build import build_command
from zoo.cli.check import check_command
from zoo.cli.evaluate import evaluate_command
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


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True)
    ] = False,
) -> None:
    if version:
        print(f"zoo {__version__}")
        raise typer.Exit


def main() -> None:
    """Runs the command line."""
    app()
