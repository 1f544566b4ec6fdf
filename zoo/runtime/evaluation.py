"""Evaluators run on a model and the data of its config."""

import contextlib
import math
import sys
from typing import Any

from zoo.catalog.catalog import Catalog
from zoo.errors import ConfigError, RunError, ZooError
from zoo.progress import progress
from zoo.report import Report, Tables
from zoo.resolve import Part, ResolvedModel
from zoo.runtime.data import load_data
from zoo.runtime.instantiate import Instantiator

Results = dict[str, dict[str, float]]


def evaluate(
    model: ResolvedModel, built: Any, catalog: Catalog, report: Report | None = None
) -> Results:
    """Runs the evaluators of a config, or the model's own metrics where it names none.

    Args:
        model: The resolved model.
        built: The Keras model, with weights.
        catalog: The installed components.
        report: What takes the tables of evaluators that have a parameter `report`.

    Returns:
        What each evaluator found, by its name.

    Raises:
        ConfigError: If the config has no data.
        RunError: If an evaluator fails.
    """
    source = model.source
    if model.data is None:
        raise ConfigError(
            "there is no [data] to evaluate on", "missing-key", file=str(source.path), key="data"
        )
    instantiator = Instantiator(source.path, source.folder, source.root)
    parts = model.evaluators or (_own_metrics(catalog),)
    instantiator.check(*parts)
    data = load_data(model.data, instantiator, built)
    report = report or Report(None)
    # Two of one type are told apart as everywhere: `metrics`, `metrics_1`.
    names = {part.key.removeprefix("evaluate."): part for part in parts}
    return {
        name: _results(part, instantiator, (built, data), report.of(name, part.component.name))
        for name, part in names.items()
    }


def _own_metrics(catalog: Catalog) -> Part:
    component = catalog.find("evaluators", "metrics")
    return Part(component, {}, "evaluate.metrics", card=catalog.card(component))


def _results(
    part: Part, instantiator: Instantiator, given: tuple[Any, Any], tables: Tables
) -> dict[str, float]:
    name = part.component.name
    try:
        # It may have a bar of its own.
        with contextlib.redirect_stdout(sys.stderr), progress(f"evaluating, {name}", live=False):
            found = instantiator.call(part, *given, report=tables)
        results = {str(key): float(value) for key, value in found.items()}
    except (ZooError, KeyboardInterrupt):
        raise
    except Exception as error:  # a plugin may raise anything
        raise RunError(
            f"the evaluator {name} fails: {error}", "evaluation", key=part.key
        ) from error
    if wrong := [key for key, value in results.items() if math.isnan(value)]:
        raise RunError(f"the evaluator {name} gives NaN as {', '.join(wrong)}", "not-finite")
    return results
