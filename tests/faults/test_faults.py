"""Every promise is kept under a few faults; `make test-faults` tries many more."""

from pathlib import Path

import pytest

from tests.faults.promise import MOST_SHOWN, Promise
from tests.faults.promises import PROMISES
from tests.marks import keras_gives_arrays

pytestmark = [keras_gives_arrays, pytest.mark.usefixtures("no_run_report")]

# Processes that train or publish and are stopped: tests/runtime and tests/registry hold each of
# these as well.
LONG = (
    "a kill in a publish costs nothing and blocks nothing",
    "NaN never replaces a good checkpoint",
    "a second signal stops a training at once",
    "a signal stops a training within a batch, and it goes on later",
    "a kill during a training never costs an epoch that was done",
    "a resumed run equals the uninterrupted one, bit for bit",
)
CASES = [
    pytest.param(promise, id=promise.name, marks=[pytest.mark.slow] if promise.name in LONG else [])
    for promise in PROMISES
]


@pytest.mark.parametrize("promise", CASES)
def test_a_promise_is_kept(promise: Promise, tmp_path: Path) -> None:
    tally = promise.attack(promise.fast, 1, tmp_path)
    assert tally.broken[:MOST_SHOWN] == []
    assert tally.tried >= 1, tally.notes


def test_what_is_left_to_the_slow_tests_is_a_promise():
    assert set(LONG) <= {promise.name for promise in PROMISES}
