from __future__ import annotations

import keras
import numpy as np
import pytest

import zoo
from zoo_localization.enkf import kalman_gain
from zoo_localization.gain_stream import GainPairs
from zoo_localization.observations import ObservationOperator

SIZE, NOBS, DENS = 12, 4, 3


class Pairs:
    """Pairs that say their own number, and how often each was read."""

    obs_dens, shape = DENS, (SIZE, NOBS)

    def __init__(self, count=7):
        self.count, self.reads = count, []

    def __len__(self):
        return self.count

    def read(self, number, pair):
        self.reads.append(number)
        rng = np.random.default_rng(number)
        for values in pair.values():
            values[...] = rng.random(values.shape, np.float32)


def test_batches_hold_every_pair_once_and_the_last_is_smaller():
    pairs = GainPairs(Pairs(), batch_size=3)
    assert len(pairs) == 3
    batches = [pairs[i] for i in range(3)]
    assert [len(y) for _, y in batches] == [3, 3, 1]
    x, y = pairs.samples(range(7))
    np.testing.assert_array_equal(np.concatenate([b[0]["kg_raw"] for b in batches]), x["kg_raw"])
    np.testing.assert_array_equal(np.concatenate([b[1] for b in batches]), y)


def test_only_the_pairs_of_a_batch_are_read():
    source = Pairs(1_000_000)
    GainPairs(source, batch_size=4)[200_000]
    assert source.reads == [800_000, 800_001, 800_002, 800_003]


def test_the_order_changes_with_epoch_and_seed_and_with_nothing_else():
    def order(pairs):
        pairs.source.reads.clear()
        list(pairs)
        return list(pairs.source.reads)

    pairs = GainPairs(Pairs(), batch_size=3, shuffle=True, seed=1)
    first = order(pairs)
    assert sorted(first) == list(range(7))
    assert order(GainPairs(Pairs(), batch_size=2, shuffle=True, seed=1)) == first
    assert order(GainPairs(Pairs(), batch_size=3, shuffle=True, seed=2)) != first
    pairs.on_epoch_end()
    assert order(pairs) != first


def test_a_rolled_gain_is_the_gain_of_rolled_members():
    rng = np.random.default_rng(0)
    ensemble, operator = rng.standard_normal((5, SIZE)), ObservationOperator(SIZE, DENS)

    class Ensemble(Pairs):
        def read(self, number, pair):
            gain = kalman_gain(ensemble, operator, 0.7)
            pair["kg_raw"][...], pair["kg_true"][...] = gain, 2 * gain
            pair["mean"][...] = ensemble.mean(axis=0)

    pairs = GainPairs(Ensemble(40), with_mean=True, roll=True)
    x, y = pairs.samples(range(40), epoch=3)
    shifts = set()
    for gain, mean, true in zip(x["kg_raw"], x["mean"], y, strict=True):
        matching = [
            k
            for k in range(NOBS)
            if np.allclose(gain, kalman_gain(np.roll(ensemble, DENS * k, axis=1), operator, 0.7))
        ]
        assert len(matching) == 1
        shifts.add(matching[0])
        np.testing.assert_allclose(mean, np.roll(ensemble.mean(axis=0), DENS * matching[0]))
        np.testing.assert_array_equal(true, 2 * gain)
    assert shifts == set(range(NOBS))


def test_a_roll_follows_from_seed_epoch_and_number():
    def drawn(numbers, epoch, seed=0):
        return GainPairs(Pairs(), roll=True, seed=seed).samples(numbers, epoch)[1]

    np.testing.assert_array_equal(drawn([5, 2], 4), drawn([2, 5], 4)[::-1])
    assert not (drawn(range(7), 4) == drawn(range(7), 5)).all()
    assert not (drawn(range(7), 4) == drawn(range(7), 4, seed=1)).all()


def test_keras_itself_trains_on_the_pairs():
    inputs = keras.Input((SIZE, NOBS), name="kg_raw")
    model = keras.Model({"kg_raw": inputs}, keras.layers.Dense(NOBS)(inputs))
    model.compile("sgd", "mse")
    source = Pairs()
    pairs = GainPairs(source, batch_size=3, shuffle=True)
    history = model.fit(pairs, epochs=2, verbose=0, validation_data=GainPairs(Pairs(2)))
    assert history.history["loss"][1] < history.history["loss"][0]
    assert pairs.epoch >= 2


CONFIG = """
zoo = 1
name = "m"
[[inputs]]
name = "kg_raw"
shape = [60, 15]
[[layers]]
name = "kg_pred"
type = "Dense"
units = 15
[loss]
type = "mse"
[optimizer]
type = "SGD"
learning_rate = 0.1
[data]
type = "lorenz05_gains"
model = "II"
model_size = 60
averaging_length = 4
forcing = 10.0
dt = 0.025
steps_per_cycle = 2
members = 6
reference_members = 40
small_filters = 3
cutoff = 20.0
spin_up = 2
cycles_between_pairs = 1
pairs_per_block = 12
train_pairs = 20
validation_pairs = 0
test_pairs = 0
augment = "roll"
[train]
epochs = 3
batch_size = 8
seed = 3
jit_compile = false
"""


def test_a_resumed_training_sees_the_rolls_and_the_order_of_an_uninterrupted_one(
    tmp_path, monkeypatch
):
    pytest.importorskip("h5netcdf")
    monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path / "cache"))
    # Each training would draw charts.
    monkeypatch.setattr("zoo.runtime.training.try_run_report", lambda *_, **__: None)
    (tmp_path / "registry.toml").write_text("format = 1\n")
    config = tmp_path / "m.toml"
    config.write_text(CONFIG)

    def train(name, epochs, **options):
        where = {"zoo": tmp_path, "folder": tmp_path / name, "quiet": True}
        return zoo.train(config, {"train.epochs": epochs}, **where, **options)

    whole = train("whole", 3)
    train("parts", 1)
    parts = train("parts", 3, resume=True)
    assert parts.history == whole.history
    assert len(set(whole.history["loss"])) == 3
