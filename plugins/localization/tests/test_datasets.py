from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import zoo_localization
from zoo_localization import block_cache, datasets
from zoo_localization.datasets import lorenz96_gains
from zoo_localization.enkf import kalman_gain
from zoo_localization.gain_pairs import Lorenz96PairSettings, generate_block

pytestmark = pytest.mark.usefixtures("cache")
SMALL = {
    "model_size": 12,
    "obs_dens": 3,
    "members": 4,
    "reference_members": 30,
    "spin_up": 20,
    "pairs_per_block": 5,
    "train_pairs": 12,
    "validation_pairs": 5,
    "test_pairs": 7,
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A cache with the blocks of `SMALL`, simulated once."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_CACHE_DIR", str(folder))
        lorenz96_gains(**SMALL)
    return folder


def blocks(cache: Path) -> dict[str, str]:
    """Each block's name and the SHA-256 of its file."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(cache.rglob("*.block"))
    }


def arrays(data) -> list[np.ndarray]:
    return [a for split in data.values() for a in (split[0]["kg_raw"], split[1])]


def test_the_splits_have_the_asked_for_pairs():
    data = lorenz96_gains(**SMALL)
    assert list(data) == ["train", "validation", "test"]
    for split, count in (("train", 12), ("validation", 5), ("test", 7)):
        x, y = data[split]
        assert list(x) == ["kg_raw"]
        assert x["kg_raw"].shape == y.shape == (count, 12, 4)
        assert x["kg_raw"].dtype == y.dtype == np.float32
        assert np.isfinite(x["kg_raw"]).all()


def test_a_split_of_no_pairs_is_left_out():
    assert list(lorenz96_gains(**{**SMALL, "validation_pairs": 0})) == ["train", "test"]


def test_the_same_arguments_give_the_same_bits(cache, made, monkeypatch):
    first, files = arrays(lorenz96_gains(**SMALL)), blocks(cache)
    monkeypatch.setenv("ZOO_CACHE_DIR", str(made))
    for a, b in zip(first, arrays(lorenz96_gains(**SMALL)), strict=True):
        np.testing.assert_array_equal(a, b)
    assert blocks(made) == files


def test_another_seed_gives_other_pairs(filled):
    first, second = (lorenz96_gains(**SMALL, seed=seed) for seed in (0, 1))
    assert not np.isclose(first["train"][1], second["train"][1]).all(axis=(1, 2)).any()


def test_no_pair_and_no_truth_is_in_two_splits(cache):
    settings = Lorenz96PairSettings(**{k: v for k, v in SMALL.items() if not k.endswith("_pairs")})
    truths = {
        (split, index): generate_block(settings, split, index)["truth"]
        for split, count in (("train", 3), ("validation", 1), ("test", 2))
        for index in range(count)
    }
    # Two stretches of one trajectory would have states in common, to the bit.
    keys = list(truths)
    for i, one in enumerate(keys):
        for other in keys[:i]:
            gaps = np.abs(truths[one][:, None] - truths[other][None]).max(axis=2)
            assert gaps.min() > 1e-2, (one, other)


@pytest.fixture
def priors(monkeypatch):
    """The small and the large prior of every pair."""
    found, large = [], []

    def spy(ensemble, *rest):
        if ensemble.ndim == 2:
            large[:] = [ensemble.copy()]
        else:
            found.append((ensemble[0], large[0]))
        return kalman_gain(ensemble, *rest)

    monkeypatch.setattr("zoo_localization.gain_pairs.kalman_gain", spy)
    return found


def test_s_pairs_are_drawn_from_the_ensemble_of_the_reference(priors):
    lorenz96_gains(**SMALL)
    assert len(priors) == 6 * 5
    for small, large in priors:
        assert small.shape == (4, 12)
        assert all((member == large).all(axis=1).any() for member in small)


def test_f_pairs_come_from_two_filters(priors):
    lorenz96_gains(**SMALL, pair_kind="f", inflation=1.2)
    assert len(priors) == 6 * 5
    for small, large in priors:
        assert small.shape == (4, 12)
        assert not any((member == large).all(axis=1).any() for member in small)


def test_rolled_gains_have_each_observation_in_row_0(filled):
    plain, rolled = lorenz96_gains(**SMALL), lorenz96_gains(**SMALL, rolled=True)
    for gains, turned in zip(arrays(plain), arrays(rolled), strict=True):
        for j in range(4):
            expected = np.roll(gains[:, :, j], -(3 * j + 2), axis=1)
            np.testing.assert_array_equal(turned[:, :, j], expected)


def test_state_targets_are_truth_forecast_and_innovation(filled):
    data = lorenz96_gains(**SMALL, target="state")
    gains = lorenz96_gains(**SMALL)
    for split in ("train", "validation", "test"):
        x, y = data[split]
        assert y.shape == (len(x["kg_raw"]), 2 * 12 + 4, 1)
        np.testing.assert_array_equal(data["kg_true"][split], gains[split][1])
        truth, forecast, innovation = np.split(y[..., 0], [12, 24], axis=1)
        # An analysis with the reference gain is nearer to the truth than the forecast is, and the
        # innovation is what an observation of the truth with R = 1 would leave of the forecast.
        analysis = forecast + np.einsum("bij,bj->bi", gains[split][1], innovation)
        assert np.mean((analysis - truth) ** 2) < np.mean((forecast - truth) ** 2)
        noise = innovation - (truth - forecast)[:, [2, 5, 8, 11]]
        assert 0.5 < noise.std() < 1.5


def test_rolled_state_and_counts_share_one_simulation(filled, monkeypatch):
    monkeypatch.setattr(datasets, "generate_block", lambda *_: pytest.fail("simulated again"))
    lorenz96_gains(**SMALL, rolled=True)
    lorenz96_gains(**SMALL, target="state")
    lorenz96_gains(**{**SMALL, "train_pairs": 3, "forcing": 8})
    assert len(list((filled / "lorenz96_gains").iterdir())) == 1


def test_more_pairs_add_blocks_and_keep_those_there(filled):
    before = blocks(filled)
    lorenz96_gains(**{**SMALL, "train_pairs": 16})
    after = blocks(filled)
    assert set(after) - set(before) == {"train-00003.block"}
    assert before.items() <= after.items()


@pytest.mark.parametrize("moment", ["replace", "fsync"])
def test_a_kill_loses_and_repeats_no_block(cache, made, monkeypatch, moment):
    whole = blocks(made)
    killed = cache / "killed"
    script = (
        "import os, signal\n"
        "from zoo_localization.datasets import lorenz96_gains\n"
        f"real, calls = os.{moment}, []\n"
        "def stub(*args):\n"
        "    calls.append(args)\n"
        "    if len(calls) == 5: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return real(*args)\n"
        f"os.{moment} = stub\n"
        f"lorenz96_gains(**{SMALL})\n"
    )
    paths = os.pathsep.join([str(Path(zoo_localization.__file__).parents[1]), *sys.path])
    environment = {**os.environ, "ZOO_CACHE_DIR": str(killed), "PYTHONPATH": paths}
    process = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True)
    assert process.returncode == -signal.SIGKILL
    left = blocks(killed)
    assert 0 < len(left) < len(whole)
    assert left.items() <= whole.items()
    assert len(list(killed.rglob(".*-*"))) == 1  # what it was writing

    again = []
    monkeypatch.setenv("ZOO_CACHE_DIR", str(killed))
    monkeypatch.setattr(
        datasets, "generate_block", lambda *a: again.append(a) or generate_block(*a)
    )
    lorenz96_gains(**SMALL)
    assert blocks(killed) == whole
    assert len(again) == len(whole) - len(left)
    assert not list(killed.rglob(".*-*"))


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "foreign"])
def test_a_damaged_block_is_noticed_and_made_again(filled, damage):
    first = arrays(lorenz96_gains(**SMALL))
    whole = blocks(filled)
    path = next(filled.rglob("train-00001.block"))
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(
        {
            "cut": content[:-10],
            "flip": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
            "empty": b"",
            "foreign": b"PK\x03\x04 not ours",
        }[damage]
    )
    for a, b in zip(first, arrays(lorenz96_gains(**SMALL)), strict=True):
        np.testing.assert_array_equal(a, b)
    assert blocks(filled) == whole


def test_two_processes_do_not_both_simulate(cache, monkeypatch):
    # Another process makes the blocks while this one waits for the lock.
    lock = block_cache.FileLock

    class BusyLock(lock):
        def __enter__(self):
            monkeypatch.setattr(block_cache, "FileLock", lock)
            lorenz96_gains(**SMALL)
            monkeypatch.setattr(datasets, "generate_block", lambda *_: pytest.fail("both"))
            return super().__enter__()

    monkeypatch.setattr(block_cache, "FileLock", BusyLock)
    lorenz96_gains(**SMALL)
    assert len(blocks(cache)) == 6


def test_progress_is_shown_to_nobody_who_asked_for_quiet(capsys, monkeypatch):
    monkeypatch.setenv("ZOO_QUIET", "1")
    lorenz96_gains(**SMALL)
    assert capsys.readouterr() == ("", "")


def test_progress_is_a_plain_line_in_a_log(capsys):
    lorenz96_gains(**SMALL)
    out, err = capsys.readouterr()
    assert out == ""
    # Six blocks of 20 cycles of spin-up and 5 pairs, 4 cycles apart.
    assert err.splitlines()[-1] == "cycles for gain pairs: 100 % (240 of 240), 0:00:00 left"
    assert len(err.splitlines()) == 10
    lorenz96_gains(**SMALL)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"members": 1}, "members must be an integer of at least 2, got 1"),
        ({"members": 10.0}, r"members must be an integer of at least 2, got 10\.0"),
        ({"reference_members": 4}, "reference_members must be more than members=4"),
        ({"model_size": 3}, "model_size must be an integer of at least 4, got 3"),
        ({"obs_dens": 13}, "obs_dens=13"),
        ({"obs_error_variance": 0}, "obs_error_variance must be a positive finite number, got 0"),
        ({"dt": float("nan")}, "dt must be a positive finite number, got nan"),
        ({"forcing": float("inf")}, "forcing must be a finite number, got inf"),
        ({"inflation": "1.1"}, "inflation must be a positive finite number, got '1.1'"),
        ({"pair_kind": "x"}, 'pair_kind must be "s" .* or "f" .*, got \'x\''),
        ({"target": "truth"}, 'target must be "gain" .* or "state" .*, got \'truth\''),
        ({"rolled": 1}, "rolled must be true or false, got 1"),
        ({"rolled": True, "target": "state"}, "rolled = true does not go with target"),
        ({"train_pairs": 0}, "train_pairs must be an integer of at least 1, got 0"),
        ({"test_pairs": -1}, "test_pairs must be an integer of at least 0, got -1"),
        ({"seed": -1}, "seed must be an integer of at least 0, got -1"),
    ],
)
def test_bad_arguments_are_named_before_anything_is_simulated(cache, arguments, message):
    with pytest.raises(ValueError, match=message):
        lorenz96_gains(**{**SMALL, **arguments})
    assert not cache.exists()


def test_the_simulation_needs_no_keras():
    script = "import sys, zoo_localization.datasets, zoo_localization.evaluators\n"
    script += "assert not {'keras', 'tensorflow'} & set(sys.modules)"
    paths = os.pathsep.join([str(Path(zoo_localization.__file__).parents[1]), *sys.path])
    subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": paths}, check=True
    )


def test_a_model_that_blows_up_names_the_filter_and_its_own_settings(cache):
    wild = {**SMALL, "pair_kind": "f", "cycles_between_pairs": 1}
    reference = "^the reference filter diverged .* Use a smaller dt, or a smaller reference_infla"
    with np.errstate(all="ignore"), pytest.raises(ValueError, match=reference):
        lorenz96_gains(**{**wild, "reference_inflation": 1e200})
    small = "^a small filter diverged .* Use a smaller dt, inflation or cutoff"
    with np.errstate(all="ignore"), pytest.raises(ValueError, match=small):
        lorenz96_gains(**{**wild, "inflation": 1e200})
