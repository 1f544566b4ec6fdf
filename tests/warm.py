"""Processes that begin with Keras imported, for tests of what is then done in a process.

Importing Keras takes 5 seconds. One process does it once, and each program is a fork of it, which
nothing but that import has happened in. A fresh interpreter, and what it inherits of signals, is
for tests that do without this; so are programs that must not import Keras.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import IO, Any

PIPE = subprocess.PIPE
WITHOUT_KERAS = ("zoo.plugins.rules_probe",)

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["keras"])


class _Warm:
    """Runs `python -m MODULE ...` or `python -I FILE ...`, as `subprocess.Popen` does.

    Attributes:
        pid: The number of the process.
        stdin: What it reads, where a pipe was asked for.
    """

    def __init__(
        self,
        command: list[str],
        stdin: int | None = None,
        stdout: IO[Any] | None = None,
        stderr: IO[Any] | None = None,
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
        pass_fds: tuple[int, ...] = (),
        start_new_session: bool = False,
    ) -> None:
        assert command[0] == sys.executable
        assert stdin in (None, PIPE)
        reading, writing = os.pipe()
        streams = (reading, *(file.fileno() for file in (stdout, stderr) if file is not None))
        self._process = _CONTEXT.Process(
            target=_become,
            args=(
                command[1:],
                [DupFd(stream) for stream in streams],
                {str(number): DupFd(number) for number in pass_fds},
                str(cwd or Path.cwd()),
                dict(env or os.environ),
                start_new_session,
            ),
        )
        self._process.start()
        os.close(reading)
        self.pid = self._process.pid
        self.stdin = os.fdopen(writing, "wb")
        if stdin is None:
            self.stdin.close()

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self) -> int | None:
        self._process.join()
        return self._process.exitcode


def Popen(command: list[str], **options: Any) -> Any:  # noqa: N802  # as subprocess has it
    """Starts a program, one that does without Keras from nothing."""
    if command[2] in WITHOUT_KERAS:
        return subprocess.Popen(command, **options)
    return _Warm(command, **options)


def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end, as `subprocess.run` does with `capture_output`."""
    assert options == {"capture_output": True, "text": True, "check": False}
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        status = _Warm(command, stdout=out, stderr=err).wait()
        assert status is not None
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(command, status, out.read(), err.read())


def output_of(file: Path, *arguments: str) -> str:
    """Runs a file of Python, which has to end well, and gives what it prints."""
    command = [sys.executable, "-I", str(file), *arguments]
    ended = run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def _become(
    words: list[str],
    streams: list[Any],
    passed: dict[str, Any],
    cwd: str,
    env: dict[str, str],
    new_session: bool,
) -> None:
    """Makes this process what the command asks for, and runs its program."""
    if new_session:
        os.setsid()
    for number, stream in enumerate(streams):
        handle = stream.detach()
        os.dup2(handle, number)
        os.close(handle)
    sys.stdin = os.fdopen(0, closefd=False)
    handles = {word: str(file.detach()) for word, file in passed.items()}
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.dont_write_bytecode = "PYTHONDONTWRITEBYTECODE" in env
    kind, program, *rest = words
    sys.argv = [program, *(handles.get(word, word) for word in rest)]
    if kind == "-m":
        runpy.run_module(program, run_name="__main__", alter_sys=True)
    else:
        assert kind == "-I"
        runpy.run_path(program, run_name="__main__")
