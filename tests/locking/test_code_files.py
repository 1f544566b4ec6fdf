"""Which files are a distribution's code, however it is installed."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.locking.code_files import MISSING, code_files, is_editable

Make = Callable[..., Path]

MODULES = {
    "waves/__init__.py": "",
    "waves/losses.py": "swell = 1\n",
    "waves/data/table.bin": "a\r\nb",
    "waves_help.py": "x = 1\n",
}


def record(site: Path, *names: str) -> None:
    (site / "zoo_waves-1.0.dist-info" / "RECORD").write_text(
        "".join(f"{name},sha256=stale,1\n" for name in names)
    )


@pytest.fixture
def site(make_distribution: Make) -> Path:
    return make_distribution("zoo-waves", {"zoo.losses": {"s": "waves.losses:swell"}}, MODULES)


def test_a_hash_is_that_of_the_file_as_it_is_now(site: Path) -> None:
    files = code_files("zoo-waves", ["waves.losses"])
    assert files["waves/losses.py"] == hashlib.sha256(b"swell = 1\n").hexdigest()
    (site / "waves/losses.py").write_text("swell = 2\n")
    files = code_files("zoo-waves", ["waves.losses"])
    assert files["waves/losses.py"] == hashlib.sha256(b"swell = 2\n").hexdigest()


def test_the_bytes_of_what_is_not_text_count_as_they_are(site: Path) -> None:
    (site / "waves/data/table.bin").write_bytes(b"a\r\nb")
    before = code_files("zoo-waves", ["waves"])
    assert before["waves/data/table.bin"] == hashlib.sha256(b"a\r\nb").hexdigest()


def test_what_is_recorded_counts_beside_the_packages_of_the_entry_points(site: Path) -> None:
    (site / "waves/new.py").write_text("")  # recorded nowhere, and found by an import
    record(
        site,
        "waves_help.py",
        "waves/losses.py",
        "waves/gone.py",
        "waves/__pycache__/losses.cpython-311.pyc",
        "zoo_waves-1.0.dist-info/METADATA",
        "../../bin/waves",
        "/etc/hostname",
    )
    files = code_files("zoo-waves", ["waves.losses"])
    assert sorted(files) == [
        "waves/__init__.py",
        "waves/data/table.bin",
        "waves/gone.py",
        "waves/losses.py",
        "waves/new.py",
        "waves_help.py",
    ]
    assert files["waves/gone.py"] == MISSING


def test_a_record_in_another_order_is_the_same(site: Path) -> None:
    record(site, "waves_help.py", "waves/losses.py")
    first = code_files("zoo-waves", ["waves", "waves.losses"])
    record(site, "waves/losses.py", "waves_help.py")
    again = code_files("zoo-waves", ["waves.losses", "waves"])
    assert list(again.items()) == list(first.items())


def test_of_an_editable_one_the_packages_of_its_entry_points_count(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = code_files("zoo-waves", ["waves.losses"])
    info = site / "zoo_waves-1.0.dist-info"
    direct = {"url": f"file://{tmp_path}/project", "dir_info": {"editable": True}}
    (info / "direct_url.json").write_text(json.dumps(direct))
    (site / "_editable_impl_zoo_waves.pth").write_text(f"{tmp_path}/project/src")
    record(site, "_editable_impl_zoo_waves.pth", "zoo_waves-1.0.dist-info/METADATA")
    shutil.move(site / "waves", tmp_path / "project/src/waves")
    monkeypatch.syspath_prepend(tmp_path / "project/src")
    assert is_editable("zoo-waves")
    assert code_files("zoo-waves", ["waves.losses"]) == plain


@pytest.mark.parametrize("text", ["", "{", "[]", '{"dir_info": 3}', '{"url": "x", "dir_info": {}}'])
def test_what_says_nothing_of_it_is_not_editable(site: Path, text: str) -> None:
    (site / "zoo_waves-1.0.dist-info" / "direct_url.json").write_text(text)
    assert not is_editable("zoo-waves")


def test_a_folder_that_several_distributions_share_is_not_taken_whole(
    make_distribution: Make,
) -> None:
    modules = {
        "sea/waves/__init__.py": "",
        "sea/waves/losses.py": "",
        "sea/shore.py": "",
        "sea/other/__init__.py": "",
    }
    make_distribution("zoo-waves", "", modules)
    assert sorted(code_files("zoo-waves", ["sea.waves.losses"])) == [
        "sea/waves/__init__.py",
        "sea/waves/losses.py",
    ]
    assert sorted(code_files("zoo-waves", ["sea.shore"])) == ["sea/shore.py"]


def test_a_single_module_is_its_own_file(site: Path) -> None:
    assert list(code_files("zoo-waves", ["waves_help"])) == ["waves_help.py"]


def test_what_is_locked_by_its_version_and_what_is_not_there_have_no_files(site: Path) -> None:
    modules = ["keras.layers", "numpy.linalg", "json", "sys", "no_such_module.inner"]
    assert code_files("zoo-waves", modules) == {}


def test_a_distribution_that_is_not_there_has_what_its_modules_say() -> None:
    assert code_files("zoo-nowhere", []) == {}
    assert not is_editable("zoo-nowhere")


def test_a_link_to_itself_and_what_is_no_file_are_passed_over(site: Path) -> None:
    (site / "waves/again").symlink_to(site / "waves")
    (site / "waves/nothing.py").symlink_to(site / "no_such_file")
    files = code_files("zoo-waves", ["waves"])
    assert sorted(files) == ["waves/__init__.py", "waves/data/table.bin", "waves/losses.py"]
