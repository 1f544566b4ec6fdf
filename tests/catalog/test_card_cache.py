"""Kept cards: read from the source once, and never wrong whatever becomes of the cache."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from zoo.cache import cache_folder, stamps
from zoo.catalog import card_cache, card_making
from zoo.catalog.card_cache import Cards
from zoo.components import Component
from zoo.digest import sha256

Make = Callable[..., Path]

MODULE = "from base_mod import Base\nclass X(Base):\n    def __init__(self, {}): ...\n"
X = Component("layers", "X", "zoo-extra", "1.0", "extra_mod:X")


def write(file: Path, source: str, age: float = 3600.0) -> None:
    """Writes a source that was not changed just now."""
    file.write_text(source)
    then = time.time() - age
    os.utime(file, (then, then))


@pytest.fixture
def site(make_distribution: Make) -> Path:
    folder = make_distribution("zoo-extra", "", {"extra_mod.py": "", "base_mod.py": ""})
    write(folder / "extra_mod.py", MODULE.format("a"))
    write(folder / "base_mod.py", "class Base: ...\n")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cards"


def names(folder: Path, component: Component = X) -> list[str]:
    """What a fresh process would find."""
    return [argument.name for argument in Cards(folder).of(component).arguments]


@pytest.fixture
def kept(site: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a card that was kept; another one cannot be made."""
    assert names(folder) == ["a"]
    (file,) = folder.iterdir()
    return file


def never(*_: object) -> None:
    raise AssertionError("a card was made anew")


def test_a_kept_card_is_used_without_a_look_at_the_source(
    kept: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(card_making, "make_card", never)
    assert names(folder) == ["a"]


def test_a_card_is_kept_once_and_given_again_in_one_process(
    site: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards = Cards(folder)
    first = cards.of(X)
    monkeypatch.setattr(card_making, "make_card", never)
    assert cards.of(X) is first


def test_an_edited_source_is_noticed(kept: Path, site: Path, folder: Path) -> None:
    write(site / "extra_mod.py", MODULE.format("b"), age=60.0)
    assert names(folder) == ["b"]
    assert len(list(folder.iterdir())) == 1


def test_an_edited_base_in_another_file_is_noticed(kept: Path, site: Path, folder: Path) -> None:
    write(site / "extra_mod.py", "from base_mod import Base\nclass X(Base): ...\n", age=60.0)
    assert names(folder) == []
    write(site / "base_mod.py", "class Base:\n    def __init__(self, c): ...\n", age=60.0)
    assert names(folder) == ["c"]


def test_a_source_that_is_gone_is_noticed(kept: Path, site: Path, folder: Path) -> None:
    (site / "extra_mod.py").unlink()
    assert "there is no source of extra_mod" in Cards(folder).of(X).unknown


def test_a_source_that_vanishes_between_two_looks_is_no_obstacle(
    kept: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(card_cache, "module_file", lambda name: Path("gone") / name)
    assert names(folder) == ["a"]


def test_a_module_that_was_not_there_before_is_noticed(site: Path, folder: Path) -> None:
    source = "try:\n    from new_mod import X\nexcept ImportError:\n    class X:\n"
    write(site / "extra_mod.py", source + "        def __init__(self, old): ...\n")
    assert names(folder) == ["old"]
    write(site / "new_mod.py", "class X:\n    def __init__(self, new): ...\n")
    assert names(folder) == ["new"]


def test_the_same_module_elsewhere_is_noticed(
    kept: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    write(other / "extra_mod.py", "class X:\n    def __init__(self, elsewhere): ...\n")
    monkeypatch.syspath_prepend(other)
    assert names(folder) == ["elsewhere"]


def test_another_version_of_the_distribution_makes_another_card(kept: Path, folder: Path) -> None:
    before = kept.read_bytes()
    assert names(folder, replace(X, version="2.0")) == ["a"]
    assert kept.read_bytes() != before


def test_another_way_of_making_cards_makes_another_card(
    kept: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = kept.read_bytes()
    monkeypatch.setattr(card_cache, "_OWN_STAMPS", [["cards.py", 1, 2]])
    assert names(folder) == ["a"]
    assert kept.read_bytes() != before


def test_what_was_changed_just_now_is_not_kept_for_it_may_change_again(
    site: Path, folder: Path
) -> None:
    write(site / "extra_mod.py", MODULE.format("b"), age=0.0)
    assert names(folder) == ["b"]
    assert not folder.exists()


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "cut": lambda data: data[: len(data) // 2],
    "cut at the digest": lambda data: data[:40],
    "noise": lambda data: os.urandom(len(data)),
    "one letter": lambda data: data.replace(b'"name": "a"', b'"name": "z"'),
    "zeros": lambda data: bytes(len(data)),
    "nested": lambda data: b"[" * 100_000,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_made_anew(kept: Path, folder: Path, damage: str) -> None:
    whole = kept.read_bytes()
    kept.write_bytes(DAMAGE[damage](whole))
    assert kept.read_bytes() != whole
    assert names(folder) == ["a"]
    assert kept.read_bytes() == whole


FORMS = ["[]", "{}", "null", '{"made_by": 1}', '{"made_by": [], "read_from": 3, "card": {}}']


@pytest.mark.parametrize("text", FORMS)
def test_a_file_of_another_form_is_made_anew(kept: Path, folder: Path, text: str) -> None:
    kept.write_bytes(sha256(text.encode()).encode() + b"\n" + text.encode())
    assert names(folder) == ["a"]


@pytest.mark.parametrize("part", ["arguments", "call", "more"])
def test_a_card_of_another_form_is_made_anew(kept: Path, folder: Path, part: str) -> None:
    data = json.loads(kept.read_bytes().partition(b"\n")[2])
    if part == "more":
        data["card"]["more"] = 1
    else:
        del data["card"][part]
    text = json.dumps(data).encode()
    kept.write_bytes(sha256(text).encode() + b"\n" + text)
    assert names(folder) == ["a"]
    assert json.loads(kept.read_bytes().partition(b"\n")[2]) != data


def test_a_folder_where_the_file_should_be_is_no_obstacle(kept: Path, folder: Path) -> None:
    kept.unlink()
    kept.mkdir()
    assert names(folder) == ["a"]
    assert [file.name for file in folder.iterdir()] == [kept.name]


def test_a_cache_that_cannot_be_written_is_no_obstacle(site: Path, tmp_path: Path) -> None:
    file = tmp_path / "no-folder"
    file.write_text("")
    assert names(file / "cards") == ["a"]


def test_a_read_only_cache_is_read_and_left_alone(
    kept: Path, site: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refuse)  # a superuser may write anywhere
    write(site / "extra_mod.py", MODULE.format("b"), age=60.0)
    assert names(folder) == ["b"]
    assert "a" in kept.read_text()


def test_a_full_disk_leaves_no_litter(
    site: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    assert names(folder) == ["a"]
    assert list(folder.iterdir()) == []


def test_cards_lie_below_the_users_cache_or_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path))
    assert Cards().folder == tmp_path / "cards"
    monkeypatch.delenv("ZOO_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setattr("sys.platform", "linux")
    assert cache_folder().name == "zoo"


PROGRAM = """
import sys
from pathlib import Path
from zoo.catalog.card_cache import Cards
from zoo.components import Component
cards = Cards(Path(sys.argv[1]))
for name in "ABCDEFGH":
    card = cards.of(Component("layers", name, "zoo-extra", "1.0", f"many_mod:{name}"))
    assert [argument.name for argument in card.arguments] == [name.lower()], card
"""


def test_processes_that_make_the_same_cards_at_once_do_not_disturb_each_other(
    site: Path, folder: Path
) -> None:
    classes = [f"class {n}:\n    def __init__(self, {n.lower()}): ...\n" for n in "ABCDEFGH"]
    write(site / "many_mod.py", "".join(classes))
    command = [sys.executable, "-c", PROGRAM, str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(site)}
    running = [subprocess.Popen(command, env=environment) for _ in range(4)]
    assert [process.wait() for process in running] == [0] * 4
    assert len(list(folder.iterdir())) == 8


def test_code_is_stamped_by_the_name_time_and_size_of_each_of_its_files(tmp_path: Path) -> None:
    for name in ("b.py", "a.py", "notes.txt"):
        (tmp_path / name).write_text(name)
        os.utime(tmp_path / name, ns=(0, 7))
    assert stamps(tmp_path) == [["a.py", 7, 4], ["b.py", 7, 4]]
