"""`jit_compile = "measure"` decides by what it timed, and changes nothing else."""

from __future__ import annotations

import pytest

import zoo
from tests.marks import keras_gives_arrays
from tests.runs import differences
from zoo.report.run_report import INDEX
from zoo.runtime import measuring

pytestmark = keras_gives_arrays

CONFIG = """
zoo = 1
name = "m"
inputs = [{ name = "x", shape = [6] }]
layers = [
    { name = "norm", type = "BatchNormalization" },
    { name = "drop", type = "Dropout", rate = 0.3 },
    { name = "y", type = "Dense", units = 2 },
]
loss = "mse"
optimizer = { type = "SGD", momentum = 0.9 }
data = { type = "synthetic", x_shape = [6], y_shape = [2], samples = 16, validation_samples = 0 }
train = { epochs = 2, batch_size = 4, seed = 7, jit_compile = "measure" }
"""


@pytest.fixture
def train(training_of):
    return training_of(CONFIG)


@pytest.fixture
def timed(monkeypatch):
    """Makes the timings those that a test wants, after the step has really run."""
    really = measuring._seconds
    seen = []

    def timed(plain, xla):
        def seconds(twin, batch, *, compiled):
            assert really(twin, batch, compiled=compiled) > 0
            seen.append(compiled)
            return xla if compiled else plain

        monkeypatch.setattr(measuring, "_seconds", seconds)
        return seen

    return timed


@pytest.mark.parametrize(
    ("plain", "xla", "chosen"),
    [
        pytest.param(0.002, 0.001, True, id="twice as fast", marks=pytest.mark.slow),  # compiles
        pytest.param(0.001, 0.00099, False, id="as good as no gain"),
    ],
)
def test_a_measured_training_is_the_one_that_was_told_what_to_do(train, timed, plain, xla, chosen):
    timed(plain, xla)
    measured = train(folder="measured")
    assert measured.facts["jit_compile"] == {
        "chosen": chosen,
        "seconds": {"plain": plain, "xla": xla},
    }
    told = train({"train.jit_compile": chosen}, "told")
    assert "jit_compile" not in told.facts
    assert differences(measured, told) == []


@pytest.mark.slow  # both ways are timed, thrice
def test_a_resumed_run_keeps_the_choice(train, timed):
    seen = timed(0.002, 0.001)
    whole = train(folder="whole")
    train({"train.epochs": 1}, "half")
    assert seen == [False, True, False, True]
    timed(0.001, 0.002)
    resumed = train(folder="half", resume=True)
    assert seen == [False, True, False, True]
    assert resumed.facts["jit_compile"]["chosen"]
    assert differences(resumed, whole) == []


@pytest.mark.run_report
def test_the_choice_and_the_precision_are_recorded_and_reported(train, monkeypatch):
    monkeypatch.setattr(measuring, "_seconds", lambda *_, compiled: 0.0025 / (1 + compiled))
    run = train({"train.epochs": 1})
    assert run.facts["precision"] == "float32"
    page = (run.report_folder / INDEX).read_text(encoding="utf-8")
    assert "measure: XLA (1.25 ms a step with it, 2.5 ms without)" in page


def test_what_xla_refuses_goes_on_without_it(train, monkeypatch):
    really = measuring._seconds

    def seconds(twin, batch, *, compiled):
        if compiled:
            raise RuntimeError("no such operation")
        return really(twin, batch, compiled=compiled)

    monkeypatch.setattr(measuring, "_seconds", seconds)
    found = train({"train.epochs": 1}).facts["jit_compile"]
    assert (found["chosen"], found["reason"]) == (False, "no such operation")


def test_both_are_really_timed(train):
    found = train({"train.epochs": 1}).facts["jit_compile"]
    assert found["seconds"].keys() == {"plain", "xla"}
    assert all(0 < seconds < 60 for seconds in found["seconds"].values())
    faster = found["seconds"]["xla"] < 0.95 * found["seconds"]["plain"]
    assert found["chosen"] is faster


def test_another_word_than_measure_or_auto_is_refused(write_config):
    (finding,) = zoo.check(write_config(CONFIG), {"train.jit_compile": "perhaps"})
    assert finding.message == 'train.jit_compile: `jit_compile` is true, false, "auto" or "measure"'
