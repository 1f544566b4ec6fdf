"""A network trained through the cycles of its filter: against NumPy, and as zoo runs it."""

from __future__ import annotations

import subprocess
import sys

import keras
import numpy as np
import pytest
from safetensors.numpy import load_file

from zoo_localization.analysis_datasets import lorenz96_analyses
from zoo_localization.cycled_network import CycledNetwork
from zoo_localization.enkf import kalman_gain
from zoo_localization.lorenz96 import step
from zoo_localization.losses import XtLoss
from zoo_localization.through_cycles import through_cycles
from zoo_localization.twin import Lorenz96Twin

pytestmark = pytest.mark.usefixtures("cache")
SIZE, DENS, MEMBERS, FILTERS, CYCLES, INFLATION = 12, 2, 6, 3, 4, 1.05
NOBS = SIZE // DENS
TWIN = Lorenz96Twin(SIZE, DENS)
SMALL = {
    "model_size": SIZE,
    "obs_dens": DENS,
    "members": MEMBERS,
    "filters": 4,
    "analyses_per_filter": 2,
    "spin_up": 4,
    "cycles_between_analyses": 2,
    "most_cutoff": 9.0,
    "train": 8,
    "validation": 4,
}


def network(learning_rate=1e-2, name="kg_raw"):
    """A gain from a gain: a factor for each place."""
    raw = keras.Input((SIZE, NOBS), name=name)
    factors = keras.layers.EinsumDense("bij,ij->bij", (SIZE, NOBS), kernel_initializer="ones")
    model = keras.Model(raw, keras.layers.Rescaling(0.7)(factors(raw)))
    model.compile(keras.optimizers.Adam(learning_rate), XtLoss())
    return model


def noise(seed=0):
    rng = np.random.default_rng(seed)
    shapes = {
        "errors": (FILTERS, CYCLES, NOBS),
        "perturbations": (FILTERS, CYCLES, MEMBERS, NOBS),
        "guesses": (FILTERS, MEMBERS + 1, SIZE),
    }
    return {name: rng.standard_normal(shape, np.float32) for name, shape in shapes.items()}


def truths():
    return TWIN.starts([np.random.default_rng(seed) for seed in range(FILTERS)])


def cycled(truth, ensemble, given, factors=1.0, scales=None):
    """The same filters in NumPy and float64: gains are 0.7 of the raw ones, times the factors.

    Losses are divided by the prior errors, or by those of another call; these are given, too.
    """
    losses, errors = [], []
    for cycle in range(CYCLES):
        truth, ensemble = step(truth), step(ensemble)
        mean = ensemble.mean(axis=1)
        gain = 0.7 * factors * kalman_gain(ensemble, TWIN.operator, 1.0)
        observation = truth[:, DENS - 1 :: DENS] + given["errors"][:, cycle]
        errors.append(np.sqrt(((truth - mean) ** 2).mean(axis=1)))
        scale = (errors if scales is None else scales)[cycle]
        moved = mean + np.einsum("bij,bj->bi", gain, observation - mean[:, DENS - 1 :: DENS])
        error = ((truth - moved) ** 2).mean(axis=1)
        losses.append((error / np.maximum(scale, 0.1)).mean())
        drawn = given["perturbations"][:, cycle].astype(float)
        targets = observation[:, None] + drawn - drawn.mean(axis=1, keepdims=True)
        innovations = targets - ensemble[..., DENS - 1 :: DENS]
        ensemble = ensemble + np.einsum("bij,bmj->bmi", gain, innovations)
        mean = ensemble.mean(axis=1, keepdims=True)
        ensemble = mean + INFLATION * (ensemble - mean)
    return truth, ensemble, losses, errors


def begun(model):
    filters = CycledNetwork(model, TWIN, FILTERS, MEMBERS, INFLATION)
    filters.begin(truths(), np.random.default_rng(7))
    return filters


def states(filters):
    return [weight.numpy() for weight in (filters.truths, filters.ensembles)]


def test_filters_cycle_as_in_numpy():
    filters, given = begun(network()), noise()
    truth, ensemble, expected, _ = cycled(*(each.astype(float) for each in states(filters)), given)
    losses = keras.ops.convert_to_numpy(filters(given))
    np.testing.assert_allclose(losses, expected, rtol=1e-3)
    np.testing.assert_allclose(states(filters)[0], truth, atol=1e-3)
    np.testing.assert_allclose(states(filters)[1], ensemble, atol=5e-3)


def test_a_filter_goes_on_where_the_last_call_left_it():
    filters, first, second = begun(network()), noise(1), noise(2)
    start = [each.astype(float) for each in states(filters)]
    truth, ensemble, *_ = cycled(*start, first)
    filters(first)
    losses = keras.ops.convert_to_numpy(filters(second))
    np.testing.assert_allclose(losses, cycled(truth, ensemble, second)[2], rtol=5e-3)


@pytest.mark.parametrize("far", [100.0, np.nan])
def test_a_lost_filter_begins_anew_and_the_others_do_not_notice(far):
    filters, alone, given = begun(network()), begun(network()), noise()
    ensembles = states(filters)[1]
    ensembles[1] += far
    filters.ensembles.assign(ensembles)
    assert np.isfinite(keras.ops.convert_to_numpy(filters(given))).all()
    alone(given)
    found, expected = states(filters)[1], states(alone)[1]
    np.testing.assert_array_equal(found[[0, 2]], expected[[0, 2]])
    assert np.abs(found[1] - states(filters)[0][1]).mean() < 3


def test_the_gradient_is_that_of_the_losses_it_is_shown():
    """Along one direction, against central differences: it goes through all the cycles."""
    model, given = network(), noise()
    filters = begun(model)
    start = [each.astype(float) for each in states(filters)]
    kernel = model.trainable_weights[0]
    at, rng = kernel.numpy(), np.random.default_rng(3)
    along = rng.standard_normal(at.shape).astype("float32")
    # No gradient goes through what the losses are divided by.
    scales = cycled(*start, given)[3]

    def loss(factors):
        return np.mean(cycled(*start, given, factors.astype(float), scales)[2])

    small = 1e-4
    expected = (loss(at + small * along) - loss(at - small * along)) / (2 * small)
    rate = 1.0
    filters.compile(keras.optimizers.SGD(rate), jit_compile=False)
    filters.train_on_batch(given)
    found = ((at - kernel.numpy()) / rate * along).sum()
    assert found == pytest.approx(expected, rel=0.01)


SETTINGS = {"epochs": 2, "initial_epoch": 0, "batch_size": FILTERS, "seed": 0}


def test_an_epoch_ends_with_its_loss_and_that_of_the_validation_split():
    model, data = network(), lorenz96_analyses(**SMALL)
    history = through_cycles(model, data, SETTINGS, [], cycles=2, steps=3)
    assert list(history.history) == ["loss", "val_loss"]
    assert np.isfinite(list(history.history.values())).all()
    x, y = data["validation"]
    expected = float(model.evaluate(x["kg_raw"], y, verbose=0))
    assert history.history["val_loss"][-1] == pytest.approx(expected, rel=1e-5)


def test_training_makes_the_analyses_better():
    data = lorenz96_analyses(**SMALL)
    settings = {**SETTINGS, "epochs": 4, "batch_size": 8}
    losses = through_cycles(network(2e-2), data, settings, [], cycles=2, steps=12).history["loss"]
    print(losses)
    assert np.mean(losses[-2:]) < 0.95 * losses[0]


def test_a_callback_can_stop_the_training():
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.batches = batch + 1
            self.model.stop_training = batch == 1

    stop = Stop()
    data = lorenz96_analyses(**SMALL)
    history = through_cycles(network(), data, SETTINGS, [stop], cycles=1, steps=50)
    assert (len(history.history["loss"]), stop.batches) == (1, 2)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"cycles": 0}, "cycles must be"),
        ({"steps": 0}, "steps must be"),
        ({"inflation": 0.0}, "inflation must be a positive factor, 1 for none, got 0.0"),
        ({"inflation": float("nan")}, "inflation must be a positive factor"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(arguments, words):
    with pytest.raises(ValueError, match=words):
        through_cycles(network(), lorenz96_analyses(**SMALL), SETTINGS, [], **arguments)


def test_other_data_are_refused_with_the_dataset_that_fits():
    x, y = np.zeros((2, SIZE, NOBS)), np.zeros((2, 2 * SIZE + NOBS, 1))
    with pytest.raises(ValueError, match="do not say of which twin. Use the dataset lorenz96_an"):
        through_cycles(network(), {"train": (x, y)}, SETTINGS, [])


def test_a_network_that_wants_more_than_a_filter_has_is_refused():
    with pytest.raises(ValueError, match='this model has the input "other"'):
        through_cycles(network(name="other"), lorenz96_analyses(**SMALL), SETTINGS, [])


RUNS = ("whole", "parts")
CONFIG = f"""
zoo = 1
name = "small"

[[inputs]]
name = "kg_raw"
shape = [{SIZE}, {NOBS}]

[[layers]]
name = "vector"
type = "LocalizationVector"
cutoff = 6.0

[[layers]]
name = "kg_pred"
type = "Loc_by_1D"
inputs = ["kg_raw", "vector"]
obs_dens = {DENS}

[loss]
type = "XtLoss"

[optimizer]
type = "Adam"
learning_rate = 0.01

[data]
type = "lorenz96_analyses"
{chr(10).join(f"{key} = {value}" for key, value in SMALL.items())}

[train]
epochs = 3
batch_size = 3
jit_compile = false

[train.loop]
type = "through_cycles"
cycles = 2
steps = 3
"""


@pytest.mark.slow  # three trainings through the filter
def test_a_training_that_goes_on_later_ends_as_if_it_had_not_paused(tmp_path):
    """As `zoo train` and `zoo train --resume` run it: the same to the last bit."""
    pytest.importorskip("zoo", reason="trainings are run by the zoo, which is not there")
    (tmp_path / "small.toml").write_text(CONFIG)

    def train(folder: str, *options: str) -> None:
        command = [sys.executable, "-m", "zoo", "train", "small.toml", "--run", folder, *options]
        subprocess.run([*command, "--quiet"], cwd=tmp_path, check=True)

    train("whole")
    train("parts", "--set", "train.epochs=1")
    train("parts", "--resume")
    whole, parts = (load_file(tmp_path / run / "checkpoint.safetensors") for run in RUNS)
    assert whole.keys() == parts.keys()
    for name, values in whole.items():
        np.testing.assert_array_equal(parts[name], values, err_msg=name)
