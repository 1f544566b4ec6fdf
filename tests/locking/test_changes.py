"""Whatever gives a model's names another meaning is refused; what gives them none is not."""

from __future__ import annotations

import json
import platform
import shutil
from importlib import metadata

import pytest

import zoo
from tests.distributions import write_distribution
from zoo.locking import picture

pytestmark = pytest.mark.usefixtures("few_files")

LOSSES = "tides/losses.py"


def replace_in(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def append(path, text):
    path.write_text(path.read_text() + text)


class TestPlugins:
    """Their files, versions and entry points."""

    def test_a_file_that_was_edited_in_place_is_named(self, locked, site, refusal):
        replace_in(site / LOSSES, "** 2", "** 4")
        said = refusal(status=5)
        assert said.codes == ["plugin-changed"]
        assert "zoo-tides 1.0 is not the locked one: its files" in said.text
        assert "changed tides/losses.py" in said.text
        assert "pip install --force-reinstall 'zoo-tides==1.0'" in said.text
        assert "if what is here is what you want: zoo lock" in said.text

    def test_a_file_that_came_and_one_that_went_are_named(self, locked, site, refusal):
        (site / "tides/losses").mkdir()
        (site / "tides/losses/__init__.py").write_text("swell = None\n")  # hides losses.py
        (site / "tides/table.csv").unlink()
        said = refusal(status=5)
        assert "new tides/losses/__init__.py, gone tides/table.csv" in said.text

    def test_another_version_is_refused(self, locked, site, info, refusal):
        info.rename(site / "zoo_tides-1.1.dist-info")
        said = refusal(status=5)
        assert said.codes == ["plugin-changed"]
        assert "version 1.0 is locked, 1.1 is here" in said.text
        assert "pip install 'zoo-tides==1.0'" in said.text

    def test_an_entry_point_that_leads_to_another_module_is_named(
        self, locked, site, info, refusal
    ):
        shutil.copytree(site / "tides", site / "ebbs")
        (info / "entry_points.txt").write_text("[zoo.losses]\nswell = ebbs.losses:swell\n")
        said = refusal(status=5)
        assert said.codes == ["plugin-changed"]
        point = "zoo.losses swell is tides.losses:swell in the lock, ebbs.losses:swell here"
        assert point in said.text

    def test_an_entry_point_that_came_is_named(self, locked, info, refusal):
        points = "[zoo.losses]\nswell = tides.losses:swell\nebb = tides.losses:swell\n"
        (info / "entry_points.txt").write_text(points)
        assert "zoo.losses ebb is nothing in the lock, tides.losses:swell" in refusal(5).text

    def test_one_that_is_gone_is_named_with_what_follows_from_it(self, locked, info, refusal):
        shutil.rmtree(info)
        said = refusal(status=5)
        assert said.codes == ["plugin-missing", "unknown-component"]
        assert "zoo-tides 1.0 is locked, and is not installed" in said.text
        assert "pip install 'zoo-tides==1.0'" in said.text

    def test_one_that_is_left_out_is_missing(self, locked, refusal, monkeypatch):
        monkeypatch.setenv("ZOO_DISABLE_PLUGINS", "zoo-tides")
        said = refusal(status=5)
        assert said.codes == ["plugin-missing", "unknown-component"]
        assert "ZOO_DISABLE_PLUGINS leaves it out: unset it" in said.text

    def test_another_distribution_that_takes_the_name_is_refused(self, locked, site, info, refusal):
        shutil.rmtree(info)
        write_distribution(site, "zoo-storms", {"zoo.losses": {"swell": "tides.losses:swell"}})
        said = refusal(status=5)
        assert said.codes == ["plugin-missing", "config-changed", "plugin-changed"]
        assert "zoo-storms 1.0 is used here, and is not in zoo.lock" in said.text
        assert "changed loss" in said.text

    def test_another_distribution_that_claims_the_name_too_is_a_conflict(self, locked, site, cli):
        write_distribution(site, "zoo-storms", {"zoo.losses": {"swell": "tides.losses:swell"}})
        errors = cli("check", "tiny", "--locked", "--json", status=2).document["errors"]
        assert [error["code"] for error in errors] == ["ambiguous-component"]

    def test_a_module_that_stands_before_it_on_the_path_is_refused(
        self, locked, site, tmp_path, monkeypatch, refusal
    ):
        shutil.copytree(site / "tides", tmp_path / "before/tides")
        replace_in(tmp_path / "before" / LOSSES, "** 2", "** 4")
        monkeypatch.syspath_prepend(tmp_path / "before")
        assert "changed tides/losses.py" in refusal(status=5).text

    def test_the_zoo_itself_counts(self, locked, refusal, monkeypatch):
        real = picture.code_files
        monkeypatch.setattr(
            picture,
            "code_files",
            lambda name, modules: {
                **real(name, modules),
                **({"zoo/x.py": "1"} if name == "zoo" else {}),
            },
        )
        assert "new zoo/x.py" in refusal(status=5).text

    @pytest.mark.parametrize("name", ["tensorflow", "keras", "numpy"])
    def test_another_version_of_what_computes_is_refused(self, name, locked, refusal, monkeypatch):
        real = picture.installed_versions
        monkeypatch.setattr(picture, "installed_versions", lambda: {**real(), name: "0.0.1"})
        said = refusal(status=5)
        assert said.codes == ["plugin-changed"]
        version = metadata.version(name)
        assert f"{name} is not the locked one: {version} is locked, 0.0.1 is here" in said.text
        assert f"pip install '{name}=={version}'" in said.text

    def test_another_python_is_refused_and_another_patch_of_it_is_said(
        self, locked, refusal, cli, monkeypatch
    ):
        version = platform.python_version()
        monkeypatch.setattr(platform, "python_version", lambda: "3.9.1")
        assert f"Python is not the locked one: {version} is locked, 3.9.1" in refusal(5).text
        patch = f"{version.rpartition('.')[0]}.99"
        monkeypatch.setattr(platform, "python_version", lambda: patch)
        (warning,) = cli("check", "tiny", "--locked", "--json").document["warnings"]
        assert warning["message"].endswith(f"{version} is locked, {patch} is here")
        assert cli("lock", "--check").out == "zoo.lock is up to date\n"

    def test_the_differences_of_several_are_said_at_once(self, locked, site, info, refusal):
        replace_in(site / LOSSES, "** 2", "** 4")
        info.rename(site / "zoo_tides-1.1.dist-info")
        replace_in(locked / "base.toml", "units = 2", "units = 3")
        said = refusal(status=5)
        assert said.codes == ["plugin-changed", "config-changed"]
        assert "version 1.0 is locked, 1.1 is here; its files" in said.text


class TestHarmless:
    """What changes no meaning."""

    def test_compiled_files_and_hidden_ones_do_not_count(self, locked, site, accepted):
        (site / "tides/__pycache__/losses.cpython-311.pyc").write_text("new")
        (site / "tides/__pycache__/losses.cpython-312.pyc").write_text("new")
        (site / "tides/losses.pyc").write_text("new")
        (site / "tides/.losses.py.swp").write_text("new")
        accepted()

    def test_one_more_plugin_that_no_locked_model_uses_does_not_count(
        self, locked, make_distribution, accepted
    ):
        points = {"zoo.losses": {"surf": "surf:surf"}, "zoo.models": {"more": "surf_models"}}
        modules = {
            "surf.py": "def surf(y_true, y_pred): ...\n",
            "surf_models/more.toml": "zoo = 1\n",
        }
        make_distribution("zoo-surf", points, modules)
        accepted()

    def test_a_broken_plugin_that_no_locked_model_uses_does_not_count(
        self, locked, make_distribution, accepted
    ):
        make_distribution("zoo-broken", b"[zoo.losses\n")
        accepted()

    def test_the_folder_of_a_plugin_does_not_count(
        self, locked, site, info, tmp_path, monkeypatch, accepted
    ):
        moved = tmp_path / "elsewhere" / "deep"
        shutil.copytree(site, moved)
        shutil.rmtree(site)
        monkeypatch.syspath_prepend(moved)
        accepted()

    def test_the_folder_of_the_zoo_does_not_count(self, locked, tmp_path, monkeypatch, accepted):
        shutil.copytree(locked, tmp_path / "other")
        monkeypatch.chdir(tmp_path / "other")
        accepted()

    def test_line_endings_of_text_do_not_count(self, locked, site, accepted):
        for name in (LOSSES, "tides/table.csv"):
            path = site / name
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
        (locked / "model.toml").write_bytes(
            (locked / "model.toml").read_bytes().replace(b"\n", b"\r\n")
        )
        accepted()

    def test_comments_descriptions_and_how_a_value_is_written_do_not_count(self, locked, accepted):
        replace_in(locked / "model.toml", "# of zoo-tides", "# of whoever")
        replace_in(locked / "model.toml", "A small model.", "A model, small.")
        replace_in(locked / "model.toml", '"${vars.rate}"', "1e-1")
        replace_in(locked / "base.toml", 'type = "Dense"', 'type = "zoo/Dense"')
        replace_in(locked / "base.toml", "shape = [8]", "shape = [  8 ]")
        accepted()

    def test_the_same_files_installed_in_another_way_are_said(self, locked, info, cli):
        direct = {"url": "file:///src", "dir_info": {"editable": True}}
        (info / "direct_url.json").write_text(json.dumps(direct))
        (warning,) = cli("check", "tiny", "--locked", "--json").document["warnings"]
        assert "a plain installation is locked, an editable one is here" in warning["message"]

    def test_what_is_not_asked_for_is_not_looked_at(self, locked, cli):
        (locked / "other.toml").write_text((locked / "base.toml").read_text())
        cli("lock", "model.toml", "other.toml")
        replace_in(locked / "other.toml", "units = 2", "units = 3")
        cli("check", "tiny", "--locked")
        assert "resolved config of base is not the locked" in cli("lock", "--check", status=2).err


class TestConfigs:
    """Their resolved values."""

    @pytest.mark.parametrize(
        ("file", "old", "new", "part"),
        [
            ("model.toml", "rate = 0.1", "rate = 0.2", "optimizer"),
            ("model.toml", 'name = "tiny"', 'name = "small"', "name"),
            ("parent.toml", "momentum = 0.5", "momentum = 0.6", "optimizer"),
            ("base.toml", "units = 2", "units = 3", "layers"),
            ("base.toml", "shape = [8]", "shape = [9]", "inputs"),
        ],
    )
    def test_a_value_that_changed_here_or_in_what_is_extended_is_refused(
        self, file, old, new, part, locked, refusal
    ):
        replace_in(locked / file, old, new)
        said = refusal(status=2)
        assert said.codes == ["config-changed"]
        assert f"is not the locked one: changed {part} (sha256 " in said.text
        assert "restore it from version control, or, if what is here" in said.text

    def test_a_part_that_came_is_named(self, locked, refusal):
        append(locked / "model.toml", '[[metrics]]\ntype = "mae"\n')
        assert "the locked one: new metrics" in refusal(status=2).text

    def test_an_override_that_changes_a_value_says_which(self, locked, cli):
        value = "optimizer.learning_rate=0.3"
        said = cli("check", "tiny", "--locked", "--set", value, status=2).err
        assert "leave optimizer.learning_rate as locked, or do without --locked" in said
        cli("check", "tiny", "--locked", "--set", "optimizer.learning_rate=0.1")
        with pytest.raises(zoo.ConfigError, match=r"leave optimizer\.learning_rate as locked"):
            zoo.train("tiny", {"optimizer.learning_rate": 0.3}, locked=True)

    def test_a_config_that_is_wrong_is_said_as_ever(self, locked, cli):
        replace_in(locked / "base.toml", '"Dense"', '"Dence"')
        errors = cli("check", "tiny", "--locked", "--json", status=2).document["errors"]
        assert [error["code"] for error in errors] == ["unknown-component"]
        again = cli("lock", "--check", "--json", status=2).document["errors"]
        assert [error["code"] for error in again] == ["unknown-component"]

    def test_a_model_that_the_registry_has_lost_is_named(self, locked, cli):
        (locked / "registry.toml").write_text("format = 1\n")
        (error,) = cli("lock", "--check", "--json", status=3).document["errors"]
        assert error["message"] == "model.toml is locked, and the zoo does not have it"
        assert error["code"] == "unknown-model"

    def test_a_model_that_is_new_is_not_locked(self, locked, cli):
        shutil.copy(locked / "base.toml", locked / "new.toml")
        append(locked / "registry.toml", '[[models]]\nname = "new"\nconfig = "new.toml"\n')
        said = cli("check", "new", "--locked", status=2).err
        assert "error[not-locked]: new is not in zoo.lock" in said
        (error,) = cli("lock", "--check", "--json", status=2).document["errors"]
        assert error["message"] == "new.toml is not in zoo.lock"

    def test_a_model_whose_plugin_is_gone_is_known_by_the_lock(
        self, locked, cli, make_distribution
    ):
        modules = {"shipper/__init__.py": "", "shipper/shipped.toml": ""}
        site = make_distribution("zoo-shipper", {"zoo.models": {"shipped": "shipper"}}, modules)
        text = (locked / "base.toml").read_text().replace('"base"', '"shipped"')
        (site / "shipper/shipped.toml").write_text(text)
        append(
            locked / "registry.toml",
            '[[models]]\nname = "shipped"\nconfig = "zoo-shipper/shipped"\n',
        )
        cli("lock")
        shutil.rmtree(site / "zoo_shipper-1.0.dist-info")
        for command in (("check", "shipped", "--locked"), ("lock", "--check")):
            said = cli(*command, "--json", status=5).document["errors"]
            assert [error["code"] for error in said] == ["plugin-missing", "plugin-missing"]
            assert said[0]["message"] == "zoo-shipper 1.0 is locked, and is not installed"

    def test_a_file_that_is_not_there_is_said_as_ever(self, locked, cli):
        said = cli("check", "nothing.toml", "--locked", status=4).err
        assert "error[storage]: there is no file" in said
