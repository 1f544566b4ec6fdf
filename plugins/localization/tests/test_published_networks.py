from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import zoo_localization

CONFIG = Path(zoo_localization.__file__).parent / "models" / "clf-srcnn-lorenz05.toml"
PAPER = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "paper"


def paper(name: str):
    path = PAPER / name
    if not path.exists():
        pytest.skip(f"the paper's file {name} is not there")
    return np.load(path)


def built(**overrides):
    zoo = pytest.importorskip("zoo", reason="the model is built by the zoo, which is not there")
    if not hasattr(zoo, "build"):
        pytest.skip("this zoo cannot build models")
    return zoo.build(str(CONFIG), overrides=overrides or None)


def predicted(model, raw: np.ndarray) -> np.ndarray:
    return model.predict(raw[None].astype("float32"), batch_size=1, verbose=0)[0]


@pytest.mark.parametrize("name", ["CLF", pytest.param("CELF", marks=pytest.mark.slow)])
def test_the_published_weights_give_the_published_gain(name):
    weights = paper(f"{name.lower()}_f15_sob.npz")
    raw, expected = paper("fig1a_f15_sob_40.npy"), paper(f"fig1a_f15_sob_{name}.npy")
    model = built()
    for conv in ("conv1", "conv2", "conv3"):
        # From (out, in, rows, columns) to (rows, columns, in, out); both correlate, so no flip.
        kernel = weights[f"blk.{conv}.weight"].transpose(2, 3, 1, 0)
        model.get_layer(conv).set_weights([kernel, weights[f"blk.{conv}.bias"]])
    assert np.abs(predicted(model, raw) - expected).max() < 2e-5


def test_a_gain_turned_round_the_ring_gives_the_turned_gain():
    model = built(**{"vars.model_size": 48, "vars.nobs": 12})
    raw = np.random.default_rng(0).normal(size=(48, 12))
    turned = np.roll(raw, (8, 2), axis=(0, 1))
    expected = np.roll(predicted(model, raw), (8, 2), axis=(0, 1))
    np.testing.assert_allclose(predicted(model, turned), expected, rtol=0, atol=1e-5)
    assert np.abs(expected).max() > 1e-2


def test_the_network_has_the_published_number_of_parameters():
    expected = 27**2 * 64 + 64 + 15**2 * 64 * 32 + 32 + 9**2 * 32 + 1
    assert built().count_params() == expected == 510_145
