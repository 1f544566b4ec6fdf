"""`zoo doctor`: what is looked at, what is wrong, the remedy, and the exit status."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections import namedtuple

import pytest
from filelock import FileLock

from tests.candidates import a_candidate
from zoo.registry.publishing import publish
from zoo.rows import Row, exit_status


@pytest.fixture(autouse=True)
def quiet_surroundings(monkeypatch, tmp_path):
    """Keras's settings and the cache of this machine are none of these tests'."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)


@pytest.fixture
def rows(cli):
    """Runs the doctor and gives its rows."""

    def run(*options, status=0):
        document = cli("doctor", "--json", *options, status=status).document
        assert document["ok"] is (status == 0)
        return document["rows"]

    return run


def of(rows, subject, check):
    return [row for row in rows if (row["subject"], row["check"]) == (subject, check)]


def wrong(rows):
    return [row for row in rows if row["result"] != "ok"]


def make_old(path):
    then = time.time() - 7200
    os.utime(path, (then, then))


def test_a_zoo_that_is_well_has_nothing_to_tell(rows, published):
    found = rows()
    assert wrong(found) == []
    assert {row["subject"] for row in found} == {
        "environment",
        "plugins",
        "registry",
        "cache",
        "leftovers",
    }
    assert set(found[0]) == {"subject", "check", "result", "message", "remedy"}


class TestEnvironment:
    """Python, packages, machine."""

    def test_the_versions_are_those_that_are_installed(self, rows):
        from importlib.metadata import version

        found = rows()
        for name in ("tensorflow", "keras", "numpy"):
            assert of(found, "environment", name)[0]["message"] == version(name)

    def test_the_cores_are_those_that_may_be_used_with_the_limits_on_threads(
        self, rows, monkeypatch
    ):
        for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
            monkeypatch.delenv(name, raising=False)
        cores = len(os.sched_getaffinity(0))
        assert of(rows(), "environment", "cpu")[0]["message"] == f"{cores} cores"
        monkeypatch.setenv("OMP_NUM_THREADS", "3")
        (row,) = of(rows(), "environment", "cpu")
        assert row["message"] == f"{cores} cores; OMP_NUM_THREADS=3"

    def test_a_package_that_is_too_old_is_an_error_of_packages(self, rows, make_distribution):
        make_distribution("filelock", version="1.0")
        (row,) = of(rows(status=5), "environment", "packages")
        assert row["message"].startswith("filelock>=")
        assert row["message"].endswith("is required; 1.0 is installed")

    def test_another_backend_is_a_warning_wherever_it_comes_from(self, rows, monkeypatch, tmp_path):
        (tmp_path / "keras").mkdir()
        (tmp_path / "keras" / "keras.json").write_text('{"backend": "torch"}')
        (row,) = of(rows(), "environment", "backend")
        assert (row["result"], row["message"]) == (
            "warning",
            f"torch ({tmp_path / 'keras' / 'keras.json'})",
        )
        assert row["remedy"].startswith("set KERAS_BACKEND=tensorflow")
        monkeypatch.setenv("KERAS_BACKEND", "jax")
        assert of(rows(), "environment", "backend")[0]["message"] == "jax (KERAS_BACKEND)"

    def test_settings_of_keras_that_cannot_be_read_are_a_warning(self, rows, tmp_path):
        (tmp_path / "keras").mkdir()
        (tmp_path / "keras" / "keras.json").write_text("{")
        (row,) = of(rows(), "environment", "backend")
        assert row["result"] == "warning"
        assert "keras.json cannot be read: " in row["message"]

    @pytest.mark.parametrize(
        ("free", "result", "status"), [(2**31, "ok", 0), (2**29, "warning", 0), (2**20, "error", 4)]
    )
    def test_little_room_on_the_disk_is_told(self, rows, monkeypatch, free, result, status):
        usage = namedtuple("usage", "total used free")
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(2**40, 0, free))
        (row,) = of(rows(status=status), "environment", "disk")
        assert row["result"] == result

    def test_a_gpu_without_cuda_is_a_warning(self, rows, monkeypatch, tmp_path):
        tool = tmp_path / "bin" / "nvidia-smi"
        tool.parent.mkdir()
        tool.write_text('#!/bin/sh\necho "GPU 0: NVIDIA H200 (UUID: GPU-1)"\n')
        tool.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
        (row,) = of(rows(), "environment", "gpu")
        assert row["message"].startswith("GPU 0: NVIDIA H200")
        if row["result"] == "warning":
            assert "tensorflow[and-cuda]" in row["remedy"]
        tool.write_text("#!/bin/sh\nexit 9\n")
        assert of(rows(), "environment", "gpu")[0]["message"].startswith("nvidia-smi fails: ")


class TestPlugins:
    """Plugins, and what the registry requires."""

    def test_a_broken_plugin_is_an_error_with_the_command_that_tells_more(
        self, rows, make_distribution
    ):
        make_distribution("zoo-gone", {"zoo.layers": {"Gone": "no_such_module:Gone"}})
        (row,) = of(rows(status=5), "plugins", "zoo-gone")
        assert row["message"] == "broken: Gone: there is no module no_such_module"
        assert row["remedy"] == "zoo plugin check zoo-gone"

    def test_a_conflict_is_an_error_of_both(self, rows, make_distribution):
        for name in ("zoo-one", "zoo-two"):
            make_distribution(name, {"zoo.layers": {"Twice": "json:Twice"}})
        found = rows(status=5)
        for name in ("zoo-one", "zoo-two"):
            (row,) = of(found, "plugins", name)
            assert row["message"] == "conflict: Twice: registered by zoo-one and zoo-two"

    def test_what_a_plugin_itself_requires_is_held_against_what_is_there(
        self, rows, make_distribution
    ):
        site = make_distribution("zoo-new", {"zoo.layers": {"A": "json:A"}})
        with (site / "zoo_new-1.0.dist-info" / "METADATA").open("a") as file:
            file.write("Requires-Dist: keras>=99\nRequires-Dist: not-there-at-all\n")
            file.write('Requires-Dist: other; extra == "more"\n')
        found = of(rows(), "plugins", "zoo-new")
        messages = [row["message"] for row in found if row["result"] == "warning"]
        assert messages[0].startswith("keras>=99 is required; 3.")
        assert messages[1:] == ["not-there-at-all is required and not installed"]

    def test_one_that_is_installed_twice_in_a_folder_is_a_warning(self, rows, make_distribution):
        site = make_distribution("zoo-waves", {"zoo.layers": {"A": "json:A"}}, version="1.0")
        make_distribution("Zoo.Waves", {"zoo.layers": {"B": "json:B"}}, version="2.0")
        make_distribution("zoo-waves", {"zoo.layers": {"C": "json:C"}}, site="above")
        first, second = site / "Zoo.Waves-2.0.dist-info", site / "zoo_waves-1.0.dist-info"
        found = of(rows(), "plugins", "zoo-waves")
        assert [row["message"] for row in found if row["result"] == "warning"] == [
            f"installed twice: {first} and {second}; the first one speaks"
        ]
        assert found[0]["remedy"].startswith("pip uninstall zoo-waves, until it is gone")

    def test_plugins_that_are_left_out_and_names_that_fit_none_are_told(
        self, rows, make_distribution, monkeypatch
    ):
        make_distribution("zoo-off", {"zoo.layers": {"Off": "no_such_module:Off"}})
        monkeypatch.setenv("ZOO_DISABLE_PLUGINS", "zoo-off, zoo-misspelt")
        found = rows()
        (row,) = of(found, "plugins", "zoo-off")
        assert (row["result"], row["message"]) == (
            "warning",
            "1.0, left out by ZOO_DISABLE_PLUGINS",
        )
        (row,) = of(found, "plugins", "ZOO_DISABLE_PLUGINS")
        assert "names 'zoo-misspelt', which no plugin is called" in row["message"]

    def test_a_requirement_of_the_registry_that_is_not_met_is_an_error(self, rows, zoo_root):
        (zoo_root / "registry.toml").write_text(
            'format = 1\n[[plugins]]\nname = "zoo-diagnostics"\nrequires = ">=99"\n'
        )
        (row,) = of(rows(status=5), "registry", "requirements")
        assert row["message"].startswith("the zoo requires zoo-diagnostics>=99; 0.")
        assert row["remedy"] == "pip install --upgrade 'zoo-diagnostics>=99'"

    def test_a_plugin_that_only_versions_are_made_of_is_a_warning_said_once(
        self, rows, zoo_root, cli
    ):
        for _ in range(2):
            publish(zoo_root, a_candidate(plugins={"zoo-extra": "1.0"}))
        (row,) = of(rows(), "registry", "versions")
        assert row["result"] == "warning"
        assert row["message"].endswith("is made of zoo-extra, which is not installed")
        assert row["remedy"] == "pip install 'zoo-extra==1.0'"
        problems = cli("verify", "--json", status=5).document["problems"]
        assert [problem["code"] for problem in problems] == ["plugin-missing"] * 2


class TestRegistry:
    """The registry, models and weights."""

    def test_without_a_zoo_it_says_how_to_make_one(self, rows, tmp_path, monkeypatch):
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        (row,) = of(rows(), "registry", "registry.toml")
        assert (row["result"], row["remedy"]) == ("ok", "zoo new zoo DIR makes one")

    def test_a_folder_that_was_named_and_is_no_zoo_is_an_error(self, rows, tmp_path):
        (row,) = of(rows("--zoo", tmp_path, status=3), "registry", "folder")
        assert row["message"].endswith("has no registry.toml")

    def test_an_edit_by_hand_is_an_error_that_says_how_to_accept_it(
        self, rows, published, zoo_root, cli
    ):
        file = zoo_root / "registry.toml"
        file.write_text(file.read_text().replace('"stable"', '"deprecated"', 1))
        if '"deprecated"' not in file.read_text():
            file.write_text(file.read_text() + 'status = "deprecated"\n')
        (row,) = of(rows(status=3), "registry", "registry.toml")
        assert "was edited by hand" in row["message"]
        assert "`zoo verify --accept-edits`" in row["remedy"]
        cli("verify", "--accept-edits")
        assert of(rows(), "registry", "registry.toml")[0]["result"] == "ok"

    def test_a_file_that_is_cut_off_is_an_error(self, rows, zoo_root):
        file = zoo_root / "registry.toml"
        file.write_text("format = 1\n[[mod")
        (row,) = of(rows(status=3), "registry", "registry.toml")
        assert row["result"] == "error"
        assert row["message"].startswith(f"{file}:2: this is not TOML: ")
        assert row["remedy"].startswith(
            "restore it from version control, or check the edit and accept"
        )

    def test_a_model_without_its_config_is_an_error(self, rows, cli, zoo_root):
        cli("new", "model", "mine")
        (zoo_root / "models" / "mine.toml").unlink()
        found = rows(status=4)
        (row,) = of(found, "registry", "model mine")
        assert "there is no file" in row["message"]
        assert of(found, "registry", "models")[0]["message"] == "0 of 1 have a config"

    def test_weights_that_are_missing_or_of_another_size_are_errors(
        self, rows, published, zoo_root
    ):
        (weights,) = (zoo_root / "weights").rglob("*.safetensors")
        whole = weights.read_bytes()
        weights.write_bytes(whole[:-1])
        (row,) = of(rows(status=3), "registry", "tiny@1.0.0")
        assert row["message"].endswith(
            f"has {len(whole) - 1:,} bytes; {len(whole):,} were published"
        )
        assert row["remedy"].startswith("restore it from version control")
        weights.unlink()
        (row,) = of(rows(status=3), "registry", "tiny@1.0.0")
        assert row["message"].endswith("No such file or directory")

    def test_a_flipped_bit_is_found_by_full_alone(self, rows, published, zoo_root):
        (weights,) = (zoo_root / "weights").rglob("*.safetensors")
        data = bytearray(weights.read_bytes())
        data[-1] ^= 1
        weights.write_bytes(data)
        (row,) = of(rows(), "registry", "weights")
        assert row["message"] == "1 versions: sizes agree; hashes were not read"
        assert "zoo doctor --full" in row["remedy"]
        (row,) = of(rows("--full", status=3), "registry", "weights")
        assert "is not the file that was published" in row["message"]

    def test_full_agrees_where_all_is_well(self, rows, published):
        (row,) = of(rows("--full"), "registry", "weights")
        assert row["message"] == "1 versions: hashes agree"


class TestCacheAndLeftovers:
    """What is kept, and what was left behind."""

    def test_the_cache_says_where_and_how_large(self, rows, cli, tmp_path):
        cli("show", "Dense")
        (row,) = of(rows(), "cache", "folder")
        assert row["message"].startswith(str(tmp_path / "cache"))
        assert row["result"] == "ok"

    def test_a_cache_that_cannot_be_written_is_a_warning(self, rows, tmp_path, monkeypatch):
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path / "file" / "cache"))
        (row,) = of(rows(), "cache", "folder")
        assert (row["result"], row["message"][-14:]) == ("warning", ", not writable")
        assert "ZOO_CACHE_DIR" in row["remedy"]

    def test_old_temporary_files_are_told_and_new_ones_are_not(self, rows, zoo_root):
        old, new = (zoo_root / f".registry.toml.{end}" for end in ("abcd_123", "zyxw9876"))
        for path in (old, new):
            path.write_text("")
        make_old(old)
        (row,) = of(rows(), "leftovers", "temporary file")
        assert (row["result"], row["remedy"]) == ("warning", "zoo gc --delete")
        assert row["message"].startswith(f"{old} was left")

    def test_weights_that_no_entry_lists_are_told(self, rows, published, zoo_root):
        orphan = zoo_root / "weights" / "tiny" / "1.1.0.safetensors"
        orphan.write_bytes(b"")
        make_old(orphan)
        (row,) = of(rows(), "leftovers", "weights")
        assert row["message"] == f"{orphan} is not listed: a publish was killed before it was"

    def test_a_registry_that_is_being_changed_is_told(self, rows, zoo_root):
        with FileLock(zoo_root / ".registry.lock"):
            (row,) = of(rows(), "leftovers", "lock")
        assert "another process is changing the registry" in row["message"]

    @pytest.mark.usefixtures("no_run_report", "published")
    def test_runs_that_can_be_resumed_are_told_with_the_command(self, rows, cli, zoo_root):
        (run,) = (zoo_root / "runs/tiny").iterdir()
        assert wrong(rows()) == []
        config = run / "config.toml"
        for done, status, how in ((2, "stopped", "was stopped"), (3, "running", "was killed")):
            longer = config.read_text().replace(f"epochs = {done}", f"epochs = {done + 1}")
            config.write_text(longer)
            facts = json.loads((run / "run.json").read_text())
            facts |= {"status": status, "planned": done + 1}
            (run / "run.json").write_text(json.dumps(facts))
            (row,) = of(rows(), "leftovers", "run")
            assert row["message"] == f"{run} {how} and can be resumed"
            assert row["remedy"] == f"zoo train {config} --resume --run {run}"
            cli(*row["remedy"].split()[1:], "--quiet")
            assert of(rows(), "leftovers", "run") == []

    def test_a_run_whose_facts_are_garbled_is_told(self, rows, zoo_root):
        run = zoo_root / "runs" / "tiny" / "1"
        run.mkdir(parents=True)
        (run / "run.json").write_text("{")
        (row,) = of(rows(), "leftovers", "run")
        assert "run.json is damaged" in row["message"]


def test_a_person_sees_what_is_wrong_with_its_remedy(cli, make_distribution):
    make_distribution("zoo-gone", {"zoo.layers": {"Gone": "no_such_module:Gone"}})
    said = cli("doctor", status=5).out
    assert "broken: Gone: there is no module no_such_module" in said
    assert "-> zoo plugin check zoo-gone" in said
    assert "1 error, 0 warnings" in said


def test_the_worst_of_several_errors_decides_the_exit_status():
    def error(status):
        return Row("a", "b", "error", "c", exit_status=status)

    fine = [Row("a", "b", "ok", "c"), Row("a", "b", "warning", "c", exit_status=3)]
    assert exit_status(fine) == 0
    assert exit_status([*fine, error(5)]) == 5
    assert exit_status([error(5), error(4), *fine]) == 4
    assert exit_status([error(5), error(3), error(4)]) == 3
