"""The pages whose blocks are marked are done as they stand, and print what they show."""

from pathlib import Path

import pytest

from tests.docs.blocks import PAGES, Block, is_run, lines_not_printed
from tests.docs.running import Reader, read_and_do

QUICK = {"plugins/diagnostics/README.md"}
"""What takes seconds, and only Keras; the others are minutes long together."""


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=[] if page in QUICK else [pytest.mark.slow])
        for page in PAGES
        if is_run(page)
    ],
)
def test_a_page_that_is_done_as_it_stands_prints_what_it_shows(page: str, tmp_path: Path) -> None:
    read_and_do(page, tmp_path, lean=page in QUICK)


PLUGIN = """
[build-system]
requires = ["hatchling>=1.26"]
build-backend = "hatchling.build"
[project]
name = "my-part"
version = "0.1.0"
[project.entry-points."zoo.losses"]
mine = "my_part:mine"
"""


def block(language: str, text: str, **marks: str) -> Block:
    return Block("page", 1, language, text, {word.replace("_", " "): marks[word] for word in marks})


def test_blocks_share_folder_installed_packages_and_python_session(tmp_path: Path) -> None:
    with Reader(tmp_path) as reader:
        reader.do(block("sh", "mkdir my-part\ncd my-part", run=""))
        reader.do(block("toml", PLUGIN, file="pyproject.toml"))
        reader.do(block("python", "def mine(y_true, y_pred):\n    return 7\n", file="my_part.py"))
        reader.do(block("python", "value = 6\nprint('begun')", run=""))
        reader.do(block("sh", "pip install -e .\nzoo list losses --match mine", run=""))
        reader.do(block("text", "... mine ... my-part ...\n", output=""))
        reader.do(block("python", "import my_part\nprint(my_part.mine(0, 0) * value)", run=""))
        reader.do(block("text", "42\n", output=""))
        reader.do(block("sh", "zoo check nowhere.toml", run="exit 4"))
        with pytest.raises(AssertionError, match="not printed"):
            reader.do(block("text", "all is well\n", output=""))
        with pytest.raises(AssertionError, match="page:1 ends with 1:\n(?s:.*)ZeroDivisionError"):
            reader.do(block("python", "1 / 0", run=""))


def test_a_config_is_changed_and_added_to(tmp_path: Path) -> None:
    with Reader(tmp_path) as reader:
        reader.do(block("toml", 'zoo = 1\n[loss]\ntype = "mse"\n', file="a.toml"))
        reader.do(block("toml", '[loss]\ntype = "mae"\n', change_in="a.toml"))
        reader.do(block("toml", "[train]\nepochs = 2\n", add_to="a.toml"))
        text = (reader.start / "a.toml").read_text()
        assert text == 'zoo = 1\n[loss]\ntype = "mae"\n\n[train]\nepochs = 2\n'
        with pytest.raises(AssertionError, match="no losses that could be changed"):
            reader.do(block("toml", "[losses]\n", change_in="a.toml"))


@pytest.mark.parametrize(
    ("shown", "missing"),
    [
        ("one\nthree\n", []),
        ("three\none\n", ["one"]),
        ("o...\n...\nt...e\n", []),
        ("two\nfour\n", ["four"]),
        ("tw\n", ["tw"]),
    ],
    ids=str,
)
def test_shown_lines_are_printed_whole_and_in_their_order(shown: str, missing: list[str]) -> None:
    assert lines_not_printed(shown, "one\ntwo  \nthree\n") == missing
