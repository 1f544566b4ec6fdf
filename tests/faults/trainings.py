"""A kill during a training, or while it writes its checkpoint, costs no epoch that was done."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

import zoo
from tests.faults.promise import Promise, Tally
from tests.faults.zoos import forked, make_zoo, with_keras
from tests.runs import differences
from zoo.files import write_atomically
from zoo.runs import Run, new_folder, open_run

EPOCHS = 8
VALUES = 100_000
MANY_EPOCHS = 40
_MOST_SECONDS = 120


class _Prepared(np.ndarray[Any, Any]):
    path = "values"


def kill_the_writer(count: int, seed: int, folder: Path) -> Tally:
    """Kills what writes a run, with arrays in place of a model, and reads what is left."""
    chooser, tally, when = random.Random(seed), Tally(), Counter[str]()
    _record(folder / "first")  # what is imported or measured once is no part of the time
    began = time.perf_counter()
    _record(folder / "second")
    length = time.perf_counter() - began
    for number in range(count):
        with tally.trial(f"kill {number}"):
            run = Run(folder / f"run-{number}")
            read, write = os.pipe()
            pid = forked(lambda run=run, write=write: _record(run.folder, write))
            os.close(write)
            time.sleep(chooser.uniform(0.0, 1.05 * length))
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            with os.fdopen(read, "rb") as pipe:
                told = len(pipe.read())
            when[_moment(run, told)] += 1
            _expect_the_last_epoch(tally, run, told)
    tally.notes.append(", ".join(f"{n} kills {moment}" for moment, n in sorted(when.items())))
    return tally


def _record(folder: Path, tell: int | None = None) -> None:
    """Writes what a training writes, and tells of each epoch that is done."""
    from zoo.runtime.recorder import Recorder
    from zoo.runtime.signals import StopRequest

    run = Run(folder)
    run.folder.mkdir()
    (run.folder / ".lock").touch()
    write_atomically(run.config_path, b'zoo = 1\nname = "m"\n')
    run.write_facts(model="m", status="running", planned=EPOCHS, weights=["values"])
    arrays = [np.zeros(VALUES, "float32").view(_Prepared) for _ in range(2)]
    model = SimpleNamespace(
        variables=arrays[:1], optimizer=SimpleNamespace(variables=arrays[1:]), stop_training=False
    )
    recorder = Recorder(run, [], {}, None, StopRequest())
    recorder.set_model(model)
    for epoch in range(EPOCHS):
        for array in arrays:
            array += 1.0
        recorder.on_epoch_begin(epoch)
        recorder.on_epoch_end(epoch, {"loss": float(epoch + 1)})
        if tell is not None:
            os.write(tell, b".")
    recorder.finish(model)
    run.write_facts(status="finished", epochs=EPOCHS)


def _moment(run: Run, told: int) -> str:
    if not (run.folder / "run.json").exists():
        return "before the run began"
    if run.facts["status"] == "finished":
        return "after its end"
    return "before an epoch was done" if told == 0 else "between epochs and end"


def _expect_the_last_epoch(tally: Tally, run: Run, told: int) -> None:
    """Expects history and checkpoint to be of one epoch: the last that was told of, or the next."""
    if not (run.folder / "run.json").exists():
        if run.folder.exists():
            new_folder("m", run.folder, run.folder)  # raises where a person is left without a way
        return
    done = len(run.history.get("loss", []))
    tally.expect(told <= done <= told + 1, f"{told} epochs were done and {done} are left")
    if done == 0:
        return
    content = run.checkpoint()
    tally.expect(run.history == {"loss": [float(n + 1) for n in range(done)]}, str(run.history))
    tally.expect(int(content.metadata["epoch"]) == done, "checkpoint and history differ")
    for name, array in content.tensors.items():
        tally.expect((array == done).all(), f"{name} is not what epoch {done} had")
    run.remove_temporaries()
    known = {"run.json", "config.toml", "history.json", "history.csv", "timings.json", ".lock"}
    left = {path.name for path in run.folder.iterdir()} - known - {"checkpoint.safetensors"}
    tally.expect(not left, f"left behind: {left}")


def kill_the_training(count: int, seed: int, folder: Path) -> Tally:
    """Kills whole trainings, and lets each go on to its end."""
    chooser, tally, when = random.Random(seed), Tally(), Counter[str]()
    root = make_zoo(folder / "zoo")
    # The first process waits for Keras, which those after it find imported.
    _ends(_started(folder, root, root / "first"))
    began = time.perf_counter()
    whole = root / "whole"
    tally.expect(_ends(_started(folder, root, whole)), "the training itself failed")
    length = time.perf_counter() - began
    # Half of the time goes by before the first epoch; kills are to hit what is written too.
    moments = [
        chooser.uniform(0.0, length) if n % 2 else chooser.uniform(0.5, 1.0) * length
        for n in range(count)
    ]
    for number, moment in enumerate(moments):
        with tally.trial(f"kill {number} after {moment:.2f} s"):
            run = Run(root / f"run-{number}")
            process = _started(folder, root, run.folder)
            process.join(moment)
            process.kill()
            process.join()
            begun = (run.folder / "run.json").exists()
            done = len(run.history.get("loss", [])) if begun else 0
            ended = begun and run.facts["status"] == "finished"
            when["after the end" if ended else f"{'in' if done else 'before the first'} epoch"] += 1
            kept = {name: values[:done] for name, values in Run(whole).history.items()}
            tally.expect(not done or run.history == kept, f"kill {number}: the history is wrong")
            goes_on = _ends(_started(folder, root, run.folder, resume=begun))
            if tally.expect(goes_on, f"kill {number} after {moment:.2f} s: it does not go on"):
                differing = differences(open_run(run.folder), open_run(whole))
                tally.expect(not differing, f"kill {number}: {differing[:3]}")
    tally.notes.append(", ".join(f"{n} kills {moment}" for moment, n in sorted(when.items())))
    return tally


def _started(folder: Path, root: Path, run: Path, *, resume: bool = False) -> Any:
    process = with_keras(folder, _train, root, run, resume)
    process.start()
    return process


def _ends(process: Any) -> bool:
    process.join(_MOST_SECONDS)
    process.kill()
    return bool(process.exitcode == 0)


def _train(root: Path, run: Path, resume: bool) -> None:
    overrides = {"train.epochs": MANY_EPOCHS}
    zoo.train(root / "dense.toml", overrides, zoo=root, folder=run, resume=resume, quiet=True)


PROMISES = [
    Promise(
        "a kill while a run is written never costs the last good state", kill_the_writer, 8, 400
    ),
    Promise(
        "a kill during a training never costs an epoch that was done", kill_the_training, 1, 40
    ),
]
