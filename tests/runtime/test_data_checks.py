"""Data that does not fit the model is refused with the array and the input that disagree."""

from __future__ import annotations

import numpy as np
import pytest

import zoo
from zoo.errors import RunError, ZooError

CONFIG = """
zoo = 1
name = "m"
outputs = ["u", "v"]
inputs = [{ name = "a", shape = [3] }, { name = "b", shape = [2, 2] }]
layers = [
    { name = "flat", type = "Flatten", inputs = "b" },
    { name = "u", type = "Dense", inputs = "a", units = 1 },
    { name = "v", type = "Dense", inputs = "flat", units = 2 },
]
losses = { u = "mse", v = "mae" }
data = { type = "npz", path = "data.npz" }
optimizer = "sgd"
train = { jit_compile = false }
"""


def good():
    random = np.random.default_rng(0)
    return {
        "a": random.normal(size=(6, 3)).astype("float32"),
        "b": random.normal(size=(6, 2, 2)).astype("float32"),
        "u": random.normal(size=(6, 1)).astype("float32"),
        "v": random.normal(size=(6, 2)).astype("float32"),
    }


@pytest.fixture
def train(zoo_root, training_of):
    def train(arrays, config=CONFIG):
        np.savez(zoo_root / "data.npz", **arrays)
        return training_of(config)()

    return train


def test_arrays_by_name_reach_their_inputs_and_outputs(train):
    arrays = good()
    history = train(arrays).history
    model = zoo.build("m.toml")
    predicted = model({"a": arrays["a"], "b": arrays["b"]})
    u = float(np.mean((predicted["u"] - arrays["u"]) ** 2))
    v = float(np.mean(np.abs(predicted["v"] - arrays["v"])))
    assert list(history) == ["loss", "u_loss", "v_loss"]
    # The first epoch is one batch, so that its losses are those of the initial weights.
    assert history["loss"][0] == pytest.approx(u + v, rel=1e-5)


CASES = {
    "an input is missing": (
        lambda a: a.pop("b"),
        "the model has the input 'b'; the data has a, u, v",
    ),
    "a length differs": (
        lambda a: a.update(v=a["v"][:5]),
        "the split train has arrays of different lengths: x[a] 6, x[b] 6, y[u] 6, y[v] 5",
    ),
    "a shape differs": (
        lambda a: a.update(b=np.zeros((6, 2, 3), "float32")),
        "x of train has samples of shape (2, 3); the input b takes (2, 2)",
    ),
    "an axis is missing": (
        lambda a: a.update(a=np.zeros(6, "float32")),
        "x of train has samples of shape (); the input a takes (3,)",
    ),
    "text for numbers": (
        lambda a: a.update(a=np.full((6, 3), "1.0")),
        "x of train holds text; the input a takes float32",
    ),
    "dates for numbers": (
        lambda a: a.update(u=np.zeros((6, 1), "datetime64[s]")),
        "y[u] of train holds datetime64[s]; numbers are needed",
    ),
    "an output is missing": (
        lambda a: a.pop("v"),
        "the data of train has no 'v'; it has a, b, u",
    ),
    "no samples": (
        lambda a: a.update({name: array[:0] for name, array in a.items()}),
        "x[a] of train has no samples",
    ),
    "one array for several inputs": (
        lambda a: a.update(x=a.pop("a")),
        "x is one array; the model has the inputs a, b",
    ),
    "one array for several outputs": (
        lambda a: a.update(y=a.pop("u")),
        "y is one array; the model has the outputs u, v",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_data_that_does_not_fit_is_refused_before_training(train, zoo_root, case):
    change, message = CASES[case]
    arrays = good()
    change(arrays)
    with pytest.raises(RunError) as caught:
        train(arrays)
    finding = caught.value.findings[0]
    assert finding.message == message
    assert finding.key == "data"
    assert caught.value.exit_status == 6
    assert not (zoo_root / "run").exists()


def test_targets_of_another_size_are_refused(train):
    arrays = good()
    arrays["v"] = np.zeros((6, 3), "float32")
    with pytest.raises(ZooError, match=r"\b3\b") as caught:
        train(arrays)
    assert caught.value.exit_status == 6


def test_targets_are_held_against_the_shape_of_their_own_output(train):
    # Keras keeps the outputs in the order of the alphabet.
    swapped = CONFIG.replace('outputs = ["u", "v"]', 'outputs = ["v", "u"]')
    assert np.isfinite(train(good(), swapped).history["loss"]).all()


LABELLED = CONFIG.replace('v = "mae"', 'v = "sparse_categorical_crossentropy"')


def labelled(labels):
    return {**good(), "v": np.array(labels)}


@pytest.mark.parametrize(
    ("labels", "label", "remedy"),
    [
        ([0, 1, 2, 1, 0, 1], 2, "units = 3 in its layer, or labels from 0 to 1"),
        ([0, 1, -1, 1, 0, 1], -1, "labels from 0 to 1"),
    ],
)
def test_a_label_that_is_none_of_the_classes_is_refused_before_training(
    train, zoo_root, labels, label, remedy
):
    with pytest.raises(RunError) as caught:
        train(labelled(labels), LABELLED)
    finding = caught.value.findings[0]
    said = f"y[v] of train holds the label {label}; the output v gives 2 classes"
    assert (finding.message, finding.suggestion, finding.key) == (said, remedy, "data")
    assert not (zoo_root / "run").exists()


def test_labels_of_the_classes_and_the_one_to_ignore_are_taken(train):
    loss = '{ type = "SparseCategoricalCrossentropy", ignore_class = -1 }'
    config = CONFIG.replace('"mae"', loss)
    assert np.isfinite(train(labelled([0, 1, -1, 1, 0, 1]), config).history["loss"]).all()


def test_labels_for_a_loss_of_classes_are_refused_with_the_loss_that_takes_them(train):
    config = CONFIG.replace('"mae"', '"categorical_crossentropy"')
    with pytest.raises(RunError, match=r"shape \(\); the output v gives \(2,\)") as caught:
        train(labelled([0, 1, 0, 1, 0, 1]), config)
    hint = "for labels as whole numbers, use the loss sparse_categorical_crossentropy"
    assert caught.value.findings[0].suggestion == hint


def test_a_class_as_text_is_refused_with_what_to_write(train):
    with pytest.raises(RunError, match=r"y\[v\] of train holds <U4; numbers are") as caught:
        train(labelled(["calm", "wild"] * 3), LABELLED)
    assert caught.value.findings[0].suggestion == "for a class, write its number, from 0"


def test_a_file_outside_of_the_zoo_is_not_read(train, tmp_path):
    np.savez(tmp_path / "outside.npz", **good())
    with pytest.raises(ZooError, match=r"the path '\.\./outside\.npz' is not accepted") as caught:
        train(good(), CONFIG.replace("data.npz", "../outside.npz"))
    assert caught.value.findings[0].code == "unsafe-path"


def test_whole_numbers_are_taken_for_numbers(train):
    arrays = {name: np.round(array * 3).astype("int64") for name, array in good().items()}
    assert np.isfinite(train(arrays).history["loss"]).all()
