"""The lists of Keras's components in `pyproject.toml`, held against the Keras that is installed."""

import importlib
import inspect
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from zoo.catalog.catalog import Catalog
from zoo.catalog.discovery import CORE
from zoo.components import ARGUMENT_KINDS, KINDS

PYPROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
REGISTERED = tomllib.loads(PYPROJECT.read_text())["project"]["entry-points"]

BASE = "a base class"
CODE = "carries code, or another framework's module"
OBJECT = "takes a Python object that no TOML can say"
RUN_FOLDER = "the run's folder does it"

LEFT_OUT = {
    "layers": {
        "Layer": BASE,
        "Wrapper": BASE,
        "InputLayer": "inputs are declared by [[inputs]]",
        "InputSpec": "not a layer",
        "Lambda": CODE,
        "TFSMLayer": CODE,
        "TorchModuleWrapper": CODE,
        "JaxLayer": CODE,
        "FlaxLayer": CODE,
    },
    "losses": {"Loss": BASE},
    "metrics": {
        "Metric": BASE,
        "Mean": "of values, not of targets and predictions",
        "Sum": "of values, not of targets and predictions",
        "MeanMetricWrapper": "wraps a Python function; a function is a metric already",
    },
    "optimizers": {"Optimizer": BASE, "MultiOptimizer": OBJECT, "OptimizerMap": OBJECT},
    "callbacks": {
        "Callback": BASE,
        "CallbackList": "not a callback",
        "History": "a loop returns it",
        "LambdaCallback": CODE,
        "LearningRateScheduler": CODE,
        "RemoteMonitor": "talks to the network",
        "BackupAndRestore": RUN_FOLDER,
        "OrbaxCheckpoint": RUN_FOLDER,
        "ProgbarLogger": RUN_FOLDER,
    },
    "initializers": {"Initializer": BASE},
    "regularizers": {"Regularizer": BASE},
    "constraints": {"Constraint": BASE},
    "activations": {},
    "schedules": {"LearningRateSchedule": BASE},
}
SHORT = {
    "losses": ["mse", "mae", "mape", "msle", "bce", "kld"],
    "metrics": ["mse", "mae", "mape", "msle", "bce", "accuracy", "acc"],
    "optimizers": ["adam", "sgd", "rmsprop", "adamw", "adagrad", "nadam", "lion"],
    "activations": ["relu", "tanh", "sigmoid", "softmax", "linear", "gelu"],
    "initializers": ["zeros", "ones", "glorot_uniform", "he_normal"],
    "regularizers": ["l1", "l2"],
    "constraints": ["non_neg", "max_norm"],
}


def namespace(kind: str) -> ModuleType:
    name = "optimizers.schedules" if kind == "schedules" else kind
    return importlib.import_module(f"keras.{name}")


def load(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("kind", LEFT_OUT)
def test_every_public_class_of_keras_is_registered_or_left_out_with_a_reason(kind: str) -> None:
    public = namespace(kind)
    classes = {
        name: value
        for name, value in vars(public).items()
        if inspect.isclass(value) and not name.startswith("_")
    }
    registered = [load(target) for target in REGISTERED[f"zoo.{kind}"].values()]
    missing = {
        name
        for name, value in classes.items()
        # Keras has second names for some; the first is enough.
        if name not in LEFT_OUT[kind] and not any(value is one for one in registered)
    }
    assert missing == set()
    assert LEFT_OUT[kind].keys() <= classes.keys()


@pytest.mark.parametrize("kind", LEFT_OUT)
def test_what_is_left_out_is_not_registered_under_any_name(kind: str) -> None:
    out = {getattr(namespace(kind), name) for name in LEFT_OUT[kind]}
    found = [n for n, target in REGISTERED[f"zoo.{kind}"].items() if load(target) in out]
    assert found == []


@pytest.mark.parametrize("kind", [*KINDS, *ARGUMENT_KINDS])
def test_every_registered_target_loads_and_can_be_called(kind: str) -> None:
    rows = REGISTERED[f"zoo.{kind}"]
    assert rows
    assert [name for name, target in rows.items() if not callable(load(target))] == []


@pytest.mark.parametrize(
    ("kind", "base"),
    [("layers", "Layer"), ("optimizers", "Optimizer"), ("callbacks", "Callback")],
)
def test_what_must_be_a_keras_class_is_one(kind: str, base: str) -> None:
    parent = getattr(namespace(kind), base)
    rows = REGISTERED[f"zoo.{kind}"]
    assert [name for name, target in rows.items() if not issubclass(load(target), parent)] == []


@pytest.mark.parametrize("kind", SHORT)
def test_keras_usual_short_names_work_and_mean_what_keras_means(kind: str) -> None:
    rows = REGISTERED[f"zoo.{kind}"]
    get = namespace(kind).get
    for name in SHORT[kind]:
        if (kind, name) in {("metrics", "accuracy"), ("metrics", "acc")}:
            assert rows[name] == "zoo.builtin.metrics:accuracy"  # which accuracy, the shapes say
            continue
        ours, theirs = load(rows[name]), get(name)
        # A metric's short name is a metric that takes the mean of the function of that name.
        same = ours in (theirs, getattr(theirs, "_fn", None))
        assert same or (inspect.isclass(ours) and isinstance(theirs, ours)), name


@pytest.mark.parametrize("kind", LEFT_OUT)
def test_a_name_is_spelt_as_keras_spells_it(kind: str) -> None:
    wrong = [
        name
        for name, target in REGISTERED[f"zoo.{kind}"].items()
        if target.startswith("keras.") and name != target.partition(":")[2] and name.lower() != name
    ]
    assert wrong == []


def test_the_installed_metadata_is_what_the_project_says(catalog: Catalog) -> None:
    installed = {
        (f"zoo.{row.kind}", row.name): row.target
        for row in catalog.rows
        if row.distribution == CORE
    }
    written = {
        (group, name): target for group, rows in REGISTERED.items() for name, target in rows.items()
    }
    assert installed == written


def test_nothing_that_is_registered_here_is_in_conflict_or_broken(catalog: Catalog) -> None:
    assert [row for row in catalog.rows if row.distribution == CORE and row.status != "ok"] == []
