from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from zoo_localization.geometry import distances, offsets
from zoo_localization.tapers import (
    gaspari_cohn,
    gaspari_cohn_taper,
    gaspari_cohn_vector,
    roll_columns,
    static_regression,
    taper_matrix,
    unmirror,
)

PAPER = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "paper"


def paper(name: str) -> np.ndarray:
    path = PAPER / name
    if not path.exists():
        pytest.skip(f"the paper's file {name} is not there")
    return np.load(path)


def test_gaspari_cohn_has_the_values_of_the_equation():
    # Equation 4.10 at 0, c/2, c, 3c/2, 2c and beyond, worked out as fractions, with c = 2.
    expected = [1, 263 / 384, 5 / 24, 19 / 1152, 0, 0]
    np.testing.assert_allclose(gaspari_cohn([0, 1, 2, 3, 4, 9], 4.0), expected, atol=1e-15)


def test_gaspari_cohn_is_symmetric_and_falls_from_one_to_zero():
    distance = np.linspace(-12, 12, 2001)
    taper = gaspari_cohn(distance, 10.0)
    np.testing.assert_array_equal(taper, gaspari_cohn(-distance, 10.0))
    assert np.all(np.diff(taper[distance >= 0]) <= 0)
    assert taper.min() == 0
    assert taper.max() == 1


def test_the_taper_matrix_peaks_at_each_observation():
    taper = gaspari_cohn_taper(12, 3, 4.0)
    assert taper.shape == (12, 4)
    assert list(taper.argmax(axis=0)) == [2, 5, 8, 11]
    np.testing.assert_allclose(taper[0, 3], gaspari_cohn(1, 4.0))


def test_distances_go_round_the_ring():
    assert list(offsets(6, 2, 3)[:, 0]) == [4, 5, 0, 1, 2, 3]
    assert list(distances(6, 2, 3)[:, 0]) == [2, 1, 0, 1, 2, 3]


def test_rolling_back_undoes_rolling():
    gains = np.random.default_rng(0).normal(size=(2, 12, 4))
    rolled = roll_columns(gains, 3)
    for j in range(4):
        np.testing.assert_array_equal(rolled[..., j], np.roll(gains[..., j], -(3 * j + 2), axis=1))
    np.testing.assert_array_equal(roll_columns(rolled, 3, back=True), gains)


def test_a_mirrored_half_is_read_from_both_sides():
    np.testing.assert_array_equal(unmirror([0, 1, 2, 3], 6), [0, 1, 2, 3, 2, 1])
    np.testing.assert_array_equal(unmirror([0, 1, 2], 5), [0, 1, 2, 2, 1])
    with pytest.raises(ValueError, match=r"must have model_size//2 \+ 1 = 4 values, got shape \(3"):
        unmirror([0, 1, 2], 6)


@pytest.mark.parametrize("half", [False, True])
def test_static_regression_is_the_least_squares_solution(half):
    rng = np.random.default_rng(1)
    raw, true = rng.normal(size=(2, 30, 12, 4))
    found = static_regression(raw, true, 3, half=half)
    where = distances(12, 4, 3) if half else offsets(12, 4, 3)
    for offset in range(12):
        r = min(offset, 12 - offset) if half else offset
        x, y = raw[:, where == r].reshape(-1, 1), true[:, where == r].ravel()
        np.testing.assert_allclose(found[offset], np.linalg.lstsq(x, y)[0][0], rtol=1e-12)


def test_static_regression_of_gains_that_are_not_finite_is_refused():
    raw = np.ones((2, 12, 4))
    raw[1, 5, 2] = np.nan
    with pytest.raises(ValueError, match=r"raw must be finite, got 1 .* at index \(1, 5, 2\)"):
        static_regression(raw, np.ones((2, 12, 4)), 3)
    with pytest.raises(ValueError, match="reference must be finite, got 1 values not finite"):
        static_regression(np.ones((2, 12, 4)), raw, 3)


def test_static_regression_gives_0_where_there_is_nothing_to_fit():
    gains = np.zeros((3, 12, 4))
    np.testing.assert_array_equal(static_regression(gains, gains, 3), np.zeros(12))


def test_bad_cutoffs_and_shapes_are_refused():
    with pytest.raises(ValueError, match="cutoff must be a positive distance, got 0"):
        gaspari_cohn([1.0], 0)
    with pytest.raises(ValueError, match="cutoff must be a positive distance, got nan"):
        gaspari_cohn_vector(12, float("nan"))
    with pytest.raises(ValueError, match=r"got \(1, 12, 4\) and \(2, 12, 4\)"):
        static_regression(np.zeros((1, 12, 4)), np.zeros((2, 12, 4)), 3)
    with pytest.raises(ValueError, match="Lower obs_dens=5 to at most 3"):
        taper_matrix(np.ones(12), 4, 5)


def test_the_papers_gaspari_cohn_gain_is_the_raw_gain_times_the_taper():
    raw, localized = paper("fig1a_f15_sob_40.npy"), paper("fig1a_f15_sob_GC.npy")
    found = raw * gaspari_cohn_taper(960, 4, 240.0)
    assert np.abs(found - localized).max() < 1e-15


@pytest.mark.parametrize(("curve", "gain"), [("elf_smsp", "ELF"), ("reg_smsp", "LRLF")])
def test_the_papers_static_gains_are_the_raw_gain_times_the_mirrored_curve(curve, gain):
    half, localized = paper(f"{curve}.npy"), paper(f"fig1a_f15_sob_{gain}.npy")
    raw = paper("fig1a_f15_sob_40.npy")
    found = raw * taper_matrix(unmirror(half.ravel(), 960), 240, 4)
    assert np.abs(found - localized).max() < 1e-15


def test_the_layer_gives_the_papers_static_gain():
    layers = pytest.importorskip("zoo_localization.layers")
    half, localized = paper("elf_smsp.npy"), paper("fig1a_f15_sob_ELF.npy")
    raw = paper("fig1a_f15_sob_40.npy")
    layer = layers.LocBy1D(4, dtype="float64")
    found = np.asarray(layer([raw[None], half.reshape(1, -1)]))
    assert np.abs(found[0] - localized).max() < 1e-15


def test_the_papers_error_ratios_come_out():
    reference, raw = paper("fig1a_f15_sob_2000.npy"), paper("fig1a_f15_sob_40.npy")

    def rmse(gain: np.ndarray) -> float:
        return float(np.sqrt(np.mean((gain - reference) ** 2)))

    assert round(rmse(raw), 6) == 3.289e-3
    assert round(rmse(raw * gaspari_cohn_taper(960, 4, 240.0)) / rmse(raw), 3) == 0.686
    best = static_regression(raw[None], reference[None], 4, half=True)
    assert round(rmse(raw * taper_matrix(best, 240, 4)) / rmse(raw), 3) == 0.628
