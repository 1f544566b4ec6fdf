"""`zoo lock`: what it writes, when, and what it makes of a file that somebody else changed."""

from __future__ import annotations

import sys
import tomllib

import pytest

import zoo
from tests.processes import imported_by, python
from zoo.errors import ConfigError
from zoo.locking.document import parse_lock, read_lock, written


def text_of(root):
    return (root / "zoo.lock").read_text()


def refused(cli, root, old, new):
    text = text_of(root)
    assert old in text
    (root / "zoo.lock").write_text(text.replace(old, new, 1))
    said = cli("check", "tiny", "--locked", status=3).err
    assert cli("lock", "--check", status=3).err == said
    assert "error[bad-lock]: zoo.lock is damaged: " in said
    assert "write it anew: zoo lock; or restore it" in said
    return said


def with_few_names(lock):
    """The same lock, but of the names in each group of the zoo's own only one."""
    core, *others = lock.plugins
    points = {group: dict([*names.items()][:1]) for group, names in core.entry_points.items()}
    few = core.model_copy(update={"entry_points": points})
    return lock.model_copy(update={"plugins": [few, *others]})


def line_of(root, text):
    return text_of(root).splitlines().index(text) + 1


class TestWriting:
    """The file."""

    def test_it_holds_what_gives_the_names_their_meaning(self, locked):
        values = tomllib.loads(text_of(locked))
        assert values["format"] == 1
        assert set(values["environment"]) == {"python", "keras", "numpy", "tensorflow"}
        core, tides = values["plugins"]
        assert (core["name"], core["editable"]) == ("zoo", True)
        assert core["entry_points"]["zoo.layers"]["Dense"] == "keras.layers:Dense"
        assert "zoo/locking/document.py" in core["files"]
        assert not [name for name in core["files"] if not name.startswith("zoo/")]
        assert (tides["name"], tides["version"], tides["editable"]) == ("zoo-tides", "1.0", False)
        assert tides["entry_points"] == {"zoo.losses": {"swell": "tides.losses:swell"}}
        names = ["tides/__init__.py", "tides/losses.py", "tides/table.csv"]
        assert list(tides["files"]) == names
        (model,) = values["models"]
        assert (model["name"], model["config"]) == ("tiny", "model.toml")
        assert model["plugins"] == ["zoo", "zoo-tides"]

    def test_its_first_line_says_who_writes_it(self, locked):
        assert text_of(locked).startswith("# Written by `zoo lock`, not by hand")

    def test_it_is_the_same_every_time_and_then_not_written(self, locked, cli):
        before = (locked / "zoo.lock").stat()
        said = cli("lock")
        after = (locked / "zoo.lock").stat()
        assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
        assert said.out == "up to date: zoo.lock: 2 plugins, 1 model, 0 versions\n"

    def test_it_is_the_same_in_another_process_and_order(self, locked, cli):
        (locked / "a.toml").write_text((locked / "base.toml").read_text())
        cli("lock", "model.toml", "a.toml")
        first = text_of(locked)
        (locked / "zoo.lock").unlink()
        python("-m", "zoo", "lock", "a.toml", "model.toml", cwd=locked, PYTHONHASHSEED="7")
        assert text_of(locked) == first

    def test_it_holds_no_folder_of_this_machine(self, locked, site):
        text = text_of(locked)
        assert str(locked) not in text
        assert str(site) not in text
        assert sys.prefix not in text

    def test_it_says_what_came_changed_and_went(self, locked, cli, site, make_distribution):
        (site / "tides/losses.py").write_text("def swell(y_true, y_pred): ...\n")
        make_distribution(
            "zoo-surf",
            {"zoo.losses": {"surf": "surf:surf"}},
            {"surf.py": "def surf(y_true, y_pred): ...\n"},
        )
        (locked / "other.toml").write_text(
            (locked / "base.toml").read_text().replace('"base"', '"base"\nloss = "surf"')
        )
        done = cli("lock", "other.toml", "model.toml", "--json").document
        rows = [(row["kind"], row["name"], row["change"]) for row in done["changes"]]
        assert rows == [
            ("plugin", "zoo-tides", "changed"),
            ("model", "other.toml", "added"),
            ("plugin", "zoo-surf", "added"),
        ]
        assert done["written"] is True
        assert done["plugins"] == {**done["plugins"], "zoo-surf": "1.0", "zoo-tides": "1.0"}
        said = cli("lock", "model.toml").out.splitlines()
        assert [line.split()[:3] for line in said] == [
            ["removed", "plugin", "zoo-surf"],
            ["removed", "model", "other.toml"],
            ["wrote", "zoo.lock:", "2"],
        ]

    def test_one_that_is_damaged_is_replaced(self, locked, cli):
        before = text_of(locked)
        (locked / "zoo.lock").write_text("<<<<<<< ours\n")
        assert "replaced one that was damaged: zoo.lock is damaged: a merge" in cli("lock").out
        assert text_of(locked) == before

    def test_nothing_is_written_if_a_model_is_wrong(self, locked, cli):
        before = text_of(locked)
        (locked / "base.toml").write_text("zoo = 1\n[[layers]]\nunits = 1\n")
        cli("lock", status=2)
        assert text_of(locked) == before

    def test_nothing_is_written_by_check(self, locked, cli):
        before = text_of(locked)
        (locked / "base.toml").write_text((locked / "base.toml").read_text().replace("2", "3"))
        said = cli("lock", "--check", status=2)
        assert said.out == "zoo.lock is not up to date: 1 difference\n"
        assert "error[config-changed]" in said.err
        assert text_of(locked) == before

    def test_a_zoo_without_models_has_nothing_to_lock(self, zoo_root, cli):
        assert "zoo lock FILE; or add a model: zoo new model NAME" in cli("lock", status=2).err

    def test_a_config_outside_of_the_zoo_cannot_be_locked(self, locked, cli, tmp_path):
        path = tmp_path / "away.toml"
        path.write_text((locked / "base.toml").read_text())
        assert "lies outside of the zoo" in cli("lock", path, status=2).err
        assert "lies outside of the zoo" in cli("check", path, "--locked", status=2).err

    def test_a_lock_of_named_models_is_compared_with_those(self, locked, cli):
        (locked / "other.toml").write_text((locked / "base.toml").read_text())
        cli("lock", "other.toml")
        assert cli("lock", "--check").status == 0
        said = cli("check", "tiny", "--locked", status=2).err
        assert "lock it too: zoo lock other.toml model.toml" in said
        assert "model.toml is not in zoo.lock" in cli("lock", "tiny", "--check", status=2).err

    def test_a_model_that_a_plugin_ships_is_locked_with_that_plugin(
        self, locked, cli, make_distribution
    ):
        site = make_distribution(
            "zoo-shipper",
            {"zoo.models": {"shipped": "shipper.models"}},
            {"shipper/__init__.py": "", "shipper/models/shipped.toml": ""},
        )
        text = (locked / "base.toml").read_text()
        (site / "shipper/models/shipped.toml").write_text(text)
        (locked / "child.toml").write_text('extends = "shipped"\nname = "child"\n')
        cli("lock", "shipped", "child.toml")
        lock = read_lock(locked)
        assert [m.config for m in lock.models] == ["child.toml", "zoo-shipper/shipped"]
        assert all(model.plugins == ["zoo", "zoo-shipper"] for model in lock.models)
        cli("check", "shipped", "child.toml", "--locked")
        (site / "shipper/models/shipped.toml").write_text(text.replace("units = 2", "units = 3"))
        said = cli("check", "shipped", "child.toml", "--locked", "--json", status=5).document
        codes = [error["code"] for error in said["errors"]]
        assert codes == ["plugin-changed", "config-changed", "config-changed"]


@pytest.mark.usefixtures("few_files")
class TestReading:
    """What is no longer as it was written, with its line."""

    def test_without_a_lock_nothing_is_locked(self, root, cli):
        for command in (("check", "tiny", "--locked"), ("lock", "--check")):
            said = cli(*command, status=2).err
            assert "error[not-locked]: " in said
            assert "has no zoo.lock" in said
            assert "make it where all is as it should be: zoo lock" in said

    def test_without_a_zoo_there_is_no_lock(self, tmp_path, monkeypatch, cli, site):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "m.toml").write_text('zoo = 1\nname = "m"\n')
        assert "there is no registry.toml" in cli("check", "m.toml", "--locked", status=3).err
        assert "there is no registry.toml" in cli("lock", status=3).err

    def test_the_marks_of_a_merge_are_recognised(self, locked, cli):
        number = line_of(locked, "[[models]]")
        said = refused(cli, locked, "[[models]]", "<<<<<<< HEAD\n=======\n>>>>>>> b\n[[models]]")
        assert f"--> zoo.lock:{number}:1" in said
        assert "a merge left both sides in it" in said
        assert "<<<<<<< HEAD" in said

    def test_one_beyond_all_measure_is_not_read(self, zoo_root):
        with (zoo_root / "zoo.lock").open("wb") as file:
            file.truncate(16 * 1024 * 1024 + 1)
        with pytest.raises(ConfigError, match="zoo.lock has 16,777,217 bytes; at most 16,777,216"):
            read_lock(zoo_root)

    def test_what_is_not_toml_is_refused(self, locked, cli):
        number = line_of(locked, 'name = "zoo-tides"')
        said = refused(cli, locked, 'name = "zoo-tides"', "name = zoo-tides")
        assert f"--> zoo.lock:{number}:8" in said
        assert "this is not TOML" in said

    def test_a_value_that_was_edited_does_not_fit_the_seal(self, locked, cli):
        number = next(i for i, s in enumerate(text_of(locked).splitlines(), 1) if "seal" in s)
        said = refused(cli, locked, 'version = "1.0"', 'version = "1.1"')
        assert f"--> zoo.lock:{number}:8" in said
        assert "cut off, merged or edited by hand: its seal does not fit what it says" in said

    def test_a_key_that_was_edited_is_missing(self, locked, cli):
        number = line_of(locked, 'name = "zoo-tides"') + 1
        said = refused(cli, locked, 'version = "1.0"', 'vershun = "1.0"')
        assert "plugins.1.version: Field required" in said
        assert f"--> zoo.lock:{number - 2}:1" in said

    def test_a_value_of_the_wrong_kind_is_pointed_at(self, locked, cli):
        number = line_of(locked, "editable = false")
        said = refused(cli, locked, "editable = false", "editable = 0")
        assert f"--> zoo.lock:{number}:12" in said

    def test_another_format_is_refused(self, locked, cli):
        said = refused(cli, locked, "format = 1", "format = 2")
        assert "--> zoo.lock:3:10" in said
        assert "its format is 2, and this zoo reads 1" in said

    def test_one_that_was_cut_off_anywhere_is_refused(self, locked):
        lines = written(with_few_names(read_lock(locked))).splitlines(keepends=True)
        assert len(lines) > 50
        parse_lock(b"".join(lines), "zoo.lock")
        for count in range(len(lines)):
            with pytest.raises(zoo.RegistryError) as caught:
                parse_lock(b"".join(lines[:count]), "zoo.lock")
            assert caught.value.findings[0].code == "bad-lock"

    def test_bytes_that_are_no_text_are_refused(self, locked, cli):
        path = locked / "zoo.lock"
        path.write_bytes(path.read_bytes().replace(b"zoo-tides", b"zoo-\xfftides", 1))
        said = cli("check", "tiny", "--locked", status=3).err
        assert "zoo.lock" in said

    def test_its_order_comments_and_line_endings_do_not_matter(self, locked, cli):
        path = locked / "zoo.lock"
        path.write_bytes(b"# mine\n" + path.read_bytes().replace(b"\n", b"\r\n"))
        cli("check", "tiny", "--locked")

    def test_what_is_written_is_read(self, locked):
        lock = read_lock(locked)
        assert written(lock) == (locked / "zoo.lock").read_bytes()
        assert parse_lock(written(lock), "zoo.lock") == lock


def test_looking_at_a_lock_imports_neither_keras_nor_the_plugin(locked):
    for arguments in (["check", "tiny", "--locked"], ["lock"], ["lock", "--check", "--json"]):
        imported = imported_by(*arguments, cwd=locked)
        assert imported.isdisjoint({"keras", "tensorflow", "tides"})
