from __future__ import annotations

import numpy as np
import pytest

from zoo_localization import serial
from zoo_localization.deterministic import square_root_update
from zoo_localization.enkf import serial_update
from zoo_localization.observations import ObservationOperator
from zoo_localization.tapers import gaspari_cohn_taper

TAPER = gaspari_cohn_taper(130, 3, 41.0)
TAPERS = np.stack([TAPER, gaspari_cohn_taper(130, 3, 300.0)])


def updated(kind, width, taper, compiled, leading=(2,)):
    rng = np.random.default_rng(0)
    ensemble = rng.normal(size=(*leading, 7, 130))
    operator = ObservationOperator(130, 3, width)
    arguments = (ensemble, rng.normal(size=(*leading, 43)), operator, np.linspace(0.5, 2, 43))
    if kind == "serial":
        return serial_update(*arguments, rng, taper, compiled=compiled)
    return square_root_update(*arguments, taper, compiled=compiled)


@pytest.mark.parametrize("large", [0, 2**30], ids=["on all threads", "on one"])
@pytest.mark.parametrize("taper", [None, TAPER, TAPERS], ids=["no taper", "one", "one each"])
@pytest.mark.parametrize("width", [1, 5], ids=["points", "averages"])
@pytest.mark.parametrize("kind", ["serial", "square root"])
def test_compiled_updates_are_those_of_numpy(kind, width, taper, large, monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setattr(serial, "_LARGE", large)
    found = updated(kind, width, taper, compiled=True)
    expected = updated(kind, width, taper, compiled=False)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


def test_one_ensemble_without_leading_axes_can_be_compiled():
    pytest.importorskip("numba")
    found = updated("serial", 1, TAPER, compiled=True, leading=())
    expected = updated("serial", 1, TAPER, compiled=False, leading=())
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


def test_every_ensemble_has_its_own_taper():
    together = updated("square root", 1, TAPERS, compiled=False)
    for k in range(2):
        alone = updated("square root", 1, TAPERS[k], compiled=False)
        np.testing.assert_allclose(together[k], alone[k], rtol=0, atol=1e-14)


def test_the_members_given_are_left_as_they_were():
    ensemble = np.random.default_rng(1).normal(size=(5, 12))
    before = ensemble.copy()
    square_root_update(ensemble, np.zeros(4), ObservationOperator(12, 3), 1.0)
    np.testing.assert_array_equal(ensemble, before)


def test_without_numba_the_error_names_the_extra(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "zoo_localization.serial_kernels", None)
    with pytest.raises(ImportError, match=r'pip install "zoo-localization\[sim\]", or leave compi'):
        updated("serial", 1, TAPER, compiled=True)
