"""What is not finite stops a training before it spoils anything."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.errors import RunError

CONFIG = """
zoo = 1
name = "m"
inputs = [{ name = "x", shape = [3] }]
layers = [{ name = "y", type = "Dense", units = 2 }]
loss = "mse"
optimizer = { type = "SGD", learning_rate = 0.01 }
data = { type = "npz", path = "data.npz" }
train = { epochs = 3, batch_size = 4, jit_compile = false }
"""


@pytest.fixture
def train(zoo_root, training_of):
    train = training_of(CONFIG)

    def train_on(arrays, *args, **options):
        np.savez(zoo_root / "data.npz", **arrays)
        return train(*args, **options)

    return train_on


def arrays():
    random = np.random.default_rng(0)
    return {
        "x": random.normal(size=(8, 3)).astype("float32"),
        "y": random.normal(size=(8, 2)).astype("float32"),
        "x_validation": random.normal(size=(4, 3)).astype("float32"),
        "y_validation": random.normal(size=(4, 2)).astype("float32"),
        "sample_weight": np.ones(8, "float32"),
    }


PLACES = [
    ("x", (5, 2), np.nan, "x of train holds nan at [5, 2]"),
    ("y", (7, 1), np.inf, "y of train holds inf at [7, 1]"),
    ("y_validation", (0, 0), -np.inf, "y of validation holds -inf at [0, 0]"),
    ("sample_weight", (3,), np.nan, "sample_weight of train holds nan at [3]"),
]


@pytest.mark.parametrize(
    ("name", "place", "value", "message"), PLACES, ids=[name for name, *_ in PLACES]
)
def test_what_is_not_finite_in_the_data_is_named_by_its_place(
    train, zoo_root, name, place, value, message
):
    data = arrays()
    if name == "sample_weight":
        data["sample_weight_validation"] = np.ones(4, "float32")
    data[name][place] = value
    with pytest.raises(RunError) as caught:
        train(data)
    finding = caught.value.findings[0]
    assert finding.message.startswith(message)
    assert "1 values that are not finite in all" in finding.message
    assert (finding.code, finding.key) == ("not-finite", "data")
    assert caught.value.exit_status == 6
    assert not (zoo_root / "run").exists()


@pytest.mark.parametrize("loop", ["fit", "gradient_tape"])
def test_a_loss_that_diverges_stops_the_training(train, zoo_root, loop):
    overrides = {"train.loop": loop, "train.epochs": 60, "optimizer.learning_rate": 1e6}
    with pytest.raises(RunError, match="the loss became (nan|inf) in epoch") as caught:
        train(arrays(), overrides)
    assert caught.value.exit_status == 6
    finding = caught.value.findings[0]
    assert finding.code == "not-finite"
    assert "the last good checkpoint is kept" in finding.suggestion


POISON = """
import keras
class Poison(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            kernel = self.model.get_layer("y").kernel
            kernel.assign(kernel * float("nan"))
class PoisonLate(Poison):
    def on_epoch_begin(self, epoch, logs=None):
        pass
    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.epoch:
            kernel = self.model.get_layer("y").kernel
            kernel.assign(kernel * float("nan"))
"""


# A loss that diverges, above, becomes NaN within an epoch of `fit` too.
@pytest.mark.parametrize(("loop", "callback"), [("fit", "PoisonLate"), ("gradient_tape", "Poison")])
def test_nan_in_an_epoch_leaves_the_checkpoint_of_the_one_before(
    train, zoo_root, make_distribution, loop, callback
):
    make_distribution(
        "zoo-poison",
        {"zoo.callbacks": {name: f"poison_mod:{name}" for name in ("Poison", "PoisonLate")}},
        {"poison_mod.py": POISON},
    )
    table = {"type": callback, "epoch": 2}
    overrides = {"train.loop": loop, "train.callbacks": [table], "train.epochs": 5}
    kept = train(arrays(), {**overrides, "train.epochs": 2})
    good = (kept.folder / "checkpoint.safetensors").read_bytes()
    history = kept.history
    with pytest.raises(RunError, match="epoch 3") as caught:
        train(arrays(), overrides, resume=True)
    assert caught.value.findings[0].code == "not-finite"
    assert (kept.folder / "checkpoint.safetensors").read_bytes() == good
    assert kept.history == history
    assert kept.facts["status"] == "failed"
    assert "failed: " in (kept.folder / "log.txt").read_text()
    assert kept.publish().reference == "m@1.0.0"
