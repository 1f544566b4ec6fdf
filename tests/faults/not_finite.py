"""A NaN in the data, in the loss or in one gradient stops a training and spoils no checkpoint."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path
from typing import Any

import numpy as np

import zoo
from tests.distributions import write_distribution
from tests.faults.promise import Promise, Tally
from tests.faults.zoos import make_zoo, on_path
from tests.runs import differences
from zoo.errors import RunError
from zoo.runs import open_run

BATCHES = 6
CONFIG = """
zoo = 1
name = "rooted"
[[inputs]]
name = "x"
shape = [3]
[[layers]]
name = "y"
type = "Dense"
units = 2
[loss]
type = "rooted"
[data]
type = "streamed"
path = "spoilt.json"
[train]
epochs = 3
batch_size = 4
shuffle = false
"""
# Where a target begins with 1000 the root is of 0: finite, with a gradient of 0/0. Where it begins
# with 2000 the loss itself is 0/0.
PLUGIN = """
import json, keras, numpy as np
def rooted(y_true, y_pred):
    mark = y_true[..., 0]
    kept = keras.ops.where(mark > 500.0, 0.0, 1.0)
    over = keras.ops.where(mark > 1500.0, 0.0, 1.0)
    root = keras.ops.sqrt(kept * keras.ops.square(y_pred[..., 0]))
    return keras.ops.square(y_pred[..., 1] - y_true[..., 1]) + root + over / over - 1.0
class Streamed:
    sample_count = 24
    def __init__(self, path):
        self.path = path
    def samples(self, numbers, epoch):
        numbers = np.asarray(numbers)
        rows = [np.random.default_rng(int(n)).normal(size=5) for n in numbers]
        values = np.stack(rows).astype("float32")
        with open(self.path) as file:
            spoilt = json.load(file)
        if epoch == spoilt["epoch"]:
            values[numbers == spoilt["sample"], spoilt["column"]] = spoilt["value"]
        return values[:, :3], values[:, 3:]
def streamed(path):
    return {"train": Streamed(path)}
"""
CAUSES: dict[str, dict[str, Any]] = {
    "data": {"column": 1, "value": float("nan")},
    "target": {"column": 4, "value": float("inf")},
    "loss": {"column": 3, "value": 2000.0},
    "gradient": {"column": 3, "value": 1000.0},
}
WAYS = list(itertools.product(CAUSES, ("fit", "gradient_tape"), (True, False)))


def spoil_a_batch(count: int, seed: int, folder: Path) -> Tally:
    """Spoils one sample of one epoch, then mends the data and goes on."""
    chooser, tally = random.Random(seed), Tally()
    root = make_zoo(folder / "zoo", rooted=CONFIG)
    components = {"zoo.losses": {"rooted": "rooted_mod:rooted"}}
    components["zoo.datasets"] = {"streamed": "rooted_mod:streamed"}
    write_distribution(folder / "site", "zoo-rooted", components, {"rooted_mod.py": PLUGIN})
    shuffled = chooser.sample(WAYS, len(WAYS))
    # The first few are of different causes.
    of_cause = [[way for way in shuffled if way[0] == cause] for cause in CAUSES]
    ways = [way for group in zip(*of_cause, strict=True) for way in group]
    wholes: dict[tuple[str, bool], Any] = {}
    with on_path(folder / "site"):
        for number, way in zip(range(count), itertools.cycle(ways), strict=False):
            cause, loop, jit = way
            epoch, sample = chooser.randrange(1, 3), chooser.randrange(24)
            what = f"{cause}, {loop}, jit {jit}, epoch {epoch + 1}, sample {sample}"
            with tally.trial(what):
                run = folder / f"run-{number}"
                _spoil(root, epoch=epoch, sample=sample, **CAUSES[cause])
                _expect_a_refusal(tally, root, run, way, epoch, sample // 4 + 1)
                _spoil(root, epoch=-1, sample=-1, column=0, value=0.0)
                if (loop, jit) not in wholes:
                    place = folder / f"whole-{loop}-{jit}"
                    wholes[loop, jit] = _train(root, place, loop, jit)
                differing = differences(
                    _train(root, run, loop, jit, resume=True), wholes[loop, jit]
                )
                tally.expect(not differing, f"{what}: mended, it ends otherwise: {differing[:3]}")
    return tally


def _spoil(root: Path, **spoilt: Any) -> None:
    (root / "spoilt.json").write_text(json.dumps(spoilt))


def _train(root: Path, run: Path, loop: str, jit: bool, *, resume: bool = False) -> Any:
    overrides = {"train.loop": loop, "train.jit_compile": jit}
    options: dict[str, Any] = {"zoo": root, "folder": run, "resume": resume, "quiet": True}
    return zoo.train(root / "rooted.toml", overrides, **options)


def _expect_a_refusal(
    tally: Tally, root: Path, folder: Path, way: tuple[str, str, bool], epoch: int, batch: int
) -> None:
    cause, loop, jit = way
    try:
        _train(root, folder, loop, jit)
    except RunError as error:
        finding = error.findings[0]
        tally.expect((error.exit_status, finding.code) == (6, "not-finite"), f"{way}: {error}")
        for text in _words(cause, epoch + 1, batch):
            tally.expect(text in finding.message, f"{way}: {finding.message!r} has no {text!r}")
    else:
        tally.broken.append(f"{way}: the training went through")
    content = open_run(folder).checkpoint()
    tally.expect(content.metadata["epoch"] == str(epoch), f"{way}: the checkpoint is of another")
    finite = all(np.isfinite(array).all() for array in content.tensors.values())
    tally.expect(finite, f"{way}: the checkpoint holds what is not finite")


def _words(cause: str, epoch: int, batch: int) -> list[str]:
    """Gives what the message has to say, each batch and epoch counted from 1."""
    if cause == "gradient" and batch == BATCHES:
        return [f"y/kernel became NaN or infinite in epoch {epoch}", f"its last batch ({batch})"]
    if cause == "gradient":
        return [f"in epoch {epoch}, batch {batch + 1}: y/kernel", f"after batch {batch}"]
    named = {"data": ": x holds", "target": ": y holds", "loss": ""}
    return [f"in epoch {epoch}, batch {batch}{named[cause]}"]


PROMISES = [Promise("NaN never replaces a good checkpoint", spoil_a_batch, 4, 48)]
