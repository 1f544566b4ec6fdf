"""`zoo plugin list`: what is installed, without importing it."""

from __future__ import annotations

import json
import sys


def plugin_of(cli, name, status=0):
    rows = cli("plugin", "list", "--json", status=status).document
    return next(row for row in rows if row["name"] == name)


def test_a_list_says_what_each_plugin_gives(cli):
    diagnostics = plugin_of(cli, "zoo-diagnostics")
    assert diagnostics["components"] == {"metrics": ["GradientNorm", "PSNR"]}
    assert (diagnostics["status"], diagnostics["problems"]) == ("ok", [])
    assert diagnostics["version"]
    assert "Dense" in plugin_of(cli, "zoo")["components"]["layers"]


def test_a_list_imports_nothing(cli, make_distribution):
    module = {"loud_mod.py": "raise RuntimeError('imported')\n"}
    make_distribution("zoo-loud", {"zoo.layers": {"Loud": "loud_mod:Loud"}}, module)
    assert plugin_of(cli, "zoo-loud")["status"] == "ok"
    assert "loud_mod" not in sys.modules


def test_a_list_says_from_where_each_plugin_is(cli, make_distribution, tmp_path):
    site = make_distribution("zoo-one", {"zoo.layers": {"A": "json:A"}})
    make_distribution("zoo-two", {"zoo.layers": {"B": "json:B"}})
    direct = {"url": "file:///home/me/my%20plugin", "dir_info": {"editable": True}}
    (site / "zoo_two-1.0.dist-info" / "direct_url.json").write_text(json.dumps(direct))
    one, two = plugin_of(cli, "zoo-one"), plugin_of(cli, "zoo-two")
    assert (one["location"], one["editable"]) == (str(site), False)
    assert (two["location"], two["editable"]) == ("/home/me/my plugin", True)


def test_a_conflict_names_both_and_ends_with_5(cli, make_distribution):
    for name in ("zoo-one", "zoo-two"):
        make_distribution(name, {"zoo.layers": {"Twice": "json:Twice"}})
    found = plugin_of(cli, "zoo-one", status=5)
    assert found["status"] == "conflict"
    assert found["problems"][0]["reason"] == "registered by zoo-one and zoo-two"
    said = cli("plugin", "list", status=5).out
    assert "conflict Twice: registered by zoo-one and zoo-two" in said


def test_a_broken_plugin_has_its_reason_and_ends_with_5(cli, make_distribution):
    make_distribution("zoo-gone", {"zoo.layers": {"Gone": "no_such_module:Gone"}})
    make_distribution("zoo-garbled", b"[zoo.layers\n")
    gone = plugin_of(cli, "zoo-gone", status=5)
    assert gone["problems"][0]["reason"] == "there is no module no_such_module"
    garbled = plugin_of(cli, "zoo-garbled", status=5)
    assert (garbled["status"], garbled["components"]) == ("broken", {})
    assert "its entry_points.txt cannot be read" in garbled["problems"][0]["reason"]


def test_a_plugin_that_is_left_out_is_shown_as_such_and_breaks_nothing(
    cli, make_distribution, monkeypatch
):
    make_distribution("zoo-gone", {"zoo.layers": {"Gone": "no_such_module:Gone"}})
    monkeypatch.setenv("ZOO_DISABLE_PLUGINS", "zoo-gone")
    assert plugin_of(cli, "zoo-gone")["status"] == "disabled"
