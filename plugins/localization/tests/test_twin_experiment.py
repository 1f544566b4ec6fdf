from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from zoo_localization.divergence import DivergenceGuard, FilterDivergedError
from zoo_localization.nice import nice_gain, nice_taper
from zoo_localization.tapers import gaspari_cohn_taper, gaspari_cohn_vector
from zoo_localization.twin import (
    Filter,
    Generators,
    Lorenz96Twin,
)
from zoo_localization.twin_experiment import (
    run_twin_experiment,
    run_twin_experiments,
    simulate_truths,
)

TWIN = Lorenz96Twin(24, 2)
TAPER = gaspari_cohn_taper(24, 2, 8.0)
FILTERS = {
    "matrix": Filter(1.1, TAPER),
    "serial": Filter(1.1, TAPER, "serial"),
    "square root": Filter(1.1, TAPER, "square_root"),
    "relaxed": Filter(1.02, gaspari_cohn_vector(24, 8.0), relaxation=0.4),
    "function": Filter(1.1, lambda gain: gain * TAPER),
    "taper of each": Filter(1.1, taper_of_ensemble=nice_taper, update="serial"),
    "gain of each": Filter(1.1, gain_of_ensemble=nice_gain),
}


@pytest.mark.parametrize("kalman_filter", FILTERS.values(), ids=FILTERS)
def test_filters_side_by_side_give_what_each_gives_alone(kalman_filter):
    runs = simulate_truths(TWIN, [3, 4, 5], 60)
    together = run_twin_experiments(runs, kalman_filter, 8, spin_up=20)
    for row, seed in enumerate([3, 4, 5]):
        alone = run_twin_experiment(TWIN, kalman_filter, 8, cycles=40, spin_up=20, seed=seed)
        # Sums over members come in another order; the model lets that grow.
        np.testing.assert_allclose(together.rmse[row], alone.rmse, rtol=1e-6)
        np.testing.assert_allclose(together.spread[row], alone.spread, rtol=1e-6)


def test_settings_side_by_side_give_what_each_gives_alone():
    runs = simulate_truths(TWIN, [3, 4], 50)
    inflations, tapers = [1.02, 1.15], [TAPER, gaspari_cohn_taper(24, 2, 14.0)]
    stacked = Filter(np.repeat(inflations, 2), np.repeat(np.stack(tapers), 2, axis=0))
    together = run_twin_experiments(runs, stacked, 8, spin_up=10)
    for k, (inflation, taper) in enumerate(zip(inflations, tapers, strict=True)):
        alone = run_twin_experiments(runs, Filter(inflation, taper), 8, spin_up=10)
        np.testing.assert_allclose(together.rmse[2 * k : 2 * k + 2], alone.rmse, rtol=1e-6)


def test_errors_spread_and_ranks_are_those_of_the_priors_and_their_truths():
    seen = []
    runs = simulate_truths(TWIN, [7, 8], 30)

    def watch(prior, truth):
        seen.append((prior.copy(), truth.copy()))

    found = run_twin_experiments(runs, FILTERS["matrix"], 6, spin_up=12, watch=watch)
    assert len(seen) == found.prior_rmse.shape[1] == 18
    ranks = np.zeros((2, 7))
    for cycle, (prior, truth) in enumerate(seen):
        np.testing.assert_array_equal(truth, runs.truths[12 + cycle])
        for row in range(2):
            error = np.sqrt(np.mean((prior[row].mean(axis=0) - truth[row]) ** 2))
            assert found.prior_rmse[row, cycle] == pytest.approx(error, rel=1e-12)
            spread = np.sqrt(np.mean(prior[row].var(axis=0, ddof=1)))
            assert found.prior_spread[row, cycle] == pytest.approx(spread, rel=1e-12)
            for state in range(24):
                ranks[row, np.sort(prior[row, :, state]).searchsorted(truth[row, state])] += 1
    np.testing.assert_array_equal(found.ranks, ranks)
    assert found.rmse.mean() < found.prior_rmse.mean()


def test_a_truth_does_not_depend_on_other_seeds_or_on_the_filter():
    together, alone = simulate_truths(TWIN, [1, 2, 9], 20), simulate_truths(TWIN, [9], 20)
    np.testing.assert_array_equal(together.truths[:, 2], alone.truths[:, 0])
    np.testing.assert_array_equal(together.observations[:, 2], alone.observations[:, 0])
    errors = together.observations - TWIN.operator(together.truths)
    assert errors.std() == pytest.approx(1.0, abs=0.1)


def test_a_filter_that_is_lost_is_said_to_be_and_does_not_disturb_the_others():
    # Six members and no localization lose the truth; with a taper they do not.
    runs = simulate_truths(Lorenz96Twin(40, 2), [0, 1], 160)
    good = gaspari_cohn_taper(40, 2, 8.0)
    tapers = np.stack([good, good, np.ones((40, 20)), np.ones((40, 20))])
    both = run_twin_experiments(runs, Filter(np.full(4, 1.1), tapers), 6, spin_up=50)
    alone = run_twin_experiments(runs, Filter(1.1, good), 6, spin_up=50)
    assert set(both.lost) == set(both.lost_at) == {2, 3}
    assert "the filter diverged by cycle" in both.lost[2]
    assert np.isnan(both.rmse[2:, -1]).all()
    np.testing.assert_allclose(both.rmse[:2], alone.rmse, rtol=1e-6)


@pytest.mark.parametrize(
    ("error", "spread", "is_lost"),
    [(4.1, 4.0, True), (3.9, 3.8, False), (0.51, 0.1, True), (0.49, 0.1, False)],
)
def test_a_filter_is_lost_that_only_guesses_or_is_five_spreads_off(error, spread, is_lost):
    signs = np.tile([1.0, -1.0], 6)
    truth, guard = 4.0 * signs, DivergenceGuard()
    # Two members, each a spread / sqrt(2) from their mean, so that the variance is spread**2.
    ensemble = truth + error + np.outer([1.0, -1.0], np.full(12, spread / np.sqrt(2)))
    found = [bool(guard.lost(ensemble, truth)) for _ in range(51)]
    assert found == [False] * 49 + [is_lost] * 2


def test_an_experiment_goes_on_when_every_filter_is_lost():
    runs = simulate_truths(Lorenz96Twin(40, 2), [0], 200)
    found = run_twin_experiments(runs, Filter(), 4, spin_up=10)
    assert set(found.lost) == {0}
    assert found.ranks.sum() <= 40 * (found.lost_at[0] - 9)
    # What was timed are the cycles up to then.
    assert found.forecast_seconds > 0
    assert found.analysis_seconds > 0


def test_a_filter_that_is_lost_in_its_first_forecast_has_no_time_of_an_analysis():
    runs = simulate_truths(TWIN, [0], 4)
    blowing_up = replace(runs, first=1e200 * np.ones_like(runs.first))
    found = run_twin_experiments(blowing_up, Filter(), 4, spin_up=0)
    assert found.lost_at == {0: 0}
    assert found.forecast_seconds > 0
    assert np.isnan(found.analysis_seconds)


def test_every_cycle_is_told_with_the_number_of_filters():
    told = []
    runs = simulate_truths(TWIN, [3, 4], 7)
    stacked = Filter(np.repeat([1.1, 1.2, 1e-300], 2), update="square_root")
    found = run_twin_experiments(runs, stacked, 6, spin_up=2, advance=told.append)
    assert set(found.lost) == {4, 5}
    assert told == [6] * 7


def test_members_that_all_agree_are_a_lost_filter_not_an_error():
    runs = simulate_truths(TWIN, [0], 12)
    collapsing = Filter(1e-300, update="square_root")
    found = run_twin_experiments(runs, collapsing, 5, spin_up=0)
    assert "its members are infinite, or far from any state, or all agree" in found.lost[0]


def test_members_far_from_any_state_are_lost_at_once():
    # Without that their gain, in the end, would not be computable.
    def wrong_sign(gain):
        return -5.0 * gain

    runs = simulate_truths(TWIN, [0, 1], 40)
    found = run_twin_experiments(runs, Filter(1.1, wrong_sign), 8, spin_up=0)
    assert set(found.lost) == {0, 1}
    assert max(found.lost_at.values()) < 20


def test_a_truth_that_blows_up_is_reported():
    with pytest.raises(FilterDivergedError, match="truth itself diverged .* Use a smaller dt"):
        simulate_truths(Lorenz96Twin(24, 2, dt=2.0), [0], 5)


def test_generators_draw_what_each_of_them_draws_alone():
    drawn = Generators([np.random.default_rng(k) for k in range(3)]).standard_normal((3, 4, 2))
    for k in range(3):
        expected = np.random.default_rng(k).standard_normal((4, 2))
        np.testing.assert_array_equal(drawn[k], expected)


def test_bad_arguments_are_refused():
    runs = simulate_truths(TWIN, [0], 10)
    with pytest.raises(ValueError, match="below the 10 cycles of the truths, got 8 and 10"):
        run_twin_experiments(runs, Filter(), 8, spin_up=10)
    with pytest.raises(ValueError, match="members must be 2 or more, .* got 1 and 0"):
        run_twin_experiments(runs, Filter(), 1, spin_up=0)
    with pytest.raises(ValueError, match="seeds and cycles must be 1 or more, got 0 and 5"):
        simulate_truths(TWIN, [], 5)
    with pytest.raises(ValueError, match="R must be a covariance with variances above 0"):
        simulate_truths(Lorenz96Twin(24, 2, obs_error_variance=0.0), [0], 5)
    with pytest.raises(ValueError, match='gain_of_ensemble gives the gain .* Use update="ma'):
        Filter(gain_of_ensemble=nice_gain, update="serial")
