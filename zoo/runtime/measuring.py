"""`jit_compile = "measure"`: whether XLA compiles the step, decided by timing both."""

import contextlib
import random
import statistics
import time
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import keras
import numpy as np

from zoo.errors import in_one_line
from zoo.progress import progress
from zoo.resolve import ResolvedModel
from zoo.runs import Run
from zoo.runtime.weights import Shelf

FACT = "jit_compile"
_MOST_STEPS, _MOST_SECONDS = 15, 1.0
# Less than that is noise, and a compilation takes its time.
_WORTH_IT = 0.95


def choose_compilation(
    run: Run, model: ResolvedModel, shelf: Shelf, built: Any, data: Mapping[str, Any]
) -> dict[str, str]:
    """Decides whether XLA compiles the step, where the config wants that measured.

    A resumed run goes on with what was chosen first. The step that is timed is that of a second
    model like the one that is trained, so that nothing of it is touched.

    Args:
        run: The run, whose facts keep the choice and the times.
        model: The resolved model.
        shelf: Builds models of the zoo.
        built: The model that is to be trained; it is told the choice.
        data: What the dataset returned.

    Returns:
        What the report shows in place of the setting; nothing where nothing was to be measured.
    """
    if model.train.jit_compile != "measure" or keras.backend.backend() != "tensorflow":
        return {}
    found = run.facts.get(FACT)
    if found is None:
        with _randomness_kept(), progress("timing the step with and without XLA", live=False):
            found = _measured(shelf.build(model), data, model)
        run.write_facts(**{FACT: found})
    built.jit_compile = found["chosen"]
    return {"train.jit_compile": f"measure: {_in_words(found)}"}


def _measured(twin: Any, data: Mapping[str, Any], model: ResolvedModel) -> dict[str, Any]:
    batch = _first_batch(data, twin, model)
    if batch is None:
        return {"chosen": False, "reason": "the data cannot be read twice"}
    plain = _seconds(twin, batch, compiled=False)
    try:
        compiled = _seconds(twin, batch, compiled=True)
    except Exception as error:  # noqa: BLE001  # XLA refuses with errors of many kinds
        return {"chosen": False, "seconds": {"plain": plain}, "reason": in_one_line(error)}
    seconds = {"plain": plain, "xla": compiled}
    return {"chosen": compiled < _WORTH_IT * plain, "seconds": seconds}


def _first_batch(data: Mapping[str, Any], twin: Any, model: ResolvedModel) -> Any:
    from zoo.runtime.batches import EpochOrder, batches

    order = EpochOrder(model.train.seed, shuffle=model.train.shuffle)
    train = batches(data["train"], twin, model.train.batch_size, order)
    if isinstance(train, keras.utils.PyDataset):
        return train[0]
    # A generator would lose what is taken from it.
    again = hasattr(train, "element_spec")
    return next(islice(iter(train), 1)) if again else None


def _seconds(twin: Any, batch: Any, *, compiled: bool) -> float:
    """Gives the median time of a step, after the first, which compiles."""
    from zoo.runtime.steps import make_train_step

    step = make_train_step(twin, jit_compile=compiled)
    parts = keras.utils.unpack_x_y_sample_weight(batch)
    float(step(*parts)["loss"])
    times: list[float] = []
    while len(times) < _MOST_STEPS and sum(times) < _MOST_SECONDS:
        began = time.perf_counter()
        float(step(*parts)["loss"])
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def _in_words(found: Mapping[str, Any]) -> str:
    words = "XLA" if found["chosen"] else "no XLA"
    milliseconds = {name: f"{1e3 * s:.3g} ms" for name, s in found.get("seconds", {}).items()}
    if "xla" in milliseconds:
        return f"{words} ({milliseconds['xla']} a step with it, {milliseconds['plain']} without)"
    return f"{words} ({found['reason']})"


@contextlib.contextmanager
def _randomness_kept() -> Iterator[None]:
    states = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
