"""SIGINT and SIGTERM: the first stops at the next batch, a second one at once."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from zoo.errors import Stopped


class StopRequest:
    """Whether a signal has asked to stop.

    Attributes:
        received: The signal's number; None while there was none.
        deferred: True while batches run, so that the state stays whole until the next one.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self.deferred = False

    def raise_if_received(self) -> None:
        """Raises `Stopped` if a signal came."""
        if self.received is not None:
            name = signal.Signals(self.received).name
            raise Stopped(f"stopped by {name}", self.received)

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Takes a signal."""
        del frame
        if self.received is not None:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        self.received = number
        if not self.deferred:
            self.raise_if_received()


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Listens to SIGINT and SIGTERM, where the caller is the main thread."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before: dict[int, Any] = {
        number: signal.signal(number, request.handle) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
