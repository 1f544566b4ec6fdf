"""The quick reading of `entry_points.txt`, held against the parser of `entrypoints`."""

import configparser
import os
import random
from pathlib import Path

import pytest
from entrypoints import CaseSensitiveConfigParser

from zoo.catalog.entry_points import _plain_sections, components_of
from zoo.components import Component

LINES = [
    "[zoo.layers]",
    "[zoo.losses]",
    "[console_scripts]",
    "[DEFAULT]",
    "[odd]tail",
    "[a[b]",
    "[]",
    "[zoo.layers ]",
    "A = x:A",
    "a=x.y:B.C",
    "B  =  x:B  ",
    "C = x:C [extra]",
    "D = x = y",
    "E: x",
    "F",
    "G =",
    "= x",
    "é = x:é",
    "# A = comment",
    "; B = comment",
    "   # indented comment",
    "  continued",
    "\tcontinued = too",
    "",
    "   ",
    "H = x:H # not a comment",
    "I = x:I\r",
    "J\u2028 = x:J",
    "K = x\x0b:K",
]


def parsed(text: str) -> dict[str, dict[str, str | None]] | None:
    """What the parser makes of a text; None for a fault."""
    parser = CaseSensitiveConfigParser(delimiters=("=",), interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error:
        return None
    return {name: dict(parser[name].items()) for name in parser.sections()}


def test_what_is_read_quickly_is_what_the_parser_reads() -> None:
    generator = random.Random(0)
    read = 0
    for _ in range(20_000):
        lines = generator.choices(LINES, k=generator.randint(1, 6))
        text = "\n".join(["[zoo.layers]", *lines] if generator.random() < 0.7 else lines)
        quick = _plain_sections(text)
        if quick is not None:
            read += 1
            assert quick == parsed(text), repr(text)
    assert read > 500


def test_a_file_as_tools_write_it_is_read_quickly() -> None:
    text = "[console_scripts]\nx = a:b\n\n[zoo.layers]\nDense = keras.layers:Dense\nA = b.c:D.E\n"
    assert _plain_sections(text) == parsed(text)


@pytest.mark.parametrize("name", ["pipe", "folder", "nothing"])
def test_what_is_no_regular_file_registers_nothing_and_is_not_waited_for(
    tmp_path: Path, name: str
) -> None:
    file = tmp_path / "entry_points.txt"
    if name == "pipe":
        os.mkfifo(file)
    elif name == "folder":
        file.mkdir()
    assert components_of(str(tmp_path), "zoo-extra", "1.0") == []


def test_kinds_come_in_their_order_whatever_the_files(tmp_path: Path) -> None:
    text = "[zoo.losses]\nl = x:l\n[zoo.layers]\nA = x:A\nB = x:B\n"
    (tmp_path / "entry_points.txt").write_text(text)
    assert components_of(str(tmp_path), "zoo-extra", "1.0") == [
        Component("layers", "A", "zoo-extra", "1.0", "x:A"),
        Component("layers", "B", "zoo-extra", "1.0", "x:B"),
        Component("losses", "l", "zoo-extra", "1.0", "x:l"),
    ]


def test_what_is_not_as_tools_write_it_is_read_by_the_parser_and_percents_stand_for_themselves(
    tmp_path: Path,
) -> None:
    text = "[zoo.layers]\nA = x:A\n  \nB = x:%(A)s\n[zoo.losses]\n  # Ours.\nl = y:l\n"
    (tmp_path / "entry_points.txt").write_text(text)
    found = components_of(str(tmp_path), "zoo-extra", "1.0")
    assert [(row.kind, row.name, row.target, row.status) for row in found] == [
        ("layers", "A", "x:A", "ok"),
        ("layers", "B", "x:%(A)s", "broken"),
        ("losses", "l", "y:l", "ok"),
    ]
    assert found[1].reason == "'x:%(A)s' is not of the form module:object"
