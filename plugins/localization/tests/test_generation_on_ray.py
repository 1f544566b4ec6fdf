"""Gain pairs that several of Ray's processes simulate: the same as those of one process."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
from pathlib import Path

import numpy as np
import pytest

from zoo_localization.block_cache import BlockCache
from zoo_localization.lorenz05_datasets import lorenz05_gains
from zoo_localization.on_ray import on_ray


@pytest.fixture
def small(shape):
    """Arguments of `lorenz05_gains`."""
    return {**shape, "train_pairs": 24, "validation_pairs": 12, "test_pairs": 0}


@pytest.fixture(scope="module")
def ray():
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield ray
    ray.shutdown()


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning")
def test_every_gain_is_that_of_one_process_bit_for_bit(ray, tmp_path, monkeypatch, small):
    pytest.importorskip("h5netcdf")
    found = []
    for name, workers in (("here", 0), ("there", 2)):
        monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path / name))
        data = lorenz05_gains(**small, workers=workers)
        found.append(
            [data[split].samples(range(n)) for split, n in (("train", 24), ("validation", 12))]
        )
        assert len(list((tmp_path / name).rglob("*.nc"))) == 3
    for here, there in zip(*found, strict=True):
        np.testing.assert_array_equal(here[0]["kg_raw"], there[0]["kg_raw"])
        np.testing.assert_array_equal(here[1], there[1])


def digests(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.block")
    }


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning")
def test_a_killed_process_is_replaced_and_leaves_the_same_files(ray, tmp_path):
    def make(name, advance):
        (begun / name).open("a").write(".")
        killed = begun / "killed"
        if name == "b" and not killed.exists():
            killed.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        advance()
        rng = np.random.default_rng([7, ord(name)])
        return {"values": rng.standard_normal((50, 40)).astype(np.float32)}

    begun = tmp_path / "begun"
    begun.mkdir()
    names = ["a", "b", "c", "d"]
    there = BlockCache(tmp_path / "there")
    there.gather(["a"], make, "making blocks", 1)
    first = there.path("a").stat().st_mtime_ns
    found = there.gather(names, make, "making blocks", 1, workers=2)
    assert len(found) == 4
    assert (begun / "killed").exists()
    assert there.path("a").stat().st_mtime_ns == first
    assert {name: len((begun / name).read_text()) for name in names} == dict(
        zip(names, [1, 2, 1, 1], strict=True)
    )
    here = BlockCache(tmp_path / "here")
    here.gather(names, make, "making blocks", 1)
    assert digests(there.folder) == digests(here.folder)


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning")
def test_what_is_wrong_in_a_process_is_said_as_it_would_be_here(ray):
    def task(name):
        raise ValueError(f"{name} is no block")

    with pytest.raises(ValueError, match=r"^a is no block$"):
        list(on_ray(task, ["a"], 2))


def test_without_ray_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ImportError, match=r"zoo-localization\[ray\]"):
        list(on_ray(lambda name: None, ["a"], 2))


def test_a_number_of_workers_that_means_nothing_is_refused(small):
    with pytest.raises(ValueError, match="workers must be an integer of at least 0, got -1"):
        lorenz05_gains(**small, workers=-1)
