"""Trials that learn from those before them, by Optuna's tree-structured Parzen estimator."""

import warnings
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

import numpy as np

from zoo.config.schema import Range, SweepTable
from zoo.errors import ConfigError

Values = Mapping[str, Any]


def optuna() -> Any:
    """Gives the package.

    Raises:
        ConfigError: If it is not installed.
    """
    try:
        package: Any = import_module("optuna")
    except ImportError as error:
        raise ConfigError(
            '`method = "tpe"` needs Optuna, which is not installed',
            "plugin-missing",
            suggestion="pip install 'zoo[optuna]'",
        ) from error
    package.logging.set_verbosity(package.logging.ERROR)
    return package


def ask(
    sweep: SweepTable,
    number: int,
    ended: Iterable[tuple[Values, float | None]],
    running: Iterable[Values] = (),
) -> dict[str, Any]:
    """Gives the values of the next trial.

    They follow from the seed, the trial's number and what is known of the others, so that a sweep
    that was stopped goes on as it would have.

    Args:
        sweep: The `[sweep]` table.
        number: The trial's number, from 1.
        ended: The values of trials that came to an end, each with its result; None if it failed.
        running: The values of trials whose results are not known yet; they are kept away from.

    Source:
        Bergstra, Bardenet, Bengio & Kegl (2011), Algorithms for hyper-parameter optimization,
        section 4.
    """
    package = optuna()
    states = package.trial.TrialState
    space = {key: _distribution(package, choices) for key, choices in sweep.values.items()}
    seed = int(np.random.SeedSequence([sweep.seed, number]).generate_state(1)[0])
    with warnings.catch_warnings():
        # What stays quiet of Optuna's is that an argument is experimental.
        warnings.simplefilter("ignore")
        study = package.create_study(
            sampler=package.samplers.TPESampler(seed=seed, constant_liar=True),
            direction="minimize" if sweep.mode == "min" else "maximize",
        )
        for values, result in ended:
            outcome = {"state": states.FAIL} if result is None else {"value": result}
            study.add_trial(_trial(package, sweep, space, values, **outcome))
        for values in running:
            study.add_trial(_trial(package, sweep, space, values, state=states.RUNNING))
        drawn = study.ask(space).params
    return {key: _chosen(sweep.values[key], value) for key, value in drawn.items()}


def _distribution(package: Any, choices: list[Any] | Range) -> Any:
    if isinstance(choices, list):
        # By their places: a value may be a table, which Optuna does not know.
        return package.distributions.CategoricalDistribution(tuple(range(len(choices))))
    low, high, log = choices
    if isinstance(low, int) and isinstance(high, int):
        return package.distributions.IntDistribution(low, high, log=log)
    return package.distributions.FloatDistribution(low, high, log=log)


def _trial(
    package: Any, sweep: SweepTable, space: Mapping[str, Any], values: Values, **outcome: Any
) -> Any:
    drawn = {
        key: choices.index(values[key]) if isinstance(choices, list) else values[key]
        for key, choices in sweep.values.items()
    }
    return package.trial.create_trial(params=drawn, distributions=dict(space), **outcome)


def _chosen(choices: list[Any] | Range, drawn: Any) -> Any:
    return choices[drawn] if isinstance(choices, list) else drawn
