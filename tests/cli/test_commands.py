"""Help, lists, checks, and what every command does around its own work."""

from __future__ import annotations

import errno
import json
import sys

import pytest
from typer.testing import CliRunner

from tests import warm
from zoo.cli.app import app

COMMANDS = [command.name for command in app.registered_commands]
COMMANDS += [
    f"{group.name} {command.name}"
    for group in app.registered_groups
    for command in group.typer_instance.registered_commands
]


def test_the_commands_of_the_contract_are_there():
    assert {
        "list",
        "show",
        "check",
        "build",
        "train",
        "publish",
        "predict",
        "evaluate",
        "verify",
        "doctor",
        "new plugin",
        "new model",
        "plugin list",
        "plugin check",
    } <= set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command):
    done = CliRunner().invoke(app, [*command.split(), "--help"], terminal_width=200)
    assert done.exit_code == 0
    assert f"Example: zoo {command}" in done.stdout
    for option in ("--json", "--debug"):
        assert option in done.stdout


def test_the_version_and_the_help_without_a_command(cli):
    import zoo

    assert cli("--version").out == f"zoo {zoo.__version__}\n"
    assert "Usage" in cli("--help").out
    assert cli("nonsense", status=2).out == ""


def test_list_gives_rows_as_the_contract_has_them(cli):
    rows = cli("list", "losses", "--json").document
    row = next(row for row in rows if row["name"] == "LocLoss")
    assert row == {
        "kind": "losses",
        "name": "LocLoss",
        "distribution": "zoo-localization",
        "version": row["version"],
        "target": "zoo_localization.losses:LocLoss",
        "status": "ok",
        "reason": "",
    }
    assert {row["kind"] for row in rows} == {"losses"}
    assert {row["kind"] for row in cli("list", "--json").document} >= {
        "layers",
        "loops",
        "datasets",
    }
    wrong = cli("list", "layer", "--json", status=2).document
    assert wrong["errors"][0]["suggestion"] == 'did you mean "layers"?'


def test_list_models_gives_versions(cli, published, tiny):
    rows = {row["name"]: row for row in cli("list", "models", "--json").document}
    assert rows["tiny"] == {
        "name": "tiny",
        "description": "Two numbers from four.",
        "config": "tiny.toml",
        "versions": ["1.0.0"],
        "latest": "1.0.0",
        "statuses": {"1.0.0": "stable"},
    }
    assert rows["clf-lorenz96"]["config"] == "zoo-localization/clf-lorenz96"
    assert rows["clf-lorenz96"]["versions"] == []
    assert rows["clf-lorenz96"]["latest"] is None


def test_show_tells_of_a_component_a_model_and_a_version(cli, published, tiny):
    component = cli("show", "Loc_by_1D", "--json").document
    assert component["distribution"] == "zoo-localization"
    assert component["arguments"]["obs_dens"] is None
    model = cli("show", "tiny", "--json").document
    assert [node["name"] for node in model["nodes"]] == ["hidden", "y"]
    assert model["versions"] == ["1.0.0"]
    version = cli("show", "tiny@1", "--json").document
    assert version["version"] == "1.0.0"
    wrong = cli("show", "Loc_by_1d", "--json", status=2).document
    assert wrong["errors"][0]["suggestion"] == 'did you mean "Loc_by_1D"?'


BAD = """
zoo = 1
name = "bad"
[[inputs]]
name = "x"
shape = [4]
[[layers]]
name = "hidden"
type = "Dens"
units = 3
[[layers]]
name = "y"
type = "Dense"
inputs = "hiden"
units = 2
[loss]
type = "weighted_mes"
[train]
epoch = 2
"""


def test_check_finds_everything_it_can_in_one_pass(cli, tiny, zoo_root):
    assert cli("check", tiny, "--json").document["ok"] is True
    (zoo_root / "bad.toml").write_text(BAD.replace("epoch = 2", "epochs = 2"))
    done = cli("check", tiny, "bad.toml", "--json", status=2)
    assert done.document["ok"] is False
    found = {error["code"]: error for error in done.document["errors"]}
    assert set(found) == {"unknown-component", "unknown-node"}
    assert {"code", "message", "file", "line", "column", "key", "suggestion"} <= set(
        done.document["errors"][0]
    )
    assert len(done.document["errors"]) == 3
    suggestions = " ".join(error["suggestion"] for error in done.document["errors"])
    assert 'did you mean "weighted_mse"? (zoo-weighted-loss' in suggestions
    assert found["unknown-node"]["suggestion"] == 'did you mean "hidden"?'
    assert found["unknown-node"]["file"].endswith("bad.toml")
    text = cli("check", "bad.toml", status=2)
    assert "error[unknown-component]: no loss is called" in text.err
    (zoo_root / "bad.toml").write_text(BAD)
    unknown = cli("check", "bad.toml", "--json", status=2).document["errors"]
    assert "unknown-key" in [error["code"] for error in unknown]


def test_a_missing_file_and_a_broken_one_are_told_apart(cli, zoo_root):
    missing = cli("check", "no.toml", "--json", status=4).document
    assert missing["errors"][0]["code"] == "storage"
    (zoo_root / "broken.toml").write_text("zoo = = 1\n")
    broken = cli("check", "broken.toml", "--json", status=2).document
    assert (broken["errors"][0]["code"], broken["errors"][0]["line"]) == ("syntax", 1)


BROKEN = {
    "at import": "raise RuntimeError('the compiler is missing')\n",
    "by leaving": "import sys\nsys.exit(0)\n",
    "by not existing": "Other = 1\n",
    "by a syntax error": "def (:\n",
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_plugin_leaves_everybody_else_working(cli, tiny, make_distribution, how):
    make_distribution(
        "zoo-broken",
        {"zoo.layers": {"Fragile": "fragile_mod:Fragile"}},
        {"fragile_mod.py": BROKEN[how]},
    )
    rows = {row["name"]: row for row in cli("list", "layers", "--json").document}
    assert rows["Fragile"]["distribution"] == "zoo-broken"
    assert rows["Dense"]["status"] == "ok"
    assert cli("show", "Fragile", "--json").document["distribution"] == "zoo-broken"
    assert cli("check", tiny, "--json").document["ok"] is True
    assert cli("build", tiny, "--json").document["name"] == "tiny"
    wrong = cli("build", tiny, "--json", "--set", 'layers.hidden.type="Fragile"', status=5).document
    assert wrong["errors"][0]["code"] == "plugin-broken"
    assert "zoo-broken" in wrong["errors"][0]["message"]
    assert "ZOO_DISABLE_PLUGINS=zoo-broken" in wrong["errors"][0]["suggestion"]


def test_a_distribution_that_cannot_be_read_is_a_row_with_its_reason(cli, tiny, make_distribution):
    make_distribution("zoo-garbled", b"[zoo.layers\nwhat = is this\n\xff\xfe")
    row = next(r for r in cli("list", "layers", "--json").document if r["name"] == "zoo-garbled")
    assert row["status"] == "broken"
    assert "its entry_points.txt cannot be read" in row["reason"]
    assert cli("check", tiny, "--json").document["ok"] is True


def test_a_name_that_two_register_is_a_conflict_that_a_qualified_one_solves(
    cli, tiny, make_distribution
):
    module = "import keras\nclass Double(keras.layers.Layer):\n    pass\n"
    for name in ("zoo-one", "zoo-two"):
        entry_points = {"zoo.layers": {"Double": f"{name.replace('-', '_')}_mod:Double"}}
        make_distribution(name, entry_points, {f"{name.replace('-', '_')}_mod.py": module})
    rows = [row for row in cli("list", "layers", "--json").document if row["name"] == "Double"]
    assert [row["status"] for row in rows] == ["conflict", "conflict"]
    double = ["--set", 'layers.y={name="y", type="Double"}']
    wrong = cli("check", tiny, "--json", *double, status=2).document["errors"][0]
    assert wrong["code"] == "ambiguous-component"
    assert "zoo-one and zoo-two" in wrong["message"]
    assert cli("check", tiny, "--json", "--set", 'layers.y={name="y", type="zoo-two/Double"}')


@pytest.mark.parametrize(
    ("error", "message", "remedy"),
    [
        (MemoryError("17 GB"), "the command failed: out of memory", "use smaller batches"),
        (
            OSError(errno.ENOSPC, "No space left on device", "/full/it"),
            "the command failed: /full/it: No space left on device",
            "make room on its disk: `zoo gc` shows what may go",
        ),
    ],
)
def test_a_machine_that_is_full_is_no_defect_of_ours(
    cli, tiny, monkeypatch, error, message, remedy
):
    def full(*_args, **_kwargs):
        raise error

    monkeypatch.setattr("zoo.runtime.weights.Shelf.builder", full)
    (found,) = cli("build", tiny, "--json", status=4).document["errors"]
    assert found["message"].startswith(message)
    assert remedy in found["suggestion"]


def test_a_defect_of_ours_says_so_and_shows_a_traceback_only_on_request(cli, tiny, monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError("no such luck")

    monkeypatch.setattr("zoo.workspace.Workspace.check", fail)
    done = cli("check", tiny, "--json", status=1)
    error = done.document["errors"][0]
    assert (error["code"], error["message"]) == ("defect", "ZeroDivisionError: no such luck")
    assert "this is a defect of zoo; run again with --debug" in error["suggestion"]
    shown = CliRunner().invoke(app, ["check", str(tiny), "--debug"])
    assert shown.exit_code == 1
    assert "Traceback (most recent call last)" in shown.stderr


def test_an_error_of_the_users_shows_a_traceback_only_on_request(cli, tiny):
    wrong = ["build", str(tiny), "--set", "layers.y.units=-1"]
    assert "error[bad-value]" in cli(*wrong, status=2).err
    shown = CliRunner().invoke(app, [*wrong, "--debug"])
    assert shown.exit_code == 2
    assert "Traceback" in shown.stderr


CHATTY = """
import os, sys
import keras
print("import")
os.system("echo from below")
os.write(2, b"raw stderr\\n")
class Chatty(keras.layers.Dense):
    def __init__(self, *args, **kwargs):
        print("init")
        super().__init__(*args, **kwargs)
    def call(self, inputs):
        print("call")
        return super().call(inputs)
class Talker(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        print("epoch")
        sys.stdout.flush()
"""


def test_stdout_is_one_document_whatever_plugins_and_keras_print(
    tiny, zoo_root, tmp_path, make_distribution
):
    entry_points = {
        "zoo.layers": {"Chatty": "chatty_mod:Chatty"},
        "zoo.callbacks": {"Talker": "chatty_mod:Talker"},
    }
    make_distribution("zoo-chatty", entry_points, {"chatty_mod.py": CHATTY})
    tiny.write_text(
        tiny.read_text().replace('type = "Dense"\nunits = 2', 'type = "Chatty"\nunits = 2')
        + '[[train.callbacks]]\ntype = "Talker"\n[[train.callbacks]]\ntype = "EarlyStopping"\n'
        + "verbose = 1\npatience = 1\n"
    )
    command = [sys.executable, "-m", "zoo", "train", "tiny.toml", "--publish", "--json"]
    files = [tmp_path / name for name in ("out", "err")]
    with files[0].open("w") as out, files[1].open("w") as err:
        status = warm.Popen(command, stdout=out, stderr=err, cwd=zoo_root).wait()
    stdout, stderr = (file.read_text() for file in files)
    assert status == 0, stderr
    document = json.loads(stdout)
    assert set(document) >= {"run", "history", "published"}
    assert document["published"] == "tiny@1.0.0"
    for word in ("import", "init", "call", "epoch", "from below"):
        assert word in stderr.splitlines()
