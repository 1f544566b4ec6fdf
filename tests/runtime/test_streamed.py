"""Datasets that give samples by number: batched as arrays are, without being in memory."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo.errors import RunError
from zoo.runtime.batches import EpochOrder, batches

CONFIG = """
zoo = 1
name = "m"
inputs = [{ name = "x", shape = [3] }]
layers = [{ name = "y", type = "Dense", units = 1 }]
loss = "mse"
optimizer = { type = "SGD", learning_rate = 0.1 }
data = { type = "arrays" }
train = { epochs = 2, batch_size = 4, jit_compile = false }
"""

MODULE = """
import numpy as np

def _xy(count):
    random = np.random.default_rng(0)
    x = random.normal(size=(count, 3)).astype("float32")
    return x, (x @ np.array([[1.0], [-2.0], [0.5]])).astype("float32")

class Streamed:
    def __init__(self, count, shape=(3,), noisy=False):
        self.sample_count, self.noisy = count, noisy
        self.x, self.y = _xy(count)
        self.x = self.x[:, : shape[0]]
    def samples(self, numbers, epoch):
        noise = [np.random.default_rng([epoch, n]).normal() for n in numbers] if self.noisy else 0
        y = self.y[numbers] + np.reshape(noise, (-1, 1)).astype("float32")
        return {"x": self.x[numbers], "unused": self.x[numbers]}, y

def arrays():
    return {"train": _xy(10), "validation": _xy(5)}

def streamed():
    return {"train": Streamed(10), "validation": Streamed(5)}

def noisy():
    return {"train": Streamed(10, noisy=True), "validation": Streamed(5)}

def misshapen():
    return {"train": Streamed(10, shape=(2,))}

def empty():
    return {"train": Streamed(0)}

class Broken(Streamed):
    def samples(self, numbers, epoch):
        if max(numbers) > 0:
            raise ValueError("sample 7 is damaged")
        return super().samples(numbers, epoch)

def broken():
    return {"train": Broken(10)}

class BrokenAtOnce(Streamed):
    def samples(self, numbers, epoch):
        raise OSError("the disk is gone")

def broken_at_once():
    return {"train": BrokenAtOnce(10)}
"""

NAMES = ("arrays", "streamed", "noisy", "misshapen", "empty", "broken", "broken_at_once")


@pytest.fixture
def train(make_distribution, training_of):
    points = {"zoo.datasets": {name: f"streams_mod:{name}" for name in NAMES}}
    make_distribution("zoo-streams", points, {"streams_mod.py": MODULE})
    return training_of(CONFIG)


@pytest.mark.parametrize("loop", ["fit", "gradient_tape"])
def test_samples_are_batched_and_shuffled_as_arrays_are(train, loop):
    arrays = train({"train.loop": loop}, "arrays")
    streamed = train({"train.loop": loop, "data.type": "streamed"}, "streamed")
    assert streamed.history == arrays.history
    other = train({"train.loop": loop, "data.type": "streamed", "train.batch_size": 5}, "other")
    assert other.history != arrays.history


def test_a_resumed_training_sees_the_samples_of_an_uninterrupted_one(train):
    whole = train({"data.type": "noisy"}, "whole")
    train({"data.type": "noisy", "train.epochs": 1}, "parts")
    parts = train({"data.type": "noisy"}, "parts", resume=True)
    assert parts.history == whole.history
    assert whole.history["loss"] != train({"data.type": "streamed"}, "plain").history["loss"]


class Endless:
    sample_count = 10**12

    def __init__(self):
        self.asked = []

    def samples(self, numbers, epoch):
        self.asked.append((list(numbers), epoch))
        x = np.stack([np.full(2, float(number % 1000)) for number in numbers])
        return x, x[:, :1]


@pytest.fixture
def model():
    x = keras.Input((2,), name="x")
    return keras.Model(x, keras.layers.Dense(1, name="y")(x))


def test_no_more_is_read_than_is_asked_for(model):
    split, order = Endless(), EpochOrder(1)
    order.start(6)
    batch = iter(batches(split, model, 4, order))
    x, y = next(batch)
    assert x.shape == (4, 2)
    assert x.dtype == np.float32
    # The first sample tells the shapes; then the batch itself, and a few ahead of it.
    assert split.asked[0] == ([0], 0)
    assert len(split.asked) < 8
    numbers, epoch = split.asked[1]
    assert epoch == 6
    np.testing.assert_array_equal(np.asarray(y)[:, 0], np.asarray(numbers) % 1000)


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ("misshapen", "x of train has samples of shape (2,); the input x takes (3,)"),
        ("empty", "the split train has no samples"),
        ("broken_at_once", "a sample cannot be read: the disk is gone"),
        ("broken", "the training failed: InvalidArgumentError: ValueError: sample 7 is damaged"),
    ],
)
def test_what_is_wrong_with_samples_is_said(train, dataset, message):
    with pytest.raises(RunError) as caught:
        train({"data.type": dataset})
    assert caught.value.findings[0].message == message
