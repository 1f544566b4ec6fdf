"""What one of Ray's processes prints, on the stderr of the one that started it."""

import asyncio
import contextlib
import io
import sys
from collections.abc import Iterator, Sequence
from typing import Any


class Lines:
    """What was printed and not shown yet; Ray keeps it in a process of its own."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._more = asyncio.Event()

    async def add(self, text: str) -> None:
        """Takes a text."""
        self._texts.append(text)
        self._more.set()

    async def take(self, wait: bool = True) -> str:
        """Gives what came since the last time.

        Args:
            wait: Whether to wait until there is something.
        """
        if wait:
            await self._more.wait()
        text = "".join(self._texts)
        self._texts.clear()
        self._more.clear()
        return text


class _Relay(io.TextIOBase):
    def __init__(self, lines: Any) -> None:
        self._lines = lines
        self._text = ""

    def write(self, text: str) -> int:
        self._text += text
        if "\n" in text:
            self.flush()
        return len(text)

    def flush(self) -> None:
        if self._text:
            self._lines.add.remote(self._text)
            self._text = ""


@contextlib.contextmanager
def lines_to(lines: Any) -> Iterator[None]:
    """Sends what this process prints to `Lines`, all of it by the end."""
    import ray

    relay = _Relay(lines)
    try:
        with contextlib.redirect_stderr(relay), contextlib.redirect_stdout(relay):
            yield
    finally:
        relay.flush()
        with contextlib.suppress(ray.exceptions.RayError):
            ray.get(lines.add.remote(""))


def shown(ray: Any, tasks: Sequence[Any], lines: Any) -> Iterator[Any]:
    """Waits until tasks are done, and prints meanwhile what comes to `Lines`.

    Args:
        ray: The package.
        tasks: The tasks.
        lines: Where what they print comes to; None where nothing is shown.

    Yields:
        Each task that is done, and None about once a second.
    """
    waiting = list(tasks)
    taking = lines.take.remote() if lines is not None else None
    while waiting:
        watched = [*waiting, *([taking] if taking is not None else [])]
        done, _ = ray.wait(watched, num_returns=1, timeout=1)
        if taking in done:
            taking = lines.take.remote() if _print(ray, taking) else None
        elif done:
            waiting.remove(done[0])
            yield done[0]
        else:
            yield None
    if taking is not None and ray.wait([taking], timeout=0)[0]:
        _print(ray, taking)
    if lines is not None:
        _print(ray, lines.take.remote(wait=False))


def _print(ray: Any, taking: Any) -> bool:
    try:
        text = ray.get(taking)
    except ray.exceptions.RayError:  # what is printed is not worth the training
        return False
    print(text, end="", file=sys.stderr, flush=True)
    return True
