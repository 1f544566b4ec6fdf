"""A model declared in TOML trains exactly as the same model written by hand in Keras."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import zoo

EPOCHS, BATCH, SEED = 2, 4, 5
SAMPLES = 9  # two batches of four, and a last one of one


NETWORK = f"""
zoo = 1
name = "m"
inputs = [{{ name = "x", shape = [6, 2] }}]
layers = [
    {{ type = "Conv1D", filters = 4, kernel_size = 3, padding = "same", activation = "relu" }},
    {{ type = "BatchNormalization" }},
    {{ name = "flat", type = "Flatten" }},
    {{ name = "u", type = "Dense", units = 3, kernel_regularizer = {{ type = "L2", l2 = 1e-3 }} }},
    {{ name = "z", type = "Dense", units = 1, inputs = "flat", activation = "sigmoid" }},
]
data = {{ type = "npz", path = "data.npz" }}
train.epochs = {EPOCHS}
train.batch_size = {BATCH}
train.seed = {SEED}
train.shuffle = false
train.jit_compile = false
"""
ONE = f"""{NETWORK}
outputs = ["u"]
loss = "mse"
metrics = [{{ type = "mae", name = "mae" }}]
"""
TWO = f"""{NETWORK}
outputs = ["u", "z"]
optimizer = "sgd"
losses = {{ u = "mse", z = "BinaryCrossentropy" }}
loss_weights = {{ u = 2.0, z = 0.3 }}
metrics = [{{ type = "mae", name = "mae", output = "u" }}]
"""


def by_hand(outputs):
    keras.utils.set_random_seed(SEED)
    x = keras.Input((6, 2), name="x")
    hidden = keras.layers.Conv1D(4, 3, padding="same", activation="relu")(x)
    flat = keras.layers.Flatten()(keras.layers.BatchNormalization()(hidden))
    u = keras.layers.Dense(3, kernel_regularizer=keras.regularizers.L2(1e-3), name="u")(flat)
    if outputs == 1:
        return keras.Model(x, u)
    z = keras.layers.Dense(1, activation="sigmoid", name="z")(flat)
    return keras.Model(x, {"u": u, "z": z})


@pytest.fixture(scope="module")
def arrays():
    random = np.random.default_rng(2)
    return {
        "x": random.normal(size=(SAMPLES, 6, 2)).astype("float32"),
        "u": random.normal(size=(SAMPLES, 3)).astype("float32"),
        "z": (random.uniform(size=(SAMPLES, 1)) > 0.5).astype("float32"),
    }


@pytest.fixture
def train(zoo_root, training_of, arrays):
    def train(text, overrides=None, data=None):
        np.savez(zoo_root / "data.npz", **(data or arrays))
        return training_of(text)(overrides)

    return train


def assert_equal_training(run, model, history):
    assert run.history.keys() == history.keys()
    for name, values in history.items():
        assert len(values) == EPOCHS
        np.testing.assert_allclose(run.history[name], values, rtol=1e-6, err_msg=name)
    weights = list(run.weights().values())
    for mine, wanted in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-5, atol=1e-7)


OPTIMIZERS = {
    "sgd with momentum, clipping and accumulated gradients": (
        'type = "SGD"\nlearning_rate = 0.05\nmomentum = 0.9\nglobal_clipnorm = 0.1\n'
        "gradient_accumulation_steps = 2",
        lambda: keras.optimizers.SGD(
            0.05, momentum=0.9, global_clipnorm=0.1, gradient_accumulation_steps=2
        ),
    ),
    "a schedule": (
        'type = "AdamW"\nlearning_rate = { type = "CosineDecay", initial_learning_rate = 0.03, '
        "decay_steps = 6 }",
        lambda: keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(0.03, 6)),
    ),
}


@pytest.mark.parametrize("case", OPTIMIZERS)
def test_a_config_trains_as_the_same_model_by_hand(train, arrays, case):
    table, optimizer = OPTIMIZERS[case]
    run = train(f"{ONE}[optimizer]\n{table}\n")
    model = by_hand(1)
    model.compile(optimizer(), "mse", metrics=["mae"], jit_compile=False)
    history = model.fit(arrays["x"], arrays["u"], BATCH, EPOCHS, verbose=0, shuffle=False).history
    assert_equal_training(run, model, history)


@pytest.fixture(scope="module")
def weighted(arrays):
    """Arrays with validation and sample weights, and what Keras makes of two outputs for them."""
    weight = np.random.default_rng(4).uniform(0.2, 2.0, size=SAMPLES).astype("float32")
    held = {f"{name}_validation": array[:5] * 0.5 for name, array in arrays.items()}
    model = by_hand(2)
    model.compile(
        "sgd",
        {"u": "mse", "z": "binary_crossentropy"},
        loss_weights={"u": 2.0, "z": 0.3},
        metrics={"u": ["mae"]},
        jit_compile=False,
    )
    history = model.fit(
        arrays["x"],
        {"u": arrays["u"], "z": arrays["z"]},
        BATCH,
        EPOCHS,
        verbose=0,
        shuffle=False,
        sample_weight={"u": weight, "z": weight},
        validation_data=(
            held["x_validation"],
            {"u": held["u_validation"], "z": held["z_validation"]},
        ),
    ).history
    return {**arrays, **held, "sample_weight_train": weight}, model, history


@pytest.mark.parametrize("loop", ["fit", "gradient_tape"])
def test_validation_sample_weights_and_two_outputs_are_as_by_hand(train, weighted, loop):
    data, model, history = weighted
    assert_equal_training(train(TWO, {"train.loop": loop}, data), model, history)


def test_batches_of_one_a_split_and_the_optimizer_that_is_left_out_are_as_by_hand(train, arrays):
    options = {"train.batch_size": 1, "data.validation_split": 0.3}
    run = train(ONE, {"train.loop": "gradient_tape", **options})
    model = by_hand(1)
    model.compile("adam", "mse", metrics=["mae"], jit_compile=False)
    history = model.fit(
        arrays["x"], arrays["u"], 1, EPOCHS, verbose=0, shuffle=False, validation_split=0.3
    ).history
    assert_equal_training(run, model, history)


@pytest.mark.parametrize("jit_compile", ["false", "true"], ids=["without XLA", "with XLA"])
def test_an_optimizer_that_begins_at_the_weights_finds_them(write_config, jit_compile):
    model = zoo.build(
        write_config(f"""
zoo = 1
name = "m"
inputs = [{{ name = "x", shape = [3] }}]
layers = [{{ name = "u", type = "Dense", units = 2 }}]
optimizer = {{ type = "ScheduleFreeAdamW", learning_rate = 1e-4 }}
loss = "MeanSquaredError"
train = {{ jit_compile = {jit_compile} }}
""")
    )
    before = model.get_weights()[0]
    model.fit(np.ones((4, 3)), np.zeros((4, 2)), verbose=0)
    np.testing.assert_allclose(model.get_weights()[0], before, atol=5e-4)
