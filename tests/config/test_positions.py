"""Every key and value of a config is found where it stands, and findings point there."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

import zoo
from zoo.config.positions import places

SAMPLES = Path(__file__).parents[1] / "samples"
TOMLS = sorted(
    path
    for path in SAMPLES.rglob("*.toml")
    if path.stem not in ("syntax", "syntax-twice", "unquoted")
)

TRICKY = """\
# a comment with = and [brackets]
a.b."c d" = 'x # not a comment' # a comment
numbers = [ 1, -2.5, 1_000,
  # between
  0x1F, 1979-05-27T07:32:00Z ,
]
text = \"\"\"one
two = 3 ] }\"\"\"
empty = []
nothing = {}
inline = { type = "T", list = [ { deep = true }, [1, [2]] ], "quoted key" = 'v' }

[[rows]]
name = "first"
[rows.inner]
k = 1
[[rows]]
name = "second"
[[rows.children]]
c = "}"
[rows.inner]
k = 2
"""


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> dict[tuple[str | int, ...], Any]:
    """Every value below the root that is written after an equals sign or in an array."""
    found: dict[tuple[str | int, ...], Any] = {}
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        if not isinstance(item, dict | list):
            found[(*path, key)] = item
        else:
            found |= leaves(item, (*path, key))
    return found


@pytest.mark.parametrize(
    "text",
    [path.read_text() for path in TOMLS] + [TRICKY],
    ids=[p.stem for p in TOMLS] + ["tricky"],
)
def test_the_text_at_a_place_parses_to_the_value_that_stands_there(text: str) -> None:
    found = places(text)
    for path, value in leaves(tomllib.loads(text)).items():
        span = found[path].value
        again = tomllib.loads(f"value = {text[span.start : span.end]}")["value"]
        assert again == value or value != value, path


def test_a_table_with_a_header_stands_at_its_header() -> None:
    span = places(TRICKY)[("rows", 1, "inner")].key
    assert TRICKY[span.start : span.end] == "[rows.inner]"
    assert TRICKY.count("\n", 0, span.start) == TRICKY[: TRICKY.rindex("[rows.inner]")].count("\n")


def test_a_key_spans_its_own_text() -> None:
    span = places(TRICKY)[("a", "b", "c d")].key
    assert TRICKY[span.start : span.end] == 'a.b."c d"'


PARENT = """\
zoo = 1
name = "parent"

[[inputs]]
name = "x"
shape = [4]

[[layers]]
name = "first"
type = "Dence"
units = 2

[loss]
type = "mse"
"""


def test_a_value_from_a_parent_is_pointed_at_in_the_parent(zoo_root: Path) -> None:
    (zoo_root / "parent.toml").write_text(PARENT)
    (zoo_root / "child.toml").write_text('extends = "parent.toml"\nzoo = 1\nname = "child"\n')
    [finding] = zoo.check("child.toml")
    assert finding.file == str(zoo_root / "parent.toml")
    assert (finding.line, finding.column) == (10, 8)
    assert finding.excerpt == 'type = "Dence"'
    assert finding.width == len('"Dence"')


def test_a_child_that_says_the_value_itself_is_pointed_at(zoo_root: Path) -> None:
    (zoo_root / "parent.toml").write_text(PARENT.replace("Dence", "Dense"))
    (zoo_root / "child.toml").write_text(
        'extends = "parent.toml"\nzoo = 1\nname = "child"\n[loss]\n\ttype = "mes"\n'
    )
    [finding] = zoo.check("child.toml")
    assert (finding.file, finding.line) == (str(zoo_root / "child.toml"), 5)
    assert str(finding).splitlines()[-1] == '  | \t       ^^^^^ did you mean "mse"? (zoo 0.1.0)'


def test_a_value_from_the_command_line_has_the_place_of_its_option(zoo_root: Path) -> None:
    (zoo_root / "m.toml").write_text(PARENT.replace("Dence", "Dense"))
    [finding] = zoo.check("m.toml", {"train.epochs": 0})
    assert (finding.file, finding.line, finding.key) == ("--set", None, "train.epochs")


def test_a_variable_is_pointed_at_where_it_is_used(zoo_root: Path) -> None:
    text = PARENT.replace("Dence", "Dense").replace("shape = [4]", 'shape = ["${vars.n}"]')
    (zoo_root / "m.toml").write_text(f"{text}[vars]\nn = -1\n")
    [finding] = zoo.check("m.toml")
    assert (finding.line, finding.column) == (6, 10)


def test_a_right_config_costs_no_second_look(
    zoo_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (zoo_root / "m.toml").write_text(PARENT.replace("Dence", "Dense"))
    monkeypatch.setattr("zoo.config.texts.places", None)
    assert zoo.check("m.toml") == []


def test_an_error_of_the_build_is_pointed_at_too(zoo_root: Path) -> None:
    (zoo_root / "m.toml").write_text(PARENT.replace("Dence", "Dense").replace("units", "unit"))
    with pytest.raises(zoo.ConfigError) as caught:
        zoo.build("m.toml")
    (unknown,) = caught.value.findings
    assert (unknown.code, unknown.line, unknown.column) == ("unknown-argument", 11, 1)
    assert unknown.suggestion == 'did you mean "units"?'


def test_a_key_with_escapes_and_the_tables_that_a_longer_key_implies_have_a_place() -> None:
    text = '"\\u0061ctive" = 1\nouter.inner = 2\n[far.near]\nk = 3\n[[many.rows]]\nk = 4\n'
    found = places(text)
    for path, meant in {
        ("active",): '"\\u0061ctive"',
        ("outer",): "outer.inner",
        ("far",): "[far.near]",
        ("many",): "[[many.rows]]",
        ("many", "rows"): "[[many.rows]]",
    }.items():
        span = found[path].key
        assert text[span.start : span.end] == meant


def test_a_misspelt_table_is_pointed_at_in_a_dotted_key_or_a_longer_header(zoo_root: Path) -> None:
    text = PARENT.replace("Dence", "Dense")
    (zoo_root / "m.toml").write_text(f"trian.epochs = 3\n{text}[optimiser.learning_rate]\nk = 1\n")
    assert [(f.key, f.line, f.column) for f in zoo.check("m.toml")] == [
        ("trian", 1, 1),
        ("optimiser", 16, 1),
    ]


def test_findings_come_in_the_order_of_the_files_and_their_lines(zoo_root: Path) -> None:
    (zoo_root / "parent.toml").write_text(PARENT.replace("[4]", '["4"]'))
    (zoo_root / "child.toml").write_text(
        'loss = "mes"\nextends = "parent.toml"\nzoo = 1\nname = "A B"\n[train]\nepochs = 0\n'
    )
    found = zoo.check("child.toml", {"train.seed": -1})
    assert [(Path(f.file or "").name, f.line) for f in found] == [
        ("child.toml", 1),
        ("child.toml", 4),
        ("child.toml", 6),
        ("parent.toml", 6),
        ("parent.toml", 10),
        ("--set", None),
    ]


@pytest.mark.parametrize(
    ("overrides", "key"),
    [
        ({"train": {"epochs": "x"}}, "train.epochs"),
        ({"loss": "mes"}, "loss.type"),
        ({"layers.0.units": 0}, "layers.first.units"),
        ({"layers.first.kernel_regularizer": {"type": "L2", "l3": 1}}, "l3"),
        ({"trian.epochs": 3}, "trian"),
        ({"outputs": ["q"]}, "outputs.0"),
    ],
    ids=str,
)
def test_what_stands_in_a_value_of_set_has_that_place_too(
    zoo_root: Path, overrides: dict[str, Any], key: str
) -> None:
    (zoo_root / "m.toml").write_text(PARENT.replace("Dence", "Dense"))
    (finding,) = zoo.check("m.toml", overrides)
    assert (finding.file, finding.line) == ("--set", None)
    assert str(finding.key).endswith(key)


def test_what_set_does_not_touch_keeps_its_place(zoo_root: Path) -> None:
    (zoo_root / "m.toml").write_text(PARENT)
    found = zoo.check("m.toml", {"layers.0.units": 0, "layers.0.name": "other", "loss": "mes"})
    assert [(f.file == "--set", f.code) for f in found] == [
        (False, "unknown-component"),
        (True, "unknown-component"),
    ]


@pytest.mark.parametrize(
    ("overrides", "hint"),
    [({}, "n is set in parent.toml, line 16"), ({"vars.n": "x"}, "n is set by --set vars.n")],
    ids=str,
)
def test_a_wrong_variable_is_named_with_the_line_that_sets_it(
    zoo_root: Path, overrides: dict[str, Any], hint: str
) -> None:
    parent = PARENT.replace("Dence", "Dense")
    (zoo_root / "parent.toml").write_text(f'{parent}[vars]\nn = "four"\nm = 3\n')
    child = 'extends = "parent.toml"\nzoo = 1\nname = "child"\n'
    (zoo_root / "child.toml").write_text(
        f'{child}[[layers]]\nname = "first"\nunits = "${{vars.n}}"\n'
    )
    (finding,) = zoo.check("child.toml", overrides)
    assert (finding.line, finding.column, finding.suggestion) == (6, 9, hint)


def test_what_composing_finds_hides_nothing_else(zoo_root: Path) -> None:
    (zoo_root / "parent.toml").write_text(PARENT.replace("Dence", "Dense"))
    (zoo_root / "child.toml").write_text(
        'extends = "parent.toml"\nzoo = 1\nname = "child"\nunset = ["loss", "layers.lsat"]\n'
        '[[layers]]\nname = "last"\ntype = "Dense"\nunits = 1\nafter = "frist"\n'
        "[train]\nepochs = 0\n"
    )
    found = zoo.check("child.toml", {"layers.sceond.units": 3})
    assert [(f.code, f.key, f.line, f.column) for f in found] == [
        ("unknown-node", "unset.1", 4, 18),
        ("unknown-node", "layers.last.after", 9, 9),
        ("bad-value", "train.epochs", 11, 10),
        ("unknown-node", "layers.sceond.units", None, None),
    ]
    assert [f.suggestion for f in found[:2]] == ["there is: first", 'did you mean "first"?']


def test_a_file_that_is_not_there_is_pointed_at_where_it_is_named(zoo_root: Path) -> None:
    (zoo_root / "parent.toml").write_text(PARENT.replace("Dence", "Dense"))
    (zoo_root / "child.toml").write_text(
        'zoo = 1\nname = "child"\nextends = [\n  "parent.toml",\n  "nowhere.toml",\n]\n'
    )
    (finding,) = zoo.check("child.toml")
    assert (finding.code, finding.line, finding.column) == ("storage", 5, 3)
    assert finding.message == f"there is no file {zoo_root / 'nowhere.toml'}"
