"""The page of plugins: its tutorial does what it says, its reference is complete."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import zoo
from tests.docs.blocks import blocks, lines_not_printed, read
from tests.docs.installed import a_zoo, install, run_python
from zoo.components import ARGUMENT_KINDS, KINDS, MODELS

PAGE = "docs/plugins.md"


def spans_of(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", text)


def text_that_begins_with(words: str) -> str:
    (shown,) = [block.text for block in blocks(PAGE) if block.text.startswith(words)]
    return shown


TUTORIAL = """
import json, pathlib, runpy
import zoo
from typer.testing import CliRunner
from zoo.cli.app import app
runpy.run_path("make_data.py")
said = {"published": zoo.train("model.toml", {"train.epochs": 1}).publish().reference}
import test_my_losses
test_my_losses.test_the_loss_keeps_every_rule()
config = pathlib.Path("model.toml").read_text()
pathlib.Path("other.toml").write_text(config.replace('"confidence"', '"trust"'))
try:
    zoo.build("other.toml")
except zoo.ConfigError as error:
    said["unbound"] = str(error).splitlines()[0]
run = zoo.train("waves.toml")
said["loss"] = run.history["loss"]
asked = [["evaluate", str(run.folder)], ["show", "confident@1"], ["show", "confident_mse"]]
said["answers"] = [json.loads(CliRunner().invoke(app, [*a, "--json"]).stdout) for a in asked]
print(json.dumps(said))
"""


@pytest.mark.slow  # several processes that start TensorFlow
def test_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    root, site = a_zoo(tmp_path / "zoo"), tmp_path / "site"
    install(PAGE, site, root)
    said = json.loads(run_python(TUTORIAL, root, site).splitlines()[-1])
    evaluated, version, component = said["answers"]
    assert said["published"] == "confident@1.0.0"
    assert version["plugins"] == {"my-losses": "0.1.0"}
    assert component["arguments"]["power"] == "1.0"
    shown = text_that_begins_with("error[unbound-need]").strip()
    assert said["unbound"].replace("features, trust", "features") == shown
    assert len(said["loss"]) == 2
    assert evaluated["results"]["worst"]["worst"] > 0.0


def test_the_tutorials_models_are_ok_though_only_the_loss_takes_an_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, site = a_zoo(tmp_path / "zoo"), tmp_path / "site"
    install(PAGE, site, root)
    monkeypatch.syspath_prepend(str(site))
    assert zoo.check(root / "model.toml", zoo=root) == []
    assert zoo.check(root / "waves.toml", zoo=root) == []


def test_the_plugin_page_names_every_group() -> None:
    table = read(PAGE).partition("### Kinds")[2].partition("###")[0]
    groups = {f"zoo.{kind}" for kind in (*KINDS, *ARGUMENT_KINDS, MODELS)}
    assert {span for span in spans_of(table) if span.startswith("zoo.")} == groups


def test_the_plugin_page_names_every_rule_of_the_kit() -> None:
    from zoo import testing

    table = read(PAGE).partition("### Testing")[2].partition("- Where samples")[0]
    rows = [row.split("|")[1:4] for row in table.splitlines() if row.startswith("| ")][1:]
    said = {kind.strip(): (spans_of(given), spans_of(rules)) for kind, given, rules in rows}
    assert set(said) == set(KINDS)
    for kind, (given, rules) in said.items():
        assert rules == [rule.name for rule in getattr(testing, kind).RULES], kind
        assert set(given) == testing.TAKEN[kind], kind


def test_the_plugin_page_shows_what_the_kit_says_of_a_scalar_loss() -> None:
    import keras
    from keras import ops

    from zoo.testing import check_component

    class ConfidentMSE(keras.losses.Loss):
        def call(self, y_true, y_pred, confidence):
            return ops.mean(confidence * ops.square(y_true - y_pred))

    shown = text_that_begins_with("ConfidentMSE breaks")
    keras.saving.register_keras_serializable(package="scalar")(ConfidentMSE)
    with pytest.raises(AssertionError) as caught:
        check_component(ConfidentMSE, y_pred=(2,), needs={"confidence": (2,)})
    assert str(caught.value).startswith(shown.strip())


@pytest.mark.parametrize(
    ("page", "file", "loop"),
    [
        (PAGE, "my_parts.py", "patient"),
        ("docs/how-to/custom-loop.md", "my-loops/my_loops.py", "easy_first"),
    ],
)
def test_the_loops_of_the_pages_keep_every_rule(page: str, file: str, loop: str) -> None:
    from zoo.testing import check_component

    (code,) = [block.text for block in blocks(page) if block.marks.get("file") == file]
    names: dict[str, Any] = {"__name__": "shown"}
    exec(code, names)
    check_component(names[loop], kind="loops")


def test_the_plugin_page_shows_the_error_of_a_conflict(
    make_distribution: Callable[..., Path],
    write_config: Callable[..., Path],
    tiny: Callable[..., str],
) -> None:
    shown = text_that_begins_with("error[ambiguous")
    for name in ("my-losses", "other-losses"):
        make_distribution(name, {"zoo.losses": {"confident_mse": "no_such_module:Loss"}})
    above = tiny().splitlines()
    padding = [""] * (int(re.search(r"model.toml:(\d+)", shown)[1]) - len(above) - 2)
    write_config("\n".join([*above, *padding, "[loss]", 'type = "confident_mse"\n']))
    (finding,) = zoo.check("model.toml")
    assert f"{finding}\n" == shown


@pytest.mark.usefixtures("warm_processes")
def test_the_plugin_page_shows_what_plugin_check_says_of_an_exit_and_a_misspelt_group(
    cli: Callable[..., Any], make_distribution: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    groups = {"zoo.losses": {"mine": "my_losses:mine"}, "zoo.layer": {"other": "my_losses:other"}}
    make_distribution("my-losses", groups, {"my_losses.py": "import sys\nsys.exit(0)\n"})
    said = cli("plugin", "check", "my-losses", status=5).out
    assert lines_not_printed(text_that_begins_with(" zoo.layer "), said) == []


def test_the_shape_rule_of_the_plugin_page_is_that_of_the_layer() -> None:
    from zoo_localization.shapes import loc_by_1d

    names: dict[str, Any] = {}
    exec(text_that_begins_with("def loc_by_1d"), names)
    arguments = {"model_size": None, "nobs": None, "batch_size": None, "obs_dens": 2}
    for vector in (21, 40):
        shapes = [(None, 40, 20), (None, vector)]
        assert names["loc_by_1d"]({}, shapes) == loc_by_1d(arguments, shapes)
    with pytest.raises(ValueError, match=r"expects input 2 of shape \(batch, 21\) or"):
        names["loc_by_1d"]({}, [(None, 40, 20), (None, 7)])
