"""Every promise is kept under a few faults; `make test-faults` tries many more."""

from pathlib import Path

import pytest

from tests.faults.promise import MOST_SHOWN, Promise
from tests.faults.promises import PROMISES

# Keras reads its variables in a way that NumPy 2 has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

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
def test_it_is_kept(promise: Promise, tmp_path: Path) -> None:
    tally = promise.attack(promise.fast, 1, tmp_path)
    assert tally.broken[:MOST_SHOWN] == []
    assert tally.tried >= 1, tally.notes


def test_the_long_ones_are_promises():
    assert set(LONG) <= {promise.name for promise in PROMISES}
