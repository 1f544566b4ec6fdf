"""Argument cards: what the source of a component says that it takes."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from zoo.catalog.cards import Card, Parameter

Make = Callable[..., Path]
CardOf = Callable[..., Card]


def written(found: Card) -> dict[str, str | None]:
    return {argument.name: argument.default for argument in found.arguments}


def required(found: Card) -> list[str]:
    return [argument.name for argument in found.arguments if argument.required]


def test_a_card_has_the_arguments_their_defaults_the_docstring_and_the_place(card: CardOf) -> None:
    found = card(
        'class X:\n    """Does it.\n\n    More.\n    """\n'
        "    def __init__(self, units, size=3, *sizes, name=None, rate): ...\n"
    )
    assert written(found) == {"units": None, "size": "3", "name": "None", "rate": None}
    assert required(found) == ["units", "rate"]
    assert [a.name for a in found.arguments if a.positional] == ["units", "size"]
    assert (found.is_class, found.open, found.unknown) == (True, False, "")
    assert (found.summary, found.docstring) == ("Does it.", "Does it.\n\nMore.")
    assert found.source.endswith("extra_mod.py:1")


def test_an_argument_is_found_by_its_name(card: CardOf) -> None:
    found = card("def X(a, b=1): ...", "datasets")
    assert found.argument("b") == found.arguments[1]
    assert found.argument("c") is None


def test_a_card_goes_through_json_unchanged(card: CardOf) -> None:
    found = card("def X(y_true, y_pred, /, scale: float = 1.0): ...", "losses")
    assert Card.from_json(found.to_json()) == found
    assert found.call == (Parameter("y_true"), Parameter("y_pred"), Parameter("scale", False))
    assert (found.is_class, found.base) == (False, "")


BASE = """
class Base:
    def __init__(self, depth, colour="red", **kwargs):
        if kwargs:
            raise ValueError(f"unknown: {kwargs}")
"""


@pytest.mark.parametrize(
    ("body", "names", "needed"),
    [
        ("pass", ["depth", "colour"], ["depth"]),
        ("def __init__(self, a=1): super().__init__(a)", ["a"], []),
        (
            "def __init__(self, a=1, **kwargs): super().__init__(**kwargs)",
            ["a", "depth", "colour"],
            ["depth"],
        ),
        (
            "def __init__(self, a=1, **kw): super().__init__(depth=2, **kw)",
            ["a", "colour"],
            [],
        ),
        ("def __init__(self, **kw): super().__init__(3, **kw)", ["colour"], []),
        ("def __init__(self, **kw): Base.__init__(self, 3, **kw)", ["colour"], []),
        ("def __init__(self, **kw): super(X, self).__init__(3, **kw)", ["colour"], []),
        (
            "def __init__(self, *args, **kw): super().__init__(*args, **kw)",
            ["depth", "colour"],
            ["depth"],
        ),
        (
            'def __init__(self, **kw):\n        self.x = kw.pop("extra", 1)\n'
            "        super().__init__(3, **kw)",
            ["extra", "colour"],
            [],
        ),
        ("def __init__(self, **kw):\n        assert not len(kw)", [], []),
    ],
    ids=str,
)
def test_what_passes_through_kwargs_is_what_the_base_takes_and_is_not_filled_in(
    card: CardOf, body: str, names: list[str], needed: list[str]
) -> None:
    found = card(f"{BASE}\nclass X(Base):\n    {body}\n")
    assert (list(written(found)), required(found), found.open) == (names, needed, False)


@pytest.mark.parametrize(
    "body",
    [
        "self.rest = kwargs",
        "for name in kwargs: setattr(self, name, kwargs[name])",
        "make(**kwargs)",
        "pass",
        "super().__init__(3, **{**kwargs})",
    ],
)
def test_a_class_that_keeps_or_ignores_its_kwargs_takes_anything(card: CardOf, body: str) -> None:
    found = card(
        f"{BASE}\nclass X(Base):\n    def __init__(self, a=1, **kwargs):\n        {body}\n"
    )
    assert found.open
    assert "a" in written(found)


def test_a_function_with_kwargs_takes_anything(card: CardOf) -> None:
    found = card("def X(path, **options): ...", "datasets")
    assert (written(found), found.open) == ({"path": None}, True)


def test_two_bases_are_asked_in_pythons_order(card: CardOf) -> None:
    source = """
class Root:
    def __init__(self, root=0): ...
class Left(Root):
    def __init__(self, left=1, **kwargs): super().__init__(**kwargs)
class Right(Root):
    def __init__(self, right=2, **kwargs): super().__init__(**kwargs)
class X(Left, Right):
    def __init__(self, own=3, **kwargs): super().__init__(**kwargs)
"""
    found = card(source)
    space: dict[str, Any] = {}
    exec(source, space)  # the reference: Python's own order
    order = inspect.getmro(space["X"])[:-1]
    expected = [list(inspect.signature(c.__init__).parameters)[1] for c in order]
    assert list(written(found)) == expected


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("X = make()", "X of extra_mod is known only when it runs"),
        ("class A: ...\nX = A\nX = A", "X of extra_mod is known only when it runs"),
        ("import functools\nX = functools.partial(print, sep='')", "known only when it runs"),
        ("@surprising\nclass X: ...", "@surprising may change what X takes"),
        ("@surprising(1)\ndef X(a): ...", "@surprising may change what X takes"),
        ("class X(make_base()): ...", "the source of a base of X is not known"),
        ("import nowhere_at_all as n\nclass X(n.Base): ...", "the source of a base of X"),
        ("class X:\n    def __new__(cls, a): ...", "X is made in a way of its own"),
        ("class X:\n    __init__ = other", "X is made in a way of its own"),
        ("class X:\n    @surprising\n    def __init__(self, a): ...", "@surprising may change"),
        ("class X(X): ...", "X is a base of itself"),
        ("class A: ...\nclass B(A): ...\nclass X(A, B): ...", "its bases have no order"),
        ("def X(:", "cannot be read: invalid syntax"),
        ("", "extra_mod does not define X"),
    ],
)
def test_what_the_source_does_not_tell_is_unknown_with_its_reason_and_takes_anything(
    card: CardOf, source: str, reason: str
) -> None:
    found = card(source)
    assert reason in found.unknown
    assert (found.open, found.arguments, found.call) == (True, (), None)


def test_a_source_that_is_nested_too_deeply_is_unknown(card: CardOf) -> None:
    found = card(f"def X(a: {' | '.join(['int'] * 3000)}): ...", "datasets")
    assert "nested too deeply" in found.unknown or "cannot be read" in found.unknown
    assert found.open


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("X: type = Other\nclass Other:\n    def __init__(self, a): ...", ["a"]),
        ("class X(object):\n    def __init__(self, **k): super().__init__(**k)", []),
        ("import typing\nclass X(typing.Generic[int]):\n    def __init__(self, a): ...", ["a"]),
        ("class X:\n    def __init__(self, **k):\n        for n in k.keys(): raise E(n)", []),
        ("class X:\n    def __init__(self, **k):\n        self.a = k.get(name)", None),
    ],
    ids=str,
)
def test_less_usual_ways_of_writing_a_class_are_understood(
    card: CardOf, source: str, names: list[str] | None
) -> None:
    found = card(source)
    assert found.unknown == ""
    assert (list(written(found)), found.open) == (names or [], names is None)


def test_a_module_as_a_base_is_no_class(card: CardOf) -> None:
    found = card("from keras import layers\nclass X(layers): ...")
    assert "the source of a base of X is not known" in found.unknown


def test_an_unknown_base_does_not_matter_where_nothing_is_handed_to_it(card: CardOf) -> None:
    found = card("class X(make_base()):\n    def __init__(self, a=1): super().__init__()")
    assert (written(found), found.open, found.unknown) == ({"a": "1"}, False, "")


def test_an_unknown_base_takes_anything_that_is_handed_to_it(card: CardOf) -> None:
    found = card("class X(make_base()):\n    def __init__(self, a=1, **k): super().__init__(**k)")
    assert (written(found), found.open, found.unknown) == ({"a": "1"}, True, "")


def test_an_own_argument_comes_before_what_is_handed_on_from_however_far(card: CardOf) -> None:
    found = card(
        "class B:\n    def __init__(self, b=1): ...\n"
        "class C(B):\n    def __init__(self, *, a=0, **k): super().__init__(**k)\n"
        "class X(C):\n    def __init__(self, **k): super().__init__(**k)"
    )
    assert list(written(found).items()) == [("a", "0"), ("b", "1")]


LAYER = """
import keras
from keras import layers as kl

@keras.saving.register_keras_serializable(package="extra")
class X(kl.{base}):
    def __init__(self, width, **kwargs):
        super().__init__(**kwargs)
    def call(self, inputs, mask=None): ...
"""


def test_a_layer_takes_the_keywords_of_keras_base_layer(card: CardOf) -> None:
    found = card(LAYER.format(base="Layer"))
    names = ["width", "activity_regularizer", "trainable", "dtype", "autocast", "name"]
    assert list(written(found)) == names
    assert (found.base, found.open) == ("Layer", False)
    assert found.call == (Parameter("inputs"), Parameter("mask", False))
    assert not found.called_as_keras


def test_a_layer_of_a_keras_layer_takes_that_ones_arguments(card: CardOf) -> None:
    found = card(LAYER.format(base="Dense").replace("(**kwargs)", "(units=width, **kwargs)"))
    assert "units" not in written(found)
    assert {"width", "activation", "kernel_regularizer", "name"} <= written(found).keys()


def test_keras_under_tensorflows_name_is_keras(card: CardOf) -> None:
    found = card(
        "import tensorflow as tf\nclass X(tf.keras.losses.Loss):\n"
        "    def call(self, y_true, y_pred, weight): ...\n",
        "losses",
    )
    assert (found.base, list(written(found))) == ("Loss", ["name", "reduction", "dtype"])


@pytest.mark.parametrize(
    ("kind", "base", "method"),
    [("losses", "losses.Loss", "call"), ("metrics", "metrics.Metric", "update_state")],
)
def test_what_a_loss_or_metric_is_called_with_is_on_its_card(
    card: CardOf, kind: str, base: str, method: str
) -> None:
    source = (
        f"import keras\nclass X(keras.{base}):\n    def {method}(self, y_true, y_pred, kg): ..."
    )
    found = card(source, kind)
    assert found.call == (Parameter("y_true"), Parameter("y_pred"), Parameter("kg"))
    assert not found.called_as_keras


def test_what_keras_wrote_asks_for_nothing_even_below_a_plugins_class(card: CardOf) -> None:
    source = "from keras.losses import Huber\nclass X(Huber): ..."
    found = card(source, "losses")
    assert (found.base, found.called_as_keras) == ("Loss", True)
    assert "delta" in written(found)


@pytest.mark.parametrize(
    "method",
    ["call = 1", "@functools.wraps(other)\n    def call(self, y_true, y_pred, kg): ..."],
    ids=["no function", "decorated"],
)
def test_a_method_that_is_decorated_or_no_function_is_not_known(card: CardOf, method: str) -> None:
    found = card(f"import keras\nclass X(keras.losses.Loss):\n    {method}", "losses")
    assert found.call is None
