"""The page of commands, from the command line itself."""

from collections.abc import Iterator
from typing import Any

import typer

HEAD = """# Commands

Every command with what `zoo COMMAND --help` says of it. {count} commands; the
[README]({readme}) has them in one table. Exit statuses are in [model configs](../config.md#errors).

| command | does |
|---|---|
"""
EXAMPLE = "Example: "


def commands_page() -> str:
    """Gives the page as Markdown."""
    from zoo.cli.app import app

    commands = dict(_commands(typer.main.get_command(app), "zoo"))
    readme = "../source/README.md#commands"
    rows = "".join(
        f"| [`{name}`](#{name.replace(' ', '-')}) | {_cell(_summary(command))} |\n"
        for name, command in commands.items()
    )
    sections = "\n".join(_section(name, command) for name, command in commands.items())
    return f"{HEAD.format(count=len(commands), readme=readme)}{rows}\n{sections}"


def _commands(group: Any, above: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{above} {name}")
        else:
            yield f"{above} {name}", command


def _summary(command: Any) -> str:
    return str(command.help).partition("\n\n")[0]


def _section(name: str, command: Any) -> str:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    given = [p for p in command.params if p not in arguments and not p.hidden]
    pieces = [p.metavar or p.name.upper() for p in arguments]
    optional = [f"[{x}]" if not p.required else x for p, x in zip(arguments, pieces, strict=True)]
    usage = " ".join([name, *optional, "[OPTIONS]"])
    paragraphs = str(command.help).split("\n\n")
    told = [_prose(part) for part in paragraphs if not part.startswith(EXAMPLE)]
    examples = [
        " ".join(part.removeprefix(EXAMPLE).split())
        for part in paragraphs
        if part.startswith(EXAMPLE)
    ]
    parts = [f"## {name}", f"```text\n{usage}\n```", *told]
    parts += [f"```sh\n{example}\n```" for example in examples]
    if arguments:
        parts.append(_table("argument", list(map(_row, arguments, pieces))))
    parts.append(_table("option", [_row(p, _written(p)) for p in given]))
    return "\n\n".join(parts) + "\n"


def _written(option: Any) -> str:
    names = ", ".join([*option.opts, *option.secondary_opts])
    return names if option.is_flag else f"{names} {option.metavar or 'VALUE'}"


def _row(parameter: Any, written: str) -> tuple[str, str, str]:
    default = parameter.default
    if parameter.required:
        shown = "required"
    elif default is None or default in (False, "", []) or callable(default):
        shown = ""
    else:
        shown = f"`{default}`"
    help_text = parameter.help or ""
    if parameter.multiple and "repeat" not in help_text:
        help_text += " Repeats."
    return written, help_text, shown


def _table(title: str, rows: list[tuple[str, str, str]]) -> str:
    defaults = any(default for _, _, default in rows)
    head = [title, "is", *(["default"] if defaults else [])]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for written, help_text, default in rows:
        cells = [f"`{_cell(written)}`", _cell(_prose(help_text)), default]
        lines.append(f"| {' | '.join(cells[: len(head)])} |")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _prose(text: str) -> str:
    """Plain text as Markdown: nothing in it is markup but backticks."""
    parts = text.replace("\b", "").split("`")
    for index in range(0, len(parts), 2):
        for character in "\\*_<[":
            parts[index] = parts[index].replace(character, f"\\{character}")
    return "`".join(parts)
