from __future__ import annotations

import numpy as np
import pytest

from zoo_localization import tuning
from zoo_localization.divergence import FilterDivergedError
from zoo_localization.tapers import gaspari_cohn_taper
from zoo_localization.tuning import TunedFilter, search, tune
from zoo_localization.twin import Filter, Lorenz96Twin
from zoo_localization.twin_experiment import (
    run_twin_experiment,
    run_twin_experiments,
    simulate_truths,
)

TWIN = Lorenz96Twin(40, 2)


def test_the_best_setting_is_that_of_the_least_mean_error():
    runs = simulate_truths(TWIN, [3, 4], 100)
    found = tune(runs, Filter(update="serial"), 10, [1.1, 1.2], [4.0, 12.0], spin_up=40)
    for (cutoff, inflation), rmse in found.rmse.items():
        kalman_filter = Filter(inflation, gaspari_cohn_taper(40, 2, cutoff), "serial")
        runs = [
            run_twin_experiment(TWIN, kalman_filter, 10, cycles=60, spin_up=40, seed=seed)
            for seed in (3, 4)
        ]
        assert rmse == pytest.approx(np.mean([run.rmse.mean() for run in runs]), rel=1e-6)
    assert (found.filter.inflation, found.filter.update) == (found.inflation, "serial")
    np.testing.assert_array_equal(
        found.filter.localization, gaspari_cohn_taper(40, 2, found.cutoff)
    )
    assert len(found.rmse) == 4
    assert found.rmse[found.cutoff, found.inflation] == min(found.rmse.values())


def test_settings_that_diverge_are_never_the_best():
    # Ten members that are hardly localized lose the truth, or overflow.
    runs = simulate_truths(TWIN, [3], 100)
    found = tune(runs, Filter(), 10, [1.1], [80.0, 12.0], spin_up=40)
    assert found.rmse[80.0, 1.1] == float("inf")
    assert (found.cutoff, found.inflation) == (12.0, 1.1)
    assert found.rmse[12.0, 1.1] < 1


@pytest.mark.parametrize("at_once", [1, 2**16, 2**21])
def test_how_many_settings_run_side_by_side_changes_nothing(at_once, monkeypatch):
    monkeypatch.setattr(tuning, "_NUMBERS_AT_ONCE", at_once)
    runs = simulate_truths(TWIN, [3, 4], 50)
    found = tune(runs, Filter(), 10, [1.1, 1.2], [8.0, 10.0, 12.0], spin_up=10)
    assert list(found.rmse) == [(c, i) for c in (8.0, 10.0, 12.0) for i in (1.1, 1.2)]
    for (cutoff, inflation), rmse in found.rmse.items():
        alone = Filter(inflation, gaspari_cohn_taper(40, 2, cutoff))
        expected = run_twin_experiments(runs, alone, 10, spin_up=10).rmse.mean()
        assert rmse == pytest.approx(expected, rel=1e-6)


def test_a_filter_with_a_localization_of_its_own_has_its_inflation_tuned():
    runs = simulate_truths(TWIN, [3, 4], 50)
    taper = gaspari_cohn_taper(40, 2, 10.0)
    seen = []

    def localization(gain):
        seen.append(len(gain))
        return gain * taper

    found = tune(runs, Filter(localization=localization), 10, [1.1, 1.2], spin_up=10)
    assert found.cutoff is None
    assert found.filter.localization is localization
    for (_, inflation), rmse in found.rmse.items():
        expected = run_twin_experiments(runs, Filter(inflation, taper), 10, spin_up=10)
        assert rmse == pytest.approx(expected.rmse.mean(), rel=1e-6)
    assert set(seen) == {4}


def test_a_search_without_a_filter_that_works_says_so():
    runs = simulate_truths(TWIN, [0], 500)
    with pytest.raises(FilterDivergedError, match="every one of 1 settings tried. Try other cut"):
        tune(runs, Filter(), 3, [1.0], [80.0])


def test_a_search_without_a_filter_that_works_has_its_figures_and_its_time():
    runs = simulate_truths(Lorenz96Twin(40, 2), [0], 300)
    counted = []
    found = search(runs, Filter(), 3, [1.0, 1.01], [80.0], spin_up=10, advance=counted.append)
    assert found.best is None
    assert found.rmse == {(80.0, 1.0): float("inf"), (80.0, 1.01): float("inf")}
    assert found.forecast_seconds > 0
    assert found.analysis_seconds > 0
    assert counted == [2] * 300


@pytest.mark.parametrize(
    ("cutoff", "inflation", "edges"),
    [
        (8.0, 1.1, []),
        (4.0, 1.1, ["cutoff"]),
        (12.0, 1.0, ["cutoff", "inflation"]),
        (8.0, 1.2, ["inflation"]),
    ],
)
def test_a_best_value_that_nothing_was_tried_beyond_is_at_an_edge(cutoff, inflation, edges):
    tried = {(c, i): 1.0 for c in (12.0, 4.0, 8.0) for i in (1.1, 1.0, 1.2)}
    found = TunedFilter(cutoff, inflation, tried, Filter())
    assert found.at_edge == edges
    assert found.tried("cutoff") == [4.0, 8.0, 12.0]


def test_a_value_that_was_not_tuned_has_no_edge():
    assert TunedFilter(None, 1.1, {(None, 1.1): 1.0}, Filter()).at_edge == []
    only_cutoffs = {(4.0, 1.1): 1.0, (8.0, 1.1): 2.0}
    assert TunedFilter(4.0, 1.1, only_cutoffs, Filter()).at_edge == ["cutoff"]


def test_a_search_over_nothing_is_refused():
    runs = simulate_truths(TWIN, [0], 5)
    for inflations, cutoffs in (([], None), ([1.1], [])):
        with pytest.raises(ValueError, match="cutoffs and inflations must each have a value to"):
            tune(runs, Filter(), 8, inflations, cutoffs, spin_up=0)
