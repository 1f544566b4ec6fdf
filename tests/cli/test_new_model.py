"""`zoo new model`: by options or by questions, and what it writes works at once."""

from __future__ import annotations

import fcntl
import json
import os
import select
import subprocess
import sys
import termios
import time
import tomllib

import pytest

import zoo
from zoo.cli.schema import DEFAULT_PATH

pytestmark = pytest.mark.usefixtures("no_run_report")

FAST = ["--set", "train.epochs=2", "--set", 'optimizer.type="SGD"']


class TestModel:
    """`zoo new model`."""

    def test_the_config_is_right_builds_and_is_in_the_registry(self, cli, zoo_root):
        made = cli("new", "model", "my-model", "--json").document
        config = zoo_root / "models" / "my-model.toml"
        assert made["config"] == str(config)
        assert cli("check", "my-model", "--json").document["ok"] is True
        assert cli("build", "my-model", "--json").document["outputs"] == {"y": [2]}
        (row,) = [r for r in cli("list", "models", "--json").document if r["name"] == "my-model"]
        assert row["config"] == "models/my-model.toml"
        assert row["description"] == "2 numbers from x (8)."
        assert zoo.open_registry(zoo_root).model("my-model") is not None

    def test_it_trains_at_once(self, cli):
        cli("new", "model", "my-model")
        done = cli("train", "my-model", "--publish", "--quiet", "--json").document
        losses = done["history"]["loss"]
        assert done["published"] == "my-model@1.0.0"
        # The targets are tanh of a random map, of variance below 1: a mean of 0 costs about 0.4.
        assert losses[-1] < 0.1 < losses[0]

    def test_editors_find_the_schema_below_the_zoo_root(self, cli, zoo_root):
        cli("new", "model", "my-model")
        config = zoo_root / "models" / "my-model.toml"
        first = config.read_text().splitlines()[0]
        assert first == "#:schema ../.zoo/schema.json"
        wanted = zoo_root / DEFAULT_PATH  # where `zoo schema --write` puts it
        assert (config.parent / first.partition(" ")[2]).resolve() == wanted
        taplo = tomllib.loads((zoo_root / ".taplo.toml").read_text())
        (rule,) = taplo["rule"]
        assert (zoo_root / rule["schema"]["path"]).resolve() == wanted
        assert config.match(rule["include"][0].replace("**/", ""))

    def test_an_editors_settings_that_are_there_stay(self, cli, zoo_root):
        (zoo_root / ".taplo.toml").write_text("# mine\n")
        cli("new", "model", "my-model")
        assert (zoo_root / ".taplo.toml").read_text() == "# mine\n"

    def test_comments_and_entries_of_the_registry_stay(self, cli, zoo_root):
        (zoo_root / "registry.toml").write_text("# hands off\nformat = 1\n")
        cli("new", "model", "one")
        cli("new", "model", "two")
        text = (zoo_root / "registry.toml").read_text()
        assert text.startswith("# hands off\n")
        assert zoo.open_registry(zoo_root).names == ["one", "two"]

    @pytest.mark.parametrize("name", ["", "Big", "-x", "a/b", "../up", "a" * 65, "x.toml", "é"])
    def test_a_name_that_no_model_can_have_is_refused(self, cli, zoo_root, name):
        error = cli("new", "model", "--json", "--", name, status=2).document["errors"][0]
        assert error["message"] == f"{name!r} cannot be the name of a model"
        assert "lower-case letters, digits" in error["suggestion"]
        assert not (zoo_root / "models").exists()

    def test_a_model_that_is_there_is_not_overwritten(self, cli, zoo_root):
        cli("new", "model", "mine")
        config = zoo_root / "models" / "mine.toml"
        config.write_text("# work of days\n")
        error = cli("new", "model", "mine", "--json", status=2).document["errors"][0]
        assert error["code"] == "duplicate-name"
        assert "there is a model 'mine' already: models/mine.toml" in error["message"]
        assert config.read_text() == "# work of days\n"

    def test_a_config_that_no_registry_lists_is_not_overwritten_either(self, cli, zoo_root):
        config = zoo_root / "models" / "mine.toml"
        config.parent.mkdir()
        config.write_text("# work of days\n")
        error = cli("new", "model", "mine", "--json", status=2).document["errors"][0]
        assert str(config) in error["message"]
        assert config.read_text() == "# work of days\n"

    def test_a_name_that_a_plugin_ships_is_taken(self, cli):
        error = cli("new", "model", "clf-lorenz96", "--json", status=2).document["errors"][0]
        assert "zoo-localization/clf-lorenz96" in error["message"]
        assert 'extends = "clf-lorenz96"' in error["suggestion"]

    def test_a_damaged_registry_leaves_no_config_behind(self, cli, zoo_root):
        (zoo_root / "registry.toml").write_text("format = 1\n[[models]]\n")
        cli("new", "model", "mine", status=3)
        assert not (zoo_root / "models").exists()

    def test_without_a_zoo_it_says_how_to_make_one(self, cli, tmp_path, monkeypatch):
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        error = cli("new", "model", "mine", "--json", status=3).document["errors"][0]
        assert "zoo new zoo DIR" in error["suggestion"]


class TestModelByOptions:
    """What `zoo new model` writes for its options."""

    @pytest.mark.parametrize(
        ("options", "shapes"),
        [
            ("--task binary --input 5", {"y": [1]}),
            ("--task classification --outputs 3 --input image=6,6,2", {"y": [3]}),
            ("--input series=9,2 --network rnn --outputs 1", {"y": [1]}),
            ("--input series=9,2 --input site=4 --task classification --outputs 4", {"y": [4]}),
            ("--input cube=2,3,4,5 --loss Huber", {"y": [2]}),
        ],
    )
    def test_the_model_passes_the_check_and_learns(self, cli, options, shapes):
        cli("new", "model", "mine", *options.split())
        assert cli("check", "mine", "--json").document["ok"] is True
        assert cli("build", "mine", "--json").document["outputs"] == shapes
        done = cli("train", "mine", "--quiet", "--json", *FAST)
        losses = done.document["history"]["loss"]
        assert losses[-1] < losses[0]

    def test_what_a_file_has_to_hold_stands_beside_its_path(self, cli, zoo_root):
        cli("new", "model", "table", "--data", "csv", "--input", "5", "--outputs", "1")
        cli("new", "model", "arrays", "--data", "npz", "--input", "left=5", "--input", "right=5")
        table = (zoo_root / "models" / "table.toml").read_text()
        arrays = (zoo_root / "models" / "arrays.toml").read_text()
        assert tomllib.loads(table)["data"]["path"] == "table.csv"
        assert tomllib.loads(table)["data"]["outputs"] == ["y"]
        assert "holds the arrays left and right and y, samples first" in arrays
        assert cli("check", "table", "arrays", "--json").document["ok"] is True
        rows = "\n".join("1,2,3,4,5,6" for _ in range(20))
        (zoo_root / "models" / "table.csv").write_text(f"a,b,c,d,e,y\n{rows}\n")
        cli("train", "table", "--quiet", *FAST)

    @pytest.mark.parametrize(
        ("options", "message", "suggestion"),
        [
            ("--input x=0", "'x=0' is not an input", "such as image=28,28,1"),
            ("--input x=2,2,2,2,2", "'x=2,2,2,2,2' is not an input", "at most 4 axes"),
            ("--input 3 --input 4", "two inputs are called 'x'", "left=8 right=8"),
            ("--input y=3", "no input can be called 'y': a layer is", "choose another name"),
            ("--task binery", "there is no task 'binery'", 'did you mean "binary"?'),
            ("--task binary --outputs 2", "2 outputs are not for binary", "binary has 1"),
            ("--outputs 0", "0 outputs are not for regression", "regression has 1 to 10,000"),
            ("--network cnn", '"cnn" needs an input of 2 or 3 axes', '"mlp" takes any input'),
            ("--network tree", "there is no network 'tree'", "one of mlp, cnn, rnn"),
            ("--loss Hubert", 'no loss is called "Hubert"', 'did you mean "Huber"?'),
            ("--data cvs", "there is no data 'cvs'", 'did you mean "csv"?'),
            ("--data csv --input 2,2", "a CSV table is one input with one axis", '"npz" has'),
        ],
    )
    def test_an_option_that_cannot_be_says_what_can(
        self, cli, zoo_root, options, message, suggestion
    ):
        done = cli("new", "model", "mine", "--json", *options.split(), status=2)
        error = done.document["errors"][0]
        assert message in error["message"]
        assert suggestion in error["suggestion"]
        assert not (zoo_root / "models").exists()

    def test_without_a_terminal_the_name_has_to_be_given(self, cli):
        error = cli("new", "model", "--json", status=2).document["errors"][0]
        assert error["message"] == "the name of the model is not given"


def on_a_terminal(answers: list[str], *options: str) -> tuple[int, str]:
    """Runs `zoo new model` on a terminal of its own, answers its questions; gives what it shows."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "zoo", "new", "model", *options],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(theirs)
    keys, shown, key = [*answers], b"", ""
    until = time.monotonic() + 600
    try:
        while time.monotonic() < until:
            if not select.select([ours], [], [], 1)[0]:
                # An interrupt just before Python begins to read waits for the next one.
                os.write(ours, b"\x03" * (key == "\x03"))
                continue
            try:
                shown += os.read(ours, 4096)
            except OSError:  # so Linux tells the end of a terminal
                break
            if shown.endswith(b": ") and keys:
                key = keys.pop(0)
                os.write(ours, key.encode())
        return process.wait(timeout=600), shown.decode()
    finally:
        process.kill()
        os.close(ours)


class TestModelOnATerminal:
    """`zoo new model` where somebody can answer."""

    def test_it_asks_for_everything_and_writes_what_was_answered(self, cli, zoo_root):
        answers = ["digits", "image=8,8,1", "classification", "10", "cnn", "", "npz"]
        status, shown = on_a_terminal([f"{answer}\n" for answer in answers])
        assert status == 0, shown
        assert "digits is a model of this zoo" in shown
        config = tomllib.loads((zoo_root / "models" / "digits.toml").read_text())
        assert config["inputs"] == [{"name": "image", "shape": [8, 8, 1]}]
        assert config["loss"]["type"] == "SparseCategoricalCrossentropy"
        assert config["layers"][-1]["units"] == 10
        assert config["data"]["type"] == "npz"
        assert cli("check", "digits", "--json").document["ok"] is True

    def test_enter_takes_the_default_and_an_option_is_not_asked_for(self, zoo_root, cli):
        status, shown = on_a_terminal(["\n"] * 3, "mine", "--task", "binary", "--data", "npz")
        assert status == 0, shown
        assert "inputs, such as left=8 image=28,28,1 [x=8]:" in shown
        assert "loss [BinaryCrossentropy]:" in shown
        assert "task (" not in shown
        assert cli("check", "mine", "--json").document["ok"] is True

    def test_a_wrong_answer_is_explained_and_asked_for_again(self, zoo_root):
        answers = ["My Model\n", "mine\n", "x=zero\n", "4\n"]
        status, shown = on_a_terminal([*answers, *["\n"] * 5])
        assert status == 0, shown
        assert "'My Model' cannot be the name of a model; use at most 64" in shown
        assert "'x=zero' is not an input; write NAME=SIZE" in shown
        config = tomllib.loads((zoo_root / "models" / "mine.toml").read_text())
        assert config["inputs"] == [{"name": "x", "shape": [4]}]

    @pytest.mark.parametrize("key", ["\x03", "\x04"], ids=["Ctrl-C", "Ctrl-D"])
    def test_leaving_in_the_middle_writes_nothing(self, zoo_root, key):
        status, shown = on_a_terminal(["mine\n", "x=3\n", key])
        assert status == 130, shown
        assert "Traceback" not in shown
        assert not (zoo_root / "models").exists()

    def test_with_json_nothing_is_asked(self, zoo_root):
        status, shown = on_a_terminal([], "mine", "--json")
        assert status == 0
        assert json.loads(shown)["name"] == "mine"
