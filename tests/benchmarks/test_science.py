"""The tables of `make science`, at sizes that take seconds."""

import csv
import json
import statistics
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from benchmarks.science.__main__ import science
from benchmarks.science.book import Book, LeftOut
from benchmarks.science.cycling import best_of, cycling_table
from benchmarks.science.gain_time import costs
from benchmarks.science.gains import fresh_table, gain_ratios, snapshot_table
from benchmarks.science.networks import CELF, CLF, load_models, some
from benchmarks.science.sizes import FULL, QUICK, Sizes
from zoo.errors import StorageError
from zoo_localization.evaluators import tuned_cutoff
from zoo_localization.lorenz05_datasets import lorenz05_gains
from zoo_localization.tapers import gaspari_cohn_taper

PAPER = Path(__file__).resolve().parents[3] / "shared" / "data" / "paper"
LORENZ05 = {
    "model": "II",
    "model_size": 60,
    "averaging_length": 4,
    "forcing": 10.0,
    "dt": 0.025,
    "steps_per_cycle": 2,
    "obs_dens": 4,
}
PAIRS = {
    **LORENZ05,
    "members": 6,
    "reference_members": 40,
    "small_filters": 2,
    "cutoff": 20.0,
    "spin_up": 5,
    "pairs_per_block": 6,
    "train_pairs": 6,
    "test_pairs": 12,
}
CYCLES = {
    "members": 8,
    "seeds": [1, 2, 3],
    "cycles": 6,
    "spin_up": 3,
    "tuning_seeds": 1,
    "inflations": (1.0, 1.1),
    "cutoffs": (4.0, 8.0),
}
LORENZ96 = {**CYCLES, "twin": {"model_size": 12, "obs_dens": 2}}


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path / "out")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    pytest.importorskip("h5netcdf")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        return lorenz05_gains(with_mean=True, validation_pairs=0, **PAIRS)


def rows(book: Book, name: str) -> list[dict[str, str]]:
    with (book.report.folder / f"{name}.csv").open() as file:
        return list(csv.DictReader(file))


def by_arm(book: Book, name: str) -> dict[str, dict[str, float]]:
    return {
        row.pop("arm"): {key: float(value) for key, value in row.items() if value}
        for row in rows(book, name)
    }


def scaled(size: int, nobs: int, factor: float) -> keras.Model:
    gain = keras.Input((size, nobs), name="kg_raw")
    return keras.Model(gain, keras.layers.Rescaling(factor)(gain))


def published() -> Path:
    if not PAPER.exists():
        pytest.skip("the paper's files are not there")
    return PAPER


def test_a_gain_is_scored_as_its_error_over_that_of_the_raw_gain() -> None:
    raw, true = np.random.default_rng(0).normal(size=(2, 3, 8, 4))
    taper = gaspari_cohn_taper(8, 2, 5.0)
    arms = {"taper": taper, "function": lambda gain, mean: gain * mean}
    found = gain_ratios(arms, list(zip(raw, true, (0.0, 0.5, 1.0), strict=True)))

    def rmse(pair: int, factor: Any) -> float:
        return float(np.sqrt(np.mean((raw[pair] * factor - true[pair]) ** 2)))

    assert found["taper"] == pytest.approx([rmse(p, taper) / rmse(p, 1.0) for p in range(3)])
    expected = [rmse(p, mean) / rmse(p, 1.0) for p, mean in enumerate((0.0, 0.5, 1.0))]
    assert found["function"] == pytest.approx(expected)


def test_fresh_pairs_are_scored_by_mean_error_and_paired_difference(
    data: dict[str, Any], book: Book, capsys: pytest.CaptureFixture[str]
) -> None:
    models = {CLF: scaled(60, 15, 1.0), "ours": scaled(60, 15, 0.5)}
    fresh_table(data, 5, models, book)
    found, pairs = by_arm(book, "gains_fresh"), rows(book, "gains_fresh_pairs")
    assert [row["pair"] for row in pairs] == ["0", "5", "10"]
    assert [row["truth_run"] for row in pairs] == ["0", "0", "1"]
    assert found["raw"]["ratio"] == found[CLF]["ratio"] == pytest.approx(1.0, abs=1e-7)

    x, true = data["test"].samples([0, 5, 10])
    raw = x["kg_raw"]
    (train_x, train_true) = data["train"].samples(range(6))
    taper = gaspari_cohn_taper(60, 4, tuned_cutoff(train_x["kg_raw"], train_true, 4))

    def ratios(factor: Any) -> list[float]:
        errors = [np.sqrt(np.mean((factor * g - t) ** 2)) for g, t in zip(raw, true, strict=True)]
        raw_errors = [np.sqrt(np.mean((g - t) ** 2)) for g, t in zip(raw, true, strict=True)]
        return [float(e / r) for e, r in zip(errors, raw_errors, strict=True)]

    for arm, factor in (("GC", taper), ("ours", 0.5)):
        expected = ratios(factor)
        error = statistics.stdev(expected) / 3**0.5
        assert found[arm]["ratio"] == pytest.approx(statistics.fmean(expected), rel=1e-6)
        assert found[arm]["error"] == pytest.approx(error, rel=1e-5)
        # The published network stands for the raw gain here.
        assert found[arm]["difference"] == pytest.approx(statistics.fmean(expected) - 1, rel=1e-5)
        assert found[arm]["difference_error"] == pytest.approx(error, rel=1e-5)
        assert found[arm]["percent"] == pytest.approx(100 * found[arm]["difference"], rel=1e-6)
    assert "difference, pair by pair, from: published CLF" in capsys.readouterr().out


def test_without_the_published_network_differences_are_from_a_static_curve(
    data: dict[str, Any], book: Book, capsys: pytest.CaptureFixture[str]
) -> None:
    fresh_table(data, 1, {}, book)
    assert by_arm(book, "gains_fresh")["static, mirrored"]["difference"] == 0
    assert "from: static, mirrored" in capsys.readouterr().out


def test_the_published_curves_score_as_published(book: Book) -> None:
    snapshot_table(published(), {}, book)
    found = {arm: row["ratio"] for arm, row in by_arm(book, "gains_published").items()}
    expected = {"raw": 1.0, "GC": 0.686, "published ELF": 0.642, "published LRLF": 0.647}
    assert found == pytest.approx(expected, abs=5e-4)


@pytest.mark.slow
def test_the_published_networks_score_as_published(book: Book, zoo_root: Path) -> None:
    models = some(load_models(published(), zoo_root, book), (CLF, CELF))
    snapshot_table(published(), models, book)
    found = {arm: row["ratio"] for arm, row in by_arm(book, "gains_published").items()}
    assert [found[CLF], found[CELF]] == pytest.approx([0.447, 0.606], abs=5e-4)


def test_cycled_filters_are_compared_seed_by_seed_with_the_best_baseline(
    book: Book, capsys: pytest.CaptureFixture[str]
) -> None:
    models = {CLF: scaled(12, 6, 0.8), "ours": scaled(12, 6, 0.9)}
    networks = {"inflations": (1.05,)}
    cycling_table("lorenz96", ["gaspari_cohn"], models, LORENZ96, book, networks)
    found = by_arm(book, "cycling_lorenz96")
    assert list(found) == ["gaspari_cohn_matrix", "gaspari_cohn_serial", CLF, "ours"]
    assert {found[CLF]["inflation"], found["ours"]["inflation"]} == {1.05}

    seeds: dict[str, list[float]] = {}
    for label in ("baselines", "published-CLF", "ours"):
        for row in rows(book, f"lorenz96-{label}-assimilation_seeds"):
            name = row["arm"] if label == "baselines" else label.replace("-", " ")
            seeds.setdefault(name, []).append(float(row["posterior_rmse"]))
    rivals = {name: statistics.fmean(values) for name, values in seeds.items() if name != "ours"}
    best = min(rivals, key=lambda name: rivals[name])
    assert f"from the best baseline: {best}" in capsys.readouterr().out
    assert "difference" not in found[best]
    for name in set(seeds) - {best}:
        apart = [own - other for own, other in zip(seeds[name], seeds[best], strict=True)]
        mean, error = statistics.fmean(apart), statistics.stdev(apart) / 3**0.5
        assert found[name]["posterior_rmse"] == pytest.approx(statistics.fmean(seeds[name]))
        assert found[name]["difference"] == pytest.approx(mean, abs=1e-12)
        assert found[name]["in_errors"] == pytest.approx(mean / error)
        assert found[name]["percent"] == pytest.approx(100 * mean / rivals[best])


def test_a_network_for_other_gains_is_refused_in_a_line(
    book: Book, capsys: pytest.CaptureFixture[str]
) -> None:
    cycling_table("lorenz96", ["none"], {"ours": scaled(12, 4, 0.9)}, LORENZ96, book)
    assert "lorenz96 cycled, ours: left out. the model takes gains (12, 4)" in " ".join(
        capsys.readouterr().out.split()
    )
    assert set(by_arm(book, "cycling_lorenz96")) == {"none_matrix", "none_serial"}


def test_an_arm_that_mostly_diverges_is_the_best_baseline_only_where_all_do() -> None:
    lost, steady = np.array([0.1, np.nan]), np.array([0.4, 0.5])
    assert best_of({"lost": lost, "steady": steady}) == "steady"
    assert best_of({"lost": lost}) == "lost"
    once = np.append(np.full(19, 0.2), np.nan)
    assert best_of({"lost once": once, "steady": steady}) == "lost once"
    assert best_of({"gone": np.array([np.nan, np.nan])}) == "none"


def test_what_cannot_run_is_a_line_and_no_crash(
    book: Book, capsys: pytest.CaptureFixture[str]
) -> None:
    with book.piece("table 9"):
        raise LeftOut("there is no table 9.")
    out, err = capsys.readouterr()
    assert out == "\ntable 9: left out. there is no table 9.\n"
    assert err == "science: table 9, after 0:00:00\n"
    with pytest.raises(StorageError, match="full"), book.piece("table 9"):
        raise StorageError("the disk is full")


def test_costs_are_compared_with_those_of_the_first_network() -> None:
    mean, gain = keras.Input((12,), name="mean"), keras.Input((12, 6), name="kg_raw")
    told = keras.Model([gain, mean], keras.layers.Dense(6, use_bias=False)(gain))
    plain = keras.Model(gain, keras.layers.Dense(6)(gain))
    first, second = costs({"plain": plain, "told": told}, repeats=2)
    assert (first["parameters"], second["parameters"]) == (42, 36)
    assert (first["parameters_share"], first["times_faster"]) == (1, 1)
    assert second["parameters_share"] == 36 / 42
    assert second["times_faster"] == first["ms"] / second["ms"]


def test_the_full_form_has_ten_truths_and_thirty_fresh_pairs_of_two_runs() -> None:
    for sizes in (FULL, QUICK):
        blocks = sizes.pairs["test_pairs"] / sizes.pairs.get("pairs_per_block", 360)
        assert blocks == 2
    assert len(range(0, FULL.pairs["test_pairs"], FULL.every)) >= 30
    assert min(len(settings["seeds"]) for settings in (FULL.lorenz05, FULL.lorenz96)) >= 10
    # Raw gains of every small filter are among them.
    assert {number % 4 for number in range(0, 720, FULL.every)} == {0, 1, 2, 3}


@pytest.mark.slow
def test_everything_runs_in_an_empty_zoo_without_published_files(
    book: Book,
    zoo_root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for module in ("h5netcdf", "numba"):
        pytest.importorskip(module)
    monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path / "cache"))
    cycled = {**CYCLES, "twin": LORENZ05, "cutoffs": (20.0,)}
    sizes = Sizes(PAIRS, 3, 1, cycled, {}, LORENZ96)
    science(sizes, tmp_path / "nowhere", zoo_root, book)
    out = capsys.readouterr().out
    for name in (CLF, CELF, "clf-lorenz05", "clf-lorenz05-mean", "table 1a, published snapshot"):
        assert f"\n{name}: left out. " in out
    for name in ("gains_fresh", "gain_time", "cycling_lorenz05", "cycling_lorenz96"):
        document = json.loads((book.report.folder / f"{name}.json").read_text())
        assert document["caption"] in out
    assert set(by_arm(book, "cycling_lorenz05")) >= {"elf_serial", "lrlf_matrix"}
