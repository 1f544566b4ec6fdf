"""A model of the zoo as a layer of another one, and as where a layer's weights start from."""

from __future__ import annotations

import shutil
import zipfile

import keras
import numpy as np
import pytest

import zoo
from zoo.errors import ConfigError, ZooError
from zoo.runtime.plain import plain_model

DONOR = """
zoo = 1
name = "donor"
inputs = [{ name = "x", shape = [4] }]
layers = [
    { name = "hidden", type = "Dense", units = 3, activation = "tanh" },
    { name = "out", type = "Dense", units = 4 },
]
loss = "mse"
optimizer = "sgd"
data = { type = "synthetic", x_shape = [4], y_shape = [4], samples = 16, validation_samples = 0 }
train = { epochs = 1 }
"""

HOST = """
zoo = 1
name = "host"
inputs = [{ name = "x", shape = [4] }]
layers = [
    { name = "hidden", type = "Dense", units = 4 },
    { name = "inner", type = "zoo:donor@1" },
    { name = "again", type = "zoo:donor@1.0.0" },
    { name = "out", type = "Dense", units = 1 },
]
"""
FROZEN = HOST.replace('"zoo:donor@1"', '"zoo:donor@1", trainable = false')


def publish(root, text):
    (root / "registry.toml").write_text("format = 1\n")
    (root / "donor.toml").write_text(text)
    zoo.train(root / "donor.toml", zoo=root, quiet=True).publish()


@pytest.fixture(scope="module")
def _published(tmp_path_factory):
    root = tmp_path_factory.mktemp("donor")
    publish(root, DONOR)
    return root


@pytest.fixture
def published(_published, zoo_root):
    """A zoo with the model `donor@1.0.0`, trained once for all that build on it."""
    shutil.copytree(_published, zoo_root, dirs_exist_ok=True)
    return zoo_root


def build(root, text):
    (root / "m.toml").write_text(text)
    return zoo.build(root / "m.toml", zoo=root)


def test_a_model_of_the_zoo_is_a_layer_with_its_own_weights(published):
    donor = zoo.load("donor@1", zoo=published)
    model = build(published, HOST)
    for name in ("inner", "again"):
        for mine, wanted in zip(
            model.get_layer(name).get_weights(), donor.get_weights(), strict=True
        ):
            np.testing.assert_array_equal(mine, wanted)
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    hidden = model.get_layer("hidden")(x)
    by_hand = model.get_layer("out")(donor(donor(hidden)))
    np.testing.assert_allclose(model(x), by_hand, rtol=1e-5, atol=1e-6)


def test_the_nodes_inside_do_not_collide_with_those_outside(published):
    model = build(published, HOST)
    paths = [variable.path for variable in model.weights]
    assert len(set(paths)) == len(paths) == 12
    assert "hidden/kernel" in paths
    assert {path.partition("/")[0] for path in paths} == {"hidden", "inner", "again", "out"}


def test_a_model_of_the_zoo_is_frozen_on_request(published):
    model = build(published, FROZEN)
    owners = {variable.path.partition("/")[0] for variable in model.trainable_variables}
    assert owners == {"hidden", "again", "out"}
    frozen = model.get_layer("inner").get_weights()
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 4)), np.ones((4, 1)), verbose=0)
    for before, after in zip(frozen, model.get_layer("inner").get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_what_is_frozen_inside_a_model_of_the_zoo_stays_frozen(zoo_root):
    text = DONOR.replace("units = 3", "units = 3, trainable = false")
    publish(zoo_root, text)
    model = build(zoo_root, HOST)
    assert len(model.get_layer("inner").trainable_variables) == 2
    assert len(model.get_layer("inner").variables) == 4


def test_a_host_is_trained_published_and_loaded_with_the_model_inside(published):
    training = DONOR.partition("loss = ")[2].replace("y_shape = [4]", "y_shape = [1]")
    (published / "host.toml").write_text(FROZEN + "loss = " + training)
    run = zoo.train(published / "host.toml", zoo=published, quiet=True)
    assert run.publish().reference == "host@1.0.0"
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    trained = run.weights()
    loaded = zoo.load("host@1", zoo=published)
    for variable in loaded.weights:
        np.testing.assert_array_equal(variable, trained[variable.path])
    assert np.isfinite(loaded(x)).all()


def test_a_version_that_is_not_there_lists_those_that_are(published):
    with pytest.raises(ZooError) as caught:
        build(published, HOST.replace("donor@1.0.0", "donor@7"))
    finding = caught.value.findings[0]
    assert finding.code == "unknown-version"
    assert finding.key == "layers.again.type"
    assert "donor" in finding.message
    assert "1.0.0" in str(finding)


def test_a_node_starts_from_the_weights_of_a_version(published):
    donor = zoo.load("donor@1", zoo=published)
    text = DONOR.replace('name = "donor"', 'name = "child"').replace(
        "units = 3", 'units = 3, weights = "donor@1"'
    )
    model = build(published, text)
    np.testing.assert_array_equal(
        model.get_layer("hidden").kernel, donor.get_layer("hidden").kernel
    )
    assert not np.array_equal(model.get_layer("out").kernel, donor.get_layer("out").kernel)


def test_weights_of_another_shape_are_refused_with_the_place(published):
    text = DONOR.replace("units = 3", 'units = 5, weights = "donor@1"')
    with pytest.raises(ZooError, match=r"donor@1.0.0 has no hidden/kernel of shape \(4, 5\)") as e:
        build(published, text.replace('name = "donor"', 'name = "child"'))
    assert e.value.findings[0].key == "layers.hidden.weights"
    assert "hidden/kernel" in e.value.findings[0].suggestion


def test_two_builds_leave_the_donor_alone(published):
    first = build(published, HOST)
    before = [np.array(weight) for weight in first.get_layer("inner").get_weights()]
    second = build(published, HOST)
    second.compile("sgd", "mse")
    second.fit(np.ones((4, 4)), np.ones((4, 1)), verbose=0)
    for was, is_ in zip(before, first.get_layer("inner").get_weights(), strict=True):
        np.testing.assert_array_equal(was, is_)
    assert isinstance(first.get_layer("inner"), keras.Model)


PAIR = """
zoo = 1
name = "pair"
inputs = [{ name = "wide", shape = [4] }, { name = "narrow", shape = [4] }]
layers = [
    { name = "total", type = "Dense", units = 2, inputs = "wide" },
    { name = "detail", type = "Dense", units = 3, inputs = "narrow" },
]
outputs = ["total", "detail"]
losses = { total = { type = "mse" }, detail = { type = "mse" } }
optimizer = "sgd"
data = { type = "npz", path = "pair.npz" }
train = { epochs = 1 }
"""

AROUND = """
zoo = 1
name = "around"
inputs = [{ name = "q", shape = [4] }, { name = "p", shape = [4] }]
layers = [
    { name = "base", type = "zoo:pair@1", inputs = INPUTS },
    { name = "out", type = "Concatenate", inputs = ["base[0]", "base[1]", "base[0]"] },
]
loss = "mse"
optimizer = "sgd"
data = { type = "npz", path = "around.npz" }
train = { epochs = 1 }
"""

LISTED, NAMED = '["q", "p"]', '{ narrow = "p", wide = "q" }'


@pytest.fixture(scope="module")
def pair_zoo(tmp_path_factory):
    """A zoo with a model of two inputs and two outputs, neither in the alphabet's order."""
    root = tmp_path_factory.mktemp("pair") / "zoo"
    root.mkdir()
    (root / "registry.toml").write_text("format = 1\n")
    draw = np.random.default_rng(0).normal
    arrays = {"q": 4, "p": 4, "wide": 4, "narrow": 4, "total": 2, "detail": 3, "out": 7}
    samples = {name: draw(size=(8, n)).astype("float32") for name, n in arrays.items()}
    np.savez(root / "pair.npz", **samples)
    np.savez(root / "around.npz", **samples)
    (root / "pair.toml").write_text(PAIR)
    zoo.train(root / "pair.toml", zoo=root, quiet=True).publish()
    return root


def by_hand(root, q, p):
    pair = zoo.load("pair@1", zoo=root)
    found = pair({"wide": q, "narrow": p})
    return np.concatenate([found["total"], found["detail"], found["total"]], axis=-1)


@pytest.mark.parametrize("inputs", [LISTED, NAMED], ids=["listed", "by name"])
def test_a_model_of_two_inputs_and_outputs_is_a_layer_in_its_own_order(pair_zoo, inputs):
    model = build(pair_zoo, AROUND.replace("INPUTS", inputs))
    draw = np.random.default_rng(1).normal
    q, p = (draw(size=(5, 4)).astype("float32") for _ in range(2))
    found = model({"q": q, "p": p})
    np.testing.assert_allclose(found, by_hand(pair_zoo, q, p), rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_host_of_two_outputs_is_trained_published_loaded_and_exported_as_keras_own(pair_zoo):
    (pair_zoo / "around.toml").write_text(AROUND.replace("INPUTS", LISTED))
    run = zoo.train(pair_zoo / "around.toml", zoo=pair_zoo, quiet=True)
    assert run.publish().reference == "around@1.0.0"
    loaded = zoo.load("around@1", zoo=pair_zoo)
    trained = run.weights()
    for variable in loaded.weights:
        np.testing.assert_array_equal(variable, trained[variable.path])
    rows = {name: np.ones((2, 4), "float32") * n for n, name in enumerate("qp")}
    plain_model(loaded).save(pair_zoo / "around.keras")
    with open(pair_zoo / "around.keras", "rb") as file:
        assert b"zoo" not in zipfile.ZipFile(file).read("config.json").lower()
    again = keras.saving.load_model(pair_zoo / "around.keras")
    np.testing.assert_allclose(again(rows), loaded(rows), rtol=1e-6)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ('["q", "p", "q"]', r"it takes 2 inputs, wide, narrow; given 3"),
        ('{ wide = "q", other = "p" }', r"it takes the inputs wide, narrow; given wide, other"),
    ],
)
def test_other_inputs_than_a_model_has_are_refused_with_its_own(pair_zoo, inputs, message):
    with pytest.raises(ConfigError, match=message) as caught:
        build(pair_zoo, AROUND.replace("INPUTS", inputs))
    assert caught.value.findings[0].key == "layers.base"


def test_an_output_that_a_model_does_not_have_is_refused_where_it_is_taken(pair_zoo):
    text = AROUND.replace("INPUTS", LISTED).replace('"base[1]"', '"base[2]"')
    with pytest.raises(ConfigError, match=r"'base\[2\]': base returns 2 tensors") as caught:
        build(pair_zoo, text)
    finding = caught.value.findings[0]
    assert finding.key == "layers.out.inputs.1"
    assert finding.suggestion == "base[0] to base[1]"
