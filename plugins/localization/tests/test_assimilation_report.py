"""What `assimilation` tells: progress, edges of what was tried, tables and figures."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo_localization.evaluators import assimilation
from zoo_localization.tapers import gaspari_cohn_taper, gaspari_cohn_vector
from zoo_localization.twin import Filter, Lorenz96Twin
from zoo_localization.twin_experiment import run_twin_experiment

TWIN = Lorenz96Twin(24, 2)


def a_model():
    gain = keras.Input((24, 12), name="kg_raw")
    taper = keras.ops.convert_to_tensor(gaspari_cohn_taper(24, 2, 9.0).astype("float32"))
    return keras.Model(gain, keras.layers.Lambda(lambda g: g * taper)(gain))


def test_tables_hold_every_seed_rank_and_setting(report, short):
    assimilation(None, arms=["gaspari_cohn"], updates=["square_root"], report=report, **short)
    assert report.columns["assimilation_seeds"]["seed"] == [0, 1, 2]
    ranks = report.columns["assimilation_ranks"]
    assert ranks["rank"] == list(range(9))
    assert sum(ranks["count"]) == 3 * 30 * 24
    tried = report.rows("assimilation_tuning")
    assert [(row["cutoff"], row["inflation"]) for row in tried] == [
        (cutoff, inflation) for cutoff in (6.0, 9.0) for inflation in (1.05, 1.15)
    ]
    best = min(tried, key=lambda row: row["posterior_rmse"])
    row = report.rows("assimilation")[0]
    assert (row["cutoff"], row["inflation"]) == (best["cutoff"], best["inflation"])


def test_progress_counts_the_cycles_of_all_filters_and_says_what_is_left(capsys, short):
    assimilation(None, arms=["elf", "gaspari_cohn", "none"], updates=["matrix"], **short)
    out, err = capsys.readouterr()
    assert out == ""
    # Tuning 2 seeds of 40 cycles: Gaspari-Cohn 4 settings, then the curve from its filter, and 2
    # inflations of each of the others. Reported: 3 arms on 3 seeds of 40 cycles.
    cycles = 80 * (4 + 1 + 2 + 2) + 3 * 120
    lines = [line for line in err.splitlines() if "cycles of filters" in line]
    assert lines[-1] == (
        f"assimilation, cycles of filters: 100 % ({cycles} of {cycles}), 0:00:00 left"
    )
    assert len(lines) == 10


def test_arms_that_diverge_in_tuning_are_done_with_sooner(capsys, short):
    settings = {"twin": {"model_size": 40, "obs_dens": 2}, "members": 4, "inflations": [1.0]}
    settings |= {"cycles": 140, "arms": ["none", "elf"], "cutoffs": [80.0]}
    assimilation(None, updates=["serial"], **{**short, **settings})
    lines = capsys.readouterr().err.splitlines()
    cycles = 300 * (1 + 1 + 1 + 1) + 2 * 450
    assert f"100 % ({cycles} of {cycles}), 0:00:00 left" in lines[-1]


def test_a_best_setting_at_the_edge_of_what_was_tried_is_told(capsys, report, short):
    inside = type(report)()
    settings = {**short, "arms": ["gaspari_cohn"], "updates": ["matrix"], "inflations": [1.1]}
    assimilation(None, report=report, **{**settings, "cutoffs": [2.0, 4.0]})
    assert report.columns["assimilation"]["at_edge"] == ["cutoff"]
    said = capsys.readouterr().err.splitlines()[-1]
    assert said == (
        "assimilation: gaspari_cohn_matrix is best with cutoff 4, at the edge of the cutoffs "
        "tried, 2 to 4. There may be better ones beyond: give more cutoffs."
    )
    assimilation(None, report=inside, **{**settings, "cutoffs": [2.0, 7.0, 48.0]})
    assert inside.columns["assimilation"]["at_edge"] == [""]
    assert "edge" not in capsys.readouterr().err


def test_errors_and_spread_are_drawn_cycle_by_cycle(report, short):
    assimilation(None, arms=["gaspari_cohn"], updates=["matrix"], report=report, **short)
    (arm,) = report.rows("assimilation")
    kalman_filter = Filter(arm["inflation"], gaspari_cohn_taper(24, 2, arm["cutoff"]))
    alone = [
        run_twin_experiment(TWIN, kalman_filter, 8, cycles=30, spin_up=10, seed=seed)
        for seed in range(3)
    ]
    for name in ("rmse", "spread"):
        columns = report.columns[f"assimilation_{name}"]
        assert columns["cycle"] == list(range(10, 40))
        expected = np.mean([getattr(each, name) for each in alone], axis=0)
        np.testing.assert_allclose(columns["gaspari_cohn_matrix"], expected, rtol=1e-3)


def test_arms_are_drawn_with_their_standard_errors_and_differences(report, short):
    arms = ["none", "gaspari_cohn", "model"]
    found = assimilation(a_model(), arms=arms, updates=["matrix"], report=report, **short)
    bars = report.rows("assimilation_arms")
    assert [row["arm"] for row in bars] == [f"{arm}_matrix" for arm in arms]
    for row in bars:
        for name in ("posterior_rmse", "posterior_rmse_error", "posterior_spread"):
            assert row[name] == found[f"{name}.{row['arm']}"]
        seeds = [r for r in report.rows("assimilation_seeds") if r["arm"] == row["arm"]]
        spreads = np.array([r["posterior_spread"] for r in seeds])
        assert row["posterior_spread_error"] == pytest.approx(spreads.std(ddof=1) / 3**0.5)
    gaps = report.rows("assimilation_differences")
    assert "gaspari_cohn_matrix" not in [row["arm"] for row in gaps]
    for row in gaps:
        assert row["difference"] == found[f"difference.{row['arm']}"]
        assert row["difference_error"] == found[f"difference_error.{row['arm']}"]


def test_the_rank_histogram_is_drawn_against_a_flat_one(report, short):
    assimilation(None, arms=["gaspari_cohn"], updates=["matrix"], report=report, **short)
    counts = np.array(report.columns["assimilation_ranks"]["count"])
    columns = report.columns["assimilation_rank_histogram"]
    assert columns["rank"] == list(range(9))
    np.testing.assert_allclose(columns["gaspari_cohn_matrix"], counts / (3 * 30 * 24 / 9))


def test_what_is_compared_is_always_drawn_and_ensembles_of_another_size_have_other_ranks(
    report, short
):
    arms = ["none", "gaspari_cohn", "nice", "curve", "large_ensemble", "model"]
    assimilation(
        a_model(),
        arms=arms,
        curve_path=gaspari_cohn_vector(24, 2.0),
        updates=["matrix", "serial"],
        large_members=20,
        report=report,
        **{**short, "inflations": [1.1], "cutoffs": [8.0], "cycles": 12, "seeds": 2},
    )
    drawn = report.drawn["assimilation_rmse"]
    assert len(drawn) == 7 < len(report.columns["assimilation_arms"]["arm"])
    compared = {"curve_matrix", "curve_serial", "large_ensemble_matrix", "model_matrix"}
    assert compared <= {*drawn}
    ranked = report.drawn["assimilation_rank_histogram"]
    assert ranked == ["curve_matrix", "curve_serial", "model_matrix"]
    assert report.columns["assimilation_rank_histogram"]["rank"] == list(range(9))


def test_nothing_is_drawn_where_every_arm_diverged(report, short):
    settings = {"twin": {"model_size": 40, "obs_dens": 2}, "members": 4, "inflations": [1.0]}
    settings |= {"cycles": 140, "arms": ["none"], "seeds": 2, "tuning_seeds": 1}
    found = assimilation(None, updates=["serial"], report=report, **{**short, **settings})
    assert found == {"diverged.none_serial": 2.0}
    assert report.drawn == {}
