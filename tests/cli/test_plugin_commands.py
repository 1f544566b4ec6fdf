"""`zoo plugin check`: what comes of importing a plugin elsewhere."""

from __future__ import annotations

import signal
import subprocess
import sys
from importlib.metadata import version

import pytest

from tests.processes import LEAN

FINE = """
import keras
@keras.saving.register_keras_serializable(package="fine")
class Fine(keras.layers.Layer):
    pass
"""


def rows_of(cli, name, *options, status=0):
    document = cli("plugin", "check", name, "--json", *options, status=status).document
    assert document["ok"] is (status == 0)
    return document["rows"]


def problems(rows):
    return {(row["subject"], row["check"]): row for row in rows if row["result"] != "ok"}


@pytest.mark.usefixtures("warm_processes")
class TestCheck:
    """`zoo plugin check`."""

    def test_a_plugin_that_is_fine_has_only_good_rows(self, cli, make_distribution):
        groups = {"zoo.layers": {"Fine": "fine_mod:Fine"}, "zoo.models": {"m": "fine_models"}}
        modules = {
            "fine_mod.py": FINE,
            "fine_models/__init__.py": "",
            "fine_models/m.toml": 'name = "m"\n',
        }
        make_distribution("zoo-fine", groups, modules)
        rows = rows_of(cli, "Zoo_Fine")
        assert problems(rows) == {}
        assert [(row["subject"], row["check"]) for row in rows] == [
            ("m", "model"),
            ("fine_mod", "import"),
            ("Fine", "kind"),
            ("Fine", "serialization"),
        ]
        assert rows[-1]["message"] == "fine>Fine"
        assert set(rows[0]) == {"subject", "check", "result", "message", "remedy"}
        assert "fine_mod" not in sys.modules

    def test_what_is_wrong_with_targets_and_models_is_said_in_one_pass(
        self, cli, make_distribution
    ):
        source = (
            "import keras\n"
            "class Layer(keras.layers.Layer):\n    pass\n"
            "class NoLoss:\n    pass\n"
            "def loop(model, data):\n    pass\n"
            "number = 3\n"
        )
        groups = {
            "zoo.layers": {
                "Misspelt": "wrong_mod:Layr",
                "Function": "wrong_mod:loop",
                "Unregistered": "wrong_mod:Layer",
                "NoModule": "no_such_module:X",
            },
            "zoo.losses": {"NoLoss": "wrong_mod:NoLoss", "number": "wrong_mod:number"},
            "zoo.loops": {"loop": "wrong_mod:loop"},
            "zoo.models": {"missing": "wrong_models", "other-name": "wrong_models"},
        }
        modules = {
            "wrong_mod.py": source,
            "wrong_models/__init__.py": "",
            "wrong_models/other-name.toml": 'name = "another"\n',
        }
        make_distribution("zoo-wrong", groups, modules)
        found = problems(rows_of(cli, "zoo-wrong", status=5))
        said = {key: row["message"] for key, row in found.items()}
        assert said == {
            ("NoModule", "entry point"): "there is no module no_such_module",
            ("missing", "model"): "wrong_models has no missing.toml",
            ("other-name", "model"): (
                "other-name.toml is registered as 'other-name' and called 'another'"
            ),
            ("Misspelt", "target"): "wrong_mod has no Layr",
            ("Function", "kind"): "loop is not a class derived from keras.Layer",
            ("Unregistered", "serialization"): "Layer is not registered with Keras",
            ("NoLoss", "kind"): "NoLoss is not a class derived from keras.Loss, nor a function",
            ("number", "kind"): "3 is a int, which cannot be called",
            ("loop", "kind"): (
                "loop takes (model, data) by position; a loop is called with "
                "(model, data, settings, callbacks)"
            ),
        }
        assert 'did you mean "Layer"?' in found["Misspelt", "target"]["remedy"]
        assert found["Unregistered", "serialization"]["result"] == "warning"
        assert "register_keras_serializable" in found["Unregistered", "serialization"]["remedy"]
        assert found["NoLoss", "kind"]["result"] == "error"

    def test_modules_that_fail_hang_leave_or_die_cost_nobody_else(self, cli, make_distribution):
        modules = {
            "ends_raise.py": "raise RuntimeError('the compiler is missing')\n",
            "ends_exit.py": "import sys\nsys.exit(0)\n",
            "ends_hang.py": "import time\ntime.sleep(600)\n",
            "ends_die.py": "import os\nos.write(2, b'oh no')\nos._exit(3)\n",
            "ends_ask.py": "input('name? ')\n",
            "ends_need.py": "import not_there_at_all.deep\n",
            "ends_well.py": FINE.replace('"fine"', '"well"'),
        }
        layers = {name.removesuffix(".py"): f"{name.removesuffix('.py')}:Fine" for name in modules}
        make_distribution("zoo-ends", {"zoo.layers": layers}, modules)
        rows = rows_of(cli, "zoo-ends", "--timeout", "2", status=5)
        failed = [row for row in rows if (row["check"], row["result"]) == ("import", "error")]
        said = {row["subject"]: row["message"] for row in failed}
        assert said == {
            "ends_raise": "RuntimeError: the compiler is missing",
            "ends_exit": "it calls sys.exit(0)",
            "ends_hang": "it still runs after 2 seconds",
            "ends_die": "it ends the process with status 3: oh no",
            "ends_ask": "EOFError: EOF when reading a line",
            "ends_need": "ModuleNotFoundError: No module named 'not_there_at_all'",
        }
        assert ("ends_well", "kind", "ok") in [
            (r["subject"], r["check"], r["result"]) for r in rows
        ]
        remedy = problems(rows)["ends_need", "import"]["remedy"]
        assert remedy.startswith("add not_there_at_all to the dependencies in its pyproject.toml")

    def test_shape_rules_are_tried_without_keras(self, cli, make_distribution):
        names = ("good", "heavy", "gone")
        groups = {
            "zoo.layers": {name: f"no_such_module:{name}" for name in names},
            "zoo.shapes": {name: f"ruling_mod_{name}:rule" for name in names},
        }
        rule = "def rule(arguments, shapes):\n    return shapes\n"
        modules = {
            "ruling_mod_good.py": rule,
            "ruling_mod_heavy.py": f"import keras\n{rule}",
            "ruling_mod_gone.py": "",
        }
        make_distribution("zoo-ruling", groups, modules)
        rows = rows_of(cli, "zoo-ruling", status=5)
        said = {r["subject"]: r["message"] for r in rows if r["check"] == "shape rule"}
        assert said["good"] == "ruling_mod_good:rule"
        assert "a shape rule may not import keras" in said["heavy"]
        assert "has no attribute 'rule'" in said["gone"]

    def test_what_an_import_does_besides_is_told_and_is_no_error(self, cli, make_distribution):
        source = """
import logging, os, random, signal, socket, subprocess, sys, threading, time
import keras
import tensorflow
print("hello from the import")
os.write(2, b"and from below\\n")
os.environ["MY_SWITCH"] = "1"
os.chdir("/")
threading.Thread(target=time.sleep, args=(600,), name="worker").start()
signal.signal(signal.SIGINT, signal.SIG_IGN)
sys.path.insert(0, "/my/modules")
logging.basicConfig(level=logging.DEBUG)
random.seed(0)
keras.config.set_floatx("float64")
sock = socket.socket(socket.AF_UNIX)
try:
    sock.connect("/no/such/socket")
except OSError:
    pass
subprocess.run(["true"])
open(os.path.join(os.path.dirname(__file__), "left.txt"), "w").close()
def data():
    return {}
"""
        site = make_distribution(
            "zoo-busy", {"zoo.datasets": {"data": "busy_mod:data"}}, {"busy_mod.py": source}
        )
        rows = rows_of(cli, "zoo-busy")
        told = {row["check"]: row["message"] for row in rows if row["result"] == "warning"}
        assert all(row["remedy"] for row in rows if row["result"] == "warning")
        output = [row["message"] for row in rows if row["check"] == "output"]
        assert output == [
            "it writes to stdout: 'hello from the import'",
            "it writes to stderr: 'and from below'",
        ]
        del told["output"]
        assert told == {
            "environment": "it changes MY_SWITCH",
            "current folder": "it changes to /",
            "threads": "it starts worker",
            "signals": "it handles SIGINT or SIGTERM itself",
            "search path": "it adds /my/modules",
            "logging": "it sets up the root logger",
            "random numbers": "it draws from, or seeds, the global random generators",
            "Keras settings": "it sets floatx to 'float64'",
            "network": "it uses the network: /no/such/socket",
            "processes": "it starts true",
            "files": f"it writes {site / 'left.txt'}",
        }

    def test_objects_of_every_odd_sort_are_worded(self, cli, make_distribution):
        source = (
            "def __getattr__(name):\n    raise RuntimeError(f'no {name}, said slowly')\n"
            "loss = lambda y_true, y_pred: y_true - y_pred\n"
        )
        groups = {"zoo.losses": {"asked": "odd_mod:Asked", "loss": "odd_mod:loss"}}
        modules = {
            "odd_mod.py": source,
            "odd_mute.py": (
                "class Mute(BaseException):\n"
                "    def __str__(self):\n        raise ValueError\n"
                "raise Mute\n"
            ),
        }
        groups["zoo.layers"] = {"Mute": "odd_mute:Mute"}
        make_distribution("zoo-odd", groups, modules)
        found = problems(rows_of(cli, "zoo-odd", status=5))
        assert {key: row["message"] for key, row in found.items()} == {
            ("odd_mute", "import"): "Mute",
            ("asked", "target"): "odd_mod has no Asked: RuntimeError: no Asked, said slowly",
            ("loss", "serialization"): "<lambda> is not registered with Keras",
        }

    @pytest.mark.slow  # it waits for what hangs
    def test_another_plugin_that_hangs_is_named(self, cli, make_distribution):
        make_distribution(
            "zoo-fine", {"zoo.datasets": {"a": "fine_mod:a"}}, {"fine_mod.py": "a=dict"}
        )
        hanging = {"stuck_mod.py": "import time\ntime.sleep(600)\n"}
        make_distribution("zoo-stuck", {"zoo.datasets": {"b": "stuck_mod:b"}}, hanging)
        found = problems(rows_of(cli, "zoo-fine", "--timeout", "5"))
        assert list(found) == [("stuck_mod", "import")]
        row = found["stuck_mod", "import"]
        assert (row["result"], row["message"]) == ("warning", "it still runs after 5 seconds")

    def test_what_is_declared_in_vain_is_told(self, cli, make_distribution):
        groups = {
            "zoo.datasets": {"data": "vain_mod:data", "a/b": "vain_mod:data"},
            "zoo.layer": {"Lost": "vain_mod:Lost"},
            "zoo.shapes": {"Lost": "vain_mod:rule", "Whole": "vain_mod"},
        }
        modules = {"vain_mod.py": "data = dict\ndef rule(arguments, shapes):\n    return None\n"}
        site = make_distribution("zoo-vain", groups, modules)
        with (site / "zoo_vain-1.0.dist-info" / "METADATA").open("a") as file:
            file.write("Requires-Dist: keras>=99\n")
        found = problems(rows_of(cli, "zoo-vain", status=5))
        assert {key: row["message"] for key, row in found.items()} == {
            ("a/b", "entry point"): (
                "a name with a slash, or with what cannot be printed, stands for no component"
            ),
            ("Whole", "entry point"): "'vain_mod' names a module, not an object in it",
            ("zoo.layer", "group"): "the zoo knows no such group of entry points",
            ("Lost", "shape rule"): "there is no layer 'Lost' in this plugin",
            ("zoo-vain", "requirement"): f"keras>=99 is required; {version('keras')} is installed",
        }
        assert 'did you mean "zoo.layers"?' in found["zoo.layer", "group"]["remedy"]
        assert found["zoo.layer", "group"]["result"] == "warning"

    def test_a_plugin_with_misspelt_groups_alone_is_told_the_right_ones(
        self, cli, make_distribution
    ):
        make_distribution("zoo-lost", {"zoo.losess": {"Lost": "json:Lost"}})
        error = cli("plugin", "check", "zoo-lost", "--json", status=5).document["errors"][0]
        assert error["message"] == "zoo-lost registers no component"
        assert error["suggestion"] == "'zoo.losess': did you mean \"zoo.losses\"?"

    def test_names_and_classes_that_cannot_be_told_apart_are_errors(self, cli, make_distribution):
        for name in ("one", "two"):
            groups = {
                "zoo.layers": {f"Fine{name}": f"same_{name}:Fine"},
                "zoo.datasets": {"twice": "json:loads"},
            }
            make_distribution(f"zoo-same-{name}", groups, {f"same_{name}.py": FINE})
        found = problems(rows_of(cli, "zoo-same-one", status=5))
        conflict = found["twice", "conflict"]
        assert conflict["message"] == "registered by zoo-same-one and zoo-same-two"
        assert 'write "zoo-same-one/twice" in configs' in conflict["remedy"]
        row = found["Fineone", "serialization"]
        assert row["result"] == "error"
        assert row["message"] == (
            "Keras knows 'fine>Fine' as same_two.Fine: the last one registered wins"
        )
        assert "a `package` of its own" in row["remedy"]

    def test_a_plugin_that_is_not_there_suggests_the_right_one(self, cli):
        wrong = cli("plugin", "check", "zoo-diagnostic", "--json", status=5).document["errors"][0]
        assert (wrong["code"], wrong["suggestion"]) == (
            "plugin-missing",
            'did you mean "zoo-diagnostics"?',
        )
        other = cli("plugin", "check", "pytest", "--json", status=5).document["errors"][0]
        assert other["message"] == "pytest registers no component"
        assert "declare an entry point" in other["suggestion"]

    def test_a_person_gets_a_table_with_remedies(self, cli, make_distribution):
        make_distribution("zoo-gone", {"zoo.layers": {"Gone": "no_such_module:Gone"}})
        done = cli("plugin", "check", "zoo-gone", status=5)
        assert "there is no module no_such_module" in done.out
        assert "-> correct the entry point in its pyproject.toml" in done.out
        assert "1 error, 0 warnings" in done.out

    @pytest.mark.slow
    @pytest.mark.parametrize(
        "name", ["zoo", "zoo-diagnostics", "zoo-localization", "zoo-weighted-loss"]
    )
    def test_our_own_plugins_have_nothing_to_tell(self, cli, name):
        assert problems(rows_of(cli, name)) == {}


def test_a_signal_that_is_ignored_by_all_here_is_watched_too(cli, make_distribution, monkeypatch):
    numbers = (signal.SIGINT, signal.SIGTERM)
    modules = {
        f"deaf_mod_{number:d}.py": (
            f"import signal\nsignal.signal({number:d}, signal.SIG_IGN)\ndata = dict\n"
        )
        for number in numbers
    }
    groups = {"zoo.datasets": {f"d{n:d}": f"deaf_mod_{n:d}:data" for n in numbers}}
    make_distribution("zoo-deaf", groups, modules)
    monkeypatch.syspath_prepend(LEAN)  # the process that begins here does without what is heavy
    # As in a shell's background job, which a fresh process inherits it from.
    before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    try:
        found = problems(rows_of(cli, "zoo-deaf"))
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
    for number in numbers:
        assert found[f"deaf_mod_{number:d}", "signals"]["result"] == "warning"


@pytest.mark.usefixtures("warm_processes")
def test_a_plugin_that_is_checked_leaves_no_process_behind(cli, tmp_path, make_distribution):
    begun = tmp_path / "begun"
    source = (
        "import subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)', 'zoo-orphan'])\n"
        f"open({str(begun)!r}, 'w').close()\n"
        "import time; time.sleep(600)\n"
    )
    make_distribution(
        "zoo-orphan", {"zoo.layers": {"A": "orphan_mod:A"}}, {"orphan_mod.py": source}
    )
    done = cli("plugin", "check", "zoo-orphan", "--timeout", "1", status=5)
    assert "importing orphan_mod" in done.err
    assert begun.exists()
    listed = subprocess.run(
        ["ps", "-eo", "args"], capture_output=True, text=True, check=True
    ).stdout
    assert "zoo-orphan" not in listed
