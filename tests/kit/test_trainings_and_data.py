"""The kit's rules for optimizers, callbacks, datasets, loops and evaluators."""

import itertools
import random
from collections import deque

import keras
import numpy as np
import pytest
from keras import ops

from zoo.testing import check_component

register = keras.saving.register_keras_serializable(package="kit_trainings")


class Box:
    """An object that Keras does not look into."""


class TestOptimizers:
    """The rules for optimizers."""

    def optimizer(self, name="Plain", step=None, **methods):
        def update_step(self, gradient, variable, learning_rate):
            self.assign_sub(variable, ops.cast(learning_rate, variable.dtype) * gradient)

        body = {"update_step": step or update_step, **methods}
        return register(type(name, (keras.optimizers.Optimizer,), body))

    def test_a_good_one_keeps_every_rule(self, small):
        def build(self, variables):
            if not self.built:
                keras.optimizers.Optimizer.build(self, variables)
                self.momenta = self.add_optimizer_variables(variables, "momentum")

        def step(self, gradient, variable, learning_rate):
            momentum = self.momenta[self._get_variable_index(variable)]
            self.assign(momentum, 0.9 * momentum + gradient)
            self.assign_sub(variable, ops.cast(learning_rate, variable.dtype) * momentum)

        optimizer = self.optimizer("Heavy", step, build=build)
        rules = check_component(optimizer, {"learning_rate": 0.05}, model=small["model"])
        assert rules == [
            "made",
            "config",
            "serialization",
            "card",
            "jit",
            "resume",
            "saved",
            "precision",
        ]

    def test_one_that_climbs_is_found(self, broken):
        def up(self, gradient, variable, learning_rate):
            self.assign_add(variable, ops.cast(learning_rate, variable.dtype) * gradient)

        said = broken("made", "optimizers", self.optimizer("Up", up), {"learning_rate": 0.05})
        assert "12 steps go from a loss of" in said
        assert "subtract in update_step" in said

    def test_one_that_counts_in_python_is_found(self, broken, small):
        def counting(self, gradient, variable, learning_rate):
            self.count = getattr(self, "count", 0) + 1
            self.assign_sub(variable, 0.05 * gradient / self.count)

        optimizer = self.optimizer("Counting", counting)
        said = broken("jit", "optimizers", optimizer, {"learning_rate": 0.05}, model=small["model"])
        assert "graph differs from eager" in said

    def test_one_whose_state_no_checkpoint_holds_is_found(self, broken, small):
        def build(self, variables):
            if not self.built:
                keras.optimizers.Optimizer.build(self, variables)
                # A variable of its own, which `variables` does not list.
                self.box = Box()
                self.box.hidden = keras.Variable(1.0, trainable=False, name="hidden")

        def step(self, gradient, variable, learning_rate):
            hidden = self.box.hidden
            hidden.assign(hidden * 0.8)
            self.assign_sub(variable, hidden * gradient * 0.1)

        optimizer = self.optimizer("Hidden", step, build=build)
        said = broken(
            "resume", "optimizers", optimizer, {"learning_rate": 0.05}, model=small["model"]
        )
        assert "the resumed training differs" in said


class TestCallbacks:
    """The rules for callbacks."""

    def test_a_good_one_keeps_every_rule(self, small):
        rules = check_component("EarlyStopping", {"patience": 1, "monitor": "loss"}, **small)
        assert rules == ["made", "hooks", "card", "seed", "resume"]

    def test_a_hook_that_nothing_calls_is_found(self, broken):
        class Misspelt(keras.callbacks.Callback):
            def on_epoch_ends(self, epoch, logs=None):
                pass

        said = broken("hooks", "callbacks", Misspelt)
        assert 'nothing ever calls on_epoch_ends; did you mean "on_epoch_end"?' in said

    def test_one_that_needs_validation_is_found(self, broken, small):
        class Needy(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                self.best = logs["val_loss"]

        said = broken("made", "callbacks", Needy, **small)
        assert "it raises KeyError: 'val_loss'" in said
        assert "read logs by logs.get(...)" in said

    def test_one_that_rolls_dice_is_found(self, broken, small):
        class Dice(keras.callbacks.Callback):
            rolls = np.random.default_rng()

            def on_epoch_begin(self, epoch, logs=None):
                self.model.optimizer.learning_rate = self.rolls.uniform(0.01, 0.1)

        assert "two trainings differ" in broken("seed", "callbacks", Dice, **small)

    def test_one_that_a_resumed_run_begins_anew_is_found(self, broken, small):
        class Fading(keras.callbacks.Callback):
            def __init__(self):
                super().__init__()
                self.rates = deque([0.1])

            def on_epoch_begin(self, epoch, logs=None):
                self.rates.append(self.rates.pop() * 0.5)
                self.model.optimizer.learning_rate = self.rates[-1]

        said = broken("resume", "callbacks", Fading, **small)
        assert "the resumed training differs" in said
        assert "the checkpoint holds those and nothing else" in said


def xy(count, seed=0):
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(count, 3)).astype("float32")
    return x, x[:, :1]


class TestDatasets:
    """The rules for datasets."""

    def found(self, broken, rule, dataset, **arguments):
        return broken(rule, "datasets", dataset, arguments)

    def test_a_good_one_keeps_every_rule(self):
        def good(samples=8, seed=0):
            return {"train": xy(samples, seed), "validation": xy(4, seed + 1)}

        rules = check_component(good, {"samples": 6}, kind="datasets")
        assert rules == ["splits", "arrays", "shapes", "seed", "generators", "card"]

    def test_batches_and_samples_by_number_are_looked_into(self):
        class Numbered:
            sample_count = 4

            def samples(self, numbers, epoch):
                x, y = xy(4)
                return x[numbers], y[numbers]

        class Batches(keras.utils.PyDataset):
            def __len__(self):
                return 2

            def __getitem__(self, index):
                return xy(3, index)

        check_component(lambda: {"train": Numbered()}, kind="datasets")
        check_component(lambda: {"train": Batches()}, kind="datasets")

    @pytest.mark.parametrize(
        ("returned", "message"),
        [
            (xy(4), "it returns (array("),
            ({"test": xy(4)}, "it returns 'a dict with test'"),
            ({"train": 3}, "the split train is a int"),
            ({"train": xy(4), "vaildation": xy(4)}, 'did you mean "validation"?'),
        ],
    )
    def test_splits_that_nobody_reads_are_found(self, broken, returned, message):
        assert message in self.found(broken, "splits", lambda: returned)

    def test_what_cannot_be_trained_on_is_found(self, broken):
        x, y = xy(4)
        spoilt = x.copy()
        spoilt[2, 1] = np.nan
        for split, message in [
            ((spoilt, y), "x of train holds nan at [2, 1]"),
            ((x, y[:3]), "train has arrays of different lengths: {'x': 4, 'y': 3}"),
            ((x, y.astype(object)), "y of train holds object"),
            (({"a": x, "b": x[:0]}, y), "x[b] of train has no samples"),
        ]:
            assert message in self.found(broken, "arrays", lambda split=split: {"train": split})

    def test_splits_that_do_not_fit_together_are_found(self, broken):
        x, y = xy(4)

        def narrow():
            return {"train": (x, y), "test": (x[:, :2], y)}

        said = self.found(broken, "shapes", narrow)
        assert "x has samples of shape (3,) and dtype float32 in train, of shape (2,)" in said
        said = self.found(broken, "shapes", lambda: {"train": (x, {"a": y}), "test": (x, {"b": y})})
        assert "test has no y[a]" in said

    def test_data_that_no_seed_decides_is_found(self, broken):
        counter = itertools.count()

        def other(seed=0):
            return {"train": xy(4, next(counter))}

        assert "two calls differ" in self.found(broken, "seed", other)
        said = self.found(broken, "seed", lambda seed=0: {"train": xy(4)})
        assert "seed = 0 and seed = 1 give the same data" in said

    def test_a_seed_of_the_global_generator_is_found(self, broken):
        def seeds():
            np.random.seed(3)
            return {"train": xy(4)}

        def draws():
            random.random()
            return {"train": xy(4)}

        for dataset in (seeds, draws):
            said = self.found(broken, "generators", dataset)
            assert "it draws from, or seeds, a global random generator" in said


def good_loop(model, data, settings, callbacks, changes=()):
    options = {
        "epochs": settings.epochs,
        "initial_epoch": settings.initial_epoch,
        "callbacks": callbacks,
        "validation_data": data.get("validation"),
        **dict(changes),
    }
    x, y = data["train"]
    return model.fit(x, y, batch_size=settings.batch_size, verbose=0, **options)


class TestLoops:
    """The rules for loops."""

    @pytest.mark.parametrize("name", ["fit", "gradient_tape"])
    def test_our_own_keep_every_rule(self, name, small):
        rules = check_component(name, kind="loops", **small)
        assert rules == [
            "history",
            "callbacks",
            "epochs",
            "stopping",
            "training",
            "seed",
            "validation",
            "data",
            "card",
        ]

    @pytest.fixture
    def found(self, broken, small):
        """Checks a loop that does something else than it should, against one rule."""

        def found(rule, **changes):
            def loop(model, data, settings, callbacks):
                return good_loop(model, data, settings, callbacks, changes)

            return broken(rule, "loops", loop, **small)

        return found

    def test_one_that_calls_no_callbacks_is_found(self, found):
        said = found("callbacks", callbacks=[])
        assert "call 1 of the callbacks is 'nothing more' where 'train begin' is due" in said

    def test_one_that_begins_anew_is_found(self, found):
        said = found("epochs", initial_epoch=0)
        assert "with initial_epoch = 2 and epochs = 3 it runs 3 epochs" in said

    def test_one_that_trains_for_as_long_as_it_likes_is_found(self, found):
        said = found("history", epochs=1)
        assert "asked for 3 epochs, the history has 1 values of `loss`" in said

    def test_one_that_leaves_validation_out_is_found(self, found):
        said = found("validation", validation_data=None)
        assert "with a validation split it logs loss" in said

    def test_one_that_returns_something_else_is_found(self, broken):
        said = broken("history", "loops", lambda model, data, settings, callbacks: {"loss": [1]})
        assert "it returns a dict" in said

    def test_one_that_shuffles_the_data_itself_is_found(self, broken, small):
        def shuffling(model, data, settings, callbacks):
            np.random.default_rng(0).shuffle(data["train"][0])
            return good_loop(model, data, settings, callbacks)

        assert "the data has changed" in broken("data", "loops", shuffling, **small)

    def test_one_that_rolls_dice_is_found(self, broken, small):
        dice = np.random.default_rng()

        def rolling(model, data, settings, callbacks):
            model.optimizer.learning_rate = dice.uniform(0.01, 0.1)
            return good_loop(model, data, settings, callbacks)

        assert "two trainings differ" in broken("seed", "loops", rolling, **small)

    def test_one_that_does_not_stop_is_found(self, broken, small):
        def endless(model, data, settings, callbacks):
            listeners = keras.callbacks.CallbackList(callbacks, add_history=True, model=model)
            listeners.on_train_begin()
            for epoch in range(settings.initial_epoch, settings.epochs):
                listeners.on_epoch_begin(epoch)
                listeners.on_epoch_end(epoch, {"loss": 1.0})
            listeners.on_train_end()
            return model.history

        assert "it runs 3" in broken("stopping", "loops", endless, **small)
        assert "the weights are what they were" in broken("training", "loops", endless, **small)

    def test_one_that_takes_too_little_is_no_loop(self):
        with pytest.raises(AssertionError, match=r"takes \(model, data\) by position; a loop is"):
            check_component(lambda model, data: None, kind="loops")


class TestEvaluators:
    """The rules for evaluators."""

    def test_our_own_keeps_every_rule(self):
        rules = check_component("metrics", kind="evaluators")
        assert rules == ["results", "seed", "untouched", "card"]

    @pytest.mark.parametrize(
        ("returned", "message"),
        [
            ({}, "it returns {}"),
            ([1.0], "it returns [1.0]"),
            ({"error": float("nan")}, "error is nan"),
            ({"error": np.ones(2)}, "error is a ndarray"),
            ({3: 1.0}, "the name 3 is a int"),
        ],
    )
    def test_what_is_no_dict_of_numbers_is_found(self, broken, returned, message):
        assert message in broken("results", "evaluators", lambda model, data: returned)

    def test_a_table_that_cannot_be_written_is_found(self, broken):
        def reporting(model, data, report):
            report.table("uneven", {"a": [1, 2], "b": [1]})
            return {"one": 1.0}

        assert "uneven" in broken("results", "evaluators", reporting)

    def test_one_that_trains_is_found(self, broken):
        def training(model, data):
            return {"loss": float(model.train_on_batch(*data["test"])[0])}

        assert "the weights have changed" in broken("untouched", "evaluators", training)

    def test_one_that_rolls_dice_is_found(self, broken):
        def rolling(model, data):
            return {"error": np.random.default_rng().uniform()}

        assert "two runs differ" in broken("seed", "evaluators", rolling)

    def test_model_and_data_may_be_ones_own(self):
        seen = []

        def own_model():
            model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
            model.compile("sgd", "mse")
            return model

        def looking(model, data):
            seen.append((model.input_shape, sorted(data)))
            return {"one": 1.0}

        x = np.ones((4, 2), "float32")
        data = {"train": (x, x[:, :1])}
        check_component(looking, kind="evaluators", model=own_model, data=data)
        assert set(map(str, seen)) == {"((None, 2), ['train'])"}
