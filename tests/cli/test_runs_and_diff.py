"""The trainings of a zoo listed, and what differs between two of anything."""

import io
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from zoo.cli.runs import _row, _table
from zoo.runs import Run
from zoo.workspace import Workspace

pytestmark = pytest.mark.usefixtures("no_run_report")


@pytest.fixture(scope="session")
def _two_runs(zoo_after: Callable[..., Path]) -> Path:
    wide = "--set layers.hidden.units=5 --set train.epochs=1"
    return zoo_after(
        "train tiny.toml -q --publish --run runs/tiny/a",
        f"train tiny.toml -q --run runs/tiny/b {wide}",
    )


@pytest.fixture
def runs(_two_runs: Path, tiny: Path, zoo_root: Path) -> tuple[Path, Path]:
    """A run that was published, and one of another width that was not."""
    shutil.copytree(_two_runs, zoo_root, dirs_exist_ok=True)
    return zoo_root / "runs/tiny/a", zoo_root / "runs/tiny/b"


def rewrite(run: Path, **facts: Any) -> None:
    file = run / "run.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **facts}))


def test_runs_are_listed_the_newest_first_with_what_they_reached(cli, runs) -> None:
    rewrite(runs[1], started="2099-01-01T00:00:00+00:00", finished="2099-01-01T00:01:30+00:00")
    (runs[1] / "timings.json").unlink()
    second, first = cli("runs", "--json").document
    assert (second["run"], first["run"]) == (str(runs[1]), str(runs[0]))
    assert second["seconds"] == 90
    assert (first["epochs"], first["planned"], second["epochs"]) == (2, 2, 1)
    assert (first["status"], first["published"]) == ("finished", ["tiny@1.0.0"])
    assert second["published"] == []
    history = json.loads((runs[0] / "history.json").read_text())
    assert first["metrics"] == {name: values[-1] for name, values in history.items()}
    assert first["best"]["val_loss"] == min(history["val_loss"])
    text = cli("runs", "tiny").out
    assert "runs/tiny/a" in text
    assert "tiny@1.0.0" in text


def test_the_pause_before_a_run_was_resumed_does_not_count(cli, runs) -> None:
    times = {"started": "2099-01-01T00:00:00+00:00", "finished": "2099-01-01T09:00:00+00:00"}
    for timed, seconds in (([1.5, 2.25], 3.75), ([None, 2.25], 32400), ([2.25], 32400)):
        rewrite(runs[0], **times)
        (runs[0] / "timings.json").write_text(json.dumps(timed))
        assert cli("runs", "--json").document[0]["seconds"] == seconds
    (runs[0] / "timings.json").write_text("[")
    row = cli("runs", "--json").document[0]
    assert (row["seconds"], row["status"]) == (32400, "finished")


def test_nothing_is_cut_where_the_output_is_no_terminal(cli, runs, zoo_root) -> None:
    long = zoo_root / "runs/tiny" / ("r" * 240)
    runs[1].rename(long)
    listed = cli("runs").out
    assert f"runs/tiny/{long.name} " in listed
    assert all("…" not in line for line in listed.splitlines())
    config = long / "config.toml"
    described = f'description = "{long.name}"'
    config.write_text(re.sub("^description = .*$", described, config.read_text(), flags=re.M))
    assert f'"{long.name}"' in cli("diff", runs[0], long).out


def test_a_run_is_named_in_full_on_a_narrow_terminal(runs) -> None:
    rows = [_row(Run(run), Workspace(None)) for run in runs]
    console = Console(file=io.StringIO(), width=30, soft_wrap=True)
    console.print(_table(rows))
    assert "runs/tiny/a " in console.file.getvalue()
    assert "runs/tiny/b " in console.file.getvalue()


def test_runs_are_sorted_by_a_metric(cli, runs) -> None:
    rows = cli("runs", "--by", "val_loss", "--json").document
    values = [row["metrics"]["val_loss"] for row in rows]
    assert values == sorted(values)
    rows = cli("runs", "--by", "-val_loss", "--json").document
    assert [row["metrics"]["val_loss"] for row in rows] == values[::-1]
    wrong = cli("runs", "--by", "val_los", status=2).err
    assert "no run has a metric 'val_los'" in wrong
    assert 'did you mean "val_loss"' in wrong


def test_a_run_that_was_killed_says_so_and_a_damaged_one_hides_no_other(cli, runs) -> None:
    rewrite(runs[0], status="running")
    (runs[1] / "run.json").write_text("{")
    found = {row["run"]: row for row in cli("runs", "--json").document}
    assert found[str(runs[0])]["status"] == "killed"
    assert found[str(runs[1])]["status"] == "damaged"
    assert "run.json is damaged" in found[str(runs[1])]["reason"]


def test_no_run_says_how_to_make_one(cli, zoo_root) -> None:
    assert "`zoo train FILE` makes one" in cli("runs").out
    assert cli("runs", "--json").document == []
    assert "there is no run of 'tiny'" in cli("runs", "tiny", status=2).err


def test_a_run_and_a_version_of_another_width_differ_in_it_and_in_their_graphs(cli, runs) -> None:
    document = cli("diff", "tiny@1", runs[1], "--json").document
    assert [(row["key"], row["before"], row["after"]) for row in document["config"]] == [
        ("layers.hidden.units", 3, 5),
        ("train.epochs", 2, 1),
    ]
    assert document["a"]["kind"] == "version"
    assert document["b"]["kind"] == "run"
    assert document["same_graph"] is False
    assert document["same_weights"] is False
    loss = json.loads((runs[1] / "history.json").read_text())["loss"][-1]
    assert document["metrics"]["loss"]["b"] == loss
    text = cli("diff", "tiny@1", runs[1]).out
    assert "layers.hidden.units" in text
    assert "the graphs differ" in text


def test_a_run_is_what_its_version_and_its_config_are(cli, runs, tiny) -> None:
    document = cli("diff", runs[0], "tiny@1.0.0", "--json").document
    assert (document["same_graph"], document["same_weights"]) == (True, True)
    assert "the weights are the same" in cli("diff", runs[0], "tiny@1.0.0").out
    for one, other in ((runs[0], "tiny@1.0.0"), (tiny, runs[0]), (tiny, "tiny")):
        assert cli("diff", one, other, "--json").document["config"] == []
    assert "the configs are the same" in cli("diff", tiny, runs[0]).out
    assert cli("diff", tiny, "tiny@1", "--json").document["same_graph"] is None


def test_runs_that_are_named_are_compared_by_what_their_configs_do_not_share(
    cli, runs, tiny, tmp_path
) -> None:
    more = ["--set", "train.epochs=1", "--set", "train.seed=5", "-q", "--run", tmp_path / "c"]
    cli("train", tiny, *more)
    rows = cli("runs", *runs, tmp_path / "c", "--json").document
    assert [row["run"] for row in rows] == [*map(str, runs), str(tmp_path / "c")]
    assert [row["config"] for row in rows] == [
        {"layers.hidden.units": 3, "train.epochs": 2, "train.seed": 0},
        {"layers.hidden.units": 5, "train.epochs": 1, "train.seed": 0},
        {"layers.hidden.units": 3, "train.epochs": 1, "train.seed": 5},
    ]
    assert [row["status"] for row in rows] == ["finished"] * 3
    text = cli("runs", *runs).out
    assert "layers.hidden.units" in text
    assert "train.seed" not in text
    assert "not the folder of a run" in cli("runs", runs[0], tmp_path, status=4).err


def test_two_runs_of_one_config_and_seed_have_the_same_weights(cli, runs, tiny, zoo_root) -> None:
    cli("train", tiny, "-q", "--run", zoo_root / "b")
    cli("train", tiny, "-q", "--run", zoo_root / "c", "--set", "train.seed=1")
    assert cli("diff", runs[0], "b", "--json").document["same_weights"] is True
    document = cli("diff", "b", "c", "--json").document
    assert (document["same_graph"], document["same_weights"]) == (True, False)


def test_two_configs_are_compared_key_by_key(cli, tiny) -> None:
    other = tiny.with_name("other.toml")
    text = tiny.read_text().replace("units = 3", "units = 3\nuse_bias = false")
    other.write_text(f"{text}\n[[train.callbacks]]\ntype = 'TerminateOnNaN'\n")
    rows = cli("diff", tiny, other, "--json").document["config"]
    assert rows == [
        {"key": "layers.hidden.use_bias", "change": "added", "after": False},
        {
            "key": "train.callbacks.terminate_on_na_n",
            "change": "added",
            "after": {"type": "zoo/TerminateOnNaN"},
        },
    ]


def test_what_is_not_there_is_said_as_everywhere(cli, tiny) -> None:
    assert "there is no model 'nothing'" in cli("diff", tiny, "nothing", status=3).err
    assert "the zoo has no model 'nothing'" in cli("diff", tiny, "nothing@1", status=3).err
    tiny.with_name("bad.toml").write_text(tiny.read_text().replace("units = 2", "unit = 2"))
    assert "unknown-argument" in cli("diff", tiny, "bad.toml", status=2).err
