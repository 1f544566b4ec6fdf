"""`zoo check` and `zoo show` as people see them; neither imports Keras or a plugin."""

from __future__ import annotations

import json

import pytest

from tests.processes import imported_by

HEAD = """
zoo = 1
name = "m"
inputs = [{ name = "x", shape = [8] }]
"""
EXTRA = """
raise RuntimeError("imported")
import keras

class Widen(keras.layers.Layer):
    \"\"\"Widens its input.

    Args:
        width: Integer. How wide it gets.
    \"\"\"

    def __init__(self, width, mode: "Literal['soft', 'hard']" = "soft", **kwargs):
        super().__init__(**kwargs)

class Asks(keras.losses.Loss):
    def call(self, y_true, y_pred, depth, slope=None): ...

def steep(target, guess, depth, slope=2.0): ...

made = object()
"""


@pytest.fixture
def extra(make_distribution):
    groups = {
        "zoo.layers": {"Widen": "extra_mod:Widen", "Made": "extra_mod:made"},
        "zoo.losses": {"asks": "extra_mod:Asks", "steep": "extra_mod:steep"},
    }
    return make_distribution("zoo-extra", groups, {"extra_mod.py": EXTRA})


def chain(count, type_="Dense", extra="units = 1"):
    node = '[[layers]]\nname = "n{}"\ntype = "{}"\n{}\n'
    return HEAD + "".join(node.format(i, type_, extra) for i in range(count))


def test_show_prints_a_components_card(cli, extra):
    lines = cli("show", "Widen").out.splitlines()
    assert lines[0] == "Widen  (layers, zoo-extra 1.0)"
    assert lines[1] == "target  extra_mod:Widen"
    assert lines[2].endswith("extra_mod.py:5")
    rows = [line.split() for line in lines if line.strip()]
    assert ["argument", "type", "default"] in rows
    assert ["width", "integer", "required"] in rows
    assert ["mode", '"soft"', "|", '"hard"', "'soft'"] in rows
    assert ["activity_regularizer", "regularizer", "None"] in rows
    assert "Widens its input." in lines


def test_show_says_what_a_loss_asks_for(cli, extra):
    assert "needs   depth, slope" in cli("show", "asks").out.splitlines()
    document = cli("show", "asks", "--json").document
    assert document["needs"] == ["depth", "slope"]


def test_show_says_which_arguments_of_a_function_no_config_writes(cli, extra):
    rows = [line.split() for line in cli("show", "steep").out.splitlines()]
    for name in ("target", "guess", "depth"):
        assert [name, "from", "the", "training"] in rows
    assert ["slope", "2.0"] in rows or ["slope", "number", "2.0"] in rows


def test_show_says_why_arguments_are_not_known(cli, extra):
    text = cli("show", "Made").out
    assert "its arguments are not known: made of extra_mod is known only when it runs" in text


def test_show_gives_the_card_as_json(cli, extra):
    document = cli("show", "Widen", "--json").document
    assert document["arguments"]["width"] is None
    assert document["arguments"]["mode"] == "'soft'"
    assert document["summary"] == "Widens its input."
    width = document["card"]["arguments"][0]
    assert (width["name"], width["types"], width["required"]) == ("width", ["integer"], True)


def test_show_names_the_plugin_that_has_to_be_installed(cli, zoo_root):
    required = '[[plugins]]\nname = "zoo-waves"\nrequires = ">=2"\n'
    (zoo_root / "registry.toml").write_text(f"format = 1\n{required}")
    error = cli("show", "zoo-waves/Ripple", "--json", status=5).document["errors"][0]
    assert error["code"] == "plugin-missing"
    assert error["suggestion"] == "install it with: pip install 'zoo-waves>=2'"


@pytest.mark.parametrize("name", ["Conv2D", "zoo/Conv2D", "adam", "mse", "CosineDecay", "fit"])
def test_show_knows_kerass_and_the_zoos_own(cli, name):
    text = cli("show", name).out
    assert "argument" in text
    assert "not known" not in text


def test_the_first_twenty_errors_are_shown_and_the_rest_counted(cli, zoo_root):
    (zoo_root / "m.toml").write_text(chain(25, "Dence"))
    done = cli("check", "m.toml", status=2)
    assert done.err.count("error[unknown-component]") == 20
    assert "... and 5 more" in done.err
    assert done.out == "25 errors\n"
    document = cli("check", "m.toml", "--json", status=2).document
    assert (len(document["errors"]), document["more"]) == (20, 5)


def test_warnings_do_not_push_errors_out(cli, zoo_root):
    text = 'outputs = ["n0"]\n' + chain(30) + '[loss]\ntype = "mes"\n'
    (zoo_root / "m.toml").write_text(text)
    done = cli("check", "m.toml", status=2)
    assert done.err.startswith("error[unknown-component]")
    assert done.err.count("warning[unreachable-node]") == 19


def test_control_characters_of_a_config_do_not_reach_the_terminal(cli, zoo_root):
    evil = r"\u001b[31m\u0007\u202e\nerror[fake]: no"
    (zoo_root / "m.toml").write_text(chain(1, evil))
    done = cli("check", "m.toml", status=2)
    assert not [c for c in done.err + done.out if c not in "\n\t" and not c.isprintable()]
    assert "\nerror[fake]" not in done.err
    assert r"\x1b[31m\x07\u202e\nerror[fake]" in done.err
    raw = cli("check", "m.toml", "--json", status=2).out
    assert "\x1b" not in raw
    assert json.loads(raw)["errors"][0]["code"] == "unknown-component"


def test_a_name_of_a_megabyte_is_not_printed_in_full(cli, zoo_root):
    (zoo_root / "m.toml").write_text(chain(1, "x" * 1_000_000))
    assert len(cli("check", "m.toml", status=2).err) < 10_000
    assert len(cli("check", "m.toml", "--json", status=2).out) < 20_000


def test_a_caret_stands_below_what_it_means_behind_escaped_characters(cli, zoo_root):
    line = 'layers = [{ description = "a\u202eb", type = "Dence", units = 1 }]'
    (zoo_root / "m.toml").write_text(HEAD + line + "\n", encoding="utf-8")
    shown, caret = cli("check", "m.toml", status=2).err.splitlines()[2:4]
    assert shown[caret.index("^") :].startswith('"Dence"')


HEAVY = {"numpy", "tomlkit", "filelock", "safetensors", "rich.console", "zoo.catalog.source"}
NEVER = {"keras", "tensorflow", "extra_mod"}


def test_a_check_with_its_cards_kept_imports_nothing_that_it_does_not_need(cli, zoo_root, extra):
    (zoo_root / "m.toml").write_text(chain(2, "Dense"))
    cli("check", "m.toml")
    for command in (["check", "m.toml"], ["list"]):
        assert imported_by(*command, PYTHONPATH=str(extra)).isdisjoint(HEAVY | NEVER)


def test_a_wrong_argument_of_a_plugin_that_cannot_be_imported_is_found(zoo_root, extra):
    (zoo_root / "m.toml").write_text(chain(1, "Widen", 'width = "3"'))
    imported = imported_by("check", "m.toml", status=2, PYTHONPATH=str(extra))
    assert imported.isdisjoint(NEVER)


@pytest.mark.parametrize("command", ["evaluate", "export"])
def test_what_takes_a_version_or_a_run_says_so_of_a_config(cli, zoo_root, command):
    (zoo_root / "m.toml").write_text(HEAD)
    options = ["-f", "keras"] if command == "export" else []
    assert cli(command, "m.toml", *options, status=3).err == (
        "error[unknown-model]: m.toml is a config; this takes a model's name or version, or a "
        "run's folder\n  = train it first: zoo train m.toml\n"
    )
