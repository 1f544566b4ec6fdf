"""Commands that are forks of one process, which has imported what they need and done no more.

Run as `python commands.py MODULE...`, it reads a request a line, as JSON, becomes that `zoo`
command in a fork, and prints the exit status and the seconds that the fork has used.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import select
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import zoo.cli


@dataclass(frozen=True)
class Done:
    """What a command came to.

    Attributes:
        returncode: Its exit status.
        stdout: What it printed.
        stderr: What it said besides.
        seconds: Seconds of processor time, those of its own children too.
    """

    returncode: int
    stdout: str
    stderr: str
    seconds: float


class Commands:
    """Runs commands, each in a process of its own.

    Args:
        modules: What they import; the process is told before it forks.
        folder: An empty one.
    """

    def __init__(self, modules: Iterable[str], folder: Path) -> None:
        self._out, self._err = folder / "out", folder / "err"
        self._process = subprocess.Popen(
            [sys.executable, __file__, *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
        )

    def run(
        self, arguments: list[str], cwd: Path, env: dict[str, str], most_bytes: int, seconds: float
    ) -> Done:
        """Runs a command in a folder, an environment and a limit on its address space.

        Raises:
            TimeoutError: If it takes more seconds than it may.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = [arguments, str(cwd), env, most_bytes, str(self._out), str(self._err)]
        print(json.dumps(asked), file=self._process.stdin, flush=True)
        if not select.select([self._process.stdout], [], [], seconds)[0]:
            raise TimeoutError(f"{arguments} takes more than {seconds} s")
        status, used = json.loads(self._process.stdout.readline())
        return Done(status, self._out.read_text(), self._err.read_text(), used)

    def end(self) -> None:
        """Ends the process that forks."""
        self._process.kill()
        self._process.communicate()


def _serve(modules: list[str]) -> None:
    for name in modules:
        importlib.import_module(name)
    gc.freeze()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _become(*json.loads(line))
            zoo.cli.main()
            return
        _, status, used = os.wait4(child, 0)
        print(
            json.dumps([os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime]),
            flush=True,
        )


def _become(
    arguments: list[str], cwd: str, env: dict[str, str], most_bytes: int, out: str, err: str
) -> None:
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    new = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    for number, (path, flags) in enumerate([(os.devnull, os.O_RDONLY), (out, new), (err, new)]):
        handle = os.open(path, flags)
        os.dup2(handle, number)
        os.close(handle)
    # As Python begins with: the current folder, then what the environment names.
    sys.path[0:1] = [cwd, *filter(None, env.get("PYTHONPATH", "").split(os.pathsep))]
    importlib.invalidate_caches()
    sys.argv = ["zoo", *arguments]
    resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))


if __name__ == "__main__":
    _serve(sys.argv[1:])
