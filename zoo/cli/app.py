"""The `zoo` command."""

import gc
import importlib
import os
import sys
from collections.abc import Iterable
from typing import Annotated, Any

import typer

from zoo import __version__
from zoo.cli.literal import LiteralCommand, LiteralGroup

COMMANDS = {
    "list": "list:list_command",
    "show": "show:show_command",
    "check": "check:check_command",
    "build": "build:build_command",
    "train": "train:train_command",
    "sweep": "sweep:sweep_command",
    "publish": "publish:publish_command",
    "yank": "withdrawing:yank_command",
    "deprecate": "withdrawing:deprecate_command",
    "predict": "predict:predict_command",
    "evaluate": "evaluate:evaluate_command",
    "report": "report:report_command",
    "site": "site:site_command",
    "runs": "runs:runs_command",
    "diff": "diff:diff_command",
    "verify": "verify:verify_command",
    "push": "push:push_command",
    "pull": "pull:pull_command",
    "lock": "lock:lock_command",
    "gc": "gc:gc_command",
    "export": "export:export_command",
    "import": "import_weights:import_command",
    "schema": "schema:schema_command",
    "doctor": "doctor:doctor_command",
    "new": "new:app",
    "plugin": "plugin:app",
}
"""Each command with its module in this package and its name there."""


def app_with(names: Iterable[str]) -> typer.Typer:
    """Makes the command line with some of its commands; only their modules are imported."""
    app = typer.Typer(
        name="zoo",
        help="A model zoo for Keras: models declared in TOML, made of parts that plugins register.",
        cls=LiteralGroup,
        epilog="Start with: zoo list models, then zoo train NAME --publish",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for name in names:
        module, _, attribute = COMMANDS[name].partition(":")
        command = getattr(importlib.import_module(f"zoo.cli.{module}"), attribute)
        if isinstance(command, typer.Typer):
            for info in command.registered_commands:
                info.cls = LiteralCommand
            app.add_typer(command, name=name, cls=LiteralGroup)
        else:
            app.command(name, cls=LiteralCommand)(command)
    return app


def __getattr__(name: str) -> Any:
    """Gives `app`, the whole command line, to whoever asks for it."""
    if name == "app":
        return app_with(COMMANDS)
    raise AttributeError(name)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"zoo {__version__}")
        raise typer.Exit


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
    # Importing makes objects by the hundred thousand, and they stay: looking through them for
    # garbage after every 700 takes a tenth of the time.
    gc.set_threshold(50_000)
    if "_ZOO_COMPLETE" in os.environ:  # a shell asks how the line goes on
        from zoo.cli.completion import bash_with_versions, words_so_far

        with bash_with_versions():
            _run([], words_so_far())
    else:
        arguments = behind_the_command(sys.argv[1:])
        _run(arguments, arguments)


def _run(arguments: list[str], words: list[str]) -> None:
    asked = [name for name in words[:1] if name in COMMANDS]
    # The name is the same for `python -m zoo`: completion is asked for under it.
    app_with(asked or COMMANDS)(arguments, prog_name="zoo")
