from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from zoo_localization import analysis_datasets
from zoo_localization.analysis_datasets import (
    AnalysisSettings,
    generate_analyses,
    lorenz96_analyses,
)
from zoo_localization.enkf import kalman_gain

pytestmark = pytest.mark.usefixtures("cache")
SMALL = {
    "model_size": 12,
    "obs_dens": 2,
    "members": 4,
    "filters": 3,
    "analyses_per_filter": 2,
    "spin_up": 4,
    "cycles_between_analyses": 2,
    "most_cutoff": 9.0,
}


def test_the_splits_have_the_asked_for_analyses_and_say_what_filters_they_are_of():
    data = lorenz96_analyses(**SMALL, train=7, validation=4)
    assert list(data) == ["train", "validation", "twin", "members"]
    for split, count in (("train", 7), ("validation", 4)):
        x, y = data[split]
        assert {name: array.shape for name, array in x.items()} == {
            "kg_raw": (count, 12, 6),
            "mean": (count, 12),
        }
        assert y.shape == (count, 2 * 12 + 6, 1)
        assert all(array.dtype == np.float32 for array in (*x.values(), y))
    assert (data["twin"].model_size, data["twin"].obs_dens, data["members"]) == (12, 2, 4)


def test_an_analysis_has_the_gain_and_the_mean_of_one_ensemble_and_its_truth(monkeypatch):
    seen = []
    taken = analysis_datasets._before_analysis

    def watched(twin, ensemble, truth, observation):
        seen.append((ensemble.copy(), truth.copy(), observation.copy()))
        return taken(twin, ensemble, truth, observation)

    monkeypatch.setattr(analysis_datasets, "_before_analysis", watched)
    settings = AnalysisSettings(**SMALL)
    block = generate_analyses(settings, "train", 0)
    assert len(seen) == 2
    ensemble, truth, observation = (np.concatenate(parts) for parts in zip(*seen, strict=True))
    mean = ensemble.mean(axis=1)
    gain = kalman_gain(ensemble, settings.twin.operator, 1.0)
    np.testing.assert_allclose(block["kg_raw"], gain, rtol=1e-6)
    np.testing.assert_allclose(block["forecast"], mean, rtol=1e-6)
    np.testing.assert_allclose(block["truth"], truth, rtol=1e-6)
    np.testing.assert_allclose(block["innovation"], observation - mean[:, 1::2], rtol=1e-4)


def test_every_filter_has_a_truth_of_its_own_and_no_block_serves_two_splits():
    settings = AnalysisSettings(**SMALL)
    truths = [
        row
        for split in ("train", "validation", "test")
        for index in range(2)
        for row in generate_analyses(settings, split, index)["truth"]
    ]
    assert len({row.tobytes() for row in truths}) == len(truths) == 3 * 2 * 3 * 2


def test_a_block_follows_from_its_settings_alone():
    settings = AnalysisSettings(**SMALL)
    first, again = (generate_analyses(settings, "train", 1) for _ in range(2))
    other = generate_analyses(replace(settings, seed=1), "train", 1)
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])
        assert not np.array_equal(first[name], other[name])


def test_what_is_there_already_is_not_simulated_again(monkeypatch):
    first = lorenz96_analyses(**SMALL, train=7, validation=0)
    made = []

    def counted(settings, split, index, advance):
        made.append((split, index))
        return generate_analyses(settings, split, index, advance)

    monkeypatch.setattr(analysis_datasets, "generate_analyses", counted)
    more = lorenz96_analyses(**SMALL, train=13, validation=0)
    assert made == [("train", 2)]
    np.testing.assert_array_equal(more["train"][1][:7], first["train"][1])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"members": 1}, "members"),
        ({"train": 0}, "train"),
        ({"filters": 0}, "filters"),
        ({"dt": 0.0}, "dt must be a positive finite number, got 0.0"),
        ({"obs_error_variance": float("nan")}, "obs_error_variance must be a positive finite"),
        ({"least_cutoff": 10.0}, "most_cutoff must be a finite number from least_cutoff=10.0 on"),
        ({"most_inflation": 1.0}, "most_inflation must be a finite number from least_inflation"),
        ({"forcing": float("inf")}, "forcing must be a finite number, got inf"),
        ({"obs_dens": 13}, "obs_dens"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(wrong, words):
    with pytest.raises(ValueError, match=words):
        lorenz96_analyses(**{**SMALL, **wrong})


def test_a_filter_that_loses_its_truth_gives_no_data():
    lost = {**SMALL, "least_inflation": 0.5, "most_inflation": 0.5, "spin_up": 200}
    with pytest.raises(ValueError, match="diverged by cycle"):
        lorenz96_analyses(**lost)
