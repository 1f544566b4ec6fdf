from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo_localization.evaluators import assimilation
from zoo_localization.extras import numba_is_there
from zoo_localization.nice import nice_gain
from zoo_localization.tapers import gaspari_cohn_taper, gaspari_cohn_vector, static_regression
from zoo_localization.twin import Filter, Lorenz96Twin
from zoo_localization.twin_experiment import run_twin_experiment

TWIN = Lorenz96Twin(24, 2)


def seed_by_seed(kalman_filter):
    return np.array(
        [
            run_twin_experiment(
                TWIN, kalman_filter, 8, cycles=30, spin_up=10, seed=seed
            ).rmse.mean()
            for seed in range(3)
        ]
    )


def pairs():
    rng = np.random.default_rng(0)
    true = rng.normal(size=(60, 24, 12)) * gaspari_cohn_taper(24, 2, 7.0)
    return true + 0.5 * rng.normal(size=true.shape), true


def a_model():
    gain = keras.Input((24, 12), name="kg_raw")
    taper = keras.ops.convert_to_tensor(gaspari_cohn_taper(24, 2, 9.0).astype("float32"))
    return keras.Model(gain, keras.layers.Lambda(lambda g: g * taper)(gain))


def test_every_arm_has_the_errors_of_its_tuned_filter_on_the_same_truths(tmp_path, report, short):
    raw, true = pairs()
    np.save(tmp_path / "curve.npy", gaspari_cohn_vector(24, 9.0)[None, :13])
    found = assimilation(
        a_model(),
        {"train": ({"kg_raw": raw}, true)},
        curve_path=str(tmp_path / "curve.npy"),
        report=report,
        **short,
    )
    arms = {row["arm"]: row for row in report.rows("assimilation")}
    assert list(arms) == [
        *("none_matrix", "none_serial", "gaspari_cohn_matrix", "gaspari_cohn_serial"),
        *("elf_matrix", "elf_serial", "lrlf_matrix", "lrlf_serial", "nice_matrix", "nice_serial"),
        *("curve_matrix", "curve_serial", "model_matrix"),
    ]
    curves = report.columns["assimilation_curves"]
    regression = static_regression(raw, true, 2, half=True)
    np.testing.assert_allclose(curves["lrlf"], regression, rtol=1e-12)
    localizations = {
        "gaspari_cohn_serial": gaspari_cohn_taper(24, 2, arms["gaspari_cohn_serial"]["cutoff"]),
        "elf_matrix": np.array(curves["elf_matrix"]),
        "lrlf_matrix": regression,
        "curve_serial": gaspari_cohn_vector(24, 9.0),
        "model_matrix": gaspari_cohn_taper(24, 2, 9.0),
    }
    for arm, localization in localizations.items():
        update = "serial" if arm.endswith("serial") else "matrix"
        expected = seed_by_seed(Filter(arms[arm]["inflation"], localization, update))
        assert found[f"posterior_rmse.{arm}"] == pytest.approx(expected.mean(), rel=1e-3)
        error = expected.std(ddof=1) / 3**0.5
        assert found[f"posterior_rmse_error.{arm}"] == pytest.approx(error, rel=2e-2)
    nice = Filter(arms["nice_matrix"]["inflation"], gain_of_ensemble=nice_gain)
    assert found["posterior_rmse.nice_matrix"] == pytest.approx(seed_by_seed(nice).mean(), rel=1e-6)
    assert all(isinstance(value, float) and np.isfinite(value) for value in found.values())


def test_differences_are_from_the_best_baseline_seed_by_seed(report, short):
    found = assimilation(a_model(), arms=["gaspari_cohn", "nice", "model"], report=report, **short)
    seeds = report.rows("assimilation_seeds")
    by_arm = {
        arm: np.array([row["posterior_rmse"] for row in seeds if row["arm"] == arm])
        for arm in report.columns["assimilation"]["arm"]
    }
    best = min((arm for arm in by_arm if "model" not in arm), key=lambda arm: by_arm[arm].mean())
    assert f"difference.{best}" not in found
    for arm in set(by_arm) - {best}:
        gaps = by_arm[arm] - by_arm[best]
        assert found[f"difference.{arm}"] == pytest.approx(gaps.mean(), rel=1e-9)
        error = gaps.std(ddof=1) / 3**0.5
        assert found[f"difference_error.{arm}"] == pytest.approx(error, rel=1e-9)
    is_best = report.columns["assimilation"]["is_best_baseline"]
    assert [arm for arm, best_one in zip(by_arm, is_best, strict=True) if best_one] == [best]


def test_an_arm_that_diverges_is_counted_and_has_no_error(report):
    found = assimilation(
        None,
        twin={"model_size": 40, "obs_dens": 2},
        members=4,
        cycles=150,
        spin_up=10,
        seeds=2,
        tuning_seeds=1,
        arms=["none", "elf"],
        updates=["serial"],
        inflations=[1.0],
        cutoffs=[80.0],
        report=report,
    )
    assert found == {"diverged.none_serial": 2.0, "diverged.elf_serial": 2.0}
    rows = report.rows("assimilation_seeds")
    assert all("diverged on the tuning seeds" in row["reason"] for row in rows)
    assert [row["posterior_rmse"] for row in rows] == [None] * 4
    tried = [
        (row["arm"], row["cutoff"], row["posterior_rmse"])
        for row in report.rows("assimilation_tuning")
    ]
    assert tried == [("none_serial", None, None)]
    alone, elf = report.rows("assimilation")
    assert alone["forecast_ms"] > 0
    assert alone["analysis_ms"] > 0
    assert elf["forecast_ms"] is elf["analysis_ms"] is alone["at_edge"] is None
    assert "the filter that its curve would be learned from" in rows[-1]["reason"]


def test_a_divergence_on_one_seed_is_left_out_of_the_means_with_its_cycle(report, short):
    # A localization that stops working when the members come to lie at the last truth's cycle.
    calls = []

    def fails_late(gain):
        calls.append(len(gain))
        return gain * gaspari_cohn_taper(24, 2, 9.0) * (-1.0 if len(calls) > 130 else 1.0)

    found = assimilation(
        fails_late,
        arms=["model", "gaspari_cohn"],
        updates=["matrix"],
        report=report,
        **{**short, "cycles": 110, "inflations": [1.1]},
    )
    lost = [row for row in report.rows("assimilation_seeds") if row["diverged_at"] is not None]
    assert len(lost) == found["diverged.model_matrix"] > 0
    assert all("the filter diverged by cycle" in row["reason"] for row in lost)
    assert found["diverged.gaspari_cohn_matrix"] == 0.0


@pytest.mark.skipif(not numba_is_there(), reason="Numba, the extra `sim`, is not installed")
def test_lorenz_05_has_its_own_twin_members_and_grid(report):
    found = assimilation(
        None,
        system="lorenz05",
        twin={"model": "II", "model_size": 60, "averaging_length": 4, "forcing": 10.0, "dt": 0.025}
        | {"obs_dens": 2, "steps_per_cycle": 2, "spin_up": 50},
        cycles=20,
        spin_up=20,
        seeds=2,
        tuning_seeds=1,
        arms=["gaspari_cohn"],
        cutoffs=[15.0],
        report=report,
    )
    assert report.columns["assimilation"]["members"] == [40, 40]
    for update in ("matrix", "serial"):
        assert found[f"posterior_rmse.gaspari_cohn_{update}"] < 0.6
        assert found[f"prior_rmse.gaspari_cohn_{update}"] < 1.0


def test_a_large_ensemble_needs_no_localization(short):
    found = assimilation(
        None,
        arms=["gaspari_cohn", "large_ensemble"],
        updates=["matrix"],
        large_members=150,
        **short,
    )
    large, small = (
        found[f"posterior_rmse.{arm}_matrix"] for arm in ("large_ensemble", "gaspari_cohn")
    )
    assert large < small
    assert found["difference.large_ensemble_matrix"] == pytest.approx(large - small, rel=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"system": "lorenz63"}, 'system must be "lorenz96" or "lorenz05", got \'lorenz63\''),
        (
            {"twin": {"forcings": 8}},
            "twin has no setting 'forcings'; those of lorenz96 are dt, for",
        ),
        ({"members": 1}, "members must be an integer of at least 2, got 1"),
        ({"cycles": 0}, "cycles must be an integer of at least 1, got 0"),
        ({"spin_up": -1}, "spin_up must be an integer of at least 0, got -1"),
        ({"seeds": [1, 1]}, r"seeds must be how many .* different whole numbers .* got \[1, 1\]"),
        ({"seeds": 1}, "seeds must be at least 2 for a standard error, better 10, got 1"),
        ({"seeds": [1, 2], "tuning_seeds": [2]}, r"seeds \[2\] are both tuned on and reported"),
        ({"arms": ["gaspari"]}, r"arms must be some of none, gaspari_cohn, .* got \['gaspari'\]"),
        (
            {"arms": ["model"]},
            "the arm 'model' needs a model, and there is none. Give it, or leave",
        ),
        ({"arms": ["lrlf"]}, "the arm 'lrlf' needs the gain pairs of a \"train\" split"),
        ({"arms": ["curve"]}, "the arm 'curve' needs curve_path, the file with the curve"),
        ({"updates": ["cubic"]}, "updates must be some of matrix, serial, square_root, got"),
        ({"inflations": [0.0]}, r"inflations must be a list of positive numbers, got \[0.0\]"),
        ({"cutoffs": []}, r"cutoffs must be a list of positive numbers, got \[\]"),
        ({"curve_path": "nothing.npy"}, "curve_path='nothing.npy' is no .npy file with one array"),
        ({"twin": {"obs_error_variance": 0.0}}, "R must be a covariance with variances above 0"),
    ],
)
def test_bad_arguments_are_named(arguments, message, monkeypatch, tmp_path, short):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        assimilation(None, {}, **{**short, "arms": None, **arguments})


def test_a_model_for_another_twin_experiment_is_refused(short):
    with pytest.raises(ValueError, match=r"takes gains \(24, 12\), and the twin .* = \(40, 20\)"):
        assimilation(a_model(), **{**short, "twin": {"model_size": 40, "obs_dens": 2}})
    raw, true = pairs()
    data = {"train": ({"kg_raw": raw[:, :20, :10]}, true[:, :20, :10])}
    with pytest.raises(ValueError, match="pairs are of model_size=20, and the twin experiment has"):
        assimilation(None, data, arms=["lrlf"], **short)


def test_a_curve_may_be_given_as_it_is(short):
    found = assimilation(
        None, arms=["curve"], updates=["matrix"], curve_path=gaspari_cohn_vector(24, 9.0), **short
    )
    expected = min(
        seed_by_seed(Filter(inflation, gaspari_cohn_taper(24, 2, 9.0))).mean()
        for inflation in (1.05, 1.15)
    )
    assert found["posterior_rmse.curve_matrix"] >= expected - 1e-6
    with pytest.raises(ValueError, match=r"got shape \(9,\); or a curve of 24 or 13 values"):
        assimilation(None, arms=["curve"], curve_path=np.ones(9), **short)


def test_a_models_own_shape_decides_the_twin_experiment(report, short):
    settings = {key: value for key, value in short.items() if key != "twin"}
    assimilation(a_model(), arms=["model"], report=report, **settings)
    assert sum(report.columns["assimilation_ranks"]["count"]) == 3 * 30 * 24
