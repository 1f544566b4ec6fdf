"""What a killed training leaves behind, as its folder tells, without training."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from filelock import FileLock

from tests.candidates import a_candidate
from zoo.doctor.leftovers import look_for_leftovers
from zoo.registry.publishing import publish
from zoo.registry.tensors import encode
from zoo.rows import Row
from zoo.runs import Run

MakeRun = Callable[..., Run]
NOTHING = Row("leftovers", "files and runs", "ok", "nothing was left behind")


@pytest.fixture
def run_of(zoo_root: Path) -> MakeRun:
    """Makes a run of so many finished epochs; the higher its number, the newer it is."""

    def make(number: int = 0, epochs: int = 2, **facts: Any) -> Run:
        run = Run(zoo_root / "runs" / "tiny" / str(number))
        run.folder.mkdir(parents=True)
        run.write_facts(**{"planned": 3, "status": "running", **facts})
        history = {"history": json.dumps({"loss": [1.0] * epochs})}
        run.checkpoint_path.write_bytes(encode({"model/k": np.zeros(1)}, history))
        os.utime(run.folder / "run.json", ns=(0, number))
        return run

    return make


@pytest.mark.parametrize(("status", "how"), [("running", "was killed"), ("stopped", "was stopped")])
def test_a_run_that_was_not_done_is_told_with_the_command_that_goes_on(
    run_of: MakeRun, zoo_root: Path, status: str, how: str
) -> None:
    run = run_of(status=status)
    assert list(look_for_leftovers(zoo_root)) == [
        Row(
            "leftovers",
            "run",
            "warning",
            f"{run.folder} {how} and can be resumed",
            f"zoo train {run.config_path} --resume --run {run.folder}",
        )
    ]


def test_a_run_that_was_killed_in_its_first_epoch_is_told_too(
    run_of: MakeRun, zoo_root: Path
) -> None:
    run = run_of()
    run.checkpoint_path.unlink()
    facts = {name: fact for name, fact in run.facts.items() if name != "planned"}
    (run.folder / "run.json").write_text(json.dumps(facts))
    (row,) = look_for_leftovers(zoo_root)
    assert row.message == f"{run.folder} was killed and can be resumed"


@pytest.mark.parametrize(
    "facts", [{"epochs": 3}, {"epochs": 4}, {"status": "failed"}, {"epochs": 0, "planned": 0}]
)
def test_a_run_that_is_done_or_failed_is_not_told(
    run_of: MakeRun, zoo_root: Path, facts: dict[str, Any]
) -> None:
    run_of(**facts)
    assert list(look_for_leftovers(zoo_root)) == [NOTHING]


def test_a_run_at_work_is_not_told(run_of: MakeRun, zoo_root: Path) -> None:
    run = run_of()
    with FileLock(run.folder / ".lock"):
        assert list(look_for_leftovers(zoo_root)) == [NOTHING]


def test_of_many_runs_the_newest_ten_are_told_and_the_others_counted(
    run_of: MakeRun, zoo_root: Path
) -> None:
    for number in (3, 11, 0, 7, 1, 10, 2, 9, 4, 8, 6, 5):
        run_of(number)
    *told, last = look_for_leftovers(zoo_root)
    runs = [row.message.partition(" ")[0].rpartition("/")[2] for row in told]
    assert runs == [str(number) for number in range(11, 1, -1)]
    assert last == Row(
        "leftovers",
        "run",
        "warning",
        "2 older runs can be resumed too",
        f"remove those in {zoo_root / 'runs'} you do not want",
    )


def test_ten_runs_are_told_and_nothing_is_left_to_count(run_of: MakeRun, zoo_root: Path) -> None:
    for number in range(10):
        run_of(number)
    assert all(
        row.message.endswith("was killed and can be resumed")
        for row in (look_for_leftovers(zoo_root))
    )


def test_a_run_that_cannot_be_read_is_told_with_how_to_be_rid_of_it(
    run_of: MakeRun, zoo_root: Path
) -> None:
    run = run_of()
    run.checkpoint_path.write_bytes(b"half")
    (row,) = look_for_leftovers(zoo_root)
    assert (row.check, row.result, row.remedy) == ("run", "warning", f"rm -r {run.folder}")
    assert row.message.startswith(f"{run.checkpoint_path} is damaged: ")


def test_where_no_registry_can_be_read_runs_are_told_all_the_same(
    run_of: MakeRun, zoo_root: Path
) -> None:
    run_of()
    (zoo_root / "registry.toml").write_text("format =")
    assert [row.check for row in look_for_leftovers(zoo_root)] == ["run"]


def test_what_a_killed_process_was_about_to_write_is_told(zoo_root: Path) -> None:
    path = zoo_root / ".registry.toml.abcd_123"
    path.touch()
    os.utime(path, (0, 0))
    message = f"{path} was left by a process that was killed"
    assert list(look_for_leftovers(zoo_root)) == [
        Row("leftovers", "temporary file", "warning", message, "zoo gc --delete")
    ]


@pytest.mark.parametrize("is_old", [True, False], ids=["old", "perhaps about to be listed"])
def test_weights_that_were_written_and_never_listed_are_told_once_they_are_old(
    zoo_root: Path, is_old: bool
) -> None:
    publish(zoo_root, a_candidate())
    path = zoo_root / "weights" / "tiny" / "9.0.0.safetensors"
    path.touch()
    if is_old:
        os.utime(path, (0, 0))
    message = f"{path} is not listed: a publish was killed before it was"
    remedy = "publish again, or zoo gc --delete"
    told = [Row("leftovers", "weights", "warning", message, remedy)]
    assert list(look_for_leftovers(zoo_root)) == (told if is_old else [NOTHING])


def test_that_another_process_changes_the_registry_is_told(zoo_root: Path) -> None:
    with FileLock(zoo_root / ".registry.lock"):
        rows = list(look_for_leftovers(zoo_root))
    message = f"another process is changing the registry: {zoo_root / '.registry.lock'} is locked"
    assert rows == [Row("leftovers", "lock", "warning", message, "wait for it, or stop it")]
