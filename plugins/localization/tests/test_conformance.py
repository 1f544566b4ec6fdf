"""Every layer and loss keeps the rules of `zoo.testing`."""

import tomllib
from pathlib import Path

import numpy as np
import pytest

from zoo.testing import check_component

N, NOBS, OBS_DENS = 12, 6, 2
HALF_WIDTH, CUTOFFS = 2, [4.0, 8.0]
IMAGE = (NOBS, 2 * HALF_WIDTH)
PLUGIN = Path(__file__).resolve().parents[1]


def gains(seed=0, members=30):
    """Kalman gains of random ensembles: what a layer computes covariances from has to be one."""
    found = []
    for member_seed in range(5):
        states = np.random.default_rng([seed, member_seed]).normal(size=(members, N))
        covariance = np.cov(states, rowvar=False)
        observed = covariance[:, OBS_DENS - 1 :: OBS_DENS]
        total = observed[OBS_DENS - 1 :: OBS_DENS] + np.eye(NOBS)
        found.append(observed @ np.linalg.inv(total))
    return np.array(found, "float32")


LAYERS = {
    "BandConv2D": [({"filters": 3, "activation": "tanh"}, (*IMAGE, 2))],
    "GainFeatures": [({"half_width": HALF_WIDTH, "cutoffs": CUTOFFS}, gains())],
    "GainFromBand": [({}, [(*IMAGE, 5 * OBS_DENS + 2), (*IMAGE, 4 * OBS_DENS)])],
    "LocalizationVector": [({"cutoff": 4.0}, (N, NOBS)), ({"half": True}, (N, NOBS, 1))],
    "Loc_by_1D": [
        ({"obs_dens": OBS_DENS}, [(N, NOBS), (N,)]),
        ({"obs_dens": OBS_DENS}, [(N, NOBS), (N // 2 + 1,)]),
    ],
    "PeriodicPadding1D": [({"padding": 2}, (6, 3)), ({"padding": [1, 0]}, (6, 3))],
    "PeriodicPadding2D": [({"padding": 2}, (4, 5, 2)), ({"padding": 0}, (4, 5, 2))],
    "RollToObservations": [({"obs_dens": OBS_DENS}, (N, NOBS))],
    "ScaleBlend": [
        ({"obs_dens": OBS_DENS, "cutoff": 4.0, "std": 1.0}, [(N, NOBS), (N, NOBS)]),
        ({"obs_dens": OBS_DENS, "cutoff": 4.0, "std": 0}, [(N, NOBS, 1), (N, NOBS)]),
    ],
    "StateBand": [({"nobs": NOBS, "half_width": HALF_WIDTH, "scale": 0.5}, (N,))],
}
LOSSES = {
    "LocLoss": {"y_pred": (N,), "y_true": (N, NOBS), "needs": {"kg_raw": (N, NOBS)}},
    "RelativeGainLoss": {"y_pred": (N, NOBS), "needs": {"kg_raw": (N, NOBS)}},
    "XtLoss": {"y_pred": (N, NOBS), "y_true": (2 * N + NOBS, 1)},
}


def entry_points(group):
    project = tomllib.loads((PLUGIN / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return set(project["entry-points"][group])


def test_no_layer_and_no_loss_is_left_out():
    assert set(LAYERS) == entry_points("zoo.layers")
    assert set(LOSSES) == entry_points("zoo.losses")


# The rules take a while: the fast tests have one case of each layer.
@pytest.mark.parametrize(
    ("name", "arguments", "inputs"),
    [
        pytest.param(name, *case, marks=[pytest.mark.slow] if number else [])
        for name in LAYERS
        for number, case in enumerate(LAYERS[name])
    ],
)
def test_a_layer_keeps_every_rule(name, arguments, inputs):
    check_component(f"zoo-localization/{name}", arguments, inputs=inputs)


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_keeps_every_rule(name):
    check_component(f"zoo-localization/{name}", **LOSSES[name])


def test_the_lorenz_96_dataset_keeps_every_rule(monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path / "cache"))
    small = {
        "model_size": N,
        "members": 6,
        "reference_members": 20,
        "spin_up": 5,
        "pairs_per_block": 4,
        "train_pairs": 8,
        "validation_pairs": 4,
        "test_pairs": 4,
    }
    check_component("zoo-localization/lorenz96_gains", small)
