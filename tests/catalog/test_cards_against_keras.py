"""The cards of every installed component, held against the real signatures."""

import ast
import importlib
import inspect
from collections.abc import Iterator
from typing import Any

import pytest

import zoo
from zoo.catalog.cards import Card, accepts
from zoo.catalog.catalog import Catalog
from zoo.components import MODELS, Component
from zoo.resolve.needs import call_of

VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
LAYER_KEYWORDS = {"activity_regularizer", "trainable", "dtype", "autocast", "name"}
OWN_KEYWORDS_ONLY = {"HashedCrossing", "IntegerLookup", "StringLookup"}
"""Layers of Keras that take `**kwargs` and hand none to the base layer."""


def cards(catalog: Catalog) -> Iterator[tuple[Component, Card, Any]]:
    for row in catalog.rows:
        if row.kind != MODELS and row.status == "ok":
            module, _, name = row.target.partition(":")
            yield row, catalog.card(row), getattr(importlib.import_module(module), name)


def real(function: Any) -> dict[str, inspect.Parameter]:
    parameters = inspect.signature(function).parameters
    return {n: p for n, p in parameters.items() if n != "self" and p.kind not in VARIADIC}


def hands_on(function: Any) -> bool:
    kinds = [p.kind for p in inspect.signature(function).parameters.values()]
    return inspect.Parameter.VAR_KEYWORD in kinds


def constructor(target: Any) -> Any:
    return target.__init__ if inspect.isclass(target) else target


@pytest.fixture(scope="module")
def installed() -> list[tuple[Component, Card, Any]]:
    found = list(cards(zoo.discover()))
    assert len(found) > 350
    return found


def test_everything_that_is_installed_is_known(installed: Any) -> None:
    unknown = {row.qualified: card.unknown for row, card, _ in installed if card.unknown}
    assert unknown == {}
    assert [row.qualified for row, card, _ in installed if card.open] == []


def test_names_order_and_what_is_required_are_those_of_the_signature(installed: Any) -> None:
    for row, card, target in installed:
        own = real(constructor(target))
        assert [a.name for a in card.arguments][: len(own)] == list(own), row.qualified
        for argument in card.arguments[: len(own)]:
            assert argument.required is (own[argument.name].default is inspect.Parameter.empty)


def test_defaults_are_those_of_the_signature(installed: Any) -> None:
    compared = 0
    for row, card, target in installed:
        for name, parameter in real(constructor(target)).items():
            argument = card.argument(name)
            assert argument is not None
            if argument.default is not None:
                try:
                    value = ast.literal_eval(argument.default)
                except ValueError:  # a name or a sum
                    continue
                compared += 1
                assert value == parameter.default, (row.qualified, name)
                assert type(value) is type(parameter.default), (row.qualified, name)
    assert compared > 1500


def test_a_default_is_of_the_type_that_its_argument_has(installed: Any) -> None:
    for row, card, target in installed:
        for name, parameter in real(constructor(target)).items():
            argument = card.argument(name)
            assert argument is not None
            default = parameter.default
            if default is not inspect.Parameter.empty and default is not None:
                assert accepts(argument.types, default), (row.qualified, name)
                assert not argument.choices or default in argument.choices, (row.qualified, name)


def test_a_keras_layer_takes_the_base_layers_keywords_and_no_relic(installed: Any) -> None:
    for row, card, target in installed:
        if row.kind == "layers" and target.__module__.startswith("keras."):
            more = {a.name for a in card.arguments} - set(real(target.__init__))
            bases = [real(base.__init__).keys() for base in inspect.getmro(target)[1:-1]]
            assert more <= set().union(*bases), row.qualified
            if hands_on(target.__init__) and row.name not in OWN_KEYWORDS_ONLY:
                missing = LAYER_KEYWORDS - {a.name for a in card.arguments}
                filled = {"ActivityRegularization": {"activity_regularizer"}}
                assert missing == filled.get(row.name, set()), row.qualified


REFUSED = [
    ("Conv1D", {"filters": 1, "kernel_size": 1}, "rank"),
    ("MaxPooling2D", {}, "pool_mode"),
    ("LSTM", {"units": 1}, "cell"),
    ("StringLookup", {}, "autocast"),
    ("Dense", {"units": 1}, "nonsense"),
]


@pytest.mark.parametrize(("name", "arguments", "more"), REFUSED)
def test_what_a_card_does_not_have_keras_refuses(
    catalog: Catalog, name: str, arguments: dict[str, Any], more: str
) -> None:
    import keras

    card = catalog.card(catalog.find("layers", name))
    assert card.argument(more) is None
    target = getattr(keras.layers, name)
    target(**arguments)
    with pytest.raises((TypeError, ValueError)):
        target(**arguments, **{more: 1})


def test_what_is_called_has_the_real_parameters(installed: Any) -> None:
    methods = {"layers": "call", "losses": "call", "metrics": "update_state"}
    for row, card, target in installed:
        if row.kind in methods:
            function = getattr(target, methods[row.kind]) if card.is_class else target
            assert card.call is not None
            expected = [(n, p.default is p.empty) for n, p in real(function).items()]
            assert [(p.name, p.required) for p in card.call] == expected, row.qualified


def test_what_a_card_says_that_is_needed_is_what_the_runtime_binds(installed: Any) -> None:
    from zoo.runtime.needs import needs_of

    compared = []
    for row, card, target in installed:
        if row.kind in ("losses", "metrics"):
            call = call_of(card, row.kind, row.name)
            assert call is not None
            made = target
            if card.is_class:
                if any(argument.required for argument in card.arguments):
                    continue
                made = target()
            expected = needs_of(made, is_loss=row.kind == "losses")
            assert call.needs() == expected, row.qualified
            compared += [*expected.required, *expected.optional]
    assert {"kg_raw", "gradients"} <= set(compared)
