"""The rules for evaluators."""

import inspect
import math
from collections.abc import Mapping
from typing import Any

from zoo.report import Report
from zoo.testing import cards
from zoo.testing.rules import Broken, rule
from zoo.testing.samples import as_arrays, must_agree
from zoo.testing.tiny import TrainingBench


def _run(bench: TrainingBench, model: Any = None) -> Any:
    model = bench.model() if model is None else model
    target, arguments = bench.subject.target, bench.subject.arguments
    if "report" in inspect.signature(target).parameters:
        arguments["report"] = Report(None).of(bench.subject.label, bench.subject.label)
    return target(model, bench.data, **arguments)


@rule(
    "It returns a dict of finite numbers by name, and reports only tables that can be written.",
    'return {"name": float(value)}: one number a name, not an array.',
)
def results(bench: TrainingBench) -> None:
    """Runs it once."""
    found = _run(bench)
    if not isinstance(found, Mapping) or not found:
        raise Broken(f"it returns {found!r}")
    for name, value in found.items():
        if not isinstance(name, str):
            raise Broken(f"the name {name!r} is a {type(name).__name__}")
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise Broken(f"{name} is a {type(value).__name__}: {value!r}") from None
        if not math.isfinite(number):
            raise Broken(f"{name} is {number}")


@rule(
    "The same model and data give the same numbers.",
    "take a `seed` argument, and seed what is drawn at random by it.",
)
def seed(bench: TrainingBench) -> None:
    """Runs it twice."""
    model = bench.model()
    first, second = _run(bench, model), _run(bench, model)
    names = sorted(first)
    must_agree([second[n] for n in names], [first[n] for n in names], "two runs differ", 0.0)


@rule(
    "It changes neither the model nor the data.",
    "call model.predict or model.evaluate, never fit; copy an array before it is changed.",
)
def untouched(bench: TrainingBench) -> None:
    """Compares weights and data before and after."""
    model = bench.model()
    weights = as_arrays([variable.value for variable in model.weights])
    arrays = bench.arrays()
    _run(bench, model)
    after = as_arrays([variable.value for variable in model.weights])
    must_agree(after, weights, "the weights have changed", 0.0)
    must_agree(bench.arrays(), arrays, "the data has changed", 0.0)


RULES = (results, seed, untouched, cards.card)
