"""The commands that the documentation shows, and those that there are."""

import re
import shlex
from collections.abc import Iterator
from typing import Any

import typer

from tests.docs.blocks import blocks, spans
from zoo.cli.app import app

GROUP = typer.main.get_command(app)
PROGRAMS = {"bash", "cat", "cd", "chgrp", "chmod", "cp", "echo", "export", "find", "git", "grep"}
PROGRAMS |= {"head", "ls", "make", "mkdir", "mlflow", "mv", "optuna", "pip", "pytest", "python"}
PROGRAMS |= {"ray", "rm", "sed", "source", "tail", "tensorboard", "umask", "zoo"}
"""What a block of sh may call; a misspelt one is none of them."""

_ASSIGNMENT = re.compile(r"\w+=")
_ENDS = {"|", "||", "&&", ";", "&"}


def _commands(group: Any, above: str = "") -> dict[str, Any]:
    """Every command by its words: `list`, `new plugin`."""
    found: dict[str, Any] = {}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found |= _commands(command, f"{above}{name} ")
        else:
            found[f"{above}{name}"] = command
    return found


COMMANDS = _commands(GROUP)


def options(command: Any) -> set[str]:
    return {option for p in command.params for option in (*p.opts, *p.secondary_opts)}


ALL_OPTIONS = {o for command in (GROUP, *COMMANDS.values()) for o in options(command)}


def calls(text: str) -> Iterator[list[str]]:
    """The words of each program that a text of sh calls."""
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if word not in _ENDS:
                words.append(word)
                continue
            while words and _ASSIGNMENT.match(words[0]):
                del words[0]
            if words:
                yield words
            words = []


def name_and_rest(words: list[str]) -> tuple[str, list[str]]:
    """The command that words after `zoo` name, and what follows."""
    count = 2 if " ".join(words[:2]) in COMMANDS else 1
    return " ".join(words[:count]), words[count:]


def zoo_calls(page: str) -> Iterator[list[str]]:
    """The words after `zoo` wherever a page calls it, in a block or between backticks."""
    for block in blocks(page):
        if block.language == "sh":
            yield from (words[1:] for words in calls(block.text) if words[0] == "zoo")
    for span in spans(page):
        if re.match(r"zoo [a-z]", span):
            yield shlex.split(span)[1:]
