"""Keras's registered components go through the kit: a sample of them fast, all of them slow."""

import importlib.util
import sys
from pathlib import Path

import pytest

import zoo
from zoo.testing import check_component

_spec = importlib.util.spec_from_file_location(
    "keras_cases", Path(__file__).with_name("keras_cases.py")
)
assert _spec is not None
assert _spec.loader is not None
keras_cases = importlib.util.module_from_spec(_spec)
sys.modules["keras_cases"] = keras_cases
_spec.loader.exec_module(keras_cases)

TABLES = {
    "layers": keras_cases.LAYERS,
    "losses": keras_cases.LOSSES,
    "metrics": keras_cases.METRICS,
    "optimizers": keras_cases.OPTIMIZERS,
}
CASES = [(kind, name) for kind, table in TABLES.items() for name in table]
SAMPLE = [
    ("layers", "Dense"),
    ("layers", "Conv2D"),
    ("layers", "BatchNormalization"),
    ("layers", "LayerNormalization"),
    ("layers", "Dropout"),
    ("layers", "Concatenate"),
    ("layers", "Flatten"),
    ("layers", "MaxPooling2D"),
    ("losses", "BinaryCrossentropy"),
    ("losses", "mse"),
    ("metrics", "Precision"),
]


def check(kind, name, skip):
    arguments, samples = TABLES[kind][name]
    given = {"inputs": samples} if kind == "layers" else samples
    return check_component(f"zoo/{name}", arguments, kind=kind, skip=skip, **given)


@pytest.mark.parametrize("kind", TABLES)
def test_no_component_of_keras_is_left_out(kind):
    rows = [row for row in zoo.discover().of_kind(kind) if row.target.startswith("keras.")]
    tried = {row.target for row in rows if row.name in TABLES[kind]}
    untried = {row.name for row in rows if row.target not in tried}
    assert untried == set(keras_cases.LEFT_OUT.get(kind, {}))
    assert set(TABLES[kind]) <= {row.name for row in rows}


@pytest.mark.parametrize(("kind", "name"), SAMPLE)
def test_a_component_of_keras_keeps_every_rule(kind, name):
    assert (kind, name) not in keras_cases.EXCEPTIONS
    check(kind, name, ())


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), [case for case in CASES if case not in SAMPLE])
def test_every_component_of_keras_keeps_every_rule_but_for_the_exceptions(kind, name):
    if name in keras_cases.NEED_SCIPY:
        pytest.importorskip("scipy", reason=f"{name} needs SciPy")
    check(kind, name, tuple(keras_cases.EXCEPTIONS.get((kind, name), ())))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "name", "rule"),
    [(*case, rule) for case, rules in keras_cases.EXCEPTIONS.items() for rule in rules],
)
def test_an_exception_is_one(kind, name, rule):
    # Once Keras has mended it, this fails, and the exception can go.
    others = [known for known in check_rules(kind) if known != rule]
    with pytest.raises(AssertionError, match=rf"\[{rule}\]"):
        check(kind, name, others)


def check_rules(kind):
    from zoo import testing

    return [rule.name for rule in getattr(testing, kind).RULES]
