"""A training that was cut off anywhere, and goes on, ends as the one without a break."""

from __future__ import annotations

import itertools
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import zoo
from tests.faults.promise import Promise, Tally
from tests.faults.zoos import MODELS, make_zoo, with_keras
from tests.runs import differences
from zoo.runs import Run, open_run

LOOPS = ("fit", "gradient_tape")
_MOST_SECONDS = 300


def resume_anywhere(count: int, seed: int, folder: Path) -> Tally:
    """Cuts each model's training off at several moments, and goes on in another process."""
    chooser, tally = random.Random(seed), Tally()
    root = make_zoo(folder / "zoo")
    loops = LOOPS if count > 1 else LOOPS[seed % 2 :][:1]
    moments = 0
    for model, loop in itertools.product(MODELS, loops):
        place = root / f"{model}-{loop}"
        if not _done(root, _train_and_copy, model, loop, place):
            tally.broken.append(f"{model}, {loop}: the training itself failed")
            continue
        copies = sorted(place.glob("cut-*"), key=lambda path: int(path.name.split("-")[1]))
        moments += len(copies)
        chosen = chooser.sample(copies, min(count, len(copies)))
        done = _done(root, _go_on, model, loop, chosen)
        for copy in chosen:
            with tally.trial(f"{model}, {loop}, {copy.name}"):
                differing = differences(open_run(copy), open_run(place / "whole"))
                tally.expect(not differing, f"{model}, {loop}, {copy.name}: {differing[:3]}")
        tally.expect(done, f"{model}, {loop}: a resumed training failed")
    tally.notes.append(f"out of {moments} moments: after each batch, each save, each history")
    return tally


def _done(root: Path, work: Callable[..., None], *arguments: Any) -> bool:
    process = with_keras(root.parent, work, root, *arguments)
    process.start()
    process.join(_MOST_SECONDS)
    process.kill()
    return bool(process.exitcode == 0)


def _train(root: Path, model: str, loop: str, folder: Path, *, resume: bool = False) -> None:
    file, overrides = MODELS[model]
    wanted = root / file if file.endswith(".toml") else file
    zoo.train(
        wanted,
        {**overrides, "train.loop": loop},
        zoo=root,
        folder=folder,
        resume=resume,
        quiet=True,
    )


def _train_and_copy(root: Path, model: str, loop: str, place: Path) -> None:
    """Trains, and copies the run's folder wherever a kill could leave it as it is then."""
    from zoo.runtime import checkpoint
    from zoo.runtime.recorder import Recorder

    numbers = itertools.count()

    def copying(function: Callable[..., Any], name: str) -> Callable[..., Any]:
        def copy_after(*args: Any, **kwargs: Any) -> Any:
            result = function(*args, **kwargs)
            shutil.copytree(place / "whole", place / f"cut-{next(numbers)}-{name}")
            return result

        return copy_after

    patched: list[tuple[Any, str]] = [
        (Recorder, "on_train_batch_end"),
        (checkpoint, "save"),
        (Run, "write_history"),
    ]
    for owner, name in patched:
        setattr(owner, name, copying(getattr(owner, name), name))
    _train(root, model, loop, place / "whole")


def _go_on(root: Path, model: str, loop: str, copies: list[Path]) -> None:
    for copy in copies:
        _train(root, model, loop, copy, resume=True)


PROMISES = [
    Promise("a resumed run equals the uninterrupted one, bit for bit", resume_anywhere, 1, 10),
]
