from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo_localization.layers import PeriodicPadding1D, PeriodicPadding2D

SEQUENCE = np.random.default_rng(0).normal(size=(3, 5, 2)).astype("float32")
IMAGE = np.random.default_rng(1).normal(size=(2, 4, 6, 3)).astype("float32")


@pytest.mark.parametrize(
    ("padding", "ends"),
    [(0, (0, 0)), (1, (1, 1)), (5, (5, 5)), (13, (13, 13)), ((0, 3), (0, 3)), ([7, 0], (7, 0))],
)
def test_a_sequence_is_wrapped_as_numpy_wraps_it(padding, ends):
    layer = PeriodicPadding1D(padding)
    expected = np.pad(SEQUENCE, ((0, 0), ends, (0, 0)), mode="wrap")
    np.testing.assert_array_equal(np.asarray(layer(SEQUENCE)), expected)
    assert layer.compute_output_shape((None, 5, 2)) == (None, *expected.shape[1:])


@pytest.mark.parametrize(
    ("padding", "rows", "columns"),
    [
        (0, (0, 0), (0, 0)),
        (2, (2, 2), (2, 2)),
        ((0, 2), (0, 0), (2, 2)),
        ((3, 0), (3, 3), (0, 0)),
        (((1, 0), (0, 4)), (1, 0), (0, 4)),
        ((9, 13), (9, 9), (13, 13)),
    ],
)
def test_an_image_is_wrapped_as_numpy_wraps_it(padding, rows, columns):
    layer = PeriodicPadding2D(padding)
    expected = np.pad(IMAGE, ((0, 0), rows, columns, (0, 0)), mode="wrap")
    np.testing.assert_array_equal(np.asarray(layer(IMAGE)), expected)
    assert layer.compute_output_shape((None, 4, 6, 3)) == (None, *expected.shape[1:])


@pytest.mark.parametrize("padding", [1, 7])
def test_axes_of_unknown_length_are_wrapped_too(padding):
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, PeriodicPadding2D(padding)(inputs))
    assert model.output_shape == (None, None, None, 3)
    ends = (padding, padding)
    expected = np.pad(IMAGE, ((0, 0), ends, ends, (0, 0)), mode="wrap")
    np.testing.assert_array_equal(model.predict(IMAGE, verbose=0), expected)


def test_a_convolution_after_it_commutes_with_a_roll():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4, 6, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(2, (3, 5))(PeriodicPadding2D((1, 2))(inputs)))
    rolled = model.predict(np.roll(IMAGE, (1, 2), axis=(1, 2)), verbose=0)
    expected = np.roll(model.predict(IMAGE, verbose=0), (1, 2), axis=(1, 2))
    np.testing.assert_allclose(rolled, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("layer", "argument"),
    [
        (PeriodicPadding1D, 3),
        (PeriodicPadding1D, (1, 2)),
        (PeriodicPadding2D, 2),
        (PeriodicPadding2D, (1, 0)),
        (PeriodicPadding2D, ((1, 2), (3, 4))),
    ],
)
def test_the_config_makes_the_same_padding_again(layer, argument):
    config = layer(argument, name="pad").get_config()
    again = layer.from_config(config)
    assert again.get_config() == config
    assert again.padding == layer(argument).padding


def test_a_saved_model_with_padding_loads_and_predicts_the_same(tmp_path):
    inputs = keras.Input((4, 6, 3))
    model = keras.Model(inputs, PeriodicPadding2D(((1, 2), (3, 4)))(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    found = loaded.predict(IMAGE, verbose=0)
    np.testing.assert_array_equal(found, np.pad(IMAGE, ((0, 0), (1, 2), (3, 4), (0, 0)), "wrap"))


@pytest.mark.parametrize("layer", [PeriodicPadding1D, PeriodicPadding2D])
@pytest.mark.parametrize("padding", [-1, 1.5, True, "1", (1, -2), (1, 2, 3), None])
def test_a_padding_that_is_no_count_is_refused(layer, padding):
    with pytest.raises(ValueError, match=r"padding must be .*, got"):
        layer(padding)


def test_an_input_of_the_wrong_rank_is_refused_with_a_remedy():
    with pytest.raises(ValueError, match=r"rank 4, \(batch, rows, columns, channels\), got shape"):
        PeriodicPadding2D(1)(SEQUENCE)
    with pytest.raises(ValueError, match=r"rank 3, \(batch, steps, channels\).*Put a Reshape"):
        PeriodicPadding1D(1)(IMAGE)
