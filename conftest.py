"""What every test of the repository shares: a cache of its own, and no waiting."""

import gc
import os
from collections.abc import Iterator

import pytest

YOUNG = 50_000
"""New objects before Python looks for garbage; it would begin at 700."""


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True, scope="session")
def _nothing_waits_for_the_disk() -> Iterator[None]:
    """Leaves syncing out: it is for a loss of power, which no test can bring about.

    Tests of the order of syncing note the calls, which are made as ever.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(autouse=True, scope="session")
def _garbage_is_looked_for_rarely() -> Iterator[None]:
    """Leaves what Keras keeps alive, millions of objects, out of every search for garbage."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 20)
    yield
    gc.set_threshold(*before)


@pytest.fixture(scope="module", autouse=True)
def _garbage_is_looked_for_among_what_is_new() -> Iterator[None]:
    """Keeps what a module's tests left behind from being searched again and again."""
    yield
    gc.collect()
    gc.freeze()
