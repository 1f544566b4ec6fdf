"""The model graph: what each node calls, what it takes, and in which order."""

from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.errors import ConfigError, Finding
from zoo.resolve import ResolvedModel, referenced, split_output
from zoo.workspace import Workspace

Findings = Callable[..., list[Finding]]
Model = Callable[..., ResolvedModel]
Tiny = Callable[..., str]

TWO_INPUTS = """\
zoo = 1
name = "two"
[[inputs]]
name = "x"
shape = [8]
[[inputs]]
name = "z"
shape = [2]
"""


def graph(model: ResolvedModel) -> dict[str, object]:
    return {node.name: node.inputs for node in model.nodes}


def only(found: list[Finding]) -> tuple[str, str, str | None, str | None]:
    (finding,) = found
    assert finding.severity == "error"
    return finding.code, finding.message, finding.key, finding.suggestion


def test_without_inputs_a_node_takes_the_one_above_and_the_first_the_only_input(
    model: Model, tiny: Tiny
) -> None:
    resolved = model(tiny())
    assert graph(resolved) == {"first": "x", "last": "first"}
    assert resolved.outputs == ("last",)


def test_with_several_inputs_the_first_node_must_say_which(findings: Findings) -> None:
    assert only(findings(f'{TWO_INPUTS}[[layers]]\ntype = "Dense"\nunits = 1\n')) == (
        "missing-key",
        "the first node, dense, must say its `inputs`: there are several inputs",
        "layers.dense.inputs",
        "x, z",
    )


def test_inputs_may_be_one_tensor_a_list_or_keyword_arguments(model: Model) -> None:
    text = (
        '[[layers]]\ntype = "Concatenate"\ninputs = ["x", "z"]\n'
        '[[layers]]\ntype = "Dense"\nunits = 1\ninputs = "z"\n'
        '[[layers]]\ntype = "Attention"\ninputs = { inputs = ["dense", "concatenate"], x = "x" }\n'
    )
    assert graph(model(TWO_INPUTS + text)) == {
        "concatenate": ["x", "z"],
        "dense": "z",
        "attention": {"inputs": ["dense", "concatenate"], "x": "x"},
    }


def test_a_node_may_refer_to_one_that_stands_further_down(model: Model, tiny: Tiny) -> None:
    text = tiny('outputs = ["first"]').replace("units = 4", 'units = 4\ninputs = "last"')
    resolved = model(text.replace("units = 1", 'units = 1\ninputs = "x"'))
    assert list(graph(resolved)) == ["last", "first"]


def test_a_layer_called_again_belongs_to_the_node_it_is_shared_with(
    model: Model, tiny: Tiny
) -> None:
    text = tiny("", '[[layers]]\nname = "again"\nshared_with = "widen"\n').replace(
        '[[layers]]\nname = "last"',
        '[[layers]]\nname = "widen"\ntype = "ReLU"\n[[layers]]\nname = "last"',
    )
    again = model(text).nodes[-1]
    assert (again.name, again.layer, again.part, again.inputs) == ("again", "widen", None, "last")


def test_a_shared_layer_is_built_where_its_own_node_stands(model: Model) -> None:
    text = (
        '[[layers]]\nname = "early"\nshared_with = "own"\ninputs = "x"\n'
        '[[layers]]\nname = "own"\ntype = "ReLU"\ninputs = "x"\n'
        '[[layers]]\ntype = "Add"\ninputs = ["early", "own"]\n'
    )
    assert [node.name for node in model(TWO_INPUTS + text).nodes] == ["own", "early", "add"]


@pytest.mark.parametrize("name", ['name = "again"\n', ""], ids=["named", "nameless"])
@pytest.mark.parametrize(
    ("shared", "suggestion"),
    [
        ("lst", 'did you mean "last"?'),
        ("again", "there is: first, last"),
        ("x", "there is: first, last"),
    ],
)
def test_sharing_a_layer_that_is_none_is_an_error(
    findings: Findings, tiny: Tiny, name: str, shared: str, suggestion: str | None
) -> None:
    node = "again" if name else shared
    found = findings(tiny("", f'[[layers]]\n{name}shared_with = "{shared}"\n'))
    assert found[-1].code == "unknown-node"
    assert found[-1].message == f"{node} shares the layer of {shared!r}, which has none"
    assert (found[-1].key, found[-1].suggestion) == (f"layers.{node}.shared_with", suggestion)


def test_sharing_the_layer_of_a_node_that_shares_is_an_error_that_says_so(
    findings: Findings, tiny: Tiny
) -> None:
    text = (
        '[[layers]]\nname = "b"\nshared_with = "last"\n[[layers]]\nname = "c"\nshared_with = "b"\n'
    )
    assert only(findings(tiny("", text)))[:2] == (
        "unknown-node",
        "c shares the layer of 'b', which has none",
    )


def test_an_unknown_node_suggests_the_right_one(findings: Findings, tiny: Tiny) -> None:
    text = tiny("", '[[layers]]\ntype = "Add"\ninputs = ["frist", "x", "xyz[1]"]\n')
    first, second = findings(text)
    assert only([first]) == (
        "unknown-node",
        "add takes 'frist', which nothing defines",
        "layers.add.inputs.0",
        'did you mean "first"?',
    )
    assert second.message == "add takes 'xyz', which nothing defines"
    assert (second.key, second.column) == ("layers.add.inputs.2", 25)


@pytest.mark.parametrize("name", ["first", "x"])
def test_two_nodes_of_one_name_are_an_error(findings: Findings, tiny: Tiny, name: str) -> None:
    assert only(findings(tiny("", f'[[layers]]\nname = "{name}"\ntype = "ReLU"\n'))) == (
        "duplicate-name",
        f"two nodes or inputs are called {name!r}",
        f"layers.{name}",
        "give each its own name",
    )


def test_two_inputs_of_one_name_are_an_error(findings: Findings, tiny: Tiny) -> None:
    found = findings(tiny("", '[[inputs]]\nname = "x"\nshape = [1]\n'))
    assert ("duplicate-name", "inputs.x") in [(finding.code, finding.key) for finding in found]


@pytest.mark.parametrize(
    ("inputs", "circle"), [("first", "first -> first"), ("last", "first -> last -> first")]
)
def test_nodes_in_a_circle_are_named(
    findings: Findings, tiny: Tiny, inputs: str, circle: str
) -> None:
    text = tiny().replace("units = 4", f'units = 4\ninputs = "{inputs}"')
    assert only(findings(text)) == (
        "cycle",
        f"the nodes take each other in a circle: {circle}",
        "layers.first.inputs",
        "let one of them take a node that does not depend on it",
    )


def test_a_circle_through_a_shared_layer_is_one(findings: Findings, tiny: Tiny) -> None:
    text = tiny(
        "", '[[layers]]\nname = "a"\nshared_with = "b"\n[[layers]]\nname = "b"\ntype = "ReLU"\n'
    )
    assert only(findings(text))[1] == "the nodes take each other in a circle: a -> b -> a"


def test_a_node_that_no_output_depends_on_is_left_out_with_a_warning(
    model: Model, findings: Findings, tiny: Tiny
) -> None:
    text = tiny('outputs = ["first"]')
    (warning,) = findings(text)
    assert (warning.code, warning.severity) == ("unreachable-node", "warning")
    assert (warning.message, warning.key) == ("no output depends on last", "layers.last")
    assert list(graph(model(text))) == ["first"]


def test_an_input_that_no_output_depends_on_is_kept_with_a_warning(
    model: Model, findings: Findings
) -> None:
    text = f'{TWO_INPUTS}[[layers]]\ntype = "ReLU"\ninputs = "x"\n'
    (warning,) = findings(text)
    assert (warning.message, warning.key) == ("no output depends on z", "inputs.z")
    assert [table.name for table in model(text).inputs] == ["x", "z"]


@pytest.mark.parametrize("place", ['[loss]\ntype = "{}"', '[losses]\nre_lu = "{}"'])
@pytest.mark.parametrize(("name", "warned"), [("asks", False), ("mse", True), ("unheard", True)])
def test_an_input_that_a_plugins_loss_may_ask_for_is_no_cause_for_a_warning(
    make_distribution: Callable[..., Path],
    write_config: Callable[..., Path],
    place: str,
    name: str,
    warned: bool,
) -> None:
    make_distribution("zoo-extra", {"zoo.losses": {"asks": "extra:asks"}}, {"extra.py": ""})
    text = f'{TWO_INPUTS}[[layers]]\ntype = "ReLU"\ninputs = "x"\n{place.format(name)}\n'
    found = Workspace().check(write_config(text)).findings
    assert ("unreachable-node" in [finding.code for finding in found]) is warned


@pytest.mark.parametrize(
    ("outputs", "code", "message", "key", "suggestion"),
    [
        (
            '["frst"]',
            "unknown-node",
            "the output 'frst' is not a node",
            "outputs.0",
            'did you mean "first"?',
        ),
        (
            '["last", "first", "last"]',
            "duplicate-name",
            "the output 'last' stands there twice",
            "outputs.2",
            "remove one",
        ),
    ],
)
def test_an_output_is_a_node_and_stands_once(
    findings: Findings,
    tiny: Tiny,
    outputs: str,
    code: str,
    message: str,
    key: str,
    suggestion: str | None,
) -> None:
    assert only(findings(tiny(f"outputs = {outputs}"))) == (code, message, key, suggestion)


def test_one_tensor_of_several_may_be_taken_and_returned(model: Model) -> None:
    text = (
        'zoo = 1\nname = "rnn"\noutputs = ["dense", "lstm[2]"]\n'
        '[[inputs]]\nname = "x"\nshape = [5, 3]\n'
        '[[layers]]\ntype = "LSTM"\nunits = 2\nreturn_state = true\n'
        '[[layers]]\ntype = "Dense"\nunits = 1\ninputs = "lstm[1]"\n'
    )
    resolved = model(text)
    assert graph(resolved) == {"lstm": "x", "dense": "lstm[1]"}
    assert resolved.outputs == ("dense", "lstm[2]")


@pytest.mark.parametrize(
    ("reference", "split"),
    [
        ("lstm", ("lstm", None)),
        ("lstm[0]", ("lstm", 0)),
        ("lstm[12]", ("lstm", 12)),
        ("lstm[-1]", ("lstm[-1]", None)),
        ("lstm[x]", ("lstm[x]", None)),
        ("lstm[1][2]", ("lstm[1][2]", None)),
        ("[1]", ("[1]", None)),
        ("lstm[99999]", ("lstm[99999]", None)),
    ],
    ids=str,
)
def test_a_reference_is_a_name_and_perhaps_an_index(
    reference: str, split: tuple[str, int | None]
) -> None:
    assert split_output(reference) == split


@pytest.mark.parametrize(
    ("inputs", "names"),
    [
        ("a[1]", ["a"]),
        (["a", "b[0]"], ["a", "b"]),
        ({"q": "a", "v": ["b", "c[3]"]}, ["a", "b", "c"]),
    ],
    ids=str,
)
def test_what_a_node_refers_to_is_listed_in_order(inputs: object, names: list[str]) -> None:
    assert referenced(inputs) == names


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('type = "zoo:other@1"', "layers.zoo_other_1.type"),
        ('type = "Dense"\nunits = 1\nweights = "other@1"', "layers.dense.weights"),
    ],
)
def test_a_model_as_a_layer_needs_a_zoo(
    findings: Findings, tiny: Tiny, text: str, key: str
) -> None:
    assert only(findings(tiny("", f"[[layers]]\n{text}\n"))) == (
        "unknown-model",
        "'other@1' needs a zoo, and there is no registry.toml here or above",
        key,
        "name the zoo with --zoo DIR",
    )


def test_everything_that_is_wrong_is_raised_as_one_error(model: Model, tiny: Tiny) -> None:
    with pytest.raises(ConfigError) as info:
        model(tiny('outputs = ["frst"]', '[loss]\ntype = "mes"\n'))
    assert [finding.code for finding in info.value.findings] == [
        "unknown-node",
        "unknown-component",
    ]
