"""What the trials of a sweep are, and what is no sweep."""

import itertools
import math
from typing import Any

import pytest

import zoo
from zoo.config.schema import SweepTable
from zoo.sweeps.plan import plan


def table(**keys: Any) -> SweepTable:
    return SweepTable.model_validate(keys)


def test_a_grid_has_every_combination_and_counts_like_a_clock() -> None:
    found = plan(table(values={"a": [1, 2], "b": ["x", "y", "z"]}))
    assert found == [{"a": a, "b": b} for a, b in itertools.product([1, 2], "xyz")]


def random(values: dict[str, Any], trials: int = 2000, seed: int = 0) -> list[dict[str, Any]]:
    return plan(table(method="random", trials=trials, seed=seed, values=values))


def test_random_trials_follow_from_the_seed_and_a_longer_sweep_begins_with_a_shorter() -> None:
    values = {"a": {"low": 0.0, "high": 1.0}, "b": [1, 2, 3]}
    assert random(values, 7) == random(values, 20)[:7]
    assert random(values, 7) != random(values, 7, seed=1)


def test_a_range_is_uniform_between_its_ends() -> None:
    drawn = [trial["a"] for trial in random({"a": {"low": -2.0, "high": 6.0}})]
    assert all(-2.0 <= value <= 6.0 for value in drawn)
    # The mean of 2,000 has a standard deviation of 8 / sqrt(12 * 2000) = 0.052.
    assert sum(drawn) / len(drawn) == pytest.approx(2.0, abs=0.2)
    assert sum(value < 0 for value in drawn) / len(drawn) == pytest.approx(0.25, abs=0.04)


def test_a_range_with_log_is_uniform_in_the_logarithm() -> None:
    drawn = [trial["a"] for trial in random({"a": {"low": 1e-4, "high": 1.0, "log": True}})]
    shares = [sum(10.0**-n <= value < 10.0 ** (1 - n) for value in drawn) for n in (1, 2, 3, 4)]
    assert all(share / len(drawn) == pytest.approx(0.25, abs=0.04) for share in shares)
    assert min(drawn) >= 1e-4


@pytest.mark.parametrize("log", [False, True])
def test_whole_ends_give_whole_numbers_and_both_of_them(log: bool) -> None:
    drawn = {trial["a"] for trial in random({"a": {"low": 1, "high": 5, "log": log}})}
    assert drawn == {1, 2, 3, 4, 5}
    assert all(type(value) is int for value in drawn)


def test_whole_numbers_of_a_plain_range_are_equally_likely() -> None:
    drawn = [trial["a"] for trial in random({"a": {"low": 1, "high": 4}})]
    for value in (1, 2, 3, 4):
        assert drawn.count(value) / len(drawn) == pytest.approx(0.25, abs=0.04)


def test_every_choice_is_equally_likely() -> None:
    drawn = [trial["a"] for trial in random({"a": ["x", "y"]})]
    assert drawn.count("x") / len(drawn) == pytest.approx(0.5, abs=4 * math.sqrt(0.25 / 2000))


CONFIG = """
zoo = 1
name = "swept"
loss = "mse"
[[inputs]]
name = "x"
shape = [4]
[[layers]]
name = "y"
type = "Dense"
units = 2
[data]
type = "synthetic"
x_shape = [4]
y_shape = [2]
"""


@pytest.mark.parametrize(
    ("sweep", "said"),
    [
        ("[sweep]", "values"),
        ('[sweep]\nmethods = 1\n[sweep.values]\n"train.epochs" = [1]', 'did you mean "method"?'),
        (
            '[sweep]\nmethod = "bayes"\n[sweep.values]\n"train.epochs" = [1]',
            "'bayes' is not one of",
        ),
        ('[sweep.values]\n"train.epochs" = []', "has at least one"),
        ('[sweep.values]\n"train.epochs" = 3', "give a list of values, or a range"),
        ("[sweep.values]\ntrain.epochs = [1, 2]", "a dotted key is quoted"),
        (
            '[sweep.values]\n"optimizer.learning_rate" = { low = 0.1, high = 1.0 }',
            'a grid needs a list of values for "optimizer.learning_rate"',
        ),
        (
            '[sweep]\nmethod = "random"\n[sweep.values]\n"train.epochs" = [1]',
            "needs `trials`, how many to draw",
        ),
        ('[sweep]\ntrials = 3\n[sweep.values]\n"train.epochs" = [1]', "leave `trials` out"),
        (
            '[sweep]\nmethod = "random"\ntrials = 2\n[sweep.values]\n"a" = { low = 2, high = 1 }',
            "`low` is below `high`; received 2 and 1",
        ),
        (
            '[sweep]\nmethod = "random"\ntrials = 2\n[sweep.values]\n'
            '"a" = { low = 0.0, high = 1.0, log = true }',
            "with `log`, `low` is above 0",
        ),
        (
            '[sweep]\nmethod = "random"\ntrials = 2\n[sweep.values]\n'
            '"a" = { low = true, high = 1.0 }',
            "`low` and `high` are numbers",
        ),
    ],
)
def test_a_sweep_that_means_nothing_is_refused_with_its_place(
    sweep: str, said: str, tmp_path: Any
) -> None:
    file = tmp_path / "swept.toml"
    file.write_text(CONFIG + sweep, encoding="utf-8")
    found = [finding for finding in zoo.check(file) if finding.severity == "error"]
    assert len(found) == 1
    assert said in str(found[0])
    assert "swept.toml:" in str(found[0])
