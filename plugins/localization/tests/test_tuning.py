from __future__ import annotations

import numpy as np
import pytest

from zoo_localization.tapers import gaspari_cohn_taper
from zoo_localization.tuning import tune_gaspari_cohn
from zoo_localization.twin import Filter, FilterDivergedError, Lorenz96Twin, run_twin_experiment

TWIN = Lorenz96Twin(40, 2)


def test_the_best_setting_is_that_of_the_least_mean_error():
    found = tune_gaspari_cohn(
        TWIN, 10, [4.0, 12.0], [1.1, 1.2], seeds=[3, 4], cycles=60, spin_up=40, update="serial"
    )
    for (cutoff, inflation), rmse in found.rmse.items():
        kalman_filter = Filter(inflation, gaspari_cohn_taper(40, 2, cutoff), "serial")
        runs = [
            run_twin_experiment(TWIN, kalman_filter, 10, cycles=60, spin_up=40, seed=seed)
            for seed in (3, 4)
        ]
        assert rmse == pytest.approx(np.mean([run.rmse.mean() for run in runs]), rel=1e-12)
    assert len(found.rmse) == 4
    assert found.rmse[found.cutoff, found.inflation] == min(found.rmse.values())


def test_settings_that_diverge_are_never_the_best():
    # Ten members that are hardly localized lose the truth, or overflow.
    found = tune_gaspari_cohn(TWIN, 10, [80.0, 12.0], [1.1], seeds=[3], cycles=60, spin_up=40)
    assert found.rmse[80.0, 1.1] == float("inf")
    assert (found.cutoff, found.inflation) == (12.0, 1.1)
    assert found.rmse[12.0, 1.1] < 1


def test_a_search_without_a_filter_that_works_says_so():
    with pytest.raises(FilterDivergedError, match="every one of 1 settings tried. Try other cut"):
        tune_gaspari_cohn(TWIN, 3, [80.0], [1.0], seeds=[0], cycles=300)


def test_a_search_over_nothing_is_refused():
    with pytest.raises(ValueError, match="got 0 settings and 1 seeds"):
        tune_gaspari_cohn(TWIN, 8, [], [1.1], seeds=[0], cycles=10)
    with pytest.raises(ValueError, match="got 1 settings and 0 seeds"):
        tune_gaspari_cohn(TWIN, 8, [4.0], [1.1], seeds=[], cycles=10)
