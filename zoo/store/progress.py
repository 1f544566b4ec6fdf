"""What a person sees on stderr while files are sent or fetched."""

import sys
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from zoo.progress import bar, is_quiet, on_a_terminal
from zoo.store.objects import Told


class Transfers:
    """A bar a file on a terminal, one line a file otherwise.

    Args:
        verb: What is done, such as `"fetching"`.
    """

    def __init__(self, verb: str) -> None:
        self._verb = verb
        self._bars: Any = None
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Takes the terminal."""
        if on_a_terminal() and not is_quiet():
            self._bars = self._open.enter_context(bar(of_bytes=True))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Gives the terminal back."""
        self._open.close()

    def file(self, name: str, size: int, done: int = 0) -> Told:
        """Begins a file, and gives what is to be told of its bytes.

        Args:
            name: What it is called.
            size: Its bytes.
            done: How many of them were moved earlier.
        """
        if self._bars is None:
            rest = f", from byte {done:,} on" if done else ""
            self.say(f"{self._verb} {name} ({size:,} bytes{rest})")
            return untold
        task = self._bars.add_task(f"{self._verb} {name}", total=size, completed=done)
        return lambda count: self._bars.update(task, advance=count)

    def say(self, text: str) -> None:
        """Prints a line."""
        if not is_quiet():
            print(text, file=sys.stderr, flush=True)


def untold(count: int) -> None:
    """Shows nothing of the bytes that have been moved."""
    del count
