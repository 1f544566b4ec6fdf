"""The form of a config: which keys there are, and what may stand behind them."""

import json
from collections.abc import Callable

import pytest

from tests.config.forms import LEAST, config, only, wrong
from zoo.config.schema import MAX_NODES, ModelConfig
from zoo.config.validation import validated
from zoo.errors import Finding

Findings = Callable[..., list[Finding]]
Tiny = Callable[..., str]


def test_the_least_config_has_the_defaults_of_the_contract() -> None:
    least = config()
    assert (least.train.epochs, least.train.batch_size, least.train.seed) == (1, 32, 0)
    assert (least.train.loop.type, least.train.precision) == ("fit", "float32")
    assert least.train.jit_compile == "auto"
    assert least.optimizer.type == "Adam"
    assert (least.outputs, least.loss, least.data) == (None, None, None)


def test_what_is_missing_is_all_named_at_once() -> None:
    _, found = validated({})
    assert [(finding.code, finding.message) for finding in found] == [
        ("missing-key", f"`{key}` is missing in the config")
        for key in ("zoo", "name", "inputs", "layers")
    ]


@pytest.mark.parametrize(("version", "hint"), [(2, "update zoo"), (0, "write zoo = 1")])
def test_another_format_is_refused_before_anything_else(version: int, hint: str) -> None:
    _, found = validated({"zoo": version, "what": "ever"})
    assert found == [
        Finding(
            "bad-value",
            f"this zoo reads format 1; the config has zoo = {version}",
            key="zoo",
            suggestion=hint,
        )
    ]


def test_the_form_itself_knows_its_format() -> None:
    with pytest.raises(ValueError, match="this zoo reads format 1; received 2"):
        ModelConfig.model_validate({**LEAST, "zoo": 2})


@pytest.mark.parametrize("version", [True, "1", 1.0])
def test_the_format_is_an_integer(version: object) -> None:
    assert only(zoo=version) == (
        "wrong-type",
        "zoo",
        f"zoo takes an integer; received {json.dumps(version)}",
    )


@pytest.mark.parametrize("name", ["a", "my-model", "0.1_x", "a" * 64])
def test_a_name_is_small_letters_digits_and_three_signs(name: str) -> None:
    assert config(name=name).name == name


@pytest.mark.parametrize("name", ["", "Model", "-a", ".a", "a b", "a/b", "a" * 65, "é", "a\n"])
def test_any_other_name_is_a_bad_value(name: str) -> None:
    code, key, message = only(name=name)
    assert (code, key) == ("bad-value", "name")
    assert message.startswith("name takes a-z, 0-9, `.`, `_` and `-`, at most 64 of them, ")
    assert message.endswith(f"received {json.dumps(name, ensure_ascii=False)}")


@pytest.mark.parametrize("size", [1, 40, 2**40])
def test_a_size_is_a_positive_integer(size: int) -> None:
    assert config(inputs=[{"name": "x", "shape": [size]}]).inputs[0].shape == [size]


def test_a_size_may_be_any_and_a_sample_a_scalar() -> None:
    assert config(inputs=[{"name": "x", "shape": ["any", 2]}]).inputs[0].shape == [None, 2]
    assert config(inputs=[{"name": "x", "shape": []}]).inputs[0].shape == []


@pytest.mark.parametrize(
    ("size", "code", "message"),
    [
        (0, "bad-value", 'a size is a positive integer, or "any" where it may differ; received 0'),
        (
            -1,
            "bad-value",
            'a size is a positive integer, or "any" where it may differ; received -1',
        ),
        (
            1.5,
            "wrong-type",
            'a size is a positive integer, or "any" where it may differ; received 1.5',
        ),
        (
            "8",
            "wrong-type",
            'a size is a positive integer, or "any" where it may differ; received "8"',
        ),
        (
            True,
            "wrong-type",
            'a size is a positive integer, or "any" where it may differ; received true',
        ),
    ],
)
def test_any_other_size_is_refused(size: object, code: str, message: str) -> None:
    inputs = [{"name": "x", "shape": [4, size]}]
    assert only(inputs=inputs) == (code, "inputs.x.shape.1", f"inputs.x.shape.1: {message}")


def test_a_dtype_is_one_of_keras() -> None:
    assert config(inputs=[{"name": "x", "shape": [], "dtype": "int32"}]).inputs[0].dtype == "int32"
    code, key, message = only(inputs=[{"name": "x", "shape": [], "dtype": "float"}])
    assert (code, key) == ("bad-value", "inputs.x.dtype")
    assert message.startswith("inputs.x.dtype: 'float' is not one of float16, float32,")


@pytest.mark.parametrize("key", ["inputs", "layers", "outputs"])
def test_a_list_that_has_to_say_something_is_not_empty(key: str) -> None:
    code, where, message = only(**{key: []})
    assert (code, where) == ("bad-value", key)
    assert message == f"{key} takes a list of at least 1"


@pytest.mark.parametrize("key", ["inputs", "layers", "metrics", "evaluate", "outputs"])
def test_a_table_where_a_list_belongs_is_a_wrong_type(key: str) -> None:
    (finding,) = wrong(**{key: {"name": "x"}})
    assert (finding.code, finding.key) == ("wrong-type", key)
    assert (finding.message, finding.suggestion) == (f"{key} takes a list", f"write [[{key}]]")


def test_more_nodes_than_any_model_has_are_too_large() -> None:
    code, key, message = only(layers=[{"type": "ReLU"}] * (MAX_NODES + 1))
    assert (code, key) == ("too-large", "layers")
    assert message == f"layers takes a list of at most {MAX_NODES:,}"


@pytest.mark.parametrize(
    ("changes", "key", "suggestion"),
    [
        ({"optimiser": "Adam"}, "optimiser", 'did you mean "optimizer"?'),
        ({"train": {"epocs": 3}}, "train.epocs", 'did you mean "epochs"?'),
        (
            {"train": {"class_weight": {"0": 2}}},
            "train.class_weight",
            "weigh each sample instead: an array sample_weight in the data",
        ),
        (
            {"train": {"validation_split": 0.1}},
            "train.validation_split",
            "`validation_split` is an argument of [data]",
        ),
        (
            {"inputs": [{"name": "x", "shape": [1], "dtyp": "bool"}]},
            "inputs.x.dtyp",
            'did you mean "dtype"?',
        ),
        (
            {"inputs": [{"name": "x", "shape": [1], "q": 1}]},
            "inputs.x.q",
            "known here: name, shape, dtype",
        ),
    ],
    ids=str,
)
def test_an_unknown_key_suggests_the_right_one(
    changes: dict[str, object], key: str, suggestion: str
) -> None:
    (finding,) = wrong(**changes)
    table, _, last = key.rpartition(".")
    assert (finding.code, finding.key) == ("unknown-key", key)
    assert finding.message == f"unknown key `{last}` in {f'[{table}]' if table else 'the config'}"
    assert finding.suggestion == suggestion


def test_the_keys_that_composing_takes_out_are_among_those_known() -> None:
    (finding,) = wrong(q=1)
    assert finding.suggestion is not None
    assert finding.suggestion.endswith("train, evaluate, sweep, extends, vars, unset")


@pytest.mark.parametrize(
    ("key", "value", "code", "message"),
    [
        ("epochs", 0, "bad-value", " takes an integer of at least 1; received 0"),
        (
            "epochs",
            2**31,
            "bad-value",
            " takes an integer below 2,147,483,648; received 2147483648",
        ),
        ("epochs", 3.0, "wrong-type", " takes an integer; received 3.0"),
        ("epochs", "3", "wrong-type", ' takes an integer; received "3"'),
        ("epochs", True, "wrong-type", " takes an integer; received true"),
        ("batch_size", 1.5, "wrong-type", " takes an integer; received 1.5"),
        ("seed", -1, "bad-value", " takes an integer of at least 0; received -1"),
        ("seed", 2**32, "bad-value", " takes an integer below 4,294,967,296; received 4294967296"),
        ("shuffle", 1, "wrong-type", " takes true or false; received 1"),
        ("jit_compile", "yes", "wrong-type", ': `jit_compile` is true, false, "auto" or "measure"'),
        ("jit_compile", 1, "wrong-type", ': `jit_compile` is true, false, "auto" or "measure"'),
        ("loop", 3, "wrong-type", ": a component is a name, or a table with `type`"),
        ("callbacks", "x", "wrong-type", ' takes a list; received "x"'),
    ],
)
def test_what_train_says_is_taken_as_written_or_refused(
    key: str, value: object, code: str, message: str
) -> None:
    where = f"train.{key}"
    assert only(train={key: value}) == (code, where, f"{where}{message}")


def test_a_precision_is_a_dtype_policy_of_keras() -> None:
    assert config(train={"precision": "mixed_float16"}).train.precision == "mixed_float16"
    code, key, message = only(train={"precision": "fp16"})
    assert (code, key) == ("bad-value", "train.precision")
    assert message.startswith("train.precision: 'fp16' is not one of float16, bfloat16,")


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"train": {"precision": "fp16"}}, 'did you mean "mixed_float16"?'),
        ({"train": {"precision": "mixed_floa16"}}, 'did you mean "mixed_float16"?'),
        ({"inputs": [{"name": "x", "shape": [], "dtype": "float"}]}, 'did you mean "float32"?'),
        ({"inputs": [{"name": "x", "shape": [], "dtype": "fp16"}]}, 'did you mean "float16"?'),
        ({"train": {"precision": "q"}}, None),
    ],
    ids=str,
)
def test_another_name_of_a_dtype_suggests_the_right_one(
    changes: dict[str, object], hint: str | None
) -> None:
    (finding,) = wrong(**changes)
    assert (finding.code, finding.suggestion) == ("bad-value", hint)


@pytest.mark.parametrize(
    ("table", "key"), [("loss_weights", "metrics"), ("losses", "outputs"), ("losses", "metrics")]
)
def test_a_key_of_the_config_below_a_table_of_outputs_belongs_above(table: str, key: str) -> None:
    (finding,) = wrong(**{table: {key: ["mae"]}})
    assert (finding.key, finding.suggestion) == (
        f"{table}.{key}",
        f"`{key}` is a key of the whole config: write it above the first [table]",
    )


def test_an_output_may_be_called_as_a_key_of_the_config() -> None:
    layers = [{"type": "Dense", "units": 1, "name": "metrics"}]
    (finding,) = wrong(layers=layers, loss_weights={"metrics": "x"})
    assert (finding.key, finding.suggestion) == ("loss_weights.metrics", None)


def test_the_optimizer_below_the_losses_belongs_above(findings: Findings, tiny: Tiny) -> None:
    (finding,) = findings(tiny("", '[losses]\nlast = "mse"\noptimizer = "Adam"\n'))
    assert (finding.code, finding.key) == ("unknown-node", "losses.optimizer")
    assert finding.suggestion == (
        "`optimizer` is a key of the whole config: write it above the first [table]"
    )


def test_losses_by_output_in_the_table_of_one_loss_are_told_where_they_stand() -> None:
    (finding,) = wrong(loss={"dense": "mse"})
    assert (finding.message, finding.suggestion) == (
        "`type` is missing in [loss]",
        "losses by output stand in [losses]",
    )


def test_one_is_accepted_where_a_float_is_wanted_and_nothing_else_is_coerced() -> None:
    assert config(loss_weights={"y": 1}).loss_weights == {"y": 1.0}
    for value in ("1", True):
        assert only(loss_weights={"y": value}) == (
            "wrong-type",
            "loss_weights.y",
            f"loss_weights.y takes a number; received {json.dumps(value)}",
        )


def test_one_loss_or_one_for_each_output_but_not_both() -> None:
    assert only(loss="mse", losses={"y": "mse"}) == (
        "bad-value",
        "losses",
        "give [loss] or [losses.NAME], not both",
    )


def test_a_key_says_the_name_of_a_node_rather_than_its_number() -> None:
    layers = [{"type": "Dense", "trainable": 1}, {"name": "b", "type": "Dense", "weights": 2}]
    assert [finding.key for finding in wrong(layers=layers)] == [
        "layers.dense.trainable",
        "layers.b.weights",
    ]


def test_a_long_value_is_shown_in_part() -> None:
    _, _, message = only(name="A" * 500)
    assert message.endswith(f'received "{"A" * 79}...')


def test_several_errors_come_in_one_pass(findings: Findings, tiny: Tiny) -> None:
    found = findings(
        tiny(
            'optimiser = "Adam"\nloss = 3',
            '[train]\nepochs = "many"\nepocs = 1\n[[layers]]\nunits = 2\n'
            '[optimizer]\ntype = "Adam"\nlearning_rate = nan\n',
        )
    )
    assert [(finding.code, finding.key) for finding in found] == [
        ("unknown-key", "optimiser"),
        ("wrong-type", "loss"),
        ("wrong-type", "train.epochs"),
        ("unknown-key", "train.epocs"),
        ("missing-key", "layers.item.type"),
        ("bad-value", "optimizer.learning_rate"),
    ]
