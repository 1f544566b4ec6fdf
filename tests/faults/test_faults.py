"""Every promise is kept under a few faults; `make test-faults` tries many more."""

from pathlib import Path

import pytest

from tests.faults.promise import MOST_SHOWN, Promise
from tests.faults.promises import PROMISES

# Keras reads its variables in a way that NumPy 2 has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.name)
def test_it_is_kept(promise: Promise, tmp_path: Path) -> None:
    tally = promise.attack(promise.fast, 1, tmp_path)
    assert tally.broken[:MOST_SHOWN] == []
    assert tally.tried >= 1, tally.notes
