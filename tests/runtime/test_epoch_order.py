"""The order of the samples follows from seed and epoch, and from nothing else."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.runtime.batches import EpochOrder, batches
from zoo.runtime.workers import Worker


def order_of(seed, epoch, count, **options):
    order = EpochOrder(seed, **options)
    order.start(epoch)
    return np.asarray(order(tf.range(count), count)).tolist()


@pytest.mark.parametrize("count", [1, 2, 3, 7, 64, 1000])
@pytest.mark.parametrize("epoch", [0, 1, 999])
def test_each_epoch_sees_every_sample_once(count, epoch):
    assert sorted(order_of(11, epoch, count)) == list(range(count))


def test_epochs_and_seeds_have_orders_of_their_own():
    orders = [tuple(order_of(seed, epoch, 50)) for seed in (0, 1, 2**32 - 1) for epoch in range(20)]
    assert len(set(orders)) == 60


def test_the_order_depends_on_nothing_but_seed_and_epoch():
    expected = order_of(5, 3, 40)
    keras.utils.set_random_seed(99)
    order = EpochOrder(5)
    for epoch in (0, 7, 3):
        order.start(epoch)
        found = np.asarray(order(tf.range(40), 40)).tolist()
    assert found == expected


def test_the_place_of_a_sample_is_spread_over_the_whole_epoch():
    # Where sample 0 comes in 200 epochs of 10 samples: each place 20 times, give or take.
    places = [order_of(0, epoch, 10).index(0) for epoch in range(200)]
    counts = np.bincount(places, minlength=10)
    chi_squared = float(np.sum((counts - 20.0) ** 2 / 20.0))
    assert chi_squared < 27.9  # 99.9 % of the distribution with nine degrees of freedom


def test_without_shuffling_the_data_keeps_its_order():
    assert order_of(5, 3, 9, shuffle=False) == list(range(9))


def test_a_worker_that_has_nothing_of_a_batch_gets_nothing(model):
    x, y = np.arange(10.0).reshape(5, 2), np.arange(5.0)[:, None]
    found = [
        [len(batch[0]) for batch in batches((x, y), model, 4, EpochOrder(1), Worker(rank, 2))]
        for rank in range(2)
    ]
    assert found == [[2, 0], [2, 1]]


@pytest.fixture
def model():
    x = keras.Input((2,), name="x")
    return keras.Model(x, keras.layers.Dense(1, name="y")(x))


def test_batches_keep_samples_targets_and_weights_together(model):
    x = np.arange(14, dtype="float64").reshape(7, 2)
    y = x[:, :1] * 10
    weight = x[:, 0] * 100
    order = EpochOrder(1)
    data = batches((x, y, weight), model, 3, order)
    seen = []
    for epoch in (0, 1):
        order.start(epoch)
        parts = [tuple(np.asarray(part) for part in batch) for batch in data]
        assert [len(part[0]) for part in parts] == [3, 3, 1]
        for inputs, targets, weights in parts:
            assert inputs.dtype == np.float32
            np.testing.assert_array_equal(targets[:, 0], inputs[:, 0] * 10)
            np.testing.assert_array_equal(weights, inputs[:, 0] * 100)
        seen.append(np.concatenate([part[0][:, 0] for part in parts]).tolist())
    assert sorted(seen[0]) == sorted(seen[1]) == x[:, 0].tolist()
    assert seen[0] != seen[1]
    assert seen[0] == [float(2 * place) for place in order_of(1, 0, 7)]


def test_integers_and_a_dataset_are_handed_on_as_they_are(model):
    (tokens, _) = next(iter(batches((np.ones((3, 2), "int64"), np.ones((3, 1))), model, 8)))
    assert tokens.dtype == tf.int64
    dataset = tf.data.Dataset.from_tensors((np.ones((3, 2)), np.ones((3, 1))))
    assert batches(dataset, model, 8, EpochOrder(0)) is dataset
