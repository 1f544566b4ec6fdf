import numpy as np
import pytest

from zoo_weighted_loss import WeightedMSE

GAINS = np.zeros((2, 12, 5))


@pytest.mark.parametrize(
    "weights",
    [[1, -1], [1.0, float("nan")], [float("inf"), 1.0], [0, 0], [], [[1, 2], [3]], ["1"], [True]],
)
def test_fixed_weights_that_are_no_weights_are_refused(weights):
    with pytest.raises(ValueError, match="`fixed_weights` must be finite numbers") as caught:
        WeightedMSE(fixed_weights=weights)
    assert f"Received: fixed_weights={weights!r}." in str(caught.value)
    assert "Give an element 0 to leave it out." in str(caught.value)


def test_the_message_about_a_long_list_stays_short():
    with pytest.raises(ValueError, match="`fixed_weights` must be finite numbers") as caught:
        WeightedMSE(fixed_weights=[-1] * 100_000)
    assert "Received: fixed_weights=[-1, -1, -1, -1, -1, -1, ...]." in str(caught.value)


@pytest.mark.parametrize("scale", [0, -1.0, float("nan"), float("inf"), "5", True])
def test_a_distance_scale_that_is_no_length_is_refused(scale):
    with pytest.raises(ValueError, match="`distance_scale` must be a number of grid") as caught:
        WeightedMSE(distance_scale=scale, obs_dens=2)
    assert f"Received: distance_scale={scale!r}, obs_dens=2." in str(caught.value)


@pytest.mark.parametrize("obs_dens", [0, -1, 1.5, "2", True])
def test_an_observation_density_that_is_no_count_is_refused(obs_dens):
    with pytest.raises(ValueError, match="`obs_dens` must be a whole number") as caught:
        WeightedMSE(distance_scale=5.0, obs_dens=obs_dens)
    assert f"obs_dens={obs_dens!r}." in str(caught.value)


@pytest.mark.parametrize("arguments", [{"distance_scale": 5.0}, {"obs_dens": 2}])
def test_distance_scale_and_obs_dens_come_together(arguments):
    with pytest.raises(ValueError, match=r"together or not at all\. Received: distance_scale="):
        WeightedMSE(**arguments)


def test_fixed_weights_and_distance_are_not_given_at_once():
    with pytest.raises(ValueError, match=r"two ways to give the weights.*Leave one out"):
        WeightedMSE(fixed_weights=[1.0], distance_scale=5.0, obs_dens=2)


@pytest.mark.parametrize(
    "arguments", [{"fixed_weights": [1.0]}, {"distance_scale": 5.0, "obs_dens": 2}]
)
def test_a_model_input_is_not_bound_on_top_of_other_weights(arguments):
    loss = WeightedMSE(**arguments)
    with pytest.raises(ValueError, match="`weights` is bound to a model input on top of") as caught:
        loss.call(GAINS, GAINS, weights=np.ones((2, 12, 5)))
    assert "Leave those out, or rename the input." in str(caught.value)


@pytest.mark.parametrize("shape", [(2,), (2, 12), (2, 5, 12), (2, 12, 5, 1), (3, 12, 5)])
def test_weights_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match="`weights` does not fit `y_pred`") as caught:
        WeightedMSE().call(GAINS, GAINS, weights=np.ones(shape))
    assert f"weights.shape={shape}, y_pred.shape=(2, 12, 5)" in str(caught.value)
    assert "Every axis is as long as there, or 1" in str(caught.value)


@pytest.mark.parametrize("shape", [(12,), (4,), (5, 12), (2, 12, 5)])
def test_fixed_weights_of_another_shape_are_refused(shape):
    with pytest.raises(ValueError, match="`fixed_weights` does not fit `y_pred`"):
        WeightedMSE(fixed_weights=np.ones(shape).tolist()).call(GAINS, GAINS)


@pytest.mark.parametrize("shape", [(2, 12, 1), (2, 1, 5), (2, 12), (1, 12, 5)])
def test_targets_that_would_broadcast_are_refused(shape):
    with pytest.raises(ValueError, match="`y_true` does not fit `y_pred`") as caught:
        WeightedMSE().call(np.zeros(shape), GAINS)
    assert f"y_true.shape={shape}" in str(caught.value)
    assert "Both have the same shape: reshape `y_true`." in str(caught.value)


def test_weights_by_distance_need_a_gain():
    with pytest.raises(ValueError, match=r"known shape \(batch, model_size, nobs\)") as caught:
        WeightedMSE(distance_scale=5.0, obs_dens=2).call(np.zeros((2, 4)), np.zeros((2, 4)))
    assert "samples of shape (4,)" in str(caught.value)


def test_observations_beyond_the_last_state_are_refused():
    with pytest.raises(ValueError, match="puts observation 4 at state 14, outside") as caught:
        WeightedMSE(distance_scale=5.0, obs_dens=3).call(GAINS, GAINS)
    assert "Received: obs_dens=3, gains of shape (12, 5). It is at most 2 here." in str(
        caught.value
    )
