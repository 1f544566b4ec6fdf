from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from zoo_localization.localization import localize
from zoo_localization.model_localization import as_localization, gain_shape
from zoo_localization.observations import ObservationOperator
from zoo_localization.tapers import gaspari_cohn_taper, gaspari_cohn_vector, roll_columns
from zoo_localization.twin import Filter, Lorenz96Twin
from zoo_localization.twin_experiment import run_twin_experiment

TAPER = gaspari_cohn_taper(12, 3, 4.0)
GAINS = np.random.default_rng(0).normal(size=(5, 12, 4))


class Times(keras.layers.Layer):
    """Multiplies with a constant."""

    def __init__(self, factor):
        super().__init__()
        self.factor = np.asarray(factor, np.float32)

    def call(self, x):
        return x * self.factor


def tapering(shape=(12, 4), as_dict=False):
    gain = keras.Input(shape, name="kg_raw")
    factor = TAPER if len(shape) == 2 else TAPER[..., None]
    return keras.Model({"kg_raw": gain} if as_dict else gain, Times(factor)(gain))


def with_mean():
    """A model that adds the ensemble mean to every column."""
    gain, mean = keras.Input((12, 4), name="kg_raw"), keras.Input((12,), name="mean")
    return keras.Model([gain, mean], gain + ops.expand_dims(mean, -1))


@pytest.mark.parametrize(
    "model",
    [tapering(), tapering(as_dict=True), tapering((12, 4, 1)), lambda gain: gain * TAPER],
    ids=["array", "dict", "a last axis", "a function"],
)
@pytest.mark.parametrize("leading", [(), (5,), (2, 1)])
def test_gains_go_in_and_come_out_as_numpy_arrays(model, leading):
    gains = np.random.default_rng(1).normal(size=(*leading, 12, 4)).astype(np.float32)
    found = as_localization(model)(gains)
    assert isinstance(found, np.ndarray)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, gains * TAPER, rtol=0, atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 5, 32])
def test_batches_of_any_size_give_the_same(batch_size):
    found = as_localization(tapering(), batch_size=batch_size)(GAINS)
    np.testing.assert_allclose(found, GAINS * TAPER, rtol=0, atol=1e-6)


def test_a_model_is_given_batches_of_one_size_though_there_are_fewer_gains_later():
    sizes = []

    def remember(gains):
        sizes.append(len(gains))
        return gains

    localization = as_localization(remember, batch_size=4)
    for count in (5, 2, 1):
        np.testing.assert_array_equal(localization(GAINS[:count]), GAINS[:count])
    assert sizes == [4, 4, 4, 4]


def test_a_model_with_an_input_called_mean_is_given_that():
    means = np.random.default_rng(2).normal(size=(5, 12))
    localization = as_localization(with_mean())
    expected = GAINS + means[..., None]
    np.testing.assert_allclose(localization(GAINS, means), expected, atol=1e-5)
    np.testing.assert_allclose(localization(GAINS[0], means[0]), expected[0], atol=1e-5)
    operator = ObservationOperator(12, 3)
    np.testing.assert_allclose(localize(GAINS, localization, operator, means), expected, atol=1e-5)
    with pytest.raises(ValueError, match='ensemble mean as its input "mean": give it as the argu'):
        localization(GAINS)
    with pytest.raises(ValueError, match='ensemble mean as its input "mean": give it as the argu'):
        localize(GAINS, localization, operator)
    with pytest.raises(ValueError, match=r"one state a gain, .*\(5, 12\), got shape \(2, 12\)\.$"):
        localization(GAINS, means[:2])
    with pytest.raises(ValueError, match=r"one state a gain, .*\(5, 12\), got shape \(5, 11\)\.$"):
        localization(GAINS, means[:, :11])
    with pytest.raises(ValueError, match=r"mean must be finite, got shape \(5, 12\) with 60 val"):
        localization(GAINS, np.full((5, 12), np.nan))


def test_a_model_without_an_input_for_the_mean_is_asked_for_none():
    operator, localization = ObservationOperator(12, 3), as_localization(tapering())
    found = localize(GAINS, localization, operator)
    np.testing.assert_allclose(found, GAINS * TAPER, rtol=0, atol=1e-6)
    means = np.random.default_rng(2).normal(size=(5, 12))
    np.testing.assert_array_equal(localize(GAINS, localization, operator, means), found)


def vector():
    """A model that gives a localization vector, the mirrored half."""
    gain = keras.Input((12, 4), name="kg_raw")
    half = gaspari_cohn_vector(12, 4.0)[:7].astype(np.float32)
    return keras.Model(gain, ops.zeros_like(gain[:, :7, 0]) + half)


@pytest.mark.parametrize("model", [tapering(), tapering((12, 4, 1)), vector(), with_mean()])
def test_a_model_itself_is_a_localization(model):
    means = np.random.default_rng(2).normal(size=(5, 12))
    operator = ObservationOperator(12, 3)
    expected = GAINS + means[..., None] if len(model.inputs) > 1 else GAINS * TAPER
    np.testing.assert_allclose(localize(GAINS, model, operator, means), expected, atol=1e-5)
    twin = Lorenz96Twin(12, 3)
    rng = np.random.default_rng(3)
    prior = rng.normal(size=(8, 12))
    made, given = (
        Filter(localization=each).analyse(prior, np.zeros(4), twin, np.random.default_rng(4))
        for each in (as_localization(model), model)
    )
    np.testing.assert_array_equal(made, given)


@pytest.mark.parametrize("half", [True, False])
@pytest.mark.parametrize("rolled", [True, False])
def test_a_localization_vector_multiplies_the_gain_wherever_its_columns_are(half, rolled):
    vector = gaspari_cohn_vector(12, 4.0)[: 7 if half else 12]
    seen = []

    def model(gains):
        seen.append(gains)
        return np.repeat(vector[None], len(gains), axis=0)

    found = as_localization(model, rolled=rolled)(GAINS)
    np.testing.assert_allclose(found, GAINS * TAPER, atol=1e-15)
    np.testing.assert_array_equal(seen[0], roll_columns(GAINS, 3) if rolled else GAINS)


def test_a_filter_takes_it():
    twin = Lorenz96Twin(12, 3)
    found, expected = (
        run_twin_experiment(twin, Filter(1.2, localization), 8, cycles=3, spin_up=0).rmse
        for localization in (as_localization(tapering()), TAPER)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_the_shape_that_a_model_takes_is_known_where_it_has_one():
    assert gain_shape(tapering()) == gain_shape(tapering((12, 4, 1))) == (12, 4)
    assert gain_shape(with_mean()) == (12, 4)
    assert gain_shape(lambda gain: gain) is None
    gain = keras.Input((None, None))
    assert gain_shape(keras.Model(gain, gain * 2.0)) is None


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (
            np.zeros((5, 4, 12)),
            r"must give a gain \(5, 12, 4\) or a localization vector \(5, 7\)",
        ),
        (np.zeros((5, 5)), r"it gave \(5, 5\). Name the node that is the gain in the config's out"),
        (np.zeros(5), r"it gave \(5,\)"),
        (np.full((5, 12, 4), np.nan), "gives 240 values that are not finite, the first for gain 0"),
    ],
)
def test_a_model_whose_output_is_no_gain_is_refused(output, message):
    with pytest.raises(ValueError, match=message):
        as_localization(lambda gains: output)(GAINS)


def test_gains_that_are_none_are_refused():
    localization = as_localization(tapering())
    with pytest.raises(ValueError, match=r"numbers of shape .* got shape \(12,\) of float64"):
        localization(np.zeros(12))
    with pytest.raises(ValueError, match=r"gain is empty: .* got shape \(0, 12, 4\)"):
        localization(np.zeros((0, 12, 4)))
    with pytest.raises(ValueError, match=r"got shape \(\) of object"):
        localization(None)
    broken = np.zeros((12, 4))
    broken[7, 3] = np.nan
    with pytest.raises(ValueError, match=r"with 1 values not finite, the first at index \(7, 3\)"):
        localization(broken)
    with pytest.raises(ValueError, match=r'takes gains \(12, 4\) as its input "kg_raw", and was g'):
        localization(np.zeros((40, 20)))


def test_a_model_of_several_outputs_is_refused():
    gain = keras.Input((12, 4), name="kg_raw")
    localization = as_localization(keras.Model(gain, [gain * 1.0, gain * 2.0]))
    with pytest.raises(ValueError, match=r"gives a list of 2. Make a model of that output alone"):
        localization(GAINS)


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("clf-lorenz05", {}, "must be a Keras model or a function .* got 'clf-lorenz05'. A name i"),
        (None, {}, "got None"),
        (tapering(), {"batch_size": 0}, "batch_size must be 1 or more, got 0"),
        (tapering(), {"obs_dens": 0}, "obs_dens must be 1 or more, got 0"),
    ],
)
def test_what_makes_no_localization_is_refused(model, options, message):
    with pytest.raises(ValueError, match=message):
        as_localization(model, **options)


def test_a_model_of_other_inputs_is_refused():
    tensors = [keras.Input((12, 4), name=name) for name in ("kg_raw", "spread")]
    with pytest.raises(ValueError, match="this one has the inputs kg_raw, spread. Make a model of"):
        as_localization(keras.Model(tensors, tensors[0] + tensors[1]))
