from __future__ import annotations

import numpy as np
import pytest

from zoo_localization.enkf import kalman_gain, matrix_update, serial_update
from zoo_localization.observations import (
    ObservationError,
    ObservationOperator,
    draw_errors,
    observation_error,
)


def means_by_hand(size: int, obs_dens: int, width: int) -> np.ndarray:
    """H written out: each row has `width` entries around its observation's state."""
    rows = []
    for centre in range(obs_dens - 1, size, obs_dens):
        row = np.zeros(size)
        for i in range(centre - width // 2, centre + width // 2 + 1):
            row[i % size] += 1 / width
        rows.append(row)
    return np.array(rows)


@pytest.mark.parametrize(
    ("size", "obs_dens", "width"),
    [(12, 3, 3), (12, 1, 5), (13, 1, 13), (12, 5, 11), (960, 4, 241), (960, 4, 1)],
)
def test_an_average_is_the_mean_of_the_window_around_its_state(size, obs_dens, width):
    operator = ObservationOperator(size, obs_dens, width)
    expected = means_by_hand(size, obs_dens, width)[: operator.nobs]
    np.testing.assert_allclose(operator.matrix, expected, rtol=0, atol=1e-15)
    states = np.random.default_rng(0).normal(size=(2, 3, size))
    np.testing.assert_allclose(operator(states), states @ expected.T, rtol=0, atol=1e-13)
    for j in (0, operator.nobs - 1):
        found = operator.one(states, j)
        np.testing.assert_allclose(found, states @ expected[j], rtol=0, atol=1e-13)


def test_a_window_of_one_state_sees_the_point():
    states = np.random.default_rng(1).normal(size=(4, 12))
    found = ObservationOperator(12, 3, 1)(states)
    np.testing.assert_array_equal(found, states[:, [2, 5, 8, 11]])


@pytest.mark.parametrize("width", [0, 2, 13, -1, 3.0, True])
def test_a_window_without_a_middle_on_the_ring_is_refused(width):
    with pytest.raises(ValueError, match="width must be an odd number of states from 1 to mo"):
        ObservationOperator(12, 3, width)


def test_the_gain_of_averages_agrees_with_explicit_matrices():
    ensemble = np.random.default_rng(2).normal(size=(9, 12))
    operator = ObservationOperator(12, 4, 5)
    h, p = means_by_hand(12, 4, 5), np.cov(ensemble.T)
    r = np.array([[0.5, 0.2, 0.0], [0.2, 0.9, 0.1], [0.0, 0.1, 0.7]])
    expected = p @ h.T @ np.linalg.inv(h @ p @ h.T + r)
    np.testing.assert_allclose(kalman_gain(ensemble, operator, r), expected, atol=1e-13)


def test_both_updates_agree_exactly_for_one_average():
    ensemble = np.random.default_rng(3).normal(size=(7, 12))
    operator = ObservationOperator(12, 12, 7)
    found = [
        update(ensemble, np.array([0.4]), operator, 0.3, np.random.default_rng(4))
        for update in (matrix_update, serial_update)
    ]
    np.testing.assert_allclose(found[0], found[1], atol=1e-13)


@pytest.mark.parametrize("error", [0.7, [0.5, 2.0], [[0.5, 0.3], [0.3, 0.9]]])
def test_drawn_errors_have_the_covariance_that_is_asked_for(error):
    draws = 400_000
    found = draw_errors(error, (draws, 2), np.random.default_rng(5))
    few = 6 * 2.0 / np.sqrt(draws)
    np.testing.assert_allclose(found.mean(axis=0), 0.0, atol=few)
    np.testing.assert_allclose(np.cov(found.T), observation_error(error, 2).matrix, atol=2 * few)


def test_r_is_checked_once_and_then_handed_on():
    checked = observation_error([0.5, 2.0], 2)
    assert observation_error(checked, 2) is checked
    np.testing.assert_array_equal(observation_error(checked, 2).matrix, np.diag([0.5, 2.0]))
    with pytest.raises(ValueError, match="R is of 2 observations, and there are nobs=3"):
        observation_error(checked, 3)


@pytest.mark.parametrize(
    ("error", "is_diagonal"), [(0.7, True), (np.diag([1.0, 2.0]), True), (np.eye(2) + 0.1, False)]
)
def test_r_says_whether_its_diagonal_is_all_of_it(error, is_diagonal):
    found = ObservationError(error, 2)
    assert found.is_diagonal == is_diagonal
    np.testing.assert_allclose(found.matrix, error * np.eye(2) if np.ndim(error) < 2 else error)


def test_errors_of_float32_numbers_are_float32():
    for error in (0.7, np.eye(2) + 0.1):
        assert (
            ObservationError(error, 2).drawn_from(np.ones((3, 2), np.float32)).dtype == np.float32
        )


def test_explicit_locations_of_the_regular_pattern_make_the_operator():
    assert ObservationOperator.at([2, 5, 8, 11], 12) == ObservationOperator(12, 3)
    assert ObservationOperator.at(np.arange(3, 960, 4), 960, 241) == ObservationOperator(
        960, 4, 241
    )
    assert ObservationOperator.at([2, 5, 8], 11) == ObservationOperator(11, 3)


@pytest.mark.parametrize(
    ("locations", "message"),
    [
        ([5, 2, 8, 11], "must be sorted: location 1 is 2 and follows 5. Sort them, and the observ"),
        ([2, 5, 5, 11], "locations 1 and 2 are both state 5. Take the mean of the two"),
        ([2, 8, 5, 8], "locations 1 and 3 are both state 8"),
        ([2, 5, 8, 12], "on the ring, from 0 to 11; location 3 is 12"),
        ([-1, 2], "location 0 is -1"),
        (
            [0, 3, 6, 9],
            r"first one at 0 that is \[ 0,  1,  2, ...,  9, 10, 11\], got \[0, 3, 6, 9\]",
        ),
        ([2, 5, 8], r"that is \[ 2,  5,  8, 11\], got \[2, 5, 8\]. Renumber the states"),
        ([2, 6, 8, 11], "every d-th state, beginning with state d - 1, to the end of the ring"),
        (
            [2.0, 5.0],
            r"a list of whole numbers, one state an observation, got shape \(2,\) of float",
        ),
        ([[2, 5]], r"got shape \(1, 2\) of int"),
        ([], r"got shape \(0,\)"),
    ],
)
def test_locations_of_another_pattern_are_refused_with_their_place(locations, message):
    with pytest.raises(ValueError, match=message):
        ObservationOperator.at(locations, 12)
