"""Mutants of the sample configs: whatever stands in a file, the check says something sensible."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FUZZING = Path(__file__).with_name("fuzzing.py")
MOST_SECONDS = 2.0
MOST_MEGABYTES = 300


def fuzzed(folder: Path, seed: int, first: int, count: int, build: int = 0) -> dict[str, Any]:
    numbers = map(str, (seed, first, count, build))
    done = subprocess.run(
        [sys.executable, str(FUZZING), str(folder), *numbers],
        capture_output=True,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    summary: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return summary


def hold(summary: dict[str, Any]) -> None:
    """No traceback, none slow (in time of its own), none large, and Keras not imported."""
    assert summary["failed"] == []
    assert summary["slowest"] < MOST_SECONDS
    assert summary["megabytes"] < MOST_MEGABYTES
    assert summary["heavy"] == []


def test_hundreds_of_mutants_are_checked_without_a_traceback(tmp_path: Path) -> None:
    summary = fuzzed(tmp_path, 1, 0, 300)
    hold(summary)
    assert len(summary["codes"]) > 10, "the mutants are wrong in few ways"
    assert summary["codes"]["none"] > 10, "hardly any mutant is right"


@pytest.mark.slow
@pytest.mark.parametrize("batch", range(10))
def test_thousands_of_mutants_are_checked_without_a_traceback(tmp_path: Path, batch: int) -> None:
    hold(fuzzed(tmp_path, 2, 1000 * batch, 1000))


@pytest.mark.slow
@pytest.mark.parametrize("batch", range(4))
def test_what_passes_the_check_can_be_built(tmp_path: Path, batch: int) -> None:
    summary = fuzzed(tmp_path, 3, 1000 * batch, 1000, build=60)
    assert summary["refused"] == []
    # What the constructor of a plugin makes of its arguments, only that plugin knows.
    assert len(summary["refused by a plugin"]) < 10
    assert summary["built"] > 30
