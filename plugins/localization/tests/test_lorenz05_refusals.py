"""What the Lorenz-05 gains refuse, before a simulation and in the midst of one."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from zoo_localization.lorenz05_datasets import generate_gains, lorenz05_gains

pytestmark = pytest.mark.usefixtures("cache")
pytest.importorskip("h5py")
pytest.importorskip("h5netcdf")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"members": 1}, "members must be an integer of at least 2, got 1"),
        ({"obs_error_variance": 0}, "obs_error_variance must be a positive finite number, got 0"),
        ({"update": "letkf"}, 'update must be "matrix", "serial" or .*, got \'letkf\''),
        ({"update": []}, r"update must be .*, got \(\)"),
        ({"small_filters": 0}, "small_filters must be an integer of at least 1, got 0"),
        ({"pairs_per_block": 10}, "pairs_per_block must be a multiple of small_filters=3.*got 10"),
        ({"reference_members": 17}, r"at least small_filters\*members = 18, got 17"),
        ({"steps_per_cycle": 0}, "steps_per_cycle must be an integer of at least 1, got 0"),
        ({"model": "IV"}, 'model must be one of "I", "II", "III", got \'IV\''),
        ({"averaging_length": 30}, "at least 75 model states"),
        ({"width": 2}, "width must be an odd number"),
        ({"pair_kind": "x"}, "pair_kind must be"),
        ({"augment": "flip"}, 'augment must be "roll"'),
        ({"augment": "roll", "obs_dens": 7}, "model_size=60 is no multiple of obs_dens=7"),
        ({"train_pairs": 0}, "train_pairs must be an integer of at least 1, got 0"),
    ],
)
def test_bad_arguments_are_named_before_anything_is_simulated(cache, arguments, message, shape):
    with pytest.raises(ValueError, match=message):
        lorenz05_gains(**{**shape, "train_pairs": 20, **arguments})
    assert not cache.exists()


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("f", "^a small filter diverged by cycle .* Use more members, a larger inflation"),
        ("s", "^the reference filter diverged by cycle .* Use more reference_members, or a larger"),
    ],
)
def test_the_filter_that_loses_the_truth_is_named_with_its_settings(
    monkeypatch, pair_settings, kind, said
):
    settings = replace(
        pair_settings, obs_error_variance=1e6, spin_up=150, pairs_per_block=3, pair_kind=kind
    )
    with pytest.raises(ValueError, match=said):
        generate_gains(settings, "train", 1)
    # Nothing half made is left behind.
    (folder,) = (Path(os.environ["ZOO_CACHE_DIR"]) / "lorenz05_gains").iterdir()
    assert [path.name for path in folder.iterdir()] == [".lock"]
