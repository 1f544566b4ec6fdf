"""The explicit loop `gradient_tape` gives what `fit` gives."""

from __future__ import annotations

import numpy as np
import pytest

SAMPLES, BATCH = 9, 4

CONFIG = """
zoo = 1
name = "m"
inputs = [{ name = "x", shape = [6] }]
layers = [
    { name = "hidden", type = "Dense", units = 5, activation = "tanh" },
    { name = "drop", type = "Dropout", rate = 0.3 },
    { name = "y", type = "Dense", units = 2 },
]
loss = "mse"
metrics = [{ type = "mae", name = "mae" }, { type = "RootMeanSquaredError", name = "rmse" }]
optimizer = { type = "SGD", learning_rate = 0.02, momentum = 0.9 }
data = { type = "npz", path = "data.npz", validation_split = 0.3 }
train = { epochs = 2, batch_size = 4, seed = 3, jit_compile = false }
"""


@pytest.fixture
def histories(zoo_root, training_of):
    random = np.random.default_rng(2)
    np.savez(
        zoo_root / "data.npz",
        x=random.normal(size=(SAMPLES + 4, 6)).astype("float32"),
        y=random.normal(size=(SAMPLES + 4, 2)).astype("float32"),
        sample_weight=random.uniform(0.1, 2.0, size=SAMPLES + 4).astype("float32"),
    )
    train = training_of(CONFIG)

    def histories(overrides, name="both", loops=("fit", "gradient_tape")):
        runs = [train({**overrides, "train.loop": loop}, f"{name}/{loop}") for loop in loops]
        return [run.history for run in runs], [run.weights() for run in runs]

    return histories


CASES = {
    # XLA compiles once for each size of a batch, and random numbers take it seconds.
    "one batch with XLA": {
        "train.jit_compile": True,
        "train.batch_size": 64,
        "layers.drop.rate": 0.0,
        "data.validation_split": 0.0,
    },
    "batches of one, clipped globally, with moving averages": {
        "train.batch_size": 1,
        "optimizer.global_clipnorm": 0.05,
        "optimizer.use_ema": True,
        "optimizer.ema_momentum": 0.5,
    },
    "one batch without shuffling, clipped, in mixed precision": {
        "train.batch_size": 64,
        "train.shuffle": False,
        "train.precision": "mixed_bfloat16",
        "optimizer.clipnorm": 0.05,
        "data.validation_split": 0.0,
    },
    "Adam, accumulated in float64": {
        "train.precision": "float64",
        "optimizer": {
            "type": "Adam",
            "learning_rate": 0.02,
            "gradient_accumulation_steps": 2,
        },
    },
    "scaled loss and a gradient metric": {
        "train.precision": "mixed_float16",
        "metrics": [{"type": "GradientNorm", "name": "norm"}, {"type": "mae", "name": "mae"}],
    },
}


@pytest.mark.parametrize("case", CASES)
def test_both_loops_give_the_same_history_and_weights(histories, case):
    (fitted, by_tape), (weights, tape_weights) = histories(CASES[case])
    assert list(fitted) == list(by_tape)
    assert len(fitted["loss"]) == 2
    assert len(set(fitted["loss"])) == 2, "nothing was trained"
    for name, values in fitted.items():
        np.testing.assert_allclose(by_tape[name], values, rtol=1e-6, err_msg=name)
    for path, array in weights.items():
        np.testing.assert_allclose(tape_weights[path], array, rtol=1e-5, atol=1e-7, err_msg=path)


def test_several_steps_to_an_execution_change_nothing(histories):
    (one,), _ = histories({}, "one", ["fit"])
    (several,), _ = histories({"train.steps_per_execution": 2}, "several", ["fit"])
    assert list(one) == list(several)
    for name, values in one.items():
        np.testing.assert_allclose(several[name], values, rtol=1e-6, err_msg=name)
