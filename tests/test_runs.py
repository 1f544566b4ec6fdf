"""Run folders: what they hold, and how they become versions."""

import csv
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.errors import ConfigError, RegistryError, RunError, StorageError
from zoo.registry.document import read_registry
from zoo.registry.tensors import encode
from zoo.registry.verification import read_weights
from zoo.runs import Run, new_folder, open_run

KERNEL = np.arange(4, dtype="float32")


@pytest.fixture
def run(zoo_root: Path) -> Run:
    """A run that was trained for two epochs."""
    made = Run(zoo_root / "runs" / "tiny" / "1")
    made.folder.mkdir(parents=True)
    made.write_facts(
        model="tiny",
        description="Small.",
        source="models/tiny.toml",
        fingerprint="a" * 64,
        graph={},
        plugins={"zoo-extra": "1.0"},
        keras="3.15.1",
        parent="",
        root=str(zoo_root),
        zoo=str(zoo_root),
        weights=["dense/kernel"],
    )
    made.config_path.write_text("zoo = 1\n")
    history = {"loss": [2.0, 1.0], "val_loss": [3.0, None], "empty": []}
    made.write_history(history)
    arrays = {"model/dense/kernel": KERNEL, "optimizer/iteration": np.array(2)}
    made.checkpoint_path.write_bytes(encode(arrays, {"history": json.dumps(history)}))
    return made


def test_a_run_is_opened_by_its_folder(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_run(run.folder) == run
    monkeypatch.chdir(run.folder.parent)
    assert open_run("1") == run


def test_what_a_run_holds_is_called_as_its_pages_say(run: Run) -> None:
    assert run.config_path == run.folder / "config.toml"
    assert run.checkpoint_path == run.folder / "checkpoint.safetensors"
    assert run.report_folder == run.folder / "report"


def test_a_folder_that_is_none_of_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as info:
        open_run(tmp_path)
    assert str(info.value) == (
        f"error[storage]: {tmp_path} is not the folder of a run: it has no run.json\n"
        "  = give the folder that `zoo train` named"
    )


def test_facts_are_added_to_those_there_are(run: Run) -> None:
    run.write_facts(status="done", keras="4")
    assert run.facts["status"] == "done"
    assert (run.facts["model"], run.facts["keras"]) == ("tiny", "4")


def test_damaged_facts_are_named(run: Run) -> None:
    (run.folder / "run.json").write_text('{"model": ')
    with pytest.raises(StorageError, match=r"run\.json is damaged: Expecting value"):
        _ = run.facts


def test_the_history_is_kept_as_json_and_as_csv(run: Run) -> None:
    assert run.history == {"loss": [2.0, 1.0], "val_loss": [3.0, None], "empty": []}
    with (run.folder / "history.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["epoch", "loss", "val_loss", "empty"],
            ["1", "2.0", "3.0", ""],
            ["2", "1.0", "", ""],
        ]


def test_a_run_without_an_epoch_has_no_history(run: Run) -> None:
    run.checkpoint_path.unlink()
    assert run.history == {}
    assert run.last_epoch() == {}
    run.write_history({})
    assert (run.folder / "history.csv").read_text() == "epoch\n"


def test_the_last_epoch_leaves_out_what_it_does_not_have(run: Run) -> None:
    assert run.last_epoch() == {"loss": 1.0}
    history = {"loss": [3.0, 2.0, 1.5], "val_loss": [3.0, 2.0, None], "empty": []}
    run.checkpoint_path.write_bytes(encode({}, {"history": json.dumps(history)}))
    assert run.last_epoch() == {"loss": 1.5}


def test_the_log_grows_by_a_line_with_the_time(run: Run) -> None:
    run.log("started")
    run.log("stopped")
    lines = (run.folder / "log.txt").read_text().splitlines()
    assert [line.partition(" ")[2] for line in lines] == ["started", "stopped"]
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00 ", line) for line in lines)


def test_a_log_that_cannot_be_written_is_named(run: Run) -> None:
    (run.folder / "log.txt").mkdir()
    with pytest.raises(StorageError) as info:
        run.log("started")
    assert info.value.findings[0].message.startswith(f"cannot write {run.folder / 'log.txt'}: ")


def test_a_history_in_a_damaged_checkpoint_is_refused(run: Run) -> None:
    run.checkpoint_path.write_bytes(b"half")
    with pytest.raises(StorageError) as info:
        _ = run.history
    (finding,) = info.value.findings
    assert finding.message == (
        f"{run.checkpoint_path} is damaged: its header is longer than the file"
    )
    assert finding.suggestion == "train again"


def test_the_source_is_the_resolved_config_with_the_root_it_was_made_in(
    run: Run, zoo_root: Path
) -> None:
    source = run.source
    assert (source.path, source.root, source.resolved) == (run.config_path, zoo_root, True)


def test_the_weights_are_those_of_the_last_good_state(run: Run) -> None:
    (path,) = run.weights()
    assert path == "dense/kernel"
    np.testing.assert_array_equal(run.weights()[path], KERNEL)


def test_a_run_without_a_finished_epoch_has_nothing_to_publish(run: Run) -> None:
    run.checkpoint_path.unlink()
    with pytest.raises(RunError) as info:
        run.publish()
    (finding,) = info.value.findings
    assert finding.message == f"{run.folder} has no checkpoint: no epoch was finished"
    assert finding.suggestion == "train it first"


def test_a_damaged_checkpoint_is_refused(run: Run) -> None:
    run.checkpoint_path.write_bytes(b"half")
    with pytest.raises(RegistryError, match=r"checkpoint\.safetensors is not a safetensors file"):
        run.weights()


def test_publishing_makes_a_version_of_it(run: Run, zoo_root: Path) -> None:
    entry = run.publish()
    assert entry.reference == "tiny@1.0.0"
    assert (entry.metrics, entry.plugins) == ({"loss": 1.0}, {"zoo-extra": "1.0"})
    registry = read_registry(zoo_root)
    assert registry.models[0].config == "models/tiny.toml"
    np.testing.assert_array_equal(read_weights(registry, entry).tensors["dense/kernel"], KERNEL)
    assert run.publish("3.0.0").version == "3.0.0"


@pytest.fixture
def other_zoo(tmp_path: Path) -> Path:
    root = tmp_path / "other"
    root.mkdir()
    (root / "registry.toml").write_text("format = 1\n")
    return root


def test_another_zoo_may_be_named(run: Run, zoo_root: Path, other_zoo: Path) -> None:
    run.publish(zoo=other_zoo)
    assert read_registry(other_zoo).names == ["tiny"]
    assert read_registry(zoo_root).names == []


def test_a_version_says_what_its_run_began_from(run: Run, zoo_root: Path) -> None:
    run.write_facts(parent="base@1.0.0")
    run.publish()
    assert [entry.parent for entry in read_registry(zoo_root).weights] == ["base@1.0.0"]


def test_a_run_goes_to_the_zoo_that_it_was_made_in_wherever_one_stands(
    run: Run, zoo_root: Path, other_zoo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(other_zoo)
    run.publish()
    assert read_registry(zoo_root).names == ["tiny"]
    assert read_registry(other_zoo).names == []


def test_a_run_in_a_copy_of_its_zoo_goes_to_the_copy(
    run: Run, zoo_root: Path, tmp_path: Path
) -> None:
    copied = shutil.copytree(zoo_root, tmp_path / "copy")
    open_run(copied / run.folder.relative_to(zoo_root)).publish()
    assert read_registry(copied).names == ["tiny"]
    assert read_registry(zoo_root).names == []


def test_a_run_made_outside_of_any_zoo_goes_to_the_one_here(
    run: Run, other_zoo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.write_facts(zoo=None)
    monkeypatch.chdir(other_zoo)
    run.publish()
    assert read_registry(other_zoo).names == ["tiny"]


def test_without_a_zoo_nothing_is_published(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.write_facts(zoo=None)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RegistryError) as info:
        run.publish()
    assert str(info.value).startswith("error[bad-registry]: there is no zoo to publish into\n")


def test_what_is_kept_for_the_report_is_read_again_unless_it_is_not_there(run: Run) -> None:
    assert run.note("timings.json") is None
    run.write_note("timings.json", [1.5, None])
    assert run.note("timings.json") == [1.5, None]
    assert (run.folder / "timings.json").read_bytes() == b"[\n 1.5,\n null\n]\n"


def test_what_is_kept_for_the_report_and_damaged_is_named(run: Run) -> None:
    (run.folder / "data.json").write_text("{")
    with pytest.raises(StorageError) as info:
        run.note("data.json")
    assert str(info.value).startswith(
        f"error[storage]: {run.folder / 'data.json'} is damaged: Expecting property name"
    )


class TestNewFolder:
    """Where a new run goes."""

    def test_it_is_named_by_the_time(self, zoo_root: Path) -> None:
        folder = new_folder("tiny", zoo_root, None)
        assert folder.parent == zoo_root / "runs" / "tiny"
        assert re.fullmatch(r"\d{8}-\d{6}", folder.name)
        assert not folder.exists()

    def test_two_of_one_second_have_two_names(self, zoo_root: Path) -> None:
        names = set()
        for _ in range(5):
            folder = new_folder("tiny", zoo_root, None)
            folder.mkdir(parents=True)
            names.add(folder.name)
        assert len(names) == 5

    @pytest.mark.parametrize("made", [True, False], ids=["empty", "not there"])
    def test_one_that_is_named_may_be_there_if_it_is_empty(
        self, zoo_root: Path, made: bool
    ) -> None:
        if made:
            (zoo_root / "mine").mkdir()
        assert new_folder("tiny", zoo_root, "mine") == zoo_root / "mine"

    def test_what_a_training_leaves_that_is_killed_at_once_counts_as_empty(
        self, zoo_root: Path
    ) -> None:
        (zoo_root / "mine").mkdir()
        for name in (".lock", "config.toml"):
            (zoo_root / "mine" / name).touch()
        assert new_folder("tiny", zoo_root, "mine") == zoo_root / "mine"

    @pytest.mark.parametrize("taken", ["mine", "mine/file", "mine/config.toml"])
    def test_one_that_holds_something_is_refused(self, zoo_root: Path, taken: str) -> None:
        (zoo_root / taken).parent.mkdir(exist_ok=True)
        (zoo_root / taken).touch()
        with pytest.raises(ConfigError) as info:
            new_folder("tiny", zoo_root, "mine")
        assert str(info.value) == (
            "error[bad-value]: mine is there already and not empty\n"
            "  = name another folder, or go on with the run in it by --resume"
        )


def test_what_is_written_is_json_that_any_reader_takes(run: Run) -> None:
    reject: Callable[[str], Any] = lambda text: pytest.fail(f"{text} is no JSON")  # noqa: E731
    for name in ("run.json", "history.json"):
        json.loads((run.folder / name).read_text(), parse_constant=reject)
