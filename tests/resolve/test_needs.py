"""What a loss or metric asks for, bound to the model's inputs without importing it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.catalog.cards import Card, Parameter
from zoo.errors import Finding
from zoo.resolve.needs import Call, Needs, UnboundNeed, call_of
from zoo.workspace import Workspace

Findings = Callable[..., list[Finding]]

MODULE = """
raise RuntimeError("imported")
import keras

class Asks(keras.losses.Loss):
    def call(self, y_true, y_pred, kg): ...

class Watches(keras.metrics.Metric):
    def update_state(self, y_true, y_pred, gradients): ...

class May(keras.losses.Loss):
    def call(self, y_true, y_pred, kg=None): ...

class Odd:
    def __call__(self, y_true, y_pred, kg): ...

def plain(y_true, y_pred, kg, power=2.0): ...

def all_inputs(y_true, y_pred, inputs): ...
"""
GROUPS = {
    "zoo.losses": {
        "asks": "asking_mod:Asks",
        "may": "asking_mod:May",
        "odd": "asking_mod:Odd",
        "plain": "asking_mod:plain",
        "all": "asking_mod:all_inputs",
        "watches": "asking_mod:Watches",
    },
    "zoo.metrics": {"watching": "asking_mod:Watches", "plain": "asking_mod:plain"},
}
GRAPH = """
zoo = 1
name = "asking"
inputs = [{{ name = "x", shape = [4] }}, {{ name = "{}", shape = [4] }}]
layers = [{{ name = "y", type = "Dense", units = 4, inputs = "x" }}]
"""


@pytest.fixture
def found(make_distribution: Callable[..., Path], write_config: Callable[..., Path]) -> Findings:
    """What a check finds where the second input has some name."""
    make_distribution("zoo-asking", GROUPS, {"asking_mod.py": MODULE})

    def check(tables: str, second: str = "kg") -> list[Finding]:
        return Workspace().check(write_config(GRAPH.format(second) + tables)).errors

    return check


@pytest.mark.parametrize(
    "tables",
    [
        '[loss]\ntype = "asks"\n',
        '[loss]\ntype = "asks"\nneeds = { kg = "x" }\n',
        '[loss]\ntype = "may"\n',
        '[loss]\ntype = "plain"\npower = 3.0\n',
        '[loss]\ntype = "all"\n',
        '[[metrics]]\ntype = "watching"\n',
        '[[metrics]]\ntype = "plain"\n',
        '[loss]\ntype = "mse"\n',
        '[loss]\ntype = "Huber"\n',
    ],
)
def test_what_the_model_has_is_bound(found: Findings, tables: str) -> None:
    assert found(tables) == []


@pytest.mark.parametrize(
    "tables",
    ['[loss]\ntype = "may"\n', '[loss]\ntype = "plain"\nkg = 1.0\n', '[loss]\ntype = "odd"\n'],
    ids=["a default", "given by the config", "not known"],
)
def test_what_need_not_be_bound_is_no_error(found: Findings, tables: str) -> None:
    assert found(tables, "gk_other") == []


@pytest.mark.parametrize("name", ["asks", "plain"])
def test_a_need_that_nothing_gives_lists_what_there_is(found: Findings, name: str) -> None:
    (finding,) = found(f'[loss]\ntype = "{name}"\n', "other")
    assert (finding.code, finding.key) == ("unbound-need", "loss.needs")
    assert finding.message == (
        f'"{name}" asks for "kg", which cannot be bound; '
        "there is: y_true, y_pred, sample_weight, inputs, x, other"
    )
    assert finding.line == 6
    assert finding.suggestion == (
        'add an input of that name, or say `needs = { parameter = "input" }`'
    )


def test_a_need_that_is_nearly_there_suggests_the_input(found: Findings) -> None:
    (finding,) = found('[loss]\ntype = "asks"\n', "kgs")
    assert finding.suggestion == 'did you mean "kgs"?'
    assert "did you mean" not in finding.message


def test_a_rebinding_to_what_is_not_there_is_pointed_at(found: Findings) -> None:
    (finding,) = found('[loss]\ntype = "asks"\nneeds = { kg = "kgg" }\n')
    assert (finding.code, finding.line, finding.column) == ("unbound-need", 8, 9)
    assert '"asks" asks for "kgg", which cannot be bound' in finding.message


def test_a_rebinding_of_no_parameter_lists_the_parameters(found: Findings) -> None:
    (finding,) = found('[loss]\ntype = "asks"\nneeds = { kgg = "kg" }\n')
    assert finding.message == (
        '"asks" asks for "kgg", which cannot be bound; '
        "it has no such parameter; it has: y_true, y_pred, kg"
    )
    assert finding.suggestion == 'did you mean "kg"?'


def test_keras_own_have_nothing_to_rebind(found: Findings) -> None:
    (finding,) = found('[loss]\ntype = "Huber"\nneeds = { delta = "kg" }\n')
    assert finding.message.endswith("it has no such parameter; it has: none")


def test_a_loss_of_several_outputs_is_said_once(found: Findings) -> None:
    outputs = 'outputs = ["y", "x"]\n'
    assert len(found(f'{outputs}loss = "asks"\n', "other")) == 1


def test_only_a_metric_may_ask_for_gradients(found: Findings) -> None:
    (finding,) = found('[loss]\ntype = "plain"\nneeds = { kg = "gradients" }\n')
    assert "only a metric can ask for gradients" in finding.message


def test_a_graph_that_is_wrong_does_not_hide_a_need(found: Findings) -> None:
    layer = '[[layers]]\ntype = "Add"\ninputs = ["x", "nowhere"]\n'
    text = '[loss]\ntype = "asks"\n'
    codes = [f.code for f in found(text.replace("[loss]", layer + "[loss]"), "other")]
    assert "unbound-need" in codes or codes == ["syntax"]


def call(*names: str, form: str = "function", is_loss: bool = True, inputs: str = "x y") -> Call:
    """A call whose parameters have a default where the name ends in `?`."""
    parameters = [Parameter(name.rstrip("?"), not name.endswith("?")) for name in names]
    return Call("it", form, is_loss, tuple(parameters), tuple(inputs.split()))  # type: ignore[arg-type]


KERAS = {"y_true": "y_true", "y_pred": "y_pred"}
WEIGHTED = {**KERAS, "sample_weight": "sample_weight"}


@pytest.mark.parametrize(
    ("asked", "sources", "as_keras_calls_it"),
    [
        (call("y_true", "y_pred"), KERAS, True),
        (call("targets", "scores"), {"targets": "y_true", "scores": "y_pred"}, True),
        (call("y", "p", inputs="x"), {"y": "y_true", "p": "y_pred"}, True),
        (call("y_true", "y", inputs="x"), {"y_true": "y_true", "y": "y_pred"}, True),
        (call("x", "y_pred"), {"x": "x", "y_pred": "y_pred"}, False),
        (call("x", "y"), {"x": "y_true", "y": "y_pred"}, True),
        (call("y_pred", "y_true"), {"y_pred": "y_pred", "y_true": "y_true"}, False),
        (call("y_true", "y_pred", "sample_weight?"), KERAS, True),
        (call("y_true", "y_pred", "sample_weight"), WEIGHTED, False),
        (call("y_true", "y_pred", "sample_weight?", form="Loss"), KERAS, True),
        (call("y_true", "y_pred", "sample_weight?", is_loss=False), KERAS, True),
        (call("y_true", "y_pred", "sample_weight?", form="Metric", is_loss=False), WEIGHTED, True),
        (call("gradients", form="Metric", is_loss=False), {"gradients": "gradients"}, False),
        (call("y_true", "y_pred", "rest?"), KERAS, True),
        (call("y_true", "y_pred", "x"), {**KERAS, "x": "x"}, False),
        (call(), {}, True),
    ],
    ids=lambda value: (
        " ".join(p.name for p in value.parameters) if isinstance(value, Call) else str(value)
    ),
)
def test_positions_and_names_get_what_the_step_has(
    asked: Call, sources: dict[str, str], as_keras_calls_it: bool
) -> None:
    assert asked.sources({}) == sources
    assert asked.bound({}) == (None if as_keras_calls_it else sources)


def test_what_is_asked_for_is_what_is_neither_target_nor_prediction() -> None:
    asked = call("y_true", "y_pred", "kg", "slope?", "sample_weight?", inputs="")
    assert asked.needs() == Needs(required=("kg",), optional=("slope",))


@pytest.mark.parametrize(
    ("card", "kind"),
    [
        (Card(call=()), "layers"),
        (Card(call=None), "losses"),
        (Card(call=(), is_class=True, base="Layer"), "losses"),
    ],
    ids=["a layer", "a call that is not known", "a class that is no loss"],
)
def test_what_is_no_loss_or_metric_asks_for_nothing_that_is_known(card: Card, kind: str) -> None:
    assert call_of(card, kind, "it") is None


def test_an_argument_that_a_config_gives_a_function_is_no_need_of_it() -> None:
    card = Card(call=(Parameter("y_true"), Parameter("y_pred"), Parameter("kg")))
    bound = call_of(card, "losses", "it", {"kg": 1.0})
    assert bound is not None
    assert bound.parameters[2] == Parameter("kg", required=False, positional=False)
    assert bound.bound({}) is None


def test_a_need_that_cannot_be_bound_says_what_there_is_and_what_may_be_meant() -> None:
    assert str(UnboundNeed("kg", "gain", ["x", "z"])) == (
        '"kg" asks for "gain", which cannot be bound; there is: x, z'
    )
    assert str(UnboundNeed("kg", "gains", ["x", "gain"])) == (
        '"kg" asks for "gains", which cannot be bound; there is: x, gain; did you mean "gain"?'
    )
    assert str(UnboundNeed("kg", "gain", ["x"], "nothing has it")) == (
        '"kg" asks for "gain", which cannot be bound; nothing has it'
    )
