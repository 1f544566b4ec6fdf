"""`zoo.custom_objects` lets Keras load what `model.save` wrote, and train it on."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import zoo
from tests.marks import keras_gives_arrays
from tests.processes import python

CONFIG = """
zoo = 1
name = "m"
[[inputs]]
name = "kg_raw"
shape = [8, 4]
[[layers]]
name = "turned"
type = "RollToObservations"
obs_dens = 2
[[layers]]
name = "flat"
type = "Flatten"
[[layers]]
name = "loc_f"
type = "Dense"
units = 5
activation = { type = "leaky_relu", negative_slope = 0.3 }
[loss]
type = "LocLoss"
[[metrics]]
type = "GradientNorm"
[[metrics]]
type = "scale_error"
factor = 2.0
[data]
type = "synthetic"
x_shape = [8, 4]
y_shape = [8, 4]
samples = 16
[train]
batch_size = 8
jit_compile = false
"""

METRIC = """
from keras import ops
def scale_error(y_true, kg_raw, factor=1.0):
    return factor * ops.mean(ops.square(y_true - kg_raw), axis=(1, 2))
"""

pytestmark = keras_gives_arrays


@pytest.fixture
def config(zoo_root, make_distribution):
    entry_points = {"zoo.metrics": {"scale_error": "scale_mod:scale_error"}}
    make_distribution("zoo-scale", entry_points, {"scale_mod.py": METRIC})
    (zoo_root / "m.toml").write_text(CONFIG)
    return zoo_root / "m.toml"


def test_every_class_stands_under_its_own_and_its_registered_name(config):
    objects = zoo.custom_objects(config)
    assert {"RollToObservations", "LocLoss", "GradientNorm", "scale_error", "BoundModel"} <= set(
        objects
    )
    assert objects["zoo_localization>LocLoss"] is objects["LocLoss"]
    assert not any(value.__module__.startswith("keras.") for value in objects.values())


def test_a_saved_model_predicts_and_trains_on(config, tmp_path):
    model = zoo.build(config)
    random = np.random.default_rng(0)
    x, y = random.normal(size=(2, 16, 8, 4)).astype("float32")
    model.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    expected = model.predict(x, verbose=0)
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(
        tmp_path / "m.keras", custom_objects=zoo.custom_objects(config)
    )
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), expected)
    options = {"batch_size": 8, "epochs": 2, "shuffle": False, "verbose": 0}
    history, expected = loaded.fit(x, y, **options).history, model.fit(x, y, **options).history
    assert set(history) == set(expected) == {"loss", "scale_error", "gradient_norm"}
    for name, values in expected.items():
        np.testing.assert_allclose(history[name], values, rtol=1e-5, err_msg=name)
    for mine, wanted in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(mine, wanted, rtol=1e-5, atol=1e-7)


@pytest.mark.slow
def test_a_fresh_process_loads_it_with_nothing_else(config, tmp_path, zoo_root):
    text = CONFIG.replace('[[metrics]]\ntype = "scale_error"\nfactor = 2.0\n', "")
    config.write_text(text)
    model = zoo.build(config)
    x = np.random.default_rng(0).normal(size=(3, 8, 4)).astype("float32")
    model.save(tmp_path / "m.keras")
    np.save(tmp_path / "x.npy", x)
    code = (
        "import keras, numpy as np, zoo\n"
        f"objects = zoo.custom_objects({str(config)!r}, zoo={str(zoo_root)!r})\n"
        "model = keras.saving.load_model('m.keras', custom_objects=objects)\n"
        "np.save('y.npy', model.predict(np.load('x.npy'), verbose=0))\n"
    )
    python("-c", code, cwd=tmp_path)
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), model.predict(x, verbose=0))
