from __future__ import annotations

import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

import zoo_localization
from zoo_localization.datasets import lorenz96_gains
from zoo_localization.evaluators import gain_rmse
from zoo_localization.tapers import gaspari_cohn_taper, gaspari_cohn_vector, roll_columns

PLUGIN = Path(__file__).resolve().parents[1]
MODELS = Path(zoo_localization.__file__).parent / "models"
NAMES = sorted(path.stem for path in MODELS.glob("*.toml"))


def entry_points() -> dict[str, dict[str, str]]:
    return tomllib.loads((PLUGIN / "pyproject.toml").read_text())["project"]["entry-points"]


def component_entry_points() -> list[EntryPoint]:
    return [
        EntryPoint(name, target, group)
        for group, table in entry_points().items()
        for name, target in table.items()
        if group != "zoo.models"
    ]


def test_every_shipped_config_is_registered_and_every_registered_one_shipped():
    assert sorted(entry_points()["zoo.models"]) == NAMES
    assert set(entry_points()["zoo.models"].values()) == {"zoo_localization.models"}


@pytest.mark.parametrize("entry", component_entry_points(), ids=lambda entry: entry.name)
def test_every_registered_component_can_be_loaded(entry):
    assert callable(entry.load())


@pytest.mark.parametrize("name", NAMES)
def test_a_config_is_named_after_its_file_and_every_node_has_a_name(name):
    config = tomllib.loads((MODELS / f"{name}.toml").read_text())
    assert config["name"] == name
    assert config["description"].endswith(".")
    assert all("name" in layer for layer in config.get("layers", []))


def built(name: str):
    zoo = pytest.importorskip("zoo", reason="the models are built by the zoo, which is not there")
    if not hasattr(zoo, "build"):
        pytest.skip("this zoo cannot build models")
    return zoo.build(str(MODELS / f"{name}.toml"))


def gains() -> np.ndarray:
    return np.random.default_rng(0).normal(scale=0.05, size=(3, 40, 20)).astype("float32")


@pytest.mark.parametrize("name", ["celf-lorenz96", "clf-lorenz96", "residual-lorenz96"])
def test_an_untrained_model_is_gaspari_and_cohns_localization(name):
    raw = gains()
    found = built(name).predict(raw, verbose=0)
    np.testing.assert_allclose(found, raw * gaspari_cohn_taper(40, 2, 15.0), atol=1e-7)


def test_the_untrained_first_design_gives_gaspari_and_cohns_vector():
    rolled = roll_columns(gains(), 2)
    found = built("locloss-lorenz96").predict(rolled, verbose=0)
    np.testing.assert_allclose(found, [gaspari_cohn_vector(40, 15.0)] * 3, atol=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "bound"),
    [("clf-lorenz96", 0.99), ("locloss-lorenz96", 0.99), ("residual-lorenz96", 0.9)],
)
def test_a_trained_model_beats_what_needs_no_network(
    name, bound, tmp_path, tmp_path_factory, monkeypatch
):
    zoo = pytest.importorskip("zoo", reason="the models are trained by the zoo, which is not there")
    if not hasattr(zoo, "train"):
        pytest.skip("this zoo cannot train models")
    monkeypatch.chdir(tmp_path)
    # One simulation for all three models.
    monkeypatch.setenv("ZOO_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "cache"))
    run = zoo.train(str(MODELS / f"{name}.toml"))
    data = lorenz96_gains()
    held_out = {"train": data["train"], "test": data["validation"]}
    scores = gain_rmse(Unchanged(), held_out)
    best_fixed = min(scores[key] for key in ("gaspari_cohn", "static_half", "static_full"))
    assert run.history["val_loss"][-1] < bound * best_fixed**2


class Unchanged:
    """A model that leaves the gain as it is."""

    def predict(self, x, verbose):
        return x
