"""A plugin's code run at its import, without leave to change what all others share."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any, NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Keeps the process as it is while code of a plugin is imported.

    What it prints goes to stderr, the current folder and the handlers of SIGINT and SIGTERM are
    put back, and `os._exit` raises `SystemExit`. A hanging import is for the user to stop.
    """
    with contextlib.redirect_stdout(sys.stderr), _same_folder(), _same_handlers(), _no_exit():
        yield


@contextlib.contextmanager
def _same_folder() -> Iterator[None]:
    try:
        before = os.getcwd()
    except OSError:  # somebody removed it
        yield
        return
    try:
        yield
    finally:
        os.chdir(before)


@contextlib.contextmanager
def _same_handlers() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[int, Any] = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            # None is a handler that was not set from Python, and that Python cannot set.
            if handler is not None and signal.getsignal(number) is not handler:
                signal.signal(number, handler)


@contextlib.contextmanager
def _no_exit() -> Iterator[None]:
    def refuse(status: int) -> NoReturn:
        raise SystemExit(f"it calls os._exit({status})")

    leave, os._exit = os._exit, refuse
    try:
        yield
    finally:
        os._exit = leave
