"""The adapter against DAPPER itself: skipped where DAPPER is not installed."""

from __future__ import annotations

import importlib.util
import re
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from zoo_localization.deterministic import square_root_update
from zoo_localization.divergence import FilterDivergedError
from zoo_localization.enkf import matrix_update, serial_update
from zoo_localization.observations import ObservationOperator
from zoo_localization.tapers import gaspari_cohn_vector

README = Path(__file__).parents[1] / "README.md"
CUTOFF = 9.0
CURVE = gaspari_cohn_vector(40, CUTOFF)
EVERY_SECOND = np.arange(0, 40, 2)


@pytest.fixture(scope="module")
def adapter(tmp_path_factory):
    """The adapter, imported with DAPPER, which makes a folder in the user's home."""
    if importlib.util.find_spec("dapper") is None:
        pytest.skip("the extra dapper (DAPPER) is not installed")
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        # It leaves its own settings open.
        warnings.simplefilter("ignore", ResourceWarning)
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("MPLBACKEND", "Agg")
        return importlib.import_module("zoo_localization.dapper_adapter")


def hidden_markov_model(obs_inds=range(40), cycles=60, square=False, **obs):
    """Lorenz-96 as DAPPER has it, some states observed, or their squares."""
    import dapper.mods as modelling
    from dapper.mods.Lorenz96 import step, x0

    operator = modelling.partial_Id_Obs(40, np.array(obs_inds))
    if square:
        operator = {"M": len(obs_inds), "model": lambda x: x[..., np.array(obs_inds)] ** 2 / 10}
    return modelling.HiddenMarkovModel(
        {"M": 40, "model": step, "noise": 0},
        {**operator, "noise": 1, **obs},
        modelling.Chronology(0.05, dko=1, Ko=cycles, Tplot=1, BurnIn=1),
        modelling.GaussRV(mu=x0(40), C=0.001),
    )


def analyses(xp, hmm, seed=3000):
    """The analysis means and spreads of a run, `(2, cycles, 40)`."""
    import dapper

    dapper.set_seed(seed)
    truth, observations = hmm.simulate()
    xp.assimilate(hmm, truth, observations)
    return np.array([xp.stats.mu.a, xp.stats.spread.a])


def gaspari_cohn_by_dapper(obs_inds=range(40)):
    """DAPPER's own taper, whose radius is where it is exp(-1/2)."""
    from dapper.tools.localization import dist2coeff, pairwise_distances

    states = np.arange(40.0)[:, None]
    distances = pairwise_distances(states, states[list(obs_inds)], (40,))
    return dist2coeff(distances, CUTOFF / 2 / 1.82, "GC")


def test_without_dapper_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "dapper", None)
    monkeypatch.setitem(sys.modules, "dapper.da_methods", None)
    monkeypatch.delitem(sys.modules, "zoo_localization.dapper_adapter", raising=False)
    with pytest.raises(ImportError, match=r'pip install "zoo-localization\[dapper\]"'):
        importlib.import_module("zoo_localization.dapper_adapter")


@pytest.mark.parametrize("rot", [False, True])
@pytest.mark.parametrize(
    "of", [{}, {"obs_inds": EVERY_SECOND}, {"square": True}], ids=["all", "every second", "squares"]
)
def test_without_localization_it_is_dappers_own_filter(adapter, of, rot):
    from dapper.da_methods import EnKF

    hmm, settings = hidden_markov_model(**of), {"N": 40, "infl": 1.06, "rot": rot}
    expected = analyses(EnKF("PertObs", **settings), hmm)
    found = analyses(adapter.LocalizedEnKF(**settings), hmm)
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


def test_model_noise_is_treated_as_dapper_treats_it(adapter):
    from dapper.da_methods import EnKF
    from dapper.tools.randvars import GaussRV

    hmm = hidden_markov_model()
    hmm.Dyn.noise = GaussRV(C=0.1, M=40)
    settings = {"N": 40, "fnoise_treatm": "Sqrt-Core"}
    expected = analyses(EnKF("PertObs", **settings), hmm)
    found = analyses(adapter.LocalizedEnKF(**settings), hmm)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("obs_inds", [range(40), EVERY_SECOND, [3, 4, 11, 30, 39]])
def test_a_localized_analysis_is_that_of_plain_loops(adapter, obs_inds):
    from dapper.stats import mean0

    operator = hidden_markov_model(obs_inds).Obs(0)
    ensemble = np.random.default_rng(0).normal(size=(8, 40))
    observation = np.random.default_rng(1).normal(size=len(obs_inds))
    taper = gaspari_cohn_by_dapper(obs_inds)
    h = np.eye(40)[list(obs_inds)]
    covariance = np.cov(ensemble.T)
    gain = taper * (covariance @ h.T @ np.linalg.inv(h @ covariance @ h.T + np.eye(len(h))))
    noise = mean0(np.random.default_rng(2).normal(size=(8, len(h))))
    expected = np.array(
        [x + gain @ (observation - e - h @ x) for x, e in zip(ensemble, noise, strict=True)]
    )
    operator.noise.sample = lambda _: np.random.default_rng(2).normal(size=(8, len(h)))
    xp = adapter.LocalizedEnKF(8, taper)
    found = xp.analyse(ensemble, observation, operator)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("obs_inds", [range(40), EVERY_SECOND, EVERY_SECOND + 1])
def test_curves_and_functions_do_what_the_matrix_does(adapter, obs_inds):
    taper = gaspari_cohn_by_dapper(obs_inds)
    inds = None if len(obs_inds) == 40 else obs_inds
    dens = 40 // len(obs_inds)
    # In the numbering of the zoo's models, observation j sits at dens*(j+1) - 1.
    own = gaspari_cohn_by_dapper(dens * (np.arange(len(obs_inds)) + 1) - 1)
    forms = [CURVE, CURVE[:21], lambda gain: np.float32(1) * gain * own]
    hmm = hidden_markov_model(obs_inds, cycles=30)
    expected = analyses(adapter.LocalizedEnKF(10, taper, infl=1.05), hmm)
    for form in forms:
        found = analyses(adapter.LocalizedEnKF(10, form, inds, infl=1.05), hmm)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


def test_a_curve_turns_to_observations_at_irregular_places(adapter):
    gain = np.random.default_rng(0).normal(size=(40, 5))
    found = adapter.localize_gain(gain, np.arange(40.0), [30, 3, 4, 39, 11])
    for j, state in enumerate([30, 3, 4, 39, 11]):
        expected = [gain[i, j] * ((i - state) % 40) for i in range(40)]
        np.testing.assert_allclose(found[:, j], expected, rtol=0, atol=1e-12)


def test_a_function_is_given_one_gain_with_each_observation_where_it_expects_it(adapter):
    seen = []

    def remember(gain):
        seen.append(gain.copy())
        return 2 * gain

    # Each observation says most about its own state.
    gain = np.zeros((40, 20))
    gain[EVERY_SECOND, np.arange(20)] = 1.0
    found = adapter.localize_gain(gain, remember, EVERY_SECOND)
    np.testing.assert_array_equal(found, 2 * gain)
    assert seen[0].shape == (1, 40, 20)
    assert list(seen[0][0].argmax(axis=0)) == [2 * (j + 1) - 1 for j in range(20)]


def test_a_function_is_given_the_ensemble_mean_in_the_same_numbering(adapter):
    seen = []

    def remember(gain, mean):
        seen.append(mean.copy())
        return gain

    operator = hidden_markov_model(EVERY_SECOND).Obs(0)
    ensemble = np.random.default_rng(0).normal(size=(8, 40))
    adapter.LocalizedEnKF(8, remember, EVERY_SECOND).analyse(ensemble, np.zeros(20), operator)
    observed = seen[0][0][[2 * (j + 1) - 1 for j in range(20)]]
    np.testing.assert_array_equal(observed, ensemble.mean(axis=0)[EVERY_SECOND])


def test_a_keras_model_localizes(adapter):
    keras = pytest.importorskip("keras", reason="Keras is not installed beside DAPPER")
    from zoo_localization.layers import LocalizationVector, LocBy1D
    from zoo_localization.model_localization import as_localization

    gain_in = keras.Input((40, 20))
    half = LocalizationVector(cutoff=CUTOFF)(gain_in)
    model = keras.Model(gain_in, LocBy1D(2)([gain_in, half]))
    hmm = hidden_markov_model(EVERY_SECOND, cycles=10)
    expected = analyses(adapter.LocalizedEnKF(10, CURVE, EVERY_SECOND), hmm)
    localization = as_localization(model)
    found = analyses(adapter.LocalizedEnKF(10, localization, EVERY_SECOND), hmm)
    # The model works in float32.
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("of", ["matrix", "curve"])
@pytest.mark.parametrize("method", ["SL_EAKF", "LETKF"])
def test_dappers_filters_take_the_localizer_as_their_own(adapter, method, of):
    import dapper.da_methods
    from dapper.tools.localization import nd_Id_localization

    make = getattr(dapper.da_methods, method)
    theirs = nd_Id_localization((40,), (1,), EVERY_SECOND)
    taper = gaspari_cohn_by_dapper(EVERY_SECOND if of == "matrix" else [0])
    # DAPPER leaves out what is below a thousandth.
    taper[taper <= 1e-3] = 0
    ours = adapter.localizer(taper if of == "matrix" else taper[:, 0], 40, EVERY_SECOND)
    expected = analyses(
        make(N=10, loc_rad=CUTOFF / 2 / 1.82, infl=1.04),
        hidden_markov_model(EVERY_SECOND, cycles=20, localizer=theirs),
    )
    found = analyses(
        make(N=10, loc_rad=None, infl=1.04),
        hidden_markov_model(EVERY_SECOND, cycles=20, localizer=ours),
    )
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)


def test_an_experiment_goes_through_dappers_lists_and_tables(adapter):
    import dapper

    xps = dapper.xpList(unique=True)
    xps += adapter.LocalizedEnKF(10, CURVE, infl=1.05)
    xps += adapter.LocalizedEnKF(10, gaspari_cohn_vector(40, 5.0), infl=1.05)
    for xp in xps:
        xp.seed = 4
    xps.launch(hidden_markov_model(cycles=30), save_as=False)
    table = xps.tabulate_avrgs(["rmse.a"], colorize=False)
    assert len(xps) == 2
    assert len(re.findall("LocalizedEnKF|arr", table)) >= 2
    assert all(0 < xp.avrgs.err.rms.a.val < 1 for xp in xps)


def test_what_is_no_localization_is_refused(adapter):
    gain = np.ones((40, 20))
    with pytest.raises(
        ValueError, match=r"\(Nx, Ny\) = \(40, 20\), or a curve of 40 or 21 values, "
    ):
        adapter.localize_gain(gain, np.ones((20, 40)))
    with pytest.raises(ValueError, match=r"got shape \(20,\) with 0 values not finite"):
        adapter.localize_gain(gain, np.ones(20), EVERY_SECOND)
    with pytest.raises(ValueError, match="with 40 values not finite"):
        adapter.localize_gain(gain, np.full(40, np.nan), EVERY_SECOND)
    with pytest.raises(ValueError, match=r"it gave shape \(1, 20, 40\)"):
        adapter.localize_gain(gain, lambda kg: kg.swapaxes(1, 2), EVERY_SECOND)
    with pytest.raises(ValueError, match="for which DAPPER's own filters have no place"):
        adapter.localizer(lambda kg: kg, 40)


def test_observed_states_that_do_not_fit_are_refused(adapter):
    gain = np.ones((40, 20))
    for form in (CURVE, lambda kg: kg):
        with pytest.raises(ValueError, match="obs_inds must be given .* but 20 of 40"):
            adapter.localize_gain(gain, form)
    for inds in (EVERY_SECOND[1:], EVERY_SECOND + 2, EVERY_SECOND / 2, [EVERY_SECOND]):
        with pytest.raises(ValueError, match="must be 20 observed states from 0 to 39"):
            adapter.localize_gain(gain, CURVE, inds)
    with pytest.raises(ValueError, match="must be every 2th state in order"):
        adapter.localize_gain(gain, lambda kg: kg, np.arange(20))
    with pytest.raises(ValueError, match="must be observed states from 0 to 39"):
        adapter.localizer(CURVE, 40, [40])


def test_a_radius_or_a_negative_weight_is_refused_where_it_has_no_meaning(adapter):
    with pytest.raises(ValueError, match=r"loc_rad must be None, .* got 4\.0"):
        adapter.localizer(CURVE, 40)(4.0, "y2x")
    with pytest.raises(ValueError, match=r"goes down to -0\.1, and LETKF needs its square root"):
        adapter.localizer(CURVE - 0.1, 40)(None, "x2y")
    inds, weights = adapter.localizer(CURVE - 0.1, 40)(np.inf, "y2x")(5)
    np.testing.assert_allclose(weights, (CURVE - 0.1)[(inds - 5) % 40])


def test_a_setting_that_makes_no_filter_is_refused(adapter):
    with pytest.raises(ValueError, match="N must be at least 2, got 1"):
        analyses(adapter.LocalizedEnKF(1), hidden_markov_model(cycles=2))
    with pytest.raises(ValueError, match="variances above 0, and HMM.Obs has no noise"):
        analyses(adapter.LocalizedEnKF(5), hidden_markov_model(cycles=2, noise=0))


def test_a_filter_that_diverges_says_so(adapter):
    hmm = hidden_markov_model()
    with np.errstate(all="ignore"), pytest.raises(FilterDivergedError, match="diverged by cycle"):
        analyses(adapter.LocalizedEnKF(5, infl=50.0), hmm)


@pytest.mark.parametrize("form", ["PertObs", "Serial Stoch mono", "Serial mono"])
def test_our_own_updates_give_dappers_members_for_the_same_draws(adapter, monkeypatch, form):
    from dapper.da_methods import ensemble as theirs

    members, their_operator = 28, hidden_markov_model(EVERY_SECOND + 1).Obs(0)
    prior = np.random.default_rng(0).normal(size=(members, 40))
    observation = np.random.default_rng(1).normal(size=20)
    draws = np.random.default_rng(2).normal(size=(members, 20))
    columns = iter(draws.T)
    monkeypatch.setattr(their_operator.noise, "sample", lambda _: draws)
    monkeypatch.setattr(theirs, "rng", SimpleNamespace(standard_normal=lambda _: next(columns)))
    expected = theirs.EnKF_analysis(
        prior.copy(), their_operator(prior), their_operator.noise, observation, form
    )
    # DAPPER's perturbations have N/(N-1) times the variance of ours; "PertObs" subtracts them.
    wider = np.sqrt(members / (members - 1)) * (-draws if form == "PertObs" else draws)
    rng = SimpleNamespace(standard_normal=lambda *_: wider)
    ours = (prior, observation, ObservationOperator(40, 2), 1.0)
    if form == "PertObs":
        found = matrix_update(*ours, rng)
    else:
        found = serial_update(*ours, rng) if "Stoch" in form else square_root_update(*ours)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)


def test_the_lorenz_models_are_dappers(adapter):
    from dapper.mods.Lorenz05 import Model
    from dapper.mods.Lorenz96 import step as their_step

    from zoo_localization.lorenz05 import Lorenz05
    from zoo_localization.lorenz96 import step

    states = np.random.default_rng(0).normal(3.0, 2.0, size=(3, 960))
    ours, theirs = Lorenz05(model="III", b=10.0, c=3.0, forcing=15.0), Model(b=10.0, c=3.0)
    expected = theirs.dxdt(states)
    atol = 1e-14 * np.abs(expected).max()
    np.testing.assert_allclose(ours.tendencies(states), expected, rtol=0, atol=atol)
    np.testing.assert_allclose(step(states), their_step(states, 0.0, 0.05), rtol=0, atol=1e-12)


def test_the_example_of_the_readme_runs(adapter, capsys):
    section = README.read_text(encoding="utf-8").partition("## In DAPPER")[2].partition("\n## ")[0]
    (example,) = re.findall(r"```python\n(.*?)```", section, re.S)
    exec(compile(example, "README.md", "exec"), {})
    table = capsys.readouterr().out
    assert table.count("LocalizedEnKF") == 2
