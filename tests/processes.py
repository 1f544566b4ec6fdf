"""Programs in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path


def ended_well(command: Iterable[object], cwd: Path | None = None, **environment: str) -> str:
    """Runs a program, which has to end with 0, and gives what it prints."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


LEAN = Path(__file__).with_name("lean")


def python(*words: object, cwd: Path | None = None, **environment: str) -> str:
    """Runs Python, which can import what this process can, plugins that a test installed too.

    It does without the packages that no part of the zoo needs and Keras imports where they are,
    unless Keras has another backend.
    """
    path = environment.get("PYTHONPATH") or os.pathsep.join(filter(None, sys.path))
    if "KERAS_BACKEND" not in environment:
        path = os.pathsep.join([str(LEAN), path])
    return ended_well([sys.executable, *words], cwd, **{**environment, "PYTHONPATH": path})


_COMMAND = """
import sys
import zoo.cli
status = int(sys.argv.pop(1))
try:
    zoo.cli.main()
except SystemExit as end:
    assert (end.code or 0) == status, end.code
else:
    assert status == 0
print()
print(*sys.modules)
"""


def imported_by(
    *command: str, cwd: Path | None = None, status: int = 0, **environment: str
) -> set[str]:
    """Gives the modules that a command of the zoo has imported by its end."""
    printed = python("-c", _COMMAND, status, *command, cwd=cwd, **environment)
    return set(printed.splitlines()[-1].split())
