"""`zoo yank`, `deprecate`, `gc`, `verify --migrate`, and what withdrawn versions do elsewhere."""

from __future__ import annotations

import os
import re
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

import zoo
from tests.candidates import a_candidate
from zoo.registry.document import read_registry
from zoo.registry.publishing import publish


@pytest.fixture
def two(zoo_root):
    """A zoo with `tiny@1.0.0` and `tiny@1.1.0`, published without Keras."""
    for _ in range(2):
        publish(zoo_root, a_candidate())
    return zoo_root


def test_yank_and_deprecate_say_what_became_of_each_version(cli, two):
    assert cli("yank", "tiny@1.0.0", "--json").document == {
        "versions": [{"version": "tiny@1.0.0", "status": "yanked", "changed": True}]
    }
    assert cli("deprecate", "tiny@1.0.0", "tiny@1.1.0", "--json").document == {
        "versions": [
            {"version": "tiny@1.0.0", "status": "yanked", "changed": False},
            {"version": "tiny@1.1.0", "status": "deprecated", "changed": True},
        ]
    }
    said = cli("yank", "--undo", "tiny@1.0.0", "tiny@1.1.0").out
    assert said == "tiny@1.0.0 is stable now\ntiny@1.1.0 stays deprecated\n"
    cli("deprecate", "--undo", "tiny@1.1.0")
    assert {entry.status for entry in read_registry(two).weights} == {"stable"}


def test_an_unknown_version_lists_those_that_there_are(cli, two):
    done = cli("yank", "tiny@1.0", "--json", status=3)
    (error,) = done.document["errors"]
    assert (error["code"], error["suggestion"]) == (
        "unknown-version",
        "there is tiny@1.0.0, tiny@1.1.0",
    )
    assert cli("deprecate", "tinny@1.0.0", status=3).err.endswith('did you mean "tiny"?\n')


def test_outside_of_a_zoo_it_says_so(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for command in (["yank", "tiny@1.0.0"], ["gc"], ["verify", "--migrate"]):
        assert "there is no registry.toml here or above" in cli(*command, status=3).err


def test_list_and_show_say_the_status(cli, two):
    cli("deprecate", "tiny@1.1.0")
    (row,) = cli("list", "models", "--match", "tiny", "--json").document
    assert (row["versions"], row["latest"]) == (["1.0.0", "1.1.0"], "1.0.0")
    assert row["statuses"] == {"1.0.0": "stable", "1.1.0": "deprecated"}
    assert "2 (1 deprecated)" in cli("list", "models").out
    cli("yank", "tiny@1.0.0")
    (row,) = cli("list", "models", "--match", "tiny", "--json").document
    assert row["latest"] is None
    assert "2 (1 deprecated, 1 yanked)" in cli("list", "models").out
    assert cli("show", "tiny@1.0.0", "--json").document["status"] == "yanked"
    assert re.search(r"^status +yanked$", cli("show", "tiny@1.0.0").out, re.M)


def test_showing_a_model_says_which_versions_were_withdrawn(cli, two):
    config = (
        'zoo = 1\nname = "tiny"\n[[inputs]]\nname = "x"\nshape = [4]\n'
        '[[layers]]\ntype = "Dense"\nunits = 2\n'
    )
    publish(two, a_candidate("wide", config=config.replace("tiny", "wide")))
    publish(two, a_candidate("wide", config=config.replace("tiny", "wide")))
    cli("yank", "wide@1.0.0")
    assert cli("show", "wide", "--json").document["statuses"] == {
        "1.0.0": "yanked",
        "1.1.0": "stable",
    }
    assert "versions  1.0.0 (yanked), 1.1.0\n" in cli("show", "wide").out


def test_check_warns_where_a_config_names_a_withdrawn_version(cli, two):
    (two / "m.toml").write_text(
        'zoo = 1\nname = "m"\n[[inputs]]\nname = "x"\nshape = [4]\n'
        '[[layers]]\ntype = "zoo:tiny@1.0.0"\n'
        '[[layers]]\ntype = "Dense"\nunits = 2\nweights = "tiny@1.1"\n'
    )
    assert cli("check", "m.toml", "--json").document["warnings"] == []
    cli("yank", "tiny@1.0.0")
    cli("deprecate", "tiny@1.1.0")
    document = cli("check", "m.toml", "--json").document
    assert document["ok"] is True
    assert [(w["code"], w["line"], w["column"]) for w in document["warnings"]] == [
        ("not-stable", 7, 8),
        ("not-stable", 11, 11),
    ]
    assert zoo.check("m.toml")[0].message == "tiny@1.0.0 was yanked: it should not be used"


def test_what_loads_a_withdrawn_version_warns_on_stderr_once(cli, published, zoo_root, capsys):
    np.save("x.npy", np.zeros((2, 4), "float32"))
    predict = ["predict", "tiny@1.0.0", "x.npy", "-o", "y.npy", "--json"]
    assert "not-stable" not in cli(*predict).err
    cli("deprecate", published)
    warning = "warning[not-stable]: tiny@1.0.0 is deprecated"
    assert cli("predict", "tiny", *predict[2:]).err.count(warning) == 1
    cli("yank", published)
    warning = "warning[not-stable]: tiny@1.0.0 was yanked: it should not be used"
    assert cli(*predict).err.count(warning) == 1
    assert cli("evaluate", "tiny@1.0.0", "--json").err.count(warning) == 1
    assert "no version that is not yanked" in cli("predict", "tiny", *predict[2:], status=3).err
    capsys.readouterr()
    zoo.load("tiny@1.0.0")
    assert capsys.readouterr().err.count(warning) == 1
    (zoo_root / "m.toml").write_text(
        'zoo = 1\nname = "m"\n[[inputs]]\nname = "x"\nshape = [4]\n'
        '[[layers]]\ntype = "zoo:tiny@1.0.0"\n'
    )
    zoo.build("m.toml")
    assert capsys.readouterr().err.count(warning) == 1


class TestGc:
    """`zoo gc`."""

    @pytest.fixture
    def orphans(self, two):
        """What a publish that was killed left, an hour and more ago or just now."""
        files = [two / "weights/tiny/1.2.0.safetensors", two / ".registry.toml.abcd_123"]
        for path, size in zip(files, (1234, 5), strict=True):
            path.write_bytes(b"x" * size)
            os.utime(path, (time.time() - 7200,) * 2)
        return files

    def test_without_delete_it_only_lists(self, cli, orphans):
        document = cli("gc", "--json").document
        assert (document["deleted"], document["bytes"]) == (False, 1239)
        assert {(item["path"], item["bytes"]) for item in document["found"]} == {
            (str(orphans[0]), 1234),
            (str(orphans[1]), 5),
        }
        said = cli("gc").out
        assert "1,234  weights/tiny/1.2.0.safetensors  not listed in registry.toml" in said
        assert said.endswith("2 to remove, 1,239 bytes\nnext       zoo gc --delete\n")
        assert all(path.exists() for path in orphans)

    def test_with_delete_it_says_the_bytes_that_it_freed(self, cli, two, orphans):
        assert cli("gc", "--delete").out.endswith("2 removed, 1,239 bytes\n")
        assert not any(path.exists() for path in orphans)
        assert cli("gc", "--delete", "--json").document["found"] == []
        assert cli("verify", "--json").document["checked"] == ["tiny@1.0.0", "tiny@1.1.0"]

    def test_a_damaged_registry_stops_it(self, cli, two, orphans):
        path = two / "registry.toml"
        text = path.read_text()
        for damaged in (text.replace("format = 1", ""), text[: text.rindex("[[weights]]")]):
            path.write_text(damaged)
            cli("gc", "--delete", status=3)
        assert all(path.exists() for path in orphans)
        assert (two / "weights/tiny/1.1.0.safetensors").exists()

    def test_ctrl_c_in_the_middle_loses_nothing(self, cli, two, orphans, monkeypatch):
        remove = Path.unlink

        def unlink(path, missing_ok=False):
            remove(path, missing_ok=missing_ok)
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", unlink)
            cli("gc", "--delete", status=130)
        assert [path.exists() for path in orphans] == [True, False]
        assert cli("verify", "--json").document["ok"] is True
        assert cli("gc", "--delete", "--json").document["bytes"] == 1234

    def test_it_waits_for_a_publish_that_is_going_on(self, cli, orphans, two):
        lock = FileLock(two / ".registry.lock", thread_local=False)
        waited = []

        def end() -> None:
            waited.extend(path.exists() for path in orphans)
            for path in orphans:
                path.unlink(missing_ok=True)
            lock.release()

        lock.acquire()
        publishing = threading.Timer(1.0, end)
        publishing.start()
        assert cli("gc", "--delete").out == "0 removed, 0 bytes\n"
        publishing.join()
        assert waited == [True, True]


def test_migrate_brings_an_old_registry_up_to_date(cli, two):
    path = two / "registry.toml"
    old = re.sub(r"^(?:index|format|size|status) = .*\n", "", path.read_text(), flags=re.M)
    path.write_text(old)
    assert "`zoo verify --migrate` makes it a new one" in cli("list", "models", status=3).err
    assert "--migrate" in cli("verify", "--accept-edits", status=3).err
    done = cli("verify", "--migrate", "--json")
    assert done.document["checked"] == ["tiny@1.0.0", "tiny@1.1.0"]
    assert "registry.toml: from format 0 to 1; as it was: " in done.err
    assert (two / "registry.toml.format-0").read_text() == old
    assert "has today's format already" in cli("verify", "--migrate").err
