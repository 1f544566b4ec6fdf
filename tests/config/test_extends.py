"""`extends`: which files and models a config may build on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.config.parents import child, names
from zoo.config.compose import MAX_EXTENDS, Source, compose
from zoo.errors import ConfigError, Finding, RegistryError, StorageError

Write = Callable[..., Path]
Compose = Callable[..., dict[str, Any]]
Refused = Callable[..., Finding]

BASE = """
zoo = 1
name = "base"
[[layers]]
name = "first"
type = "Dense"
[[layers]]
name = "last"
type = "Dense"
"""


@pytest.fixture
def base(write_config: Write) -> Path:
    return write_config(BASE, "base.toml")


def test_of_several_parents_the_later_one_wins(
    composed: Compose, base: Path, write_config: Write
) -> None:
    write_config("[train]\nepochs = 20\nseed = 1\n", "long.toml")
    document = composed(child("[train]\nseed = 2\n", '["base.toml", "long.toml"]'))
    assert (document["train"]["epochs"], document["train"]["seed"]) == (20, 2)


def test_an_empty_list_of_parents_is_none(composed: Compose) -> None:
    assert composed("extends = []\nname = 'alone'\n") == {"name": "alone"}


def test_a_parent_may_have_parents_and_be_one_twice(
    composed: Compose, base: Path, write_config: Write
) -> None:
    write_config(child("[train]\nepochs = 11\n"), "left.toml")
    write_config(child("[train]\nseed = 5\n"), "right.toml")
    document = composed(child("", '["left.toml", "right.toml"]'))
    assert names(document) == ["first", "last"]
    assert document["train"]["seed"] == 5


def test_a_path_of_extends_is_relative_to_the_file_that_has_it(
    composed: Compose, base: Path, write_config: Write
) -> None:
    write_config(child("", '"../base.toml"'), "deep/left.toml")
    assert composed(child("", '"deep/left.toml"'))["name"] == "base"


def test_a_path_of_a_parent_means_the_same_file_wherever_one_stands(
    composed: Compose, write_config: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config('name = "base"\n[data]\ntype = "npz"\npath = "x.npz"\n', "deep/base.toml")
    monkeypatch.chdir(tmp_path)
    assert composed(child("", '"deep/base.toml"'))["data"]["path"] == "deep/x.npz"


def test_variables_in_a_circle_are_said_of_the_file(refused: Refused, zoo_root: Path) -> None:
    finding = refused('name = "x"\n[vars]\na = "${vars.a}"\n')
    assert (finding.code, finding.file) == ("cycle", str(zoo_root / "model.toml"))


def test_configs_that_extend_each_other_are_named(refused: Refused, write_config: Write) -> None:
    write_config(child("", '"b.toml"'), "a.toml")
    write_config(child("", '"a.toml"'), "b.toml")
    finding = refused(child("", '"a.toml"'))
    assert (finding.code, finding.key) == ("cycle", "extends")
    assert finding.message == "configs extend each other: a.toml -> b.toml -> a.toml"


def test_a_config_that_extends_itself_by_a_link_is_a_cycle(
    refused: Refused, zoo_root: Path
) -> None:
    (zoo_root / "me.toml").symlink_to(zoo_root / "model.toml")
    finding = refused(child("", '"me.toml"'))
    assert finding.message == "configs extend each other: model.toml -> model.toml"


def test_the_chain_of_parents_has_a_longest_length(composed: Compose, write_config: Write) -> None:
    for index in range(1, MAX_EXTENDS + 1):
        write_config(f'extends = "c{index + 1}.toml"\n', f"c{index}.toml")
    write_config("name = 'end'\n", f"c{MAX_EXTENDS}.toml")
    with pytest.raises(ConfigError, match=f"more than {MAX_EXTENDS} configs extend one another"):
        composed(child("", '"c1.toml"'))
    assert composed(child("", '"c2.toml"')) == {"name": "end"}


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("../base.toml", "it leads out of"),
        ("/base.toml", "it is absolute"),
        ("~/base.toml", "`~` is not expanded"),
        ("file:base.toml", "it has a scheme or a drive"),
        ("https://example.org/base.toml", "it has a scheme or a drive"),
        ("link/base.toml", "it leads out of"),
        ("", "it is empty or has control characters"),
    ],
)
def test_a_parent_outside_the_root_is_refused(
    refused: Refused, zoo_root: Path, path: str, reason: str
) -> None:
    (zoo_root / "link").symlink_to(zoo_root.parent)
    finding = refused(child("", f'"{path}"'))
    assert (finding.code, finding.key) == ("unsafe-path", "extends")
    assert finding.message.startswith(f"the path {path!r} is not accepted: {reason}")
    assert finding.file == str(zoo_root / "model.toml")


@pytest.mark.parametrize("value", ["3", "[3]", "{ path = 'base.toml' }"])
def test_extends_is_a_path_a_name_or_a_list(refused: Refused, value: str) -> None:
    finding = refused(child("", value))
    assert (finding.code, finding.key) == ("wrong-type", "extends")
    assert finding.message == "`extends` is a path, a model's name, or a list of them"


def test_a_missing_parent_is_named(composed: Compose, zoo_root: Path) -> None:
    with pytest.raises(StorageError, match=f"there is no file {zoo_root / 'gone.toml'}"):
        composed(child("", '"gone.toml"'))


def test_what_is_wrong_in_a_parent_is_said_of_the_parent(
    refused: Refused, write_config: Write
) -> None:
    path = write_config("a = = 1\n", "broken.toml")
    finding = refused(child("", '"broken.toml"'))
    assert (finding.code, finding.file, finding.line) == ("syntax", str(path), 1)


def test_a_parent_may_be_a_models_name(base: Path, write_config: Write) -> None:
    path = write_config(child("[train]\nseed = 3\n", '"some-model"'))
    asked: list[str] = []

    def find(name: str) -> Source:
        asked.append(name)
        return Source(base, base.parent)

    document = compose(Source(path, path.parent), {}, find).document
    assert asked == ["some-model"]
    assert document["train"]["seed"] == 3
    assert document["name"] == "base"


def test_a_models_name_that_is_unknown_is_the_registrys_error(composed: Compose) -> None:
    with pytest.raises(RegistryError, match="there is no model 'some-model'"):
        composed(child("", '"some-model"'))


def test_a_resolved_config_has_its_paths_from_the_root(tmp_path: Path) -> None:
    path = tmp_path / "weights" / "m.toml"
    assert Source(path, tmp_path).folder == tmp_path / "weights"
    assert Source(path, tmp_path, resolved=True).folder == tmp_path


def test_an_inherited_path_means_the_same_from_the_childs_folder(
    composed: Compose, write_config: Write
) -> None:
    write_config(
        '[vars]\nwhere = "b.npz"\n[data]\npath = "a.npz"\nfile = "${vars.where}"\n'
        'files = ["c", "../d", 3]\nvocabulary = ["the", "word"]\nlog_dir = "~/x"\n'
        '[[layers]]\nname = "a"\ntable = { filename = "e" }\n'
        '[[train.callbacks]]\ntype = "CSVLogger"\nfilename = "log.csv"\n',
        "deep/er/base.toml",
    )
    document = composed(child("", '"deep/er/base.toml"'))
    assert document["data"] == {
        "path": "deep/er/a.npz",
        "file": "b.npz",
        "files": ["deep/er/c", "deep/d", 3],
        "vocabulary": ["the", "word"],
        "log_dir": "~/x",
    }
    assert document["layers"][0]["table"] == {"filename": "deep/er/e"}
    assert document["train"]["callbacks"][0]["filename"] == "log.csv"


def test_a_path_that_leaves_the_parents_folder_for_the_outside_stays_outside(
    composed: Compose, write_config: Write
) -> None:
    write_config('[data]\npath = "../../a.npz"\n', "deep/base.toml")
    assert composed(child("", '"deep/base.toml"'))["data"]["path"] == "../a.npz"
