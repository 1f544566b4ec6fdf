from __future__ import annotations

import numpy as np
import pytest

from zoo_localization.comparison import (
    FIGURES,
    Arm,
    Protocol,
    Score,
    best_baseline,
    mean_and_error,
    paired_difference,
    score_arm,
    tune_arm,
)
from zoo_localization.tapers import gaspari_cohn_taper
from zoo_localization.tuning import Search
from zoo_localization.twin import Filter, Lorenz96Twin
from zoo_localization.twin_experiment import run_twin_experiment, simulate_truths

TWIN = Lorenz96Twin(24, 2)
NAN = float("nan")


def score(name, posterior, *, is_baseline=True):
    values = np.array(posterior)
    lost = dict.fromkeys(np.flatnonzero(np.isnan(values)), "lost")
    arm = Arm(name, Filter(), 8, is_baseline=is_baseline)
    return Score(arm, Search(None, {}), dict.fromkeys(FIGURES, values), np.zeros(9, np.int64), lost)


def protocol(**changes):
    settings = {
        "tuning": simulate_truths(TWIN, [100, 101], 50),
        "reported": simulate_truths(TWIN, [0, 1, 2], 40),
        "inflations": (1.05, 1.15),
        "cutoffs": (6.0, 9.0),
        "spin_up": 10,
    }
    return Protocol(**{**settings, **changes})


def test_means_and_standard_errors_are_those_of_the_seeds_that_did_not_diverge():
    # Of 1, 2 and 6 the mean is 3, the variance 7, the standard error sqrt(7 / 3).
    mean, error = mean_and_error([1.0, NAN, 2.0, 6.0])
    assert mean == pytest.approx(3.0)
    assert error == pytest.approx((7 / 3) ** 0.5)
    assert mean_and_error([NAN, 4.0])[0] == 4.0
    assert np.isnan([*mean_and_error([NAN]), mean_and_error([4.0])[1]]).all()


def test_differences_are_taken_seed_by_seed():
    # 0.5, 0.5 and 0.8 apart: 0.6 with a standard error of 0.1, whatever the seeds themselves are.
    one, other = score("a", [1.5, 2.5, NAN, 9.8]), score("b", [1.0, 2.0, 3.0, 9.0])
    mean, error = paired_difference(one, other)
    assert mean == pytest.approx(0.6)
    assert error == pytest.approx(0.1)


def test_the_best_baseline_has_the_least_error_and_diverges_on_no_seed():
    steady, better = score("steady", [0.4, 0.5]), score("better", [0.3, NAN])
    ours = score("model", [0.1, 0.1], is_baseline=False)
    assert best_baseline([better, ours, steady, score("worse", [0.6, 0.6])]) is steady
    assert best_baseline([better, ours]) is better
    assert best_baseline([ours, score("gone", [NAN, NAN])]) is None


def test_an_arm_is_tuned_on_some_truths_and_reported_on_others():
    how = protocol()
    arm = Arm("gaspari_cohn_matrix", Filter(), 8, has_cutoff=True)
    tried = tune_arm(arm, how)
    tuned, found = tried.best, score_arm(arm, tried, how)
    by_hand = {
        (c, i): np.mean(
            [
                run_twin_experiment(
                    TWIN, Filter(i, taper), 8, cycles=40, spin_up=10, seed=seed
                ).rmse.mean()
                for seed in (100, 101)
            ]
        )
        for c, taper in ((c, gaspari_cohn_taper(24, 2, c)) for c in (6.0, 9.0))
        for i in (1.05, 1.15)
    }
    assert (tuned.cutoff, tuned.inflation) == min(by_hand, key=by_hand.get)
    for row, seed in enumerate([0, 1, 2]):
        alone = run_twin_experiment(TWIN, tuned.filter, 8, cycles=30, spin_up=10, seed=seed)
        assert found.posterior_rmse[row] == pytest.approx(alone.rmse.mean(), rel=1e-6)
        assert found.figures["posterior_spread"][row] == pytest.approx(
            alone.spread.mean(), rel=1e-6
        )
    assert found.ranks.sum() == 3 * 30 * 24
    assert found.forecast_ms > 0
    assert found.analysis_ms > 0


def test_an_arm_that_diverges_with_every_setting_has_diverged_on_every_seed():
    twin = Lorenz96Twin(40, 2)
    how = protocol(
        tuning=simulate_truths(twin, [100], 200), reported=simulate_truths(twin, [0, 1], 60)
    )
    arm = Arm("none_matrix", Filter(), 4)
    found = score_arm(arm, tune_arm(arm, how), how)
    assert found.tuned is None
    assert set(found.lost) == {0, 1}
    assert found.lost[1] == "the filter diverged on the tuning seeds with every setting tried"
    assert np.isnan(found.posterior_rmse).all()
    # It ran until it was lost, and took that time.
    assert found.forecast_ms > 0
    assert found.analysis_ms > 0


def test_an_arm_without_a_filter_to_learn_from_says_so_and_has_no_time():
    found = score_arm(Arm("elf_matrix", Filter(), 8), Search(None, {}), protocol())
    assert "the filter that its curve would be learned from diverged on the tun" in found.lost[0]
    assert np.isnan([found.forecast_ms, found.analysis_ms]).all()


def test_seeds_that_are_both_tuned_on_and_reported_are_refused():
    with pytest.raises(ValueError, match=r"seeds \[1\] are both tuned on and reported"):
        protocol(tuning=simulate_truths(TWIN, [1, 7], 20))
    with pytest.raises(ValueError, match="seeds must be at least 2 for a standard error.* got 1"):
        protocol(reported=simulate_truths(TWIN, [0], 20))
