"""The help of every command says what its docstring and its options say, brackets and all."""

from __future__ import annotations

import re

import pytest
import typer
from typer.testing import CliRunner

from zoo.cli.app import app


def commands(group, above=()):
    yield above, group
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, (*above, name))


EVERY = dict(commands(typer.main.get_command(app)))


def words(text):
    """The words of a text; a box around it and the breaks of its lines do not count."""
    return " ".join(re.sub("[│╭╮╰╯─]", " ", text).split())


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_the_help_of_a_command_shows_every_word_that_was_written(path):
    command = EVERY[path]
    done = CliRunner().invoke(app, [*path, "--help"], terminal_width=1000)
    assert done.exit_code == 0
    shown = words(done.stdout)
    described = [command, *(p for p in command.params if not p.hidden)]
    described += getattr(command, "commands", {}).values()
    for item in described:
        text = item.help or ""
        for part in [text] if item is command else [text.partition("\n\n")[0]]:
            assert words(part) in shown


def test_brackets_are_among_what_is_written():
    assert "[sweep]" in EVERY["sweep",].help
    assert "[store]" in EVERY["push",].help
