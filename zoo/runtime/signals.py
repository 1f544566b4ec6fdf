"""SIGINT and SIGTERM: the first stops at the next batch, a second one at once.

Needs neither Keras nor NumPy, since the command line listens from its first line on.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, NoReturn

from zoo.errors import Stopped

SIGNALS = (signal.SIGINT, signal.SIGTERM)

# While a plugin is imported, the one in `os` is watched.
_end_process = os._exit

Handler = Callable[[int, FrameType | None], None]


class Interrupted(KeyboardInterrupt):
    """A signal asks to stop; not an `Exception`, so that no plugin takes it for a failure.

    Attributes:
        signal_number: SIGINT (2) or SIGTERM (15).
    """

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.signal_number = signal_number


def stopped_by(error: KeyboardInterrupt, suggestion: str | None = None) -> Stopped:
    """Words a signal as the error that ends a command."""
    number = getattr(error, "signal_number", signal.SIGINT)
    return Stopped(f"stopped by {signal.Signals(number).name}", number, suggestion=suggestion)


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
        """Raises `Interrupted` if a signal came."""
        if self.received is not None:
            raise Interrupted(self.received)

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Takes a signal."""
        del frame
        if self.received is not None:
            _end_process(128 + number)
        self.received = number
        if not self.deferred:
            self.raise_if_received()


def leave_on_signals() -> None:
    """Lets a signal end the process in one line, from here on.

    For the time of imports: an exception in the midst of one may be lost, or come back as the
    failure of a library.
    """
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            signal.signal(number, _leaving(2))


@contextlib.contextmanager
def leaving_on_signals(stderr: int) -> Iterator[None]:
    """Does for a while what `leave_on_signals` does.

    Args:
        stderr: The descriptor to say so on.
    """
    with _handled_by(_leaving(stderr)):
        yield


def _leaving(stderr: int) -> Handler:
    def leave(number: int, frame: FrameType | None) -> NoReturn:
        del frame
        with contextlib.suppress(OSError):
            line = f"error[stopped]: stopped by {signal.Signals(number).name}\n"
            os.write(stderr, line.encode())
        _end_process(128 + number)

    return leave


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Turns SIGTERM too into an exception, so that what is begun is tidied up."""

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        del frame
        raise Interrupted(number)

    with _handled_by(interrupt):
        yield


@contextlib.contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Listens to SIGINT and SIGTERM, where the caller is the main thread."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    with _handled_by(request.handle), _second_signal_ends():
        yield request


@contextlib.contextmanager
def _handled_by(handler: Handler) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[int, Any] = {number: signal.signal(number, handler) for number in SIGNALS}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


@contextlib.contextmanager
def _second_signal_ends() -> Iterator[None]:
    # Python calls a handler between two of its own steps, and compiling a model is one of them.
    # A thread that is told of each signal as it comes need not wait.
    read, write = os.pipe()
    os.set_blocking(write, False)
    before = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    threading.Thread(target=_count_signals, args=(read,), daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(write)  # the thread reads the end, and ends


def _count_signals(pipe: int) -> None:
    count = 0
    with open(pipe, "rb", buffering=0) as signals:
        while received := signals.read(1):
            count += received[0] in SIGNALS
            if count > 1:
                _end_process(128 + received[0])
