"""A config, a registry or weights make the zoo open, write and import nothing that is not its own.

Run as `python -m tests.faults.sandbox FOLDER check|load SEED`, it watches itself by an audit hook,
which Python never takes off again; hence the process of its own.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import importlib.util
import io
import json
import os
import pickle
import random
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.promise import Promise, Tally

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "tests" / "samples" / "bad"
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = (
    "os.remove",
    "os.rename",
    "os.mkdir",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.truncate",
)
_NEVER = (
    *("os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "subprocess.Popen"),
    *("socket.connect", "socket.bind", "socket.getaddrinfo", "pickle.find_class", "ctypes.dlopen"),
    *("marshal.load", "os.startfile", "webbrowser.open"),
)
# What the system itself is asked by libraries: number of processors, time zone, random numbers.
_SYSTEM = ("/proc/", "/sys/", "/dev/null", "/dev/urandom", "/etc/", "/usr/share/zoneinfo/")
# Keras's own settings, such as the usual layout of images; no config names that file.
_SETTINGS = (os.path.realpath(os.path.expanduser("~/.keras/keras.json")),)


@dataclass
class Watch:
    """What was done that no config may make us do.

    Attributes:
        own: The folders that may be read.
        writable: The folders that may be written, too.
        modules: The top-level modules that may be imported.
        offences: What was seen, while it looks.
        looking: Whether it looks.
    """

    own: list[str]
    writable: list[str]
    modules: set[str]
    offences: list[str] = field(default_factory=list)
    looking: bool = False

    def hook(self, event: str, args: tuple[Any, ...]) -> None:
        """Takes an event of Python's audit."""
        if not self.looking:
            return
        if event == "open":
            self._opened(*args)
        elif event in _CHANGES:
            for path in args[: 1 if event == "os.mkdir" else 2]:
                if isinstance(path, str | bytes | os.PathLike):
                    self._touched(path, self.writable, event)
        elif event == "import":
            self._imported(str(args[0]))
        elif event in _NEVER and not (event == "ctypes.dlopen" and args[0] is None):
            self.offences.append(f"{event} {args[:2]!r}")

    def _opened(self, path: Any, mode: Any, flags: Any) -> None:
        if not isinstance(path, str | bytes | os.PathLike):
            return  # a descriptor that is open already
        writes = bool(set(mode or "") & set("wax+")) or bool((flags or 0) & _WRITING)
        if writes:
            self._touched(path, self.writable, "open for writing")
        else:
            self._touched(path, [*self.own, *self.writable], "open")

    def _touched(self, path: Any, folders: list[str], event: str) -> None:
        place = os.path.realpath(os.fsdecode(path))
        reads = event == "open"
        if place == os.devnull or (reads and place in _SETTINGS):
            return
        if reads and place.startswith(_SYSTEM):
            return
        if not any(place == folder or place.startswith(folder + os.sep) for folder in folders):
            self.offences.append(f"{event} {place}")

    def _imported(self, name: str) -> None:
        top = name.partition(".")[0]
        if top not in self.modules and not top.startswith("_"):
            self.offences.append(f"import {name}")


def read_every_bad_input(count: int, seed: int, folder: Path) -> Tally:
    """Checks every bad input in a watched process, and with a count over 1 loads them too."""
    tally = Tally()
    what = "load" if count > 1 else "check"
    limits = {"OMP_NUM_THREADS": "2", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.sandbox", str(folder), what, str(seed)],
        cwd=ROOT,
        env={**os.environ, **limits, "ZOO_CACHE_DIR": str(folder / "cache")},
        capture_output=True,
        text=True,
        timeout=900,
    )
    if not tally.expect(done.returncode == 0, done.stderr[-1500:]):
        return tally
    report = json.loads(done.stdout.splitlines()[-1])
    tally.tried = report["tried"]
    tally.broken += report["offences"]
    missed = sorted(name for name, seen in report["controls"].items() if not seen)
    tally.expect(not missed, f"the watch does not see {missed}")
    tally.notes.append(
        f"{len(report['controls'])} offences on purpose, {len(missed)} of them missed"
    )
    tally.notes += report["notes"]
    return tally


def main(folder: Path, what: str, seed: int) -> dict[str, Any]:
    """Reads the bad inputs, and then offends on purpose."""
    roots, cases, notes = _cases()
    if what == "check":
        cases = [case for case in cases if case["startup"] == "light"]
    else:
        importlib.import_module("zoo.runtime.training")
    watch = Watch(_python_folders(), [str(folder / "cache")], _known_modules())
    random.Random(seed).shuffle(cases)
    published = folder / "published"
    if any(step["do"] == "published" for case in cases for step in case["setup"]):
        if what == "load":
            roots.publish_base(published)
        else:
            cases = [c for c in cases if all(s["do"] != "published" for s in c["setup"])]
    _run(["list", "models"], folder, watch)  # what any command imports
    _app("check")
    _app("verify")
    sys.addaudithook(watch.hook)
    offences: list[str] = []
    for number, case in enumerate(cases):
        root = roots.Root(
            folder / f"{number}" / "root", folder / f"{number}" / "outside", published
        )
        root.fill(case)
        with _as_case(watch, root):
            for arguments in case["run"]:
                status = _run(arguments, root.path, watch)
                if status:
                    break
        offences += [f"{case['id']}: {text}" for text in watch.offences]
        watch.offences.clear()
        shutil.rmtree(root.path.parent)
    controls = _controls(watch, folder)
    return {"tried": len(cases), "offences": offences, "controls": controls, "notes": notes}


def _cases() -> tuple[Any, list[dict[str, Any]], list[str]]:
    spec = importlib.util.spec_from_file_location("bad_roots", ROOT / "tests/bad_inputs/roots.py")
    assert spec is not None
    assert spec.loader is not None
    roots = importlib.util.module_from_spec(spec)
    sys.modules["bad_roots"] = roots
    spec.loader.exec_module(roots)
    notes = [] if roots.CASES else ["../shared/bad_inputs is not there"]
    samples = [_as_a_case(path) for path in sorted(SAMPLES.glob("*.toml"))]
    return roots, [*roots.CASES, *samples], notes


def _as_a_case(path: Path) -> dict[str, Any]:
    steps = [{"do": "text", "file": "case.toml", "text": path.read_text(encoding="utf-8")}]
    registry = path.with_suffix(".registry")
    if registry.exists():
        text = registry.read_text(encoding="utf-8")
        steps.append({"do": "text", "file": "registry.toml", "text": text})
    run = [["check", "case.toml", "--json"]]
    return {"id": path.stem, "file": None, "setup": steps, "startup": "light", "run": run}


@contextlib.contextmanager
def _as_case(watch: Watch, root: Any) -> Iterator[None]:
    site = root.env.get("PYTHONPATH")
    before, environment = list(sys.path), dict(os.environ)
    modules = set(watch.modules)
    os.environ.update(root.env)
    watch.writable.append(os.path.realpath(root.path))
    if site:
        sys.path.insert(0, site)
        watch.modules |= {path.stem for path in Path(site).iterdir()}
    try:
        yield
    finally:
        sys.path[:] = before
        watch.modules = modules
        watch.writable.pop()
        os.environ.clear()
        os.environ.update(environment)


@functools.cache
def _app(name: str) -> Any:
    """Gives the command line with one command, as `zoo` makes it."""
    from zoo.cli.app import app_with

    return app_with([name])


def _run(arguments: list[str], folder: Path, watch: Watch) -> int:
    """Runs a command with the watch on, and gives its exit status."""
    from typer.testing import CliRunner

    os.chdir(folder)
    watch.looking = True
    try:
        return int(CliRunner().invoke(_app(arguments[0]), arguments).exit_code)
    finally:
        watch.looking = False


def _python_folders() -> list[str]:
    """Gives the folders of Python, of what is installed, and of editable sources."""
    places = [sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), *filter(None, sys.path)]
    for distribution in importlib.metadata.distributions():
        if direct := distribution.read_text("direct_url.json"):
            places.append(json.loads(direct)["url"].removeprefix("file://"))
    return sorted({os.path.realpath(place) for place in places} - {os.path.realpath(os.sep)})


def _known_modules() -> set[str]:
    installed = importlib.metadata.packages_distributions()
    own = {"tests", "bad_roots", "zoo", "zoo_localization", "zoo_diagnostics", "zoo_weighted_loss"}
    own.add("linkify_it")  # which markdown-it looks for, and does without
    return {*sys.stdlib_module_names, *sys.builtin_module_names, *installed, *own, *sys.modules}


def _controls(watch: Watch, folder: Path) -> dict[str, bool]:
    """Offends in every way that is watched for, and tells which were seen."""
    outside = Path(tempfile.mkdtemp(dir=folder, prefix="outside-"))
    stray = outside / "stray_module.py"
    stray.write_text("value = 1\n")
    offences: dict[str, Callable[[], Any]] = {
        "read": stray.read_text,
        "write": lambda: (outside / "new").write_text("x"),
        "append": lambda: os.close(os.open(outside / "new", os.O_WRONLY | os.O_APPEND)),
        "rename": lambda: (outside / "new").rename(outside / "newer"),
        "remove": lambda: (outside / "newer").unlink(),
        "mkdir": lambda: (outside / "folder").mkdir(),
        "pickle": lambda: pickle.load(io.BytesIO(b"cos\ngetcwd\n.")),
        "process": lambda: subprocess.run(["true"], check=True),
        "system": lambda: os.system("true"),
        "connect": lambda: socket.socket(socket.AF_UNIX).connect(str(outside / "no")),
        "import": lambda: importlib.import_module("stray_module"),
    }
    sys.path.append(str(outside))
    seen = {}
    for name, offend in offences.items():
        watch.looking = True
        with contextlib.suppress(OSError):
            offend()
        watch.looking = False
        seen[name] = bool(watch.offences)
        watch.offences.clear()
    return seen


PROMISES = [
    Promise("no file makes us open, write or import what is not ours", read_every_bad_input, 1, 2),
]


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):
        report = main(Path(sys.argv[1]).resolve(), sys.argv[2], int(sys.argv[3]))
    print(json.dumps(report))
