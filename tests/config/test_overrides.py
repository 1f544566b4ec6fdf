"""`--set`: values in TOML syntax, laid over the document before interpolation."""

from collections.abc import Callable
from typing import Any

import pytest

from zoo.config.overrides import parse_overrides
from zoo.errors import ConfigError, Finding

Compose = Callable[..., dict[str, Any]]
Refused = Callable[..., Finding]
Tiny = Callable[..., str]


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("train.epochs=3", "train.epochs", 3),
        ("a = 1.5", "a", 1.5),
        ('a="x=y"', "a", "x=y"),
        ("a=[1, 2]", "a", [1, 2]),
        ("a={type='L2', l2=1}", "a", {"type": "L2", "l2": 1}),
        ("a=true", "a", True),
    ],
    ids=str,
)
def test_a_value_is_read_as_toml(text: str, key: str, value: object) -> None:
    assert parse_overrides([text]) == {key: value}


def test_the_option_repeats_and_the_last_one_counts() -> None:
    assert parse_overrides(["a=1", "b=2", "a=3"]) == {"a": 3, "b": 2}


def test_a_text_without_an_equals_sign_is_shown_how() -> None:
    with pytest.raises(ConfigError) as info:
        parse_overrides(["train.epochs"])
    assert str(info.value) == (
        "error[bad-value]: --set 'train.epochs' is not of the form key.path=value\n"
        "  = for example --set layers.conv1.filters=64"
    )


@pytest.mark.parametrize("value", ["relu", "", "1\nother = 2", "[1"])
def test_what_is_not_toml_is_shown_with_quotes(value: str) -> None:
    with pytest.raises(ConfigError) as info:
        parse_overrides([f"layers.a.activation={value}"])
    (finding,) = info.value.findings
    assert (finding.code, finding.key) == ("syntax", "layers.a.activation")
    assert finding.message == f"{value!r} is not a value in TOML syntax"
    assert finding.suggestion == (f"strings need quotes: --set 'layers.a.activation=\"{value}\"'")


def test_a_value_that_nests_too_deeply_is_too_large() -> None:
    with pytest.raises(ConfigError) as info:
        parse_overrides([f"a={'[' * 100}"])
    assert (info.value.findings[0].code, info.value.findings[0].key) == ("too-large", "a")


@pytest.mark.parametrize(
    ("key", "value", "path"),
    [
        ("train.epochs", 3, ("train", "epochs")),
        ("layers.first.units", 64, ("layers", 0, "units")),
        ("layers.1.units", 64, ("layers", 1, "units")),
        ("layers.first.kernel_regularizer.type", "L2", ("layers", 0, "kernel_regularizer", "type")),
        ("inputs.x.shape.0", 16, ("inputs", 0, "shape", 0)),
        ("loss.reduction", "sum", ("loss", "reduction")),
        ("loss.type", "mae", ("loss", "type")),
        ("optimizer", "sgd", ("optimizer",)),
    ],
    ids=str,
)
def test_a_value_goes_where_the_key_says(
    composed: Compose, tiny: Tiny, key: str, value: object, path: tuple[Any, ...]
) -> None:
    place: Any = composed(tiny('loss = "mse"'), {key: value})
    for part in path:
        place = place[part]
    assert place == value


def test_setting_an_argument_of_a_component_by_name_keeps_the_name(
    composed: Compose, tiny: Tiny
) -> None:
    document = composed(tiny('loss = "mse"'), {"loss.reduction": "sum"})
    assert document["loss"] == {"type": "mse", "reduction": "sum"}


def test_a_number_in_a_list_of_numbers_is_a_place_not_a_value(
    composed: Compose, tiny: Tiny
) -> None:
    text = tiny("", "strides = [1, 3]\n")
    assert composed(text, {"layers.last.strides.1": 5})["layers"][1]["strides"] == [1, 5]


def test_a_value_comes_before_interpolation(composed: Compose, tiny: Tiny) -> None:
    text = tiny('description = "${vars.n}"', "[vars]\nn = 1\n")
    assert composed(text, {"vars.n": 2})["description"] == 2
    assert composed(text, {"description": "n = ${vars.n}"})["description"] == "n = 1"


@pytest.mark.parametrize(
    ("key", "code", "message", "suggestion"),
    [
        (
            "layers.frist.units",
            "unknown-node",
            "layers.frist.units: there is nothing called 'frist'",
            'did you mean "first"?',
        ),
        (
            "layers.9.units",
            "unknown-node",
            "layers.9.units: there is nothing called '9'",
            "there is: first, last",
        ),
        (
            "layers.9",
            "unknown-node",
            "layers.9: there is nothing called '9'",
            "there is: first, last",
        ),
        ("zoo.a.b", "unknown-key", "zoo.a.b: there is nothing called 'a'", None),
        ("zoo.a", "unknown-key", "zoo.a: nothing can be set there", None),
    ],
)
def test_a_key_that_leads_nowhere_is_named(
    refused: Refused, tiny: Tiny, key: str, code: str, message: str, suggestion: str | None
) -> None:
    finding = refused(tiny(), {key: 1})
    assert (finding.code, finding.message, finding.key) == (code, message, key)
    assert finding.suggestion == suggestion
    assert finding.file is not None
    assert finding.file.endswith("model.toml")


@pytest.mark.parametrize("key", ["", "train.", ".epochs", "train..epochs"])
def test_a_key_with_an_empty_part_is_no_key(refused: Refused, tiny: Tiny, key: str) -> None:
    finding = refused(tiny(), {key: 1})
    assert finding.message == f"{key!r} is not a dotted key"
    assert finding.suggestion == "for example train.epochs"


def test_what_is_set_is_checked_like_the_rest(
    findings: Callable[..., list[Finding]], tiny: Tiny
) -> None:
    found = findings(
        tiny(), {"train.epochs": "3", "train.epocs": 3, "layers.last.units": float("nan")}
    )
    assert [(finding.code, finding.key) for finding in found] == [
        ("bad-value", "layers.last.units"),
        ("wrong-type", "train.epochs"),
        ("unknown-key", "train.epocs"),
    ]


@pytest.mark.parametrize("text", ['extends="base.toml"', "unset=[]", 'unset.0="train"'])
def test_what_a_config_extends_is_not_set(text: str) -> None:
    with pytest.raises(ConfigError) as info:
        parse_overrides([text])
    (finding,) = info.value.findings
    assert finding.message == f"--set does not change what a config extends: {text!r}"
