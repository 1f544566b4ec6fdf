"""Shapes and parameters of a graph before it is built; what does not fit names the edge."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import zoo
from zoo.catalog.catalog import Catalog
from zoo.errors import ConfigError, Finding
from zoo.resolve import ResolvedModel
from zoo.resolve.shapes import Inferred, inferred_shapes
from zoo.shapes.rules import ShapeRules

Findings = Callable[..., list[Finding]]
Model = Callable[..., ResolvedModel]
Make = Callable[..., Path]

HEAD = """
zoo = 1
name = "graph"
[[inputs]]
name = "x"
shape = [8, 3]
[[inputs]]
name = "z"
shape = [4]
"""


def node(name: str, kind: str, inputs: str, **arguments: object) -> str:
    lines = [f"{key} = {_toml(value)}" for key, value in arguments.items()]
    head = [f'[[layers]]\nname = "{name}"', f'type = "{kind}"', f"inputs = {inputs}"]
    return HEAD * (name == "first") + "\n".join([*head, *lines]) + "\n"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


@pytest.fixture
def inferred(model: Model, catalog: Catalog) -> Callable[[str], Inferred]:
    return lambda text: inferred_shapes(model(text), ShapeRules(catalog))


def errors(found: list[Finding]) -> list[Finding]:
    return [finding for finding in found if finding.severity == "error"]


def only(found: list[Finding]) -> tuple[str, str, str | None]:
    (finding,) = errors(found)
    return finding.code, finding.message, finding.key


def test_the_only_input_of_a_table_is_the_edge_that_does_not_fit(findings: Findings) -> None:
    text = node("first", "MultiHeadAttention", '{ query = "x" }', num_heads=2, key_dim=3)
    assert only(findings(text)) == (
        "shape-mismatch",
        "first expects a table of inputs, with 'query' and 'value', x gives (batch, 8, 3)",
        "layers.first.inputs",
    )


def test_shapes_and_parameters_follow_from_those_before(
    inferred: Callable[[str], Inferred],
) -> None:
    found = inferred(
        node("first", "Conv1D", '"x"', filters=6, kernel_size=3, strides=2)
        + node("flat", "Flatten", '"first"')
        + node("both", "Concatenate", '["flat", "z"]')
        + node("last", "Dense", '{ inputs = "both" }', units=2, use_bias=False)
    )
    assert {name: shaped.output for name, shaped in found.nodes.items()} == {
        "first": (None, 3, 6),
        "flat": (None, 18),
        "both": (None, 22),
        "last": (None, 2),
    }
    assert found.parameters == {"first": 3 * 3 * 6 + 6, "flat": 0, "both": 0, "last": 44}
    assert found.total == 60 + 44
    assert found.findings == []


def test_each_tensor_that_a_layer_returns_has_its_shape(
    inferred: Callable[[str], Inferred],
) -> None:
    found = inferred(
        node("first", "LSTM", '"x"', units=5, return_state=True, return_sequences=True)
        + node("state", "Dense", '"first[2]"', units=1)
    )
    assert found.nodes["first"].output == [(None, 8, 5), (None, 5), (None, 5)]
    assert found.nodes["state"].output == (None, 1)
    assert found.parameters["first"] == 4 * (3 * 5 + 5 * 5 + 5)


def test_what_has_no_rule_is_not_known_and_neither_is_what_depends_on_it(
    inferred: Callable[[str], Inferred],
) -> None:
    found = inferred(
        node("first", "Anything", '"x"')
        + node("next", "Dense", '"first"', units=4)
        + node("sum", "Add", '["next", "z"]')
        + node("apart", "Dense", '"z"', units=1)
        + node("last", "Concatenate", '["sum", "apart"]')
    )
    assert [found.nodes[name].output for name in ("first", "next", "sum")] == [None] * 3
    assert found.nodes["apart"].output == (None, 1)
    assert found.parameters["next"] is None
    assert found.total is None
    assert found.findings == []


def test_inputs_that_do_not_fit_are_named_with_what_they_give(findings: Findings) -> None:
    text = node("first", "Flatten", '"x"') + node("sum", "Add", '["first", "z"]')
    assert only(findings(text)) == (
        "shape-mismatch",
        "sum expects inputs of one shape, apart from axes of size 1, first gives (batch, 24), z "
        "gives (batch, 4)",
        "layers.sum.inputs",
    )


def test_a_node_that_returns_several_tensors_is_not_one_input(findings: Findings) -> None:
    text = node("first", "LSTM", '"x"', units=2, return_state=True)
    assert only(findings(text + node("last", "Dense", '"first"', units=1))) == (
        "shape-mismatch",
        "last expects one input, not a list of inputs, first gives 3 tensors",
        "layers.last.inputs",
    )


def test_of_many_inputs_a_few_are_named(findings: Findings) -> None:
    text = node("first", "Flatten", '"x"')
    text += node("all", "Concatenate", str(["first"] * 4 + ["z"] * 4 + ["x"]).replace("'", '"'))
    message = only(findings(text))[1]
    assert message.endswith("z gives (batch, 4), z gives (batch, 4), and 3 more")


def test_an_argument_that_asks_too_much_of_its_input_is_pointed_at(findings: Findings) -> None:
    text = node("first", "Conv1D", '"x"', filters=1, kernel_size=9)
    assert only(findings(text)) == (
        "shape-mismatch",
        "first expects an input of at least 9 along axis 1 for its 'kernel_size', x gives (batch, "
        "8, 3)",
        "layers.first.kernel_size",
    )


def test_an_argument_that_cannot_be_right_is_a_bad_value(findings: Findings) -> None:
    text = node("first", "Dropout", '"x"', rate=1.5)
    assert only(findings(text)) == (
        "bad-value",
        "\"Dropout\" (zoo) takes a number from 0 to 1 as 'rate'; received 1.5",
        "layers.first.rate",
    )


def test_an_argument_of_a_wrapped_layer_is_pointed_at_where_it_stands(findings: Findings) -> None:
    text = node("first", "Bidirectional", '"x"') + 'layer = { type = "GRU", units = 0 }\n'
    assert only(findings(text)) == (
        "bad-value",
        "\"GRU\" (zoo) takes a positive integer as 'units'; received 0",
        "layers.first.layer.units",
    )


def test_a_node_that_says_no_inputs_is_pointed_at_by_its_type(findings: Findings) -> None:
    text = node("first", "Dense", '"z"', units=2) + '[[layers]]\ntype = "LSTM"\nunits = 2\n'
    assert only(findings(text)) == (
        "shape-mismatch",
        "lstm expects an input of shape (batch, steps, features), first gives (batch, 2)",
        "layers.lstm.type",
    )


def test_a_shared_layer_takes_only_what_its_weights_are_made_for(findings: Findings) -> None:
    text = node("first", "Dense", '"z"', units=2)
    text += '[[layers]]\nname = "again"\nshared_with = "first"\ninputs = "x"\n'
    assert only(findings(text)) == (
        "shape-mismatch",
        "again expects an input like that of first, whose layer it shares, x gives (batch, 8, 3)",
        "layers.again.inputs",
    )


def test_a_shared_layer_is_counted_once(inferred: Callable[[str], Inferred]) -> None:
    text = node("first", "Dense", '"z"', units=4)
    text += '[[layers]]\nname = "again"\nshared_with = "first"\ninputs = "first"\n'
    found = inferred(text)
    assert found.parameters == {"first": 20, "again": 0}
    assert found.total == 20


@pytest.mark.parametrize(
    ("reference", "count"), [("first[2]", "1 tensor"), ("x[0]", "1 tensor")], ids=["node", "input"]
)
def test_a_tensor_that_a_node_does_not_return_is_unknown(
    findings: Findings, reference: str, count: str
) -> None:
    text = node("first", "Flatten", '"x"') + node("last", "Flatten", f'"{reference}"')
    name = reference.partition("[")[0]
    assert only(findings(text)) == (
        "unknown-node",
        f"{reference!r}: {name} returns {count}",
        "layers.last.inputs",
    )
    text = f'outputs = ["{reference}"]\n{node("first", "Flatten", chr(34) + "x" + chr(34))}'
    assert only(findings(text))[2] == "outputs.0"


def test_more_parameters_than_a_model_may_have_are_refused_once_and_at_the_number_that_does_it(
    findings: Findings, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = node("first", "Dense", '"z"', units=8) + node("more", "Dense", '"first"', units=9)
    text += node("last", "Dense", '"more"', units=1)
    monkeypatch.setenv("ZOO_MAX_PARAMETERS", "131")
    assert errors(findings(text)) == []
    monkeypatch.setenv("ZOO_MAX_PARAMETERS", "100")
    assert only(findings(text)) == (
        "too-large",
        "with more the model has 121 parameters; the limit is 100",
        "layers.more.units",
    )
    monkeypatch.setenv("ZOO_MAX_PARAMETERS", "many")
    with pytest.raises(ConfigError, match="ZOO_MAX_PARAMETERS is a number of parameters; received"):
        findings(text)


def test_parameters_are_counted_without_being_made(findings: Findings) -> None:
    code, message, _ = only(findings(node("first", "Dense", '"z"', units=2**62)))
    assert code == "too-large"
    assert message.startswith("with first the model has more than 1,000,000,000,000,000,000 ")


def test_an_axis_that_no_tensor_can_have_is_too_large(findings: Findings) -> None:
    text = node("first", "RepeatVector", '"z"', n=2**62) + node("flat", "Flatten", '"first"')
    text += node("last", "Concatenate", '["flat", "flat"]')
    code, message, _ = only(findings(text))
    assert code == "too-large"
    assert message == "flat gives an axis of more than 9,223,372,036,854,775,807"


def test_a_wrong_name_elsewhere_hides_no_shape(findings: Findings) -> None:
    text = node("first", "Flatten", '"x"') + node("sum", "Add", '["first", "z"]')
    found = findings(f'{text}[optimizer]\ntype = "Adamm"\n')
    assert sorted(f.code for f in errors(found)) == ["shape-mismatch", "unknown-component"]


@pytest.mark.parametrize(
    "wrong",
    [
        '[[layers]]\nname = "w"\ntype = "Dense"\nunits = "4"\ninputs = "z"\n',
        '[[layers]]\nname = "w"\ntype = "Dence"\nunits = 4\ninputs = "z"\n',
        '[[layers]]\nname = "w"\ntype = "Dense"\nunits = 4\ninputs = "z"\ntrainable = 3\n',
        '[[layers]]\nname = "w"\ntype = "Dense"\nunits = "${vars.n}"\ninputs = "z"\n',
    ],
    ids=["wrong type", "unknown layer", "wrong form", "no such variable"],
)
def test_what_follows_from_an_error_is_no_second_error(findings: Findings, wrong: str) -> None:
    text = HEAD + wrong + node("last", "Conv1D", '"w"', filters=1, kernel_size=1)
    only(findings(text))


RULES = {
    "raises what it likes": 'raise RuntimeError("no")',
    "raises by accident": "first, second = shapes",
    "returns nonsense": 'return "many"',
    "returns a negative size": "return (None, -1)",
    "returns a fraction": "return (None, 1.5)",
    "returns nothing": "return None",
    "knows of the output alone": "return shapes",
}


@pytest.mark.parametrize("body", RULES.values(), ids=RULES)
def test_a_plugins_rule_never_fails_a_check(
    make_distribution: Make, inferred: Callable[[str], Inferred], zoo_root: Path, body: str
) -> None:
    _plugin(make_distribution, f"def widen(arguments, shapes):\n    {body}\n")
    (zoo_root / "m.toml").write_text(node("first", "Widen", '"z"', by=2))
    assert errors(zoo.check("m.toml")) == []


def _plugin(make: Make, rule: str, target: str = "widen_shapes:widen") -> None:
    layer = (
        "import keras\n"
        "class Widen(keras.layers.Layer):\n"
        "    def __init__(self, by, times=1, **kwargs):\n"
        "        super().__init__(**kwargs)\n"
        "        self.by = by\n"
    )
    groups = {"zoo.layers": {"Widen": "widen_layer:Widen"}, "zoo.shapes": {"Widen": target}}
    make("zoo-widen", groups, {"widen_layer.py": layer, "widen_shapes.py": rule})


WIDEN = """
def widen(arguments, shapes):
    if arguments["by"] < 1:
        raise ValueError(f"takes a positive integer as 'by'; received {arguments['by']}")
    if not isinstance(shapes, list) or shapes[1][1] != shapes[0][1] + arguments["times"]:
        raise ValueError(f"expects input 2 of shape (batch, {shapes[0][1] + 1})")
    return {"output": (None, shapes[0][1] * arguments["by"]), "weights": [(3, 2), ()]}
"""


def test_a_plugins_rule_is_given_defaults_and_gives_shape_and_weights(
    make_distribution: Make, zoo_root: Path
) -> None:
    _plugin(make_distribution, WIDEN)
    text = node("first", "Dense", '"z"', units=5) + node("w", "Widen", '["z", "first"]', by=2)
    (zoo_root / "m.toml").write_text(text)
    from zoo.workspace import Workspace

    workspace = Workspace()
    found = inferred_shapes(workspace.check("m.toml").usable, ShapeRules(workspace.catalog))
    assert found.nodes["w"].output == (None, 8)
    assert found.parameters["w"] == 7


def test_a_plugins_rule_names_the_edge_and_the_argument(
    make_distribution: Make, zoo_root: Path
) -> None:
    _plugin(make_distribution, WIDEN)
    text = node("first", "Dense", '"z"', units=6)
    (zoo_root / "m.toml").write_text(text + node("w", "Widen", '["z", "first"]', by=2))
    (finding,) = errors(zoo.check("m.toml"))
    assert finding.message == "w expects input 2 of shape (batch, 5), first gives (batch, 6)"
    assert (finding.code, finding.key, finding.excerpt) == (
        "shape-mismatch",
        "layers.w.inputs.1",
        'inputs = ["z", "first"]',
    )
    assert (finding.column, finding.width) == (16, 7)
    (zoo_root / "m.toml").write_text(text + node("w", "Widen", '["z", "first"]', by=0))
    (finding,) = errors(zoo.check("m.toml"))
    assert finding.message == "\"Widen\" (zoo-widen) takes a positive integer as 'by'; received 0"
    assert (finding.code, finding.key) == ("bad-value", "layers.w.by")


LOOK = """
import sys
import zoo
found = zoo.check("m.toml")
assert all(finding.severity == "warning" for finding in found), found
assert not {"keras", "tensorflow"} & set(sys.modules)
if sys.argv[1:]:
    sys.path.insert(0, sys.argv[1])
    import keras, widen_shapes
    assert widen_shapes.KERAS is keras
"""


@pytest.mark.parametrize(
    "rule",
    [
        "import keras\ndef widen(arguments, shapes): return (None, 1)\n",
        "import sys\nsys.exit(0)\n",
        "",
        "try:\n    import keras as KERAS\nexcept ImportError:\n    KERAS = None\n"
        "def widen(arguments, shapes): return (None, 1)\n",
    ],
    ids=["imports Keras", "exits", "is not there", "makes do without Keras"],
)
def test_a_rule_cannot_make_a_check_import_keras(
    make_distribution: Make, zoo_root: Path, tmp_path: Path, rule: str
) -> None:
    _plugin(make_distribution, rule)
    (zoo_root / "m.toml").write_text(node("first", "Widen", '"z"', by=2))
    # What is imported as Keras after the check, in less than the seconds that Keras takes.
    quick = tmp_path / "quick"
    quick.mkdir()
    (quick / "keras.py").touch()
    done = subprocess.run(
        [sys.executable, "-c", LOOK, *([str(quick)] if "KERAS" in rule else [])],
        capture_output=True,
        text=True,
        cwd=zoo_root,
        env={"PYTHONPATH": str(tmp_path / "site"), "PATH": "", "HOME": str(zoo_root)},
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("merging", ["Concatenate", "Add"])
def test_a_merging_node_without_inputs_is_told_to_list_them_and_nothing_that_follows(
    findings: Findings, merging: str
) -> None:
    """The branch that it does not take yet is no node that is left out."""
    text = node("first", "Flatten", '"x"') + node("left", "Flatten", '"x"')
    text += node("right", "Flatten", '"x"') + f'[[layers]]\ntype = "{merging}"\n'
    (finding,) = findings(text)
    assert (finding.code, finding.key) == ("shape-mismatch", f"layers.{merging.lower()}.type")
    assert "expects a list of inputs" in finding.message
    assert finding.suggestion == 'write inputs = ["...", "right"]'
