"""What `pyproject.toml` promises is there."""

import importlib
import tomllib
from pathlib import Path

import keras
import numpy as np
import pytest

PLUGIN = Path(__file__).resolve().parents[1]


def entry_points(group):
    project = tomllib.loads((PLUGIN / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["entry-points"][group]


def test_every_registered_loss_is_a_keras_loss():
    for target in entry_points("zoo.losses").values():
        module, _, name = target.partition(":")
        assert issubclass(getattr(importlib.import_module(module), name), keras.losses.Loss)


@pytest.mark.parametrize("name", entry_points("zoo.models"))
def test_a_model_config_carries_the_name_it_is_registered_under(name):
    package = Path(*entry_points("zoo.models")[name].split("."))
    text = (PLUGIN / "src" / package / f"{name}.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text)["name"] == name


def test_the_shipped_config_has_a_loss_that_takes_gains_of_lorenz96():
    path = PLUGIN / "src/zoo_weighted_loss/models/weighted-lorenz96.toml"
    arguments = tomllib.loads(path.read_text(encoding="utf-8"))["loss"]
    target = entry_points("zoo.losses")[arguments.pop("type")]
    module, _, name = target.partition(":")
    loss = getattr(importlib.import_module(module), name)(**arguments)
    y_pred = np.zeros((2, 40, 20))
    near, far = y_pred.copy(), y_pred.copy()
    near[:, 1, 0] = 1.0  # observation 0 is at state 1
    far[:, 21, 0] = 1.0
    ratio = float(loss(far, y_pred)) / float(loss(near, y_pred))
    assert ratio == pytest.approx(np.exp(-(20.0**2) / (2 * 5.0**2)), rel=1e-5)


def test_the_plugin_in_the_readme_is_a_loss_that_works():
    text = (PLUGIN / "README.md").read_text(encoding="utf-8")
    source = text.split("```python\n")[1].split("```")[0]
    namespace = {}
    exec(compile(source, "my_losses.py", "exec"), namespace)
    loss = namespace["WeightedMAE"](power=2.0)
    assert isinstance(loss, keras.losses.Loss)
    weights, y_pred = np.array([[1.0, 3.0], [0.0, 2.0]]), np.array([[1.0, -1.0], [5.0, 0.5]])
    losses = loss.call(np.zeros((2, 2)), y_pred, weights=weights)
    np.testing.assert_allclose(losses, [(1 + 9) / 2, (0 + 4 * 0.5) / 2])
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert again.power == 2.0
