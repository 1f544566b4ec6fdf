"""What tests of several files share: a cache of their own, and takers of pairs and tables."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from zoo.report import Report
from zoo_localization.lorenz05_pairs import Lorenz05PairSettings


@pytest.fixture(autouse=True, scope="session")
def _one_thread_steps() -> Iterator[None]:
    """Leaves the other cores to other tests: waiting for each other, threads keep them busy."""
    if importlib.util.find_spec("numba") is None:
        yield
        return
    import numba

    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(threads)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where blocks lie, with none there yet."""
    monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def filled(cache: Path, made: Path) -> Path:
    """A cache of the test's own with the blocks that its module has made, once for all."""
    shutil.copytree(made, cache)
    return cache


@pytest.fixture(scope="session")
def shape() -> dict[str, object]:
    """Arguments of `Lorenz05PairSettings` for blocks of less than a second."""
    return {
        "model": "II",
        "model_size": 60,
        "averaging_length": 4,
        "forcing": 10.0,
        "dt": 0.025,
        "steps_per_cycle": 2,
        "obs_dens": 4,
        "members": 6,
        "reference_members": 40,
        "small_filters": 3,
        "cutoff": 20.0,
        "inflation": 1.05,
        "spin_up": 5,
        "cycles_between_pairs": 2,
        "pairs_per_block": 12,
    }


@pytest.fixture
def pair_settings(shape: dict[str, object]) -> Lorenz05PairSettings:
    return Lorenz05PairSettings(**shape)


class Stream:
    """Pairs that are read by number, as those on disk are."""

    def __init__(self, inputs, target):
        self.inputs, self.target = inputs, target
        self.sample_count = len(target)

    def samples(self, numbers, epoch=0):
        return {key: x[numbers] for key, x in self.inputs.items()}, self.target[numbers]


@pytest.fixture
def stream() -> type[Stream]:
    return Stream


class Tables:
    """Takes the tables and figures of an evaluator, checked as the zoo does."""

    def __init__(self):
        self.columns, self.drawn = {}, {}
        self.checked = Report(None).of("assimilation", "assimilation")

    def table(self, name, columns, caption):
        assert caption
        self.checked.table(name, columns, caption)
        self.columns[name] = columns

    def lines(self, name, columns, *, caption, **how):
        self.checked.lines(name, columns, caption=caption, **how)
        self.columns[name], self.drawn[name] = columns, how["y"]

    def bars(self, name, columns, *, caption, **how):
        self.checked.bars(name, columns, caption=caption, **how)
        self.columns[name], self.drawn[name] = columns, how["y"]

    def rows(self, name):
        columns = self.columns[name]
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


@pytest.fixture
def report() -> Tables:
    return Tables()


@pytest.fixture
def short() -> dict[str, object]:
    """Arguments of `assimilation` for a comparison of a second."""
    return {
        "twin": {"model_size": 24, "obs_dens": 2},
        "members": 8,
        "cycles": 30,
        "spin_up": 10,
        "seeds": 3,
        "tuning_seeds": 2,
        "inflations": [1.05, 1.15],
        "cutoffs": [6.0, 9.0],
    }
