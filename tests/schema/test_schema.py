"""The schema for editors: what passes the check passes it, and what is wrong is one exact error."""

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import zoo
from zoo.catalog.catalog import Catalog
from zoo.components import ARGUMENT_KINDS, KINDS
from zoo.config import schema as form
from zoo.schema import config_schema
from zoo.schema.components import RESERVED
from zoo.schema.document import INPUT, TRAIN

ROOT = Path(__file__).resolve().parents[2]
GOOD = [
    *sorted((ROOT / "tests" / "samples" / "good").glob("*.toml")),
    *sorted((ROOT / "models").glob("*.toml")),
    *sorted((ROOT / "plugins").glob("*/src/*/models/*.toml")),
]
BAD = ROOT / "tests" / "samples" / "bad"
REFUSED = {
    "argument-choice": "layers/0/padding",
    "argument-type": "layers/0/units",
    "lambda": "layers/0/type",
    "missing-argument": "layers/0/type",
    "module-path": "layers/0/type",
    "name": "name",
    "nested-unknown": None,
    "no-type": "layers/0",
    "unknown-argument": None,
    "unknown-keys": None,
    "unknown-layer": "layers/0/type",
    "unknown-loss": "loss",
    "wrong-types": None,
}
"""Bad samples that a schema can know to be bad, with the place where that is one."""

HEAD = """
zoo = 1
name = "tiny"
[[inputs]]
name = "x"
shape = [8, 3]
"""
THREE_BAD_LAYERS = """
[[layers]]
name = "first"
type = "Dence"
units = 4

[[layers]]
name = "second"
type = "Conv1D"
filters = "many"
kernel_size = 3

[[layers]]
name = "third"
type = "Dense"
units = 1
activatoin = "relu"
"""

Errors = Callable[[str], dict[str, str]]


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return config_schema(zoo.discover())


@pytest.fixture(scope="module")
def errors(schema: dict[str, Any]) -> Errors:
    """What an independent validator finds, by its place."""
    validator = jsonschema.Draft7Validator(schema)

    def find(text: str) -> dict[str, str]:
        found = validator.iter_errors(tomllib.loads(text))
        return {"/".join(map(str, error.absolute_path)): error.message for error in found}

    return find


def with_layer(lines: str) -> str:
    return f'{HEAD}[[layers]]\nname = "first"\n{lines}\n'


def test_it_is_a_draft_07_schema(schema: dict[str, Any]) -> None:
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    jsonschema.Draft7Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema


def test_it_is_titled_as_what_it_is(schema: dict[str, Any]) -> None:
    assert schema["title"] == "A model config"


def test_a_default_that_toml_cannot_write_is_in_words_alone(schema: dict[str, Any]) -> None:
    conv = schema["definitions"]["layers.zoo/Conv2D"]["properties"]
    assert conv["strides"]["description"].endswith("Default: (1, 1).")
    assert "default" not in conv["strides"]
    assert conv["padding"]["default"] == "valid"


def test_a_layer_has_a_table_while_what_needs_no_more_goes_by_its_name(errors: Errors) -> None:
    text = 'zoo = 1\nname = "m"\ninputs = [{ name = "x", shape = [1] }]\nmetrics = ["mae"]\n'
    assert errors(f'{text}layers = [{{ type = "ReLU" }}]\n') == {}
    assert errors(f'{text}layers = ["ReLU"]\n') == {"layers/0": "'ReLU' is not of type 'object'"}


def test_editors_are_offered_each_name_and_table_and_nothing_is_refused_by_that(
    schema: dict[str, Any],
) -> None:
    known = schema["definitions"]
    for kind in (*KINDS, *ARGUMENT_KINDS):
        prefix = f"#/definitions/{kind}"
        name, *tables, anything = known[kind]["anyOf"]
        assert (name, anything) == ({"$ref": f"{prefix}%20name"}, {}), kind
        assert known[f"{kind} table"]["anyOf"] == [*tables, {}]
        assert {"$ref": f"{prefix}.zoo~1Dense"} in tables or kind != "layers"
        names, anything = known[f"{kind} name"]["anyOf"]
        assert (len(names["enum"]), anything) == (len(tables), {}), kind
    nested = known["layers.zoo/Dense"]["properties"]["kernel_regularizer"]["anyOf"]
    prefix = "#/definitions/regularizers%20"
    assert nested == [{"$ref": f"{prefix}name"}, {"$ref": f"{prefix}table"}, {}]


def test_what_is_a_text_is_no_number(errors: Errors) -> None:
    text = with_layer('type = "ReLU"').replace('name = "tiny"', "name = 3\nextends = 4")
    text = text.replace('name = "first"', "name = 5\nweights = 6")
    assert errors(text) == {
        "name": "3 is not of type 'string'",
        "extends": "4 is not of type 'string', 'array'",
        "layers/0/name": "5 is not of type 'string'",
        "layers/0/weights": "6 is not of type 'string'",
    }


def test_every_reference_in_it_leads_somewhere(schema: dict[str, Any]) -> None:
    for reference in _references(schema):
        name = reference.removeprefix("#/definitions/").replace("%20", " ")
        assert name.replace("~1", "/").replace("~0", "~") in schema["definitions"], reference


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


@pytest.mark.parametrize("file", GOOD, ids=lambda file: file.name)
def test_what_passes_the_check_passes_the_schema(file: Path, errors: Errors) -> None:
    assert errors(file.read_text(encoding="utf-8")) == {}


@pytest.mark.parametrize("name", REFUSED)
def test_what_an_editor_can_know_to_be_wrong_is_refused(name: str, errors: Errors) -> None:
    found = errors((BAD / f"{name}.toml").read_text(encoding="utf-8"))
    assert found
    assert REFUSED[name] is None or REFUSED[name] in found


def test_three_bad_layers_are_three_errors_each_at_its_place(errors: Errors) -> None:
    found = errors(HEAD + THREE_BAD_LAYERS)
    assert list(found) == ["layers/0/type", "layers/1/filters", "layers/2/activatoin"]
    assert found["layers/0/type"].startswith("'Dence' is not one of ['Activation', ")
    assert found["layers/1/filters"] == "'many' is not of type 'integer'"
    wanted = "'a key of Dense: units, activation, use_bias, "
    assert found["layers/2/activatoin"].startswith(wanted)


def test_taplo_gives_three_bad_layers_three_errors_with_line_and_column(
    schema: dict[str, Any], tmp_path: Path
) -> None:
    taplo = shutil.which("taplo")
    if taplo is None:
        pytest.skip("taplo is not on the PATH: npm install -g @taplo/cli")
    (tmp_path / "schema.json").write_text(json.dumps(schema))
    file = tmp_path / "bad.toml"
    file.write_text(f"#:schema ./schema.json\n{HEAD}{THREE_BAD_LAYERS}")
    done = subprocess.run([taplo, "check", file], capture_output=True, text=True, check=False)
    lines = file.read_text().splitlines()
    wrong = ['type = "Dence"', 'filters = "many"', 'activatoin = "relu"']
    places = [(lines.index(line) + 1, line.index('"') + 1) for line in wrong]
    said = re.findall(r"bad\.toml:(\d+):(\d+)", done.stdout + done.stderr)
    assert [(int(line), int(column)) for line, column in said] == places
    assert done.returncode != 0
    file.write_text("#:schema ./schema.json\n" + (ROOT / "models/mlp-synthetic.toml").read_text())
    subprocess.run([taplo, "check", file], capture_output=True, check=True)


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        ('type = "Conv1D"\nkernel_size = 3', "layers/0/type"),
        ('type = "zoo/Conv1D"\nkernel_size = 3', "layers/0/type"),
        ('type = "Conv1D"\nkernel_size = 3\nargs = { filters = 2 }', None),
        ('type = "Conv1D"\nkernel_size = "${vars.k}"\nfilters = 2', None),
        ('type = "Conv1D"\nkernel_size = "k"\nfilters = 2', "layers/0/kernel_size"),
        ('type = "Dense"\nunits = 2\nkernel_regularizer = "L2"', None),
        ('type = "Dense"\nunits = 2\nkernel_regularizer = "L3"', "layers/0/kernel_regularizer"),
        (
            'type = "Dense"\nunits = 2\nkernel_regularizer = { type = "L2", l3 = 1 }',
            "layers/0/kernel_regularizer/l3",
        ),
        ('type = "Bidirectional"\nlayer = { type = "LSTM", units = 3 }', None),
        (
            'type = "Bidirectional"\nlayer = { type = "LSTM", units = 3.5 }',
            "layers/0/layer/units",
        ),
        ('type = "zoo:other@1"', None),
        ('type = "${vars.layer}"', None),
        ('shared_with = "other"', None),
        ('type = "Loc_by_1D"\nobs_dens = 2\ninputs = ["x", "x"]', None),
        ('type = "Dense"\nunits = 2\ntrainable = "no"', "layers/0/trainable"),
        ('type = "Dense"\nunits = 2\nname_ = "a"', "layers/0/name_"),
    ],
)
def test_a_layer_takes_what_its_card_says(lines: str, place: str | None, errors: Errors) -> None:
    assert list(errors(with_layer(lines))) == ([] if place is None else [place])


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        ('optimizer = "adam"', None),
        ('optimizer = "adamm"', "optimizer"),
        ('loss = { type = "Huber", delta = "a" }', "loss/delta"),
        ('metrics = ["mae", { type = "accuracy", output = "first" }]', None),
        ('metrics = [{ type = "mae", outputs = "first" }]', "metrics/0/outputs"),
        ('data = { type = "npz", path = 3 }', "data/path"),
        ('data = { type = "npz" }', "data/type"),
        ("train = { epochs = 0 }", "train/epochs"),
        ('train = { log = "csv" }', None),
        ('train = { log = ["csv", "tensorboard"] }', None),
        ('train = { log = "tensorbord" }', "train/log"),
        ('train = { log = ["csv", "wandb"] }', "train/log/1"),
        ("train = { log = 1 }", "train/log"),
        ('train = { callbacks = ["EarlyStoping"] }', "train/callbacks/0"),
        ('train = { loop = { type = "fit", model = 1 } }', "train/loop/model"),
        ('evaluate = [{ type = "metrics", split = "test", report = 1 }]', "evaluate/0/report"),
        ('optimizer = { type = "Adam", learning_rate = { type = "CosineDecay" } }', None),
        ("trian = { epochs = 3 }", "trian"),
    ],
)
def test_so_do_the_other_tables(lines: str, place: str | None, errors: Errors) -> None:
    text = f"{lines}\n{with_layer(chr(10).join(['type = ' + chr(34) + 'ReLU' + chr(34)]))}"
    assert list(errors(text)) == ([] if place is None else [place])


def test_a_config_that_extends_another_may_leave_out_what_that_one_says(errors: Errors) -> None:
    text = 'extends = "base.toml"\n[[layers]]\nname = "first"\ntype = "Dense"\nafter = "x"\n'
    assert errors(text) == {}
    assert list(errors(f'{text}unist = 3\n[train]\nepochs = "many"\n')) == [
        "layers/0/unist",
        "train/epochs",
    ]
    assert errors('name = "alone"\n').keys() == {""}


def test_keys_are_those_of_the_form() -> None:
    fields = {
        "layers": form.LayerTable,
        "losses": form.LossTable,
        "metrics": form.MetricTable,
        "datasets": form.ComponentTable,
        **dict.fromkeys(("optimizers", "callbacks", "loops", "evaluators"), form.NamedComponent),
        **dict.fromkeys(ARGUMENT_KINDS, form.ComponentTable),
    }
    assert set(fields) == set(RESERVED) == {*KINDS, *ARGUMENT_KINDS}
    for kind, table in fields.items():
        assert set(RESERVED[kind]) - {"after"} == set(table.model_fields), kind
    assert set(INPUT) - {"after"} == set(form.InputTable.model_fields)
    assert set(TRAIN) == set(form.TrainTable.model_fields)
    keys = set(config_schema(Catalog([]))["properties"])
    assert keys == {*form.ModelConfig.model_fields, "extends", "unset", "vars"}


def test_two_plugins_with_one_name_are_told_apart_by_their_distribution(
    make_distribution: Callable[..., Path],
) -> None:
    for name in ("zoo-one", "zoo-two"):
        module = name.replace("-", "_")
        source = f"def double(x, {name[4:]}=1):\n    return x\n"
        groups = {"zoo.datasets": {"double": f"{module}:double"}}
        make_distribution(name, groups, {f"{module}.py": source})
    validator = jsonschema.Draft7Validator(config_schema(zoo.discover()))
    layer = [{"type": "ReLU"}]
    whole = {"zoo": 1, "name": "m", "inputs": [{"name": "x", "shape": [1]}], "layers": layer}
    wrong = {
        kind: [e.message for e in validator.iter_errors({**whole, "data": {"type": kind, **more}})]
        for kind, more in {
            "double": {},
            "zoo-one/double": {"x": 1, "one": 2},
            "zoo-two/double": {"x": 1, "one": 2},
        }.items()
    }
    assert wrong["double"][0].startswith("'double' is not one of")
    assert wrong["zoo-one/double"] == []
    assert wrong["zoo-two/double"] == ["'a key of double: x, two, type, args' was expected"]
