"""What becomes of files that are written and read as usual, where the zoo's are whole or refused.

Run: `python -m benchmarks.unsafe_files`. It prints the figures of docs/explanation.md; the same
faults against the zoo's own files are in `make test-faults`. It takes some minutes, since each kill
costs a start of Keras.
"""

import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import time
import tomllib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from safetensors.numpy import load_file, save_file

import zoo
from tests.faults.architectures import CONFIG, WRONG

FLIPS, SAVES, INDEX_KILLS, WRITERS = 50, 30, 200, 64
UNITS = 3_500
"""A square of so many weights is 49 MB."""

_SAVER = """
import sys, time
import keras
import numpy as np
from benchmarks.unsafe_files import UNITS, large_model, saved
from pathlib import Path

model, kind, file = large_model(), sys.argv[1], Path(sys.argv[2])
for number in (1.0, 2.0):
    model.layers[-1].kernel.assign(np.full((UNITS, UNITS), number, "float32"))
    began = time.perf_counter()
    print("saving", flush=True)
    saved(model, kind, file)
    print(time.perf_counter() - began, flush=True)
time.sleep(60)
"""
_PLAIN_WRITER = """
import sys
entries = "".join(f'[[weights]]\\nname = "m"\\nversion = "1.{n}.0"\\n' for n in range(5000))
while True:
    for path in sys.argv[1:]:
        print("", flush=True)
        with open(path, "w") as file:
            file.write(entries)
"""


def large_model() -> Any:
    """Makes a model of one layer of 49 MB."""
    return keras.Sequential([keras.Input((UNITS,)), keras.layers.Dense(UNITS, use_bias=False)])


def saved(model: Any, kind: str, file: Path) -> None:
    """Saves a model in one of Keras's ways, over what is there."""
    model.save_weights(file) if kind == "weights.h5" else model.save(file)


def flipped_bits(folder: Path) -> None:
    """Counts the files with one flipped bit that are loaded without a word."""
    model, draw = large_model(), random.Random(0)
    h5, tensors = folder / "m.weights.h5", folder / "m.safetensors"
    model.save_weights(h5)
    save_file({"kernel": np.asarray(model.layers[-1].kernel)}, tensors)
    readers: dict[Path, Callable[[Path], Any]] = {h5: model.load_weights, tensors: load_file}
    for file, read in readers.items():
        silent = 0
        for _ in range(FLIPS):
            place, bit = draw.randrange(file.stat().st_size), 1 << draw.randrange(8)
            _flip(file, place, bit)
            silent += _passes(read, file)
            _flip(file, place, bit)
        print(f"one flipped bit in {file.suffixes}: {silent} of {FLIPS} loaded without a word")


def wrong_graphs(folder: Path) -> None:
    """Counts the models of another graph that take a model's weights."""
    (folder / "registry.toml").write_text("format = 1\n")
    file = folder / "m.weights.h5"
    _built(folder, CONFIG).save_weights(file)
    accepted = 0
    for changes, _ in WRONG.values():
        text = CONFIG
        for old, new in changes:
            text = text.replace(old, new, 1)
        accepted += _passes(_built(folder, text).load_weights, file)
    print(f"another graph: {accepted} of {len(WRONG)} took the weights")


def killed_saves(folder: Path) -> None:
    """Counts the saves over a good file that a kill makes unreadable."""
    draw = random.Random(0)
    for kind in ("weights.h5", "keras"):
        lost = 0
        for number in range(SAVES):
            file = folder / f"{number}.{kind}"
            command = [sys.executable, "-c", _SAVER, kind, str(file)]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
                assert child.stdout is not None
                _, seconds, _ = (child.stdout.readline() for _ in range(3))
                time.sleep(draw.uniform(0, 0.9 * float(seconds)))
                child.kill()
            lost += not _passes(_whole, file)
            file.unlink(missing_ok=True)
        print(f"killed while it saves over a good .{kind}: {lost} of {SAVES} lost")


def killed_index(folder: Path) -> None:
    """Counts the kills of a plain writer that leave an index with fewer entries."""
    file, draw = folder / "index.toml", random.Random(0)
    parsed = broken = 0
    for _ in range(INDEX_KILLS):
        command = [sys.executable, "-c", _PLAIN_WRITER, str(file)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            for _ in range(3):
                child.stdout.readline()
            time.sleep(draw.uniform(0, 0.002))
            child.kill()
        try:
            parsed += len(tomllib.loads(file.read_text()).get("weights", ())) < 5000
        except tomllib.TOMLDecodeError:
            broken += 1
    print(
        f"killed while it writes an index: {parsed} of {INDEX_KILLS} parse and lack entries, ",
        end="",
    )
    print(f"{broken} do not parse")


def writers_at_once(folder: Path) -> None:
    """Counts the entries that are left where each writer reads, adds its own and writes."""
    file = folder / "shared.toml"
    file.write_text("")
    start = multiprocessing.Barrier(WRITERS)
    writers = [multiprocessing.Process(target=_add, args=(file, n, start)) for n in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    print(f"{WRITERS} writers at once: {file.read_text().count('[[weights]]')} entries left")


def _add(file: Path, number: int, start: Any) -> None:
    start.wait()
    text = file.read_text()
    file.write_text(f'{text}[[weights]]\nversion = "1.{number}.0"\n')


def _built(folder: Path, text: str) -> Any:
    (folder / "m.toml").write_text(text)
    return zoo.build(folder / "m.toml")


def _flip(file: Path, place: int, bit: int) -> None:
    with file.open("r+b") as stream:
        stream.seek(place)
        byte = stream.read(1)[0]
        stream.seek(place)
        stream.write(bytes([byte ^ bit]))


def _whole(file: Path) -> None:
    model = large_model()
    if file.suffix == ".keras":
        model = keras.saving.load_model(file)
    else:
        model.load_weights(file)
    kernel = np.asarray(model.layers[-1].kernel)
    assert kernel.max() == kernel.min()
    assert kernel[0, 0] in (1.0, 2.0)


def _passes(act: Callable[[Path], Any], file: Path) -> bool:
    try:
        act(file)
    except Exception:  # noqa: BLE001  # a file may break a reader in any way
        return False
    return True


def main() -> None:
    """Prints a line for each way in which files are lost."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as name:
        for measure in (writers_at_once, killed_index, wrong_graphs, flipped_bits, killed_saves):
            measure(Path(name))


if __name__ == "__main__":
    main()
