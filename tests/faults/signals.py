"""SIGINT and SIGTERM stop `zoo train` wherever they come, and a second one at once."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import zoo
from tests.distributions import write_distribution
from tests.faults.promise import Promise, Tally
from tests.faults.zoos import make_zoo
from zoo.runs import Run

EPOCHS = 60
NUMBERS = (signal.SIGINT, signal.SIGTERM)
_MOST_SECONDS = 120
# A computation that Python cannot be interrupted in, as compiling a model is one.
_DEAF = """
import keras, numpy as np, pathlib
class Deaf(keras.callbacks.Callback):
    def __init__(self, directory):
        super().__init__()
        self.directory = directory
    def on_train_batch_end(self, batch, logs=None):
        matrix = np.random.default_rng(0).normal(size=(2500, 2500))
        (pathlib.Path(self.directory) / "deaf").touch()
        for _ in range(20):
            np.linalg.eigvals(matrix)
"""


@dataclass
class Stop:
    """What came of a signal, or two, to a process of `zoo train`."""

    number: int
    status: int
    listening: bool
    out: str
    err: str
    run: Run

    @property
    def moment(self) -> str:
        """When it came."""
        if not self.listening:
            return "before the first line of zoo"
        if not (self.run.folder / "run.json").exists():
            return "during imports or data"
        return "after the end" if self.status == 0 else "in the training"

    def words(self) -> str:
        """Says all that it takes to look into it."""
        return f"signal {self.number} {self.moment}: status {self.status}, {self.err[-600:]!r}"


def stop_anywhere(count: int, seed: int, folder: Path) -> Tally:
    """Sends one signal at a random moment to each of many processes, and resumes what can be."""
    chooser, tally = random.Random(seed), Tally()
    root = make_zoo(folder / "zoo")
    began = time.perf_counter()
    whole = _run(root, "whole", NUMBERS[0], _MOST_SECONDS)
    length = time.perf_counter() - began
    if not tally.expect(whole.status == 0, f"the training itself failed: {whole.words()}"):
        return tally
    jobs = [(number, chooser.uniform(0.0, length)) for _ in range(count) for number in NUMBERS]
    workers = 1 if count == 1 else 2
    with ThreadPoolExecutor(workers) as pool:
        stops = list(pool.map(lambda job: _run(root, f"run-{job[0]}", *job[1]), enumerate(jobs)))
    for stop in stops:
        with tally.trial(stop.words()):
            _expect_a_clean_stop(tally, stop)
            _expect_to_go_on(tally, root, stop, whole.run)
    moments = Counter(stop.moment for stop in stops)
    tally.notes.append(", ".join(f"{n} {moment}" for moment, n in sorted(moments.items())))
    return tally


def _run(root: Path, name: str, number: int, seconds: float) -> Stop:
    """Trains in a process, and sends it a signal after some seconds if it is still there."""
    process = _started(root, name, "dense.toml", f"train.epochs={EPOCHS}")
    said: list[str] = []
    reader = threading.Thread(target=lambda: said.extend(process.communicate()))
    reader.start()
    reader.join(seconds)
    listening = _listens(process.pid) if process.poll() is None else True
    if process.poll() is None:
        process.send_signal(number)
    reader.join(_MOST_SECONDS)
    process.kill()
    reader.join()
    return Stop(number, process.returncode, listening, *said, Run(root / name))


def _started(
    root: Path, name: str, config: str, *settings: str, site: Sequence[Path] = ()
) -> subprocess.Popen[str]:
    options = [part for setting in settings for part in ("--set", setting)]
    python_path = [*map(str, site), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.Popen(
        [sys.executable, "-m", "zoo", "train", config, "--run", name, "--json", *options],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "ZOO_CACHE_DIR": str(root.parent / "cache"),
            "PYTHONPATH": os.pathsep.join(python_path),
        },
    )


def _listens(pid: int) -> bool:
    """Tells whether a process catches SIGTERM, which Python by itself does not."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return True
    caught = re.search(r"^SigCgt:\s*(\w+)", text, re.MULTILINE)
    return caught is not None and bool(int(caught[1], 16) >> (signal.SIGTERM - 1) & 1)


def _expect_a_clean_stop(tally: Tally, stop: Stop) -> None:
    if not stop.listening:
        # Python itself answers until the first line of zoo runs: as any program in Python.
        tally.expect(stop.status in (-stop.number, 1, 128 + stop.number), stop.words())
        return
    done = stop.status == 0 and stop.run.facts["status"] == "finished"
    tally.expect(stop.status == 128 + stop.number or done, stop.words())
    tally.expect("Traceback" not in stop.err and "Exception ignored" not in stop.err, stop.words())


def _expect_to_go_on(tally: Tally, root: Path, stop: Stop, whole: Run) -> None:
    if not (stop.run.folder / "run.json").exists():
        return
    status = stop.run.facts["status"]
    tally.expect(status in ("stopped", "finished"), f"run.json says {status}; {stop.words()}")
    overrides = {"train.epochs": EPOCHS}
    run = zoo.train(
        root / "dense.toml", overrides, zoo=root, folder=stop.run.folder, resume=True, quiet=True
    )
    # Here other threads may be at work than in the command: only its length is certain.
    same = {name: len(values) for name, values in run.history.items()}
    tally.expect(same == {name: len(values) for name, values in whole.history.items()}, str(same))


def stop_twice(count: int, seed: int, folder: Path) -> Tally:
    """Sends two signals to a training that is deep in one computation."""
    chooser, tally = random.Random(seed), Tally()
    root = make_zoo(folder / "zoo")
    site = root / "site"
    write_distribution(
        site, "zoo-deaf", {"zoo.callbacks": {"Deaf": "deaf_mod:Deaf"}}, {"deaf_mod.py": _DEAF}
    )
    callbacks = "train.callbacks=[{type='Deaf', directory='.'}]"
    for trial in range(count):
        numbers = [chooser.choice(NUMBERS) for _ in range(2)]
        with tally.trial(f"signals {numbers}"):
            name = f"run-{trial}"
            process = _started(root, name, "dense.toml", callbacks, site=[site])
            mark = root / name / "deaf"
            deadline = time.monotonic() + _MOST_SECONDS
            while not mark.exists() and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.02)
            for number in numbers:
                process.send_signal(number)
                time.sleep(chooser.uniform(0.05, 0.5))
            _, err = process.communicate(timeout=_MOST_SECONDS)
            what = f"signals {numbers}: status {process.returncode}, {err[-600:]!r}"
            tally.expect(process.returncode in {128 + number for number in numbers}, what)
            tally.expect("Traceback" not in err, what)
            # One that had come to its next batch would have said that it was stopped.
            tally.expect(Run(root / name).facts["status"] == "running", f"it waited; {what}")
    return tally


PROMISES = [
    Promise("a signal stops a training within a batch, and it goes on later", stop_anywhere, 1, 20),
    Promise("a second signal stops a training at once", stop_twice, 1, 20),
]
