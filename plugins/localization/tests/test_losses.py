from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo_localization.losses import LocLoss, XtLoss

RNG = np.random.default_rng(0)
RAW, TRUE = RNG.normal(size=(2, 5, 8, 4))
HALF, FULL = RNG.normal(size=(5, 5)), RNG.normal(size=(5, 8))
STATES = RNG.normal(size=(5, 2 * 8 + 4))


def tensors(*arrays, dtype="float64"):
    return [keras.ops.convert_to_tensor(a, dtype=dtype) for a in arrays]


@pytest.mark.parametrize("last_axis", [False, True])
def test_locloss_mirrors_a_half_vector_around_the_ring(last_axis):
    # Written out for 8 states: distances 0 1 2 3 4 3 2 1.
    full = np.stack([HALF[:, d] for d in (0, 1, 2, 3, 4, 3, 2, 1)], axis=1)
    expected = [np.mean((TRUE[b] - RAW[b] * full[b][:, None]) ** 2) for b in range(5)]
    arrays = (TRUE, HALF, RAW)
    found = LocLoss().call(*tensors(*(a[..., None] if last_axis else a for a in arrays)))
    np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_locloss_mirrors_an_odd_ring_without_dropping_a_state():
    raw, true, half = RAW[:, :7], TRUE[:, :7], HALF[:, :4]
    full = np.stack([half[:, d] for d in (0, 1, 2, 3, 3, 2, 1)], axis=1)
    expected = np.mean((true - raw * full[:, :, None]) ** 2, axis=(1, 2))
    np.testing.assert_allclose(LocLoss().call(*tensors(true, half, raw)), expected, rtol=1e-13)


def test_locloss_takes_a_full_vector_as_it_is():
    expected = np.mean((TRUE - RAW * FULL[:, :, None]) ** 2, axis=(1, 2))
    np.testing.assert_allclose(LocLoss().call(*tensors(TRUE, FULL, RAW)), expected, rtol=1e-13)


@pytest.mark.parametrize("last_axis", [False, True])
def test_xtloss_scores_the_state_that_the_gain_analyses(last_axis):
    expected = []
    for b in range(5):
        truth, forecast, innovation = np.split(STATES[b], [8, 16])
        expected.append(np.mean((truth - (forecast + RAW[b] @ innovation)) ** 2))
    states = STATES[..., None] if last_axis else STATES
    loss = XtLoss(dtype="float64", reduction=None)
    np.testing.assert_allclose(loss(*tensors(states, RAW)), expected, rtol=1e-12)


def test_sample_weights_reach_xtloss():
    weights = np.array([1.0, 0.0, 2.0, 0.0, 0.5])
    values = np.asarray(XtLoss(dtype="float64", reduction=None)(*tensors(STATES, RAW)))
    found = XtLoss(dtype="float64")(*tensors(STATES, RAW), sample_weight=weights)
    np.testing.assert_allclose(found, np.mean(weights * values), rtol=1e-12)


def test_a_model_trains_with_xtloss_and_a_partial_batch_of_one():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 4))
    model = keras.Model(inputs, keras.layers.Dense(4, use_bias=False)(inputs))
    model.compile(keras.optimizers.Adam(0.01), XtLoss())
    raw, states = RAW.astype("float32"), STATES.astype("float32")[..., None]
    history = model.fit(raw, states, batch_size=2, epochs=20, verbose=0).history["loss"]
    assert history[-1] < 0.9 * history[0]


@pytest.mark.parametrize("loss", [LocLoss, XtLoss])
def test_the_config_makes_the_same_loss_again(loss):
    config = loss(model_size=8, nobs=4, batch_size=32, name="x", reduction="sum").get_config()
    assert loss.from_config(config).get_config() == config
    assert config["model_size"] == 8
    assert config["reduction"] == "sum"
    serialized = keras.saving.serialize_keras_object(loss())
    assert serialized["registered_name"] == f"zoo_localization>{loss.__name__}"
    assert type(keras.saving.deserialize_keras_object(serialized)) is loss


def test_locloss_refuses_shapes_that_do_not_belong_together():
    with pytest.raises(ValueError, match=r"LocLoss needs loc_f .*\(batch, 5\).*got \(5, 6\)"):
        LocLoss().call(*tensors(TRUE, np.ones((5, 6)), RAW))
    with pytest.raises(ValueError, match=r"LocLoss was given nobs=4, but .* has 3"):
        LocLoss().call(*tensors(TRUE[..., :3], HALF, RAW))
    with pytest.raises(ValueError, match=r"LocLoss was given model_size=40, but .* has 8"):
        LocLoss(model_size=40).call(*tensors(TRUE, HALF, RAW))


def test_xtloss_refuses_a_target_that_is_not_truth_forecast_and_innovation():
    with pytest.raises(ValueError, match=r'\(batch, 20, 1\).*got \(5, 8, 4\).*target = "state"'):
        XtLoss().call(*tensors(TRUE, RAW))
    with pytest.raises(ValueError, match=r"needs y_true of shape .*got \(5, 19\)"):
        XtLoss().call(*tensors(STATES[:, :19], RAW))


def test_a_size_that_is_no_count_is_refused():
    with pytest.raises(ValueError, match="nobs must be a positive integer, got 0"):
        LocLoss(nobs=0)
    with pytest.raises(ValueError, match=r"model_size must be a positive integer, got 2\.5"):
        XtLoss(model_size=2.5)
