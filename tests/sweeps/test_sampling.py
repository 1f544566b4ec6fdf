"""Trials that learn: what they depend on, and that they do."""

import sys
from typing import Any

import numpy as np
import pytest

from zoo.config.schema import SweepTable
from zoo.errors import ConfigError
from zoo.sweeps.sampling import ask, optuna

VALUES = {
    "rate": {"low": 1e-4, "high": 1.0, "log": True},
    "units": {"low": 1, "high": 9},
    "optimizer": ["Adam", {"type": "SGD", "momentum": 0.9}, None],
}


def table(**keys: Any) -> SweepTable:
    return SweepTable.model_validate({"method": "tpe", "trials": 40, "values": VALUES, **keys})


def loss(values: dict[str, Any]) -> float:
    apart = np.log10(values["rate"]) + 2.0
    wrong = values["optimizer"] != {"type": "SGD", "momentum": 0.9}
    return float(apart**2 + abs(values["units"] - 5) / 4 + wrong)


def swept(sweep: SweepTable, sign: float = 1.0) -> list[tuple[dict[str, Any], float]]:
    ended: list[tuple[dict[str, Any], float]] = []
    for number in range(1, (sweep.trials or 0) + 1):
        values = ask(sweep, number, ended)
        ended.append((values, sign * loss(values)))
    return ended


@pytest.fixture(autouse=True)
def _needs_optuna() -> None:
    pytest.importorskip("optuna")


@pytest.mark.parametrize(("mode", "sign"), [("min", 1.0), ("max", -1.0)])
def test_later_trials_are_better_than_the_first_whichever_end_is_best(
    mode: str, sign: float
) -> None:
    losses = [
        [sign * value for _, value in swept(table(mode=mode, seed=seed), sign)] for seed in range(4)
    ]
    assert np.mean([found[-10:] for found in losses]) < 0.5 * np.mean(
        [found[:10] for found in losses]
    )


def test_what_is_drawn_is_a_value_that_was_named_or_lies_between_the_ends() -> None:
    for values, _ in swept(table()):
        assert 1e-4 <= values["rate"] <= 1.0
        assert values["units"] in range(1, 10)
        assert type(values["units"]) is int
        assert values["optimizer"] in VALUES["optimizer"]


def test_a_trial_follows_from_seed_number_and_results_alone() -> None:
    ended = swept(table(trials=14))
    np.random.default_rng().random()
    assert ask(table(), 15, ended) == ask(table(), 15, ended)
    assert ask(table(), 15, ended) != ask(table(), 16, ended)
    assert ask(table(), 15, ended) != ask(table(seed=1), 15, ended)
    worse = [(values, -value) for values, value in ended]
    assert ask(table(), 15, ended) != ask(table(), 15, worse)


def test_trials_that_failed_or_are_under_way_are_no_hindrance() -> None:
    ended = swept(table(trials=14))
    running = [values for values, _ in ended[:2]]
    rest = [(values, None) for values, _ in ended[2:4]]
    assert ask(table(), 15, [*rest, *ended[4:]], running).keys() == VALUES.keys()


def test_without_optuna_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ConfigError, match="needs Optuna") as caught:
        optuna()
    assert caught.value.findings[0].suggestion == "pip install 'zoo[optuna]'"
