from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo_localization.layers import LocalizationVector, RollToObservations

# Keras reads its variables in a way that NumPy 2 has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

GAIN = np.random.default_rng(0).normal(size=(3, 12, 4)).astype("float32")


def test_each_column_is_rolled_until_its_observation_is_in_row_0():
    found = np.asarray(RollToObservations(3)(GAIN))
    for j in range(4):
        np.testing.assert_array_equal(found[:, :, j], np.roll(GAIN[:, :, j], -(3 * j + 2), axis=1))


def test_rolling_takes_a_last_axis_and_gives_none():
    layer = RollToObservations(3)
    assert layer(GAIN[..., None]).shape == (3, 12, 4)
    assert layer.compute_output_shape((None, 12, 4, 1)) == (None, 12, 4)


def test_rolling_a_last_partial_batch_of_one_keeps_its_batch_axis():
    inputs = keras.Input((12, 4))
    model = keras.Model(inputs, RollToObservations(3, name="rolled")(inputs))
    assert model.output_shape == (None, 12, 4)
    assert model.predict(GAIN, batch_size=2, verbose=0).shape == GAIN.shape


def test_rolling_refuses_observations_that_do_not_fit():
    with pytest.raises(ValueError, match="Lower obs_dens=4 to at most 3"):
        RollToObservations(4)(GAIN)
    with pytest.raises(ValueError, match="obs_dens must be a positive integer, got 0"):
        RollToObservations(0)


def test_the_vector_starts_as_gaspari_and_cohn_around_the_ring():
    # Values of equation 4.10 by hand: 1 at 0, 5/24 at half the support, 0 at its end.
    full = np.asarray(LocalizationVector(cutoff=4.0)(GAIN))
    assert full.shape == (3, 12)
    np.testing.assert_allclose(full[:, [0, 2, 4, 6, 8, 10]], [[1, 5 / 24, 0, 0, 0, 5 / 24]] * 3)
    half = np.asarray(LocalizationVector(cutoff=4.0, half=True)(GAIN))
    np.testing.assert_array_equal(half, full[:, :7])


def test_the_vector_starts_as_ones_without_a_cutoff():
    np.testing.assert_array_equal(np.asarray(LocalizationVector()(GAIN)), np.ones((3, 12)))


def test_the_vector_is_one_weight_that_can_be_frozen():
    layer = LocalizationVector(cutoff=4.0, trainable=False)
    layer(GAIN)
    assert [w.path.rsplit("/", 1)[1] for w in layer.non_trainable_weights] == ["vector"]
    assert layer.trainable_weights == []


@pytest.mark.parametrize("cutoff", [0, -1.0, float("nan")])
def test_a_cutoff_that_is_not_positive_is_refused(cutoff):
    with pytest.raises(ValueError, match="cutoff must be a positive number of grid points, got"):
        LocalizationVector(cutoff=cutoff)


def test_a_model_with_both_layers_saves_and_loads(tmp_path):
    inputs = keras.Input((12, 4))
    outputs = [RollToObservations(3)(inputs), LocalizationVector(cutoff=5.0, half=True)(inputs)]
    model = keras.Model(inputs, outputs)
    model.layers[-1].set_weights([np.arange(7, dtype="float32")])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    rolled, vector = loaded.predict(GAIN, verbose=0)
    np.testing.assert_array_equal(rolled, np.asarray(RollToObservations(3)(GAIN)))
    np.testing.assert_array_equal(vector, [np.arange(7)] * 3)
