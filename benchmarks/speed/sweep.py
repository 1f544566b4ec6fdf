"""A sweep by two of Ray's workers against the same sweep one trial after the other."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from benchmarks.speed.timing import Act, Figure, in_words, paired_ratio, rounds_of

NAME, ANCHOR = "sweep of 8 trainings, 2 workers", "the same sweep without workers"
_CONFIG = """
zoo = 1
name = "swept"
loss = "mse"
[[inputs]]
name = "x"
shape = [512]
[[layers]]
name = "first"
type = "Dense"
units = 1024
activation = "relu"
[[layers]]
name = "second"
type = "Dense"
units = 1024
activation = "relu"
[[layers]]
name = "y"
type = "Dense"
units = 8
[optimizer]
type = "Adam"
[data]
type = "synthetic"
x_shape = [512]
y_shape = [8]
samples = 8192
[train]
epochs = 4
jit_compile = false
[sweep.values]
"optimizer.learning_rate" = [1e-3, 8e-4, 6e-4, 4e-4, 3e-4, 2e-4, 1e-4, 5e-5]
"""
_ONE_THREAD = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


def _swept(folder: Path, trained: list[float], *options: str) -> Act:
    """Gives a whole command, which also notes the seconds from the first training on."""
    environment = {**os.environ, **dict.fromkeys(_ONE_THREAD, "1"), "ZOO_ROOT": str(folder)}

    def sweep() -> None:
        with tempfile.TemporaryDirectory(dir=folder) as run:
            command = [sys.executable, "-m", "zoo", "sweep", "swept.toml", *options]
            subprocess.run(
                [*command, "--run", run],
                cwd=folder,
                env=environment,
                stdout=subprocess.DEVNULL,
                check=True,
            )
            begun = min(path.stat().st_mtime for path in Path(run).glob("trial-*/config.toml"))
            trained.append(time.time() - begun)

    return sweep


def measure(full: bool) -> Iterator[Figure]:
    """Times whole commands, and them without start-up; every training has one thread."""
    if find_spec("ray") is None:
        yield Figure(NAME, ANCHOR, None, 1.7, True, "Ray is not installed: pip install 'zoo[ray]'")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "registry.toml").write_text("format = 1\n")
        (folder / "swept.toml").write_text(_CONFIG)
        trained: dict[str, list[float]] = {"serial": [], "two workers": []}
        acts = {
            "serial": _swept(folder, trained["serial"]),
            "two workers": _swept(folder, trained["two workers"], "--workers", "2"),
        }
        whole = rounds_of(acts, 3 if full else 1, warm_up=0)
    for name, times in ((NAME, trained), (f"{NAME}, start-up and all", whole)):
        ratio = paired_ratio(times, "serial", "two workers")
        yield Figure(name, ANCHOR, ratio, 1.7, True, in_words(times))
