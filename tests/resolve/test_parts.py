"""Components and their arguments, nested ones too, looked up in the catalog."""

from collections.abc import Callable
from typing import Any

import pytest

from zoo.catalog.catalog import Catalog
from zoo.components import Component
from zoo.config.schema import ComponentTable
from zoo.errors import Finding
from zoo.resolve import Part, ResolvedModel
from zoo.resolve.missing import MissingPlugins
from zoo.resolve.parts import Findings as Collected
from zoo.resolve.parts import PartResolver

Findings = Callable[..., list[Finding]]
Model = Callable[..., ResolvedModel]
Tiny = Callable[..., str]

NONE_MISSING = MissingPlugins(lambda: None)
ANYTHING = '[[layers]]\ntype = "Anything"\n'


def places(found: list[Finding]) -> list[tuple[str, str | None]]:
    return [(finding.code, finding.key) for finding in found]


def dense(model: Model, tiny: Tiny, arguments: str) -> dict[str, Any]:
    part = model(tiny("", arguments)).nodes[-1].part
    assert part is not None
    return part.arguments


@pytest.mark.parametrize(
    ("written", "name", "arguments"),
    [
        ('"L2"', "L2", {}),
        ('"zoo/L2"', "L2", {}),
        ('{ type = "L2" }', "L2", {}),
        ('{ type = "L2", l2 = 1e-4 }', "L2", {"l2": 1e-4}),
        ('{ type = "L2", args = { l2 = 1 } }', "L2", {"l2": 1}),
    ],
    ids=str,
)
def test_a_nested_component_is_a_name_or_a_table(
    model: Model, tiny: Tiny, written: str, name: str, arguments: dict[str, Any]
) -> None:
    part = dense(model, tiny, f"kernel_regularizer = {written}\n")["kernel_regularizer"]
    assert isinstance(part, Part)
    assert (part.component.kind, part.component.name) == ("regularizers", name)
    assert part.arguments == arguments
    assert part.key == "layers.last.kernel_regularizer"


def test_the_argument_tells_which_kind_is_meant(model: Model, tiny: Tiny) -> None:
    arguments = dense(
        model, tiny, 'kernel_initializer = "Identity"\nbias_initializer = { type = "Identity" }\n'
    )
    assert {part.component.kind for part in list(arguments.values())[1:]} == {"initializers"}


def test_where_the_argument_does_not_tell_a_table_of_several_kinds_is_ambiguous(
    findings: Findings, tiny: Tiny
) -> None:
    (finding,) = findings(tiny("", ANYTHING + 'thing = { type = "Identity" }\n'))
    assert (finding.code, finding.key) == ("ambiguous-component", "layers.anything.thing")
    assert finding.message == '"Identity" is among the initializers and the layers'


def test_where_the_argument_does_not_tell_the_only_kind_is_meant(model: Model, tiny: Tiny) -> None:
    text = ANYTHING + 'thing = { type = "EarlyStopping", patience = 3 }\n'
    part = dense(model, tiny, text)["thing"]
    assert part.component.kind == "callbacks"


def test_parts_stand_in_lists_and_tables_too(model: Model, tiny: Tiny) -> None:
    arguments = dense(
        model,
        tiny,
        ANYTHING
        + 'layers = [{ type = "ReLU" }, { type = "Anything", kernel_initializer = "zeros" }]\n'
        'table = { activation = "relu", plain = [1, "relu"] }\n',
    )
    relu, inner = arguments["layers"]
    assert (relu.component.name, inner.component.name) == ("ReLU", "Anything")
    assert inner.arguments["kernel_initializer"].component.target == "keras.initializers:zeros"
    assert arguments["table"]["activation"].component.kind == "activations"
    assert arguments["table"]["plain"] == [1, "relu"]


def test_every_part_is_listed_nested_ones_included(model: Model, tiny: Tiny) -> None:
    resolved = model(
        tiny(
            'loss = "mse"\nmetrics = ["mae"]',
            f'kernel_regularizer = "L2"\n{ANYTHING}list = [{{ type = "ReLU" }}]\n'
            'table = { activation = "relu" }\n'
            '[data]\ntype = "npz"\npath = "x.npz"\n[[train.callbacks]]\ntype = "TerminateOnNaN"\n'
            '[[evaluate]]\ntype = "metrics"\n[[layers]]\nshared_with = "first"\ninputs = "x"\n'
            '[[layers]]\ntype = "Add"\ninputs = ["anything", "first_1"]\n',
        )
    )
    assert sorted(part.component.name for part in resolved.parts()) == sorted(
        [
            "Dense",
            "Dense",
            "Anything",
            "Add",
            "L2",
            "ReLU",
            "relu",
            "mse",
            "mae",
            "Adam",
            "fit",
            "TerminateOnNaN",
            "metrics",
            "npz",
        ]
    )


@pytest.mark.parametrize("keys", ["class_name", "registered_name"])
def test_a_serialized_keras_object_is_never_loaded(
    findings: Findings, tiny: Tiny, keys: str
) -> None:
    text = f'kernel_initializer = {{ {keys} = "Lambda", config = {{ x = 1 }} }}\n'
    (finding,) = findings(tiny("", text))
    assert (finding.code, finding.key) == ("bad-value", "layers.last.kernel_initializer")
    assert finding.message == (
        "layers.last.kernel_initializer is a serialized Keras object, which is not loaded"
    )
    assert finding.suggestion == "name a registered component with `type`"


def test_the_type_of_a_nested_component_is_a_name(findings: Findings, tiny: Tiny) -> None:
    (finding,) = findings(tiny("", "kernel_initializer = { type = 3 }\n"))
    assert (finding.code, finding.key) == ("wrong-type", "layers.last.kernel_initializer.type")
    assert finding.message == "layers.last.kernel_initializer.type is a component's name"


@pytest.mark.parametrize(
    ("written", "message", "suggestion"),
    [
        (
            'activation = "rleu"',
            'no activation is called "rleu"',
            'did you mean "relu"? (zoo 0.1.0)',
        ),
        (
            'kernel_regularizer = { type = "L7x" }',
            'no regularizer is called "L7x"',
            "`zoo list regularizers` shows what there is",
        ),
        (
            'layer = { type = "Nope" }',
            'no layer is called "Nope"',
            "`zoo list layers` shows what there is",
        ),
    ],
)
def test_an_unknown_nested_component_is_named_with_its_kind(
    findings: Findings, tiny: Tiny, written: str, message: str, suggestion: str
) -> None:
    (finding,) = findings(tiny("", f"{ANYTHING}{written}\n"))
    assert (finding.code, finding.message) == ("unknown-component", message)
    assert finding.key == f"layers.anything.{written.partition(' ')[0]}.type"
    assert finding.suggestion == suggestion


def test_a_loss_by_itself_is_that_of_every_output(model: Model, tiny: Tiny) -> None:
    resolved = model(tiny('outputs = ["first", "last"]\nloss = "mse"'))
    assert list(resolved.losses) == ["first", "last"]
    assert {part.component.name for part in resolved.losses.values()} == {"mse"}


def test_losses_by_output_keep_the_order_of_the_outputs(model: Model, tiny: Tiny) -> None:
    text = tiny(
        'outputs = ["first", "last"]',
        '[losses]\nlast = "mae"\n[losses.first]\ntype = "Huber"\n[loss_weights]\nlast = 2\n',
    )
    resolved = model(text)
    assert {name: part.component.name for name, part in resolved.losses.items()} == {
        "first": "Huber",
        "last": "mae",
    }
    assert resolved.loss_weights == {"last": 2.0}


def test_an_output_may_have_no_loss(model: Model, tiny: Tiny) -> None:
    resolved = model(tiny('outputs = ["first", "last"]', '[losses]\nlast = "mae"\n'))
    assert list(resolved.losses) == ["last"]


@pytest.mark.parametrize("table", ["losses", "loss_weights"])
def test_a_loss_of_an_output_that_is_none_suggests_the_right_one(
    findings: Findings, tiny: Tiny, table: str
) -> None:
    value = '"mse"' if table == "losses" else "1"
    (finding,) = findings(tiny("", f"[{table}]\nlsat = {value}\n"))
    assert (finding.code, finding.key) == ("unknown-node", f"{table}.lsat")
    assert finding.message == f"{table}: the model has no output 'lsat'"
    assert finding.suggestion == 'did you mean "last"?'


def test_a_metric_may_be_of_one_output(model: Model, findings: Findings, tiny: Tiny) -> None:
    text = tiny(
        "",
        '[[metrics]]\ntype = "any_metric"\noutput = "{}"\nname = "error"\nneeds = {{ a = "x" }}\n',
    )
    (metric,) = model(text.format("last")).metrics
    assert (metric.output, metric.name, metric.needs) == ("last", "error", {"a": "x"})
    (finding,) = findings(text.format("lst"))
    assert (finding.code, finding.key) == ("unknown-node", "metrics.error.output")
    assert finding.message == "the model has no output 'lst'"
    assert finding.suggestion == 'did you mean "last"?'


def test_every_place_of_a_component_is_looked_up_in_one_pass(
    findings: Findings, tiny: Tiny
) -> None:
    found = findings(
        tiny(
            'loss = "mes"\nmetrics = ["mea"]\noptimizer = "Adm"\ndata = "npzz"',
            '[train]\nloop = "fitt"\ncallbacks = ["ErlyStopping"]\n[[evaluate]]\ntype = "metricz"\n'
            '[[layers]]\ntype = "Dence"\n',
        )
    )
    assert {finding.code for finding in found} == {"unknown-component"}
    assert [finding.key for finding in found] == [
        "loss.type",
        "metrics.mea.type",
        "optimizer.type",
        "data.type",
        "train.loop.type",
        "train.callbacks.erly_stopping.type",
        "evaluate.metricz.type",
        "layers.dence.type",
    ]
    assert all(str(finding.suggestion).startswith("did you mean") for finding in found)


def test_a_name_that_two_plugins_have_is_an_error_of_the_config() -> None:
    rows = [Component("losses", "huber", name, "1", f"{name}:H") for name in ("one", "two")]
    collected = Collected("m.toml")
    resolver = PartResolver(Catalog(rows), collected, NONE_MISSING)
    assert resolver.part("losses", ComponentTable(type="huber"), "loss") is None
    assert places(collected.found) == [("ambiguous-component", "loss.type")]
    assert resolver.part("losses", ComponentTable(type="two/huber"), "loss") is not None
    assert len(collected.found) == 1


def test_a_component_of_a_broken_plugin_is_named_with_the_reason() -> None:
    row = Component("losses", "huber", "one", "1", "one:H", "broken", "there is no module one")
    collected = Collected("m.toml")
    resolver = PartResolver(Catalog([row]), collected, NONE_MISSING)
    assert resolver.part("losses", ComponentTable(type="huber"), "loss") is None
    (finding,) = collected.found
    assert (finding.code, finding.file) == ("plugin-broken", "m.toml")
    assert finding.message == '"huber" of one 1 cannot be used: there is no module one'
