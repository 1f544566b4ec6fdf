"""Every bad input that is known is refused as it should be, by the command as users run it."""

import importlib.util
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bad_inputs.commands import Commands, Done
from tests.processes import imported_by

_spec = importlib.util.spec_from_file_location("bad_roots", Path(__file__).with_name("roots.py"))
assert _spec is not None
assert _spec.loader is not None
roots = importlib.util.module_from_spec(_spec)
sys.modules["bad_roots"] = roots
_spec.loader.exec_module(roots)

KERAS_SECONDS = 30.0  # what importing Keras may take where other tests run beside
MOST_BYTES = 2500 * 1024**2
# One of each category runs from nothing, as users run it; so do those that import Keras.
FRESH = set({case["category"]: case["id"] for case in reversed(roots.CASES)}.values())


def _marks(case: dict[str, Any]) -> list[Any]:
    return [pytest.mark.slow] if case["startup"] == "keras" else []


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zoo.runtime.training.try_run_report", lambda *_, **__: None)
        return roots.publish_base(tmp_path_factory.mktemp("published") / "root")


@pytest.fixture(scope="session")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Commands]:
    folder = tmp_path_factory.mktemp("commands")
    (folder / "registry.toml").write_text("format = 1\n")
    valid = str(roots.SHARED / "toml/_base_valid.toml")
    tried = (("check", valid), ("list", "models"))
    modules = set().union(*(imported_by(*words, cwd=folder) for words in tried))
    begun = Commands(sorted(name for name in modules if name.startswith("zoo.")), folder)
    yield begun
    begun.end()


@pytest.mark.skipif(not roots.CASES, reason="../shared/bad_inputs is not there")
@pytest.mark.parametrize(
    "case", [pytest.param(case, id=case["id"], marks=_marks(case)) for case in roots.CASES]
)
def test_a_bad_input_is_refused_as_listed(
    case: dict[str, Any], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    needs_published = any(step["do"] == "published" for step in case["setup"])
    base = request.getfixturevalue("published") if needs_published else tmp_path
    root = roots.Root(tmp_path / "root", tmp_path / "outside", base)
    root.fill(case)
    before = _tree(root.path)
    for arguments in case["run"]:
        done = _run(arguments, root, case, request)
        if arguments[0] == "check":
            assert _tree(root.path) == before, "check wrote something"
        if done.returncode != 0:
            break
    shown = done.stdout + done.stderr
    assert done.returncode in case["exit"], shown
    assert "Traceback" not in shown
    assert not (root.path / "unpickled").exists()
    if case["codes"]:
        said = [f"error[{code}]" in shown or f'"{code}"' in shown for code in case["codes"]]
        assert any(said), shown
    for text in case["says"]:
        assert text.lower() in shown.lower(), shown
    for text in case["absent"]:
        assert text.lower() not in shown.lower(), shown
    if "--json" in arguments:
        json.loads(done.stdout)


def _run(
    arguments: list[str], root: Any, case: dict[str, Any], request: pytest.FixtureRequest
) -> Done:
    seconds = case["max_seconds"] + (KERAS_SECONDS if case["startup"] == "keras" else 0.0)
    if case["startup"] == "keras" or case["id"] in FRESH:
        done = _run_from_nothing(arguments, root, case, seconds + 600)
    else:
        commands = request.getfixturevalue("commands")
        env = roots.environment(root)
        done = commands.run(arguments, root.path, env, MOST_BYTES, seconds + 600)
    # Its own time, whatever else the machine does; one that waits for nothing ends in the timeout.
    assert done.seconds < seconds
    return done


def _run_from_nothing(
    arguments: list[str], root: Any, case: dict[str, Any], timeout: float
) -> Done:
    # Address space is not resident memory; TensorFlow maps far more than it touches.
    kilobytes = "unlimited" if case["startup"] == "keras" else MOST_BYTES // 1024
    started = _children_seconds()
    limited = ["bash", "-c", f'ulimit -v {kilobytes}; exec "$@"', "bash"]
    done = subprocess.run(
        [*limited, sys.executable, "-m", "zoo", *arguments],
        cwd=root.path,
        env=roots.environment(root),
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    return Done(done.returncode, done.stdout, done.stderr, _children_seconds() - started)


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _tree(folder: Path) -> dict[str, int]:
    return {
        str(path): path.lstat().st_mtime_ns
        for path in folder.rglob("*")
        if "__pycache__" not in path.parts and not os.path.isdir(path)
    }
