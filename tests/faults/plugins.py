"""A plugin that is broken, in whatever way, is named where it is used and costs nobody else."""

from __future__ import annotations

import json
import os
import random
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from typer.testing import CliRunner

from tests.distributions import write_distribution
from tests.faults.promise import Promise, Tally
from tests.faults.zoos import make_zoo, on_path
from zoo.cli.app import app_with

FINE = """
import keras
class Odd(keras.layers.Layer):
    pass
    def call(self, inputs):
        return inputs
"""
USER = """
zoo = 1
name = "user"
[[inputs]]
name = "x"
shape = [4]
[[layers]]
name = "odd"
type = "Odd"
[loss]
type = "mse"
"""
_POINTS = {"zoo.layers": {"Odd": "odd_mod:Odd"}}


@dataclass(frozen=True)
class Breakage:
    """One way to be broken.

    Attributes:
        module: What stands in its module.
        points: Its entry points; bytes are written as they are.
        listed: Whether a listing, which imports nothing, can tell that it is broken.
        status: What a command that uses it ends with.
        says: What that command says.
        twist: What is done to the folder of its metadata.
    """

    module: str = FINE
    points: dict[str, dict[str, str]] | bytes = field(default_factory=lambda: _POINTS)
    listed: bool = False
    status: int = 5
    says: str = "zoo-odd"
    twist: Callable[[Path], None] | None = None


def _a_folder(info: Path) -> None:
    (info / "entry_points.txt").unlink()
    (info / "entry_points.txt").mkdir()


def _metadata_not_text(info: Path) -> None:
    (info / "METADATA").write_bytes(b"\xff\xfe\x00Name: zoo-odd\n")


def _metadata_a_folder(info: Path) -> None:
    (info / "METADATA").unlink()
    (info / "METADATA").mkdir()


_HUGE = b"[zoo.layers]\n" + b"".join(b"N%d = json:N\n" % n for n in range(700_000))
BREAKAGES = {
    "import error": Breakage("raise RuntimeError('no compiler')\n", says="no compiler"),
    "sys.exit at import": Breakage("import sys\nsys.exit(0)\n", says="SystemExit"),
    "os._exit at import": Breakage("import os\nos._exit(0)\n", says="os._exit(0)"),
    "missing attribute": Breakage("import keras\n", says="Odd"),
    "missing module": Breakage(points={"zoo.layers": {"Odd": "no_such:Odd"}}, listed=True),
    "not a class": Breakage("Odd = 3\n", says="not callable"),
    "another kind": Breakage("class Odd:\n    pass\n", says="not a class of keras.Layer"),
    "constructor raises": Breakage(
        FINE.replace("    pass", "    def __init__(self, **k):\n        raise OSError('no disk')"),
        says="no disk",
    ),
    "constructor gives another": Breakage(
        FINE.replace("    pass", "    def __new__(cls, **k):\n        return 3"), says="Odd"
    ),
    "output at import": Breakage(f"print('hello')\n{FINE}", status=0, says=""),
    "global state": Breakage(
        "import os, random, signal\nos.chdir('/')\nrandom.seed(0)\n"
        f"signal.signal(signal.SIGINT, signal.SIG_IGN)\n{FINE}",
        status=0,
        says="",
    ),
    "garbled entry points": Breakage(points=b"[zoo.layers\nOdd", listed=True, status=2, says="Odd"),
    "entry points not text": Breakage(
        points=b"[zoo.layers]\nOdd = \xff\xfe:Odd\n", listed=True, status=2, says="Odd"
    ),
    "entry points are a folder": Breakage(twist=_a_folder, status=2, says="Odd"),
    "entry points of 10 MB": Breakage(points=_HUGE, status=2, says="Odd"),
    "entry points with CRLF": Breakage(
        points=b"[zoo.layers]\r\nOdd = odd_mod:Odd\r\n", status=0, says=""
    ),
    "metadata not text": Breakage(twist=_metadata_not_text, status=0, says=""),
    "metadata is a folder": Breakage(twist=_metadata_a_folder, status=0, says=""),
}


def install_what_is_broken(count: int, seed: int, folder: Path) -> Tally:
    """Has a broken plugin installed while others are used, then uses it."""
    chooser, tally = random.Random(seed), Tally()
    root = make_zoo(folder / "zoo", user=USER)
    names = list(BREAKAGES) if count >= len(BREAKAGES) else chooser.sample(list(BREAKAGES), count)
    before = os.getcwd()
    os.chdir(root)
    try:
        for number, name in enumerate(names):
            site = folder / f"site-{number}"
            breakage = BREAKAGES[name]
            info = write_distribution(
                site, "zoo-odd", breakage.points, {"odd_mod.py": breakage.module}
            )
            if breakage.twist is not None:
                breakage.twist(info)
            with tally.trial(name), on_path(site):
                _use_the_others(tally, name, breakage, root / f"run-{number}")
                _use_it(tally, name, breakage, root)
    finally:
        os.chdir(before)
    return tally


def _use_the_others(tally: Tally, name: str, breakage: Breakage, run: Path) -> None:
    short = ["--set", "train.epochs=1", "--set", 'optimizer.type="SGD"', "--quiet"]
    train = ["train", "dense.toml", "--run", str(run), *short]
    commands = (["list", "layers"], ["show", "Dense"], ["check", "dense.toml"])
    for arguments in (*commands, ["build", "dense.toml"], train):
        status, document, _ = _called(arguments)
        tally.expect(status == 0 and document is not None, f"{name}: {arguments[0]} ends {status}")
    status, document, _ = _called(["plugin", "list"])
    odd = [row for row in document or [] if row["name"] == "zoo-odd"]
    tally.expect(status == (5 if breakage.listed else 0), f"{name}: plugin list ends {status}")
    if breakage.listed and tally.expect(odd, f"{name}: plugin list does not have it"):
        told = odd[0]["status"] == "broken" and odd[0]["problems"][0]["reason"]
        tally.expect(told, f"{name}: plugin list gives no reason")


def _use_it(tally: Tally, name: str, breakage: Breakage, root: Path) -> None:
    handler = signal.getsignal(signal.SIGINT)
    status, document, said = _called(["build", "user.toml"])
    what = f"{name}: to use it ends {status}: {said[-300:]}"
    tally.expect(status == breakage.status and document is not None, what)
    tally.expect(breakage.says in said, what)
    tally.expect("Traceback" not in said, what)
    tally.expect(signal.getsignal(signal.SIGINT) is handler, f"{name}: SIGINT is handled otherwise")
    tally.expect(Path.cwd() == root.resolve(), f"{name}: the current folder is another")


def _called(arguments: list[str]) -> tuple[int, object, str]:
    """Calls a command, and gives its status, the one document on stdout, and all it said."""
    done = CliRunner().invoke(app_with(arguments[:1]), [*arguments, "--json"])
    try:
        document = json.loads(done.stdout)
    except ValueError:
        document = None
    return done.exit_code, document, done.stdout + done.stderr


PROMISES = [
    Promise("a broken plugin is named and harmless to the rest", install_what_is_broken, 4, 18),
]
