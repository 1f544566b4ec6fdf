"""`[vars]`: values that stand once and are named elsewhere."""

from typing import Any

import pytest

from zoo.config.variables import MAX_DEPTH, interpolated
from zoo.errors import ConfigError, Finding


def _refused(document: dict[str, Any]) -> Finding:
    with pytest.raises(ConfigError) as info:
        interpolated(document)
    (finding,) = info.value.findings
    return finding


def replaced(document: dict[str, Any]) -> dict[str, Any]:
    result, findings = interpolated(document)
    assert findings == []
    return result


def found(document: dict[str, Any]) -> Finding:
    (finding,) = interpolated(document)[1]
    return finding


@pytest.mark.parametrize("value", [40, 1.0, True, "text", [1, 2], {"a": [1]}], ids=str)
def test_a_value_that_is_nothing_but_a_variable_keeps_its_type(value: object) -> None:
    document = replaced({"vars": {"n": value}, "a": ["${vars.n}"], "b": {"c": "${vars.n}"}})
    assert document == {"a": [value], "b": {"c": value}}
    assert type(document["a"][0]) is type(value)


@pytest.mark.parametrize(("value", "text"), [(40, "40"), (1.5, "1.5"), (True, "true"), ("é", "é")])
def test_a_variable_in_a_text_becomes_text(value: object, text: str) -> None:
    assert replaced({"vars": {"n": value}, "a": "n is ${vars.n}."}) == {"a": f"n is {text}."}


def test_variables_may_name_each_other_in_any_order() -> None:
    document = {"vars": {"c": "${vars.a}-${vars.b}", "b": "${vars.a}", "a": 2}, "x": "${vars.c}"}
    assert replaced(document) == {"x": "2-2"}


def test_every_place_has_a_copy_of_its_own() -> None:
    document = replaced({"vars": {"n": {"list": [1]}}, "a": "${vars.n}", "b": "${vars.n}"})
    document["a"]["list"].append(2)
    assert document["b"] == {"list": [1]}


def test_what_is_no_variable_stays_as_it_is() -> None:
    document = {"a": "$vars.n", "b": "costs $5, ${HOME} and ${env.n}", "c": 3}
    assert replaced(dict(document)) == document


@pytest.mark.parametrize(
    ("place", "key"),
    [
        ({"description": "${vars.widht}"}, "description"),
        ({"layers": [{"units": "${vars.widht}"}]}, "layers.item.units"),
        ({"layers": [{"name": "a", "sizes": [1, "${vars.widht}"]}]}, "layers.a.sizes.1"),
        (
            {"train": {"callbacks": [{"type": "Stop", "n": "${vars.widht}"}]}},
            "train.callbacks.stop.n",
        ),
    ],
    ids=str,
)
def test_an_unknown_variable_suggests_the_right_one(place: dict[str, Any], key: str) -> None:
    finding = found({"vars": {"width": 1}, **place})
    assert finding.code == "unknown-key"
    assert finding.message == "there is no variable 'widht' in [vars]"
    assert finding.key == key
    assert finding.suggestion == 'did you mean "width"?'


def test_every_unknown_variable_is_found_and_its_text_stays() -> None:
    document, findings = interpolated(
        {"vars": {"n": 1}, "a": "${vars.m}", "b": ["${vars.n}${vars.k}"]}
    )
    assert [finding.key for finding in findings] == ["a", "b.0"]
    assert document == {"a": "${vars.m}", "b": ["${vars.n}${vars.k}"]}


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("${var.width}", "${vars.width}"),
        ("${Vars.width}", "${vars.width}"),
        ("${vras.widht}", "${vars.width}"),
        ("${width}", "${vars.width}"),
        ("${ vars.width }", "${vars.width}"),
        ("${vars.width", "${vars.width}"),
        ("${vars.width.more}", "${vars.width}"),
        ("n is ${var.width}!", "${vars.width}"),
    ],
)
def test_what_was_meant_to_be_a_variable_is_not_taken_for_text(text: str, right: str) -> None:
    finding = found({"vars": {"width": 1}, "a": text})
    assert (finding.code, finding.key) == ("unknown-key", "a")
    assert finding.message.endswith("` is not a variable")
    assert finding.suggestion == f'write "{right}"'


@pytest.mark.parametrize(
    ("variables", "circle"),
    [
        ({"a": "${vars.a}"}, "a -> a"),
        ({"a": "${vars.b}", "b": "${vars.c}", "c": ["${vars.a}"]}, "a -> b -> c -> a"),
        ({"x": "${vars.a}", "a": "${vars.b}", "b": "${vars.a}"}, "a -> b -> a"),
    ],
    ids=str,
)
def test_variables_in_a_circle_are_named_even_if_unused(
    variables: dict[str, Any], circle: str
) -> None:
    finding = _refused({"vars": variables})
    assert finding.code == "cycle"
    assert finding.message == f"variables name each other: {circle}"
    assert finding.key == f"vars.{circle[0]}"


@pytest.mark.parametrize("unit", [["${vars.a}"] * 10, "${vars.a}" * 10], ids=["lists", "texts"])
def test_variables_that_multiply_each_other_are_too_large(unit: Any) -> None:
    names = "abcdefghijklmnop"
    variables: dict[str, Any] = {"a": "0123456789"}
    for name, above in zip(names[1:], names, strict=False):
        one = f"${{vars.{above}}}"
        variables[name] = [one] * 10 if isinstance(unit, list) else one * 10
    finding = _refused({"vars": variables})
    assert finding.code == "too-large"
    assert finding.message == "the variables make the config too large"


def test_one_long_text_named_often_is_too_large() -> None:
    finding = _refused({"vars": {"a": "x" * 20_000}, "list": ["${vars.a}"] * 100})
    assert (finding.code, finding.key) == ("too-large", "list.49")


def test_a_chain_of_variables_has_a_longest_length() -> None:
    def chain(length: int) -> dict[str, Any]:
        rest = {f"v{i}": f"${{vars.v{i + 1}}}" for i in range(length)}
        return {"vars": {**rest, f"v{length}": 1}}

    assert replaced(chain(MAX_DEPTH)) == {}
    finding = _refused(chain(MAX_DEPTH + 1))
    assert finding.code == "too-large"
    assert finding.message == "variables name each other too deeply"


def test_vars_is_a_table() -> None:
    assert _refused({"vars": 3}) == Finding("wrong-type", "[vars] is a table", key="vars")
