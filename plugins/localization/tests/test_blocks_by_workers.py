"""Lorenz-96 gain pairs whose blocks other processes make: the same as those made here."""

from __future__ import annotations

import numpy as np
import pytest

from zoo_localization import block_cache
from zoo_localization.datasets import lorenz96_gains

SMALL = {
    "model_size": 8,
    "obs_dens": 2,
    "members": 4,
    "reference_members": 10,
    "spin_up": 2,
    "pairs_per_block": 3,
    "train_pairs": 6,
    "validation_pairs": 3,
    "test_pairs": 0,
}


def test_each_block_is_a_task_of_its_own_and_the_pairs_are_those_made_here(tmp_path, monkeypatch):
    asked = []

    def on_ray(task, names, workers):
        asked.append((sorted(names), workers))
        for name in reversed(names):
            yield task(name)

    monkeypatch.setattr(block_cache, "on_ray", on_ray)
    found = []
    for workers in (0, 2):
        monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path / str(workers)))
        found.append(lorenz96_gains(**SMALL, workers=workers))
    assert asked == [(["train-00000", "train-00001", "validation-00000"], 2)]
    for split, (x, y) in found[0].items():
        np.testing.assert_array_equal(found[1][split][0]["kg_raw"], x["kg_raw"])
        np.testing.assert_array_equal(found[1][split][1], y)


def test_a_number_of_workers_that_means_nothing_is_refused():
    with pytest.raises(ValueError, match="workers must be an integer of at least 0, got -1"):
        lorenz96_gains(**SMALL, workers=-1)
