"""The page of model configs names every code, key, argument and limit, and no other."""

import inspect
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import zoo
from tests.docs.blocks import blocks, read, spans
from tests.docs.codes import codes_in_the_source
from tests.docs.installed import a_zoo
from tests.docs.shell import zoo_calls
from zoo.cli.app import app
from zoo.config import compose, reader, schema

OVERRIDES = [words for words in zoo_calls("docs/config.md") if any("=" in w for w in words)]


@pytest.mark.parametrize("words", OVERRIDES, ids=" ".join)
def test_every_override_of_the_config_page_passes_the_check(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(a_zoo(tmp_path / "zoo"))
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output


def test_the_error_that_the_config_page_shows_is_what_a_check_prints(
    write_config: Callable[..., Path], tiny: Callable[..., str]
) -> None:
    (shown,) = [block for block in blocks("docs/config.md") if block.language == "text"]
    above = tiny().splitlines()
    place = int(re.search(r"model.toml:(\d+)", shown.text)[1])
    padding = [""] * (place - len(above) - 2)
    write_config("\n".join([*above, *padding, "[loss]", 'type = "weighted_mes"\n']))
    (finding,) = zoo.check("model.toml")
    assert f"{finding}\n" == shown.text


def test_the_config_page_names_every_error_code_and_no_other() -> None:
    table = read("docs/config.md").partition("| code |")[2].partition("\n\n")[0]
    cells = [row.split("|")[1] for row in table.splitlines()[2:]]
    documented = {code for cell in cells for code in re.findall(r"`([^`]+)`", cell)}
    assert documented - set(codes_in_the_source()) == set()
    assert set(codes_in_the_source()) - documented == set()


def test_the_config_page_names_every_key() -> None:
    named = set(spans("docs/config.md"))
    tables = (schema.ModelConfig, schema.InputTable, schema.LayerTable, schema.TrainTable)
    keys = {key for table in tables for key in table.model_fields}
    assert keys - named == set()
    defaults = {"epochs": "1", "batch_size": "32", "steps_per_execution": "1", "seed": "0"}
    train = schema.TrainTable()
    assert {key: str(getattr(train, key)) for key in defaults} == defaults
    for key, value in defaults.items():
        assert f"| `{key}` | `{value}` |" in read("docs/config.md")


@pytest.mark.parametrize("name", ["npz", "csv", "synthetic"])
def test_the_config_page_names_every_argument_of_the_cores_datasets(name: str) -> None:
    from zoo.builtin import datasets

    text = read("docs/config.md")
    section = re.split(rf"^\*\*`{name}`\*\*", text, flags=re.M)[1].partition("\n\n")[0]
    for parameter in inspect.signature(getattr(datasets, name)).parameters.values():
        if parameter.name in ("validation_split", "test_split") and name == "csv":
            continue  # "and the two splits"
        assert f"`{parameter.name}" in section, parameter.name
        if isinstance(parameter.default, int | float):
            assert f"`{parameter.name} = {parameter.default}`" in section, parameter.name


def test_the_config_page_names_the_limits() -> None:
    limits = read("docs/config.md").partition("## Limits")[2].replace("\n", " ")
    assert f"{reader.MAX_BYTES // 2**20} MiB" in limits
    assert f"{reader.MAX_NESTING} nested brackets" in limits
    assert f"{reader.MAX_KEY_PARTS} parts" in limits
    assert f"{schema.MAX_NODES:,} layers" in limits
    assert f"at most {compose.MAX_EXTENDS} configs" in limits
