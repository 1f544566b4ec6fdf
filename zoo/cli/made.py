"""What `zoo new` answers: what was made, its files, and what to do next."""

from typing import Any

from rich.console import Console
from rich.markup import escape

from zoo.cli.command import Answer


def made(what: str, written: list[str], steps: list[str], about: dict[str, Any]) -> Answer:
    """Answers with what was made.

    Args:
        what: It in one sentence.
        written: The files.
        steps: Commands to go on with.
        about: More for `--json`.
    """

    def text(console: Console) -> None:
        console.print(escape(what))
        for path in written:
            console.print(f"  {escape(path)}")
        console.print("next")
        for step in steps:
            console.print(f"  {escape(step)}")

    return Answer({**about, "files": written, "next": steps}, text)
