"""Every problem of a config that can be found without Keras; the samples show how it is worded."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import zoo
from zoo.checks import Checked
from zoo.errors import ConfigError, Finding, PluginError, StorageError
from zoo.workspace import Workspace

SAMPLES = Path(__file__).with_name("samples")
GOOD = sorted((SAMPLES / "good").glob("*.toml"))
BAD = sorted((SAMPLES / "bad").glob("*.toml"))

ANYTHING = '[[layers]]\ntype = "Anything"\n'

Check = Callable[..., Checked]
Tiny = Callable[..., str]


def worded(findings: list[Finding]) -> str:
    """The findings as a person sees them, files by their names alone."""
    short = [replace(f, file=Path(f.file).name if f.file else None) for f in findings]
    return "".join(f"{finding}\n" for finding in short).replace(zoo.__version__, "VERSION")


@pytest.mark.parametrize("sample", GOOD, ids=lambda path: path.stem)
def test_a_good_sample_has_no_findings(sample: Path, zoo_root: Path) -> None:
    shutil.copytree(sample.parent, zoo_root, dirs_exist_ok=True)
    assert worded(zoo.check(sample.name)) == ""


@pytest.fixture
def two_plugins(make_distribution: Callable[..., Path]) -> None:
    """Two plugins that register one name; a loss that asks for an input, and one of no module."""
    source = "def swell(y_true, y_pred): ...\ndef shallow_water(y_true, y_pred, depths): ...\n"
    losses = {"swell": "swell_mod:swell"}
    make_distribution("zoo-north", {"zoo.losses": losses}, {"swell_mod.py": source})
    losses |= {"shallow_water": "swell_mod:shallow_water", "sunk": "sunk_mod:sunk"}
    make_distribution("zoo-south", {"zoo.losses": losses})


@pytest.mark.usefixtures("two_plugins")
@pytest.mark.parametrize("sample", BAD, ids=lambda path: path.stem)
def test_a_bad_sample_is_refused_in_the_words_that_stand_beside_it(
    sample: Path, zoo_root: Path
) -> None:
    for folder in ("good", "bad"):
        shutil.copytree(SAMPLES / folder, zoo_root, dirs_exist_ok=True)
    registry = sample.with_suffix(".registry")
    if registry.exists():
        shutil.copy(registry, zoo_root / "registry.toml")
    expected = sample.with_suffix(".txt").read_text(encoding="utf-8")
    assert worded(zoo.check(sample.name)).replace(str(zoo_root), "ZOO") == expected


def test_a_config_of_another_zoo_says_which(
    zoo_root: Path, tmp_path: Path, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    (zoo_root / "models").mkdir()
    path = zoo_root / "models" / "m.toml"
    path.write_text(tiny("", '[data]\ntype = "npz"\npath = "../data.npz"\n'))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ZOO_ROOT", raising=False)
    (finding,) = zoo.check(path)
    assert (finding.code, finding.key) == ("unsafe-path", "data.path")
    assert finding.suggestion == f"this config is of another zoo: name that with --zoo {zoo_root}"
    assert zoo.check(path, zoo=zoo_root) == []


def test_an_unknown_key_hides_no_other_error(zoo_root: Path, tiny: Tiny) -> None:
    text = tiny('optimiser = "Adam"').replace('"Dense"', '"Dence"', 1)
    (zoo_root / "m.toml").write_text(text)
    codes = [finding.code for finding in zoo.check("m.toml")]
    assert codes == ["unknown-key", "unknown-component"]


def test_a_wrong_value_of_a_loss_does_not_hide_that_there_is_no_such_output(
    findings: Callable[..., list[Finding]], tiny: Tiny
) -> None:
    found = findings(tiny("", '[losses.lats]\ntype = "Huber"\ndelta = nan\n'))
    assert [(finding.code, finding.key) for finding in found] == [
        ("unknown-node", "losses.lats"),
        ("bad-value", "losses.lats.delta"),
    ]


@pytest.mark.parametrize(
    ("name", "suggestion"), [("lats", 'did you mean "last"?'), ("zzz", "there is: last")]
)
@pytest.mark.parametrize("place", ["losses", "loss_weights"])
def test_a_loss_of_no_output_says_which_there_are(
    findings: Callable[..., list[Finding]], tiny: Tiny, place: str, name: str, suggestion: str
) -> None:
    value = '"mse"' if place == "losses" else "2"
    (finding,) = findings(tiny("", f"[{place}]\n{name} = {value}\n"))
    assert (finding.code, finding.key) == ("unknown-node", f"{place}.{name}")
    assert finding.message == f"{place}: the model has no output {name!r}"
    assert finding.suggestion == suggestion


def test_every_bad_sample_has_its_words_and_all_words_their_sample() -> None:
    assert len(BAD) > 20
    assert {path.stem for path in BAD} == {path.stem for path in (SAMPLES / "bad").glob("*.txt")}


def test_a_value_of_another_type_in_a_list_is_one_error(checked: Check, tiny: Tiny) -> None:
    (finding,) = checked(tiny('outputs = ["last", 3]')).errors
    assert (finding.code, finding.key) == ("wrong-type", "outputs.1")


def test_a_key_of_the_config_below_a_table_is_said_to_stand_above(
    checked: Check, tiny: Tiny
) -> None:
    (finding,) = checked(tiny("", 'outputs = ["last"]\n')).errors
    assert (finding.code, finding.key) == ("unknown-argument", "layers.last.outputs")
    assert finding.suggestion == (
        "`outputs` is a key of the whole config: write it above the first [table]"
    )


def test_a_config_that_is_wrong_gives_no_model_and_raises_what_was_found(
    checked: Check, tiny: Tiny
) -> None:
    result = checked(tiny('loss = "mes"\noutputs = ["first"]'))
    assert result.model is None
    assert [finding.code for finding in result.findings] == [
        "unknown-component",
        "unreachable-node",
    ]
    assert [finding.code for finding in result.errors] == ["unknown-component"]
    with pytest.raises(ConfigError) as info:
        _ = result.usable
    assert info.value.findings == tuple(result.errors)


def test_a_warning_leaves_a_config_usable(checked: Check, tiny: Tiny) -> None:
    result = checked(tiny('outputs = ["first"]'))
    assert result.errors == []
    assert result.usable is result.model


@pytest.mark.parametrize(
    ("tables", "key"),
    [
        ('[data]\ntype = "npz"\npath = "../x.npz"\n', "data.path"),
        (ANYTHING + 'table = { path = "../x.npz" }\n', "layers.anything.table.path"),
        (ANYTHING + 'rows = [[{ files = ["a", "../x.npz"] }]]\n', "layers.anything.rows.files"),
        (
            ANYTHING + 'cell = { type = "Anything", log_dir = "../x.npz" }\n',
            "layers.anything.cell.log_dir",
        ),
        (
            '[[train.callbacks]]\ntype = "CSVLogger"\nfilename = "../x.npz"\n',
            "train.callbacks.csv_logger.filename",
        ),
    ],
)
def test_a_path_that_leaves_the_root_is_found_wherever_it_stands(
    checked: Check, tiny: Tiny, zoo_root: Path, tables: str, key: str
) -> None:
    result = checked(tiny("", tables))
    (finding,) = result.findings
    assert result.model is None
    assert (finding.code, finding.key) == ("unsafe-path", key)
    assert finding.message == (f"the path '../x.npz' is not accepted: it leads out of {zoo_root}")


def test_a_path_inside_the_root_is_not_looked_for(checked: Check, tiny: Tiny) -> None:
    assert checked(tiny("", '[data]\ntype = "npz"\npath = "not/there/yet.npz"\n')).findings == []


def test_a_config_that_is_missing_is_a_storage_error(zoo_root: Path) -> None:
    (finding,) = zoo.check("gone.toml")
    assert (finding.code, finding.message) == ("storage", f"there is no file {zoo_root}/gone.toml")
    with pytest.raises(StorageError, match="there is no file"):
        _ = Workspace().check("gone.toml").usable


def test_a_broken_plugin_decides_the_class_of_the_error(
    make_distribution: Callable[..., Path], zoo_root: Path, tiny: Tiny
) -> None:
    make_distribution("zoo-broken", {"zoo.losses": {"bad_loss": "nowhere_at_all:Loss"}})
    (zoo_root / "model.toml").write_text(tiny('loss = "bad_loss"'))
    with pytest.raises(PluginError, match="there is no module nowhere_at_all"):
        _ = Workspace().check("model.toml").usable


def test_a_plugin_that_fails_at_import_is_no_obstacle_to_a_check(
    make_distribution: Callable[..., Path], zoo_root: Path, tiny: Tiny
) -> None:
    modules = {"explodes_at_import.py": "raise RuntimeError('imported')\n"}
    target = {"zoo.losses": {"bad_loss": "explodes_at_import:Loss"}}
    make_distribution("zoo-broken", target, modules)
    (zoo_root / "model.toml").write_text(tiny('loss = "bad_loss"'))
    assert zoo.check("model.toml") == []
