"""A plugin tried out in a process of its own, which may hang, leave or die without harm."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from zoo.catalog.discovery import CORE
from zoo.catalog.modules import package_folder
from zoo.components import ARGUMENT_KINDS, KINDS, MODELS, Component
from zoo.config.reader import read_toml
from zoo.errors import ZooError
from zoo.plugins.declared import rows_of_metadata
from zoo.plugins.installed import Plugin
from zoo.rows import Row

_PROBE = "zoo.testing.probe"
_PROBE_OF_RULES = "zoo.plugins.rules_probe"
OTHERS = "besides"
"""Stands before the name of a module when the probe imports one of another plugin."""

_START_SECONDS = 300.0
"""How long importing Keras may take, which is no plugin's fault."""

_LOOK_SECONDS = 0.1
_MOST_AT_ONCE = 1 << 16


def probe(
    plugin: Plugin,
    others: Sequence[Plugin],
    timeout: float,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Row]:
    """Imports all that a plugin registers, elsewhere, and reports what came of it.

    Args:
        plugin: The plugin.
        others: The other plugins, whose classes Keras must be able to tell from its own.
        timeout: The most seconds for one module.
        progress: Told which module is next.

    Returns:
        What was checked.
    """
    rows = [*rows_of_metadata(plugin)]
    rows += [
        _row_of_model(row) for row in plugin.rows if row.kind == MODELS and row.status != "broken"
    ]
    targets: Sequence[Component] = [
        row
        for row in plugin.rows
        if row.kind in (*KINDS, *ARGUMENT_KINDS) and row.status != "broken"
    ]
    elsewhere = [
        _module(row)
        for other in others
        if other.name not in (plugin.name, CORE) and not other.disabled
        for row in other.rows
        if row.status != "broken" and row.kind in KINDS
    ]
    elsewhere = list(dict.fromkeys(elsewhere))
    rules = [rule for rule in plugin.shape_rules if rule.status != "broken"]
    for program, wanted in ((_PROBE, targets), (_PROBE_OF_RULES, rules)):
        modules = list(dict.fromkeys(_module(row) for row in wanted))
        while modules:
            components = [row.to_json() for row in wanted]
            job = {"components": components, "modules": modules, "others": elsewhere}
            found, failed = _run(program, job, timeout, progress)
            rows += [*found, failed] if failed is not None else found
            if failed is None or failed.subject not in modules:
                break
            # What stopped the process is not tried again; what comes after it gets a new one.
            modules = modules[modules.index(failed.subject) + 1 :]
    return rows


def _module(row: Component) -> str:
    return row.target.partition(":")[0]


def _row_of_model(row: Component) -> Row:
    package = _module(row)
    folder = package_folder(package)
    file = folder / f"{row.name}.toml" if folder is not None else None
    if file is None or not file.is_file():
        message = f"{package} has no {row.name}.toml"
        remedy = "put the file into that package, and see that it is part of the wheel"
        return Row(row.name, "model", "error", message, remedy)
    try:
        name = read_toml(file).get("name")
    except ZooError as error:
        return Row(row.name, "model", "error", error.findings[0].message, f"zoo check {file}")
    if name != row.name:
        message = f"{file.name} is registered as {row.name!r} and called {name!r}"
        return Row(row.name, "model", "error", message, f'write name = "{row.name}" in it')
    return Row(row.name, "model", "ok", str(file))


def _run(
    program: str, job: dict[str, Any], timeout: float, progress: Callable[[str], None]
) -> tuple[list[Row], Row | None]:
    """Runs a probe, until it is done or has to be stopped."""
    rows: list[Row] = []
    at_work, deadline = "", time.monotonic() + _START_SECONDS
    said_before = 0
    with tempfile.TemporaryDirectory(prefix="zoo-probe-") as folder:
        with _process(program, job, Path(folder)) as (process, pipe):
            for line in _lines(process, pipe):
                if line is None:
                    if time.monotonic() > deadline:
                        return rows, _failed(at_work, f"it still runs after {timeout:g} seconds")
                    continue
                message = json.loads(line)
                if "done" in message:
                    return rows, None
                if "at" in message:
                    at_work, deadline = message["at"], time.monotonic() + timeout
                    said_before = message.get("stderr", 0)
                    progress(at_work)
                else:
                    rows.append(Row(**message))
            status = process.wait()
        how = f"by signal {-status}" if status < 0 else f"with status {status}"
        return rows, _failed(
            at_work, f"it ends the process {how}{_last_words(Path(folder), said_before)}"
        )


def _failed(at_work: str, message: str) -> Row:
    if at_work.startswith(OTHERS):
        remedy = (
            "`zoo plugin check` the plugin that has it; whether two plugins save classes under the "
            "same name was not looked at"
        )
        return Row(at_work.removeprefix(f"{OTHERS} "), "import", "warning", message, remedy)
    remedy = "do nothing at import but define; a longer wait is given by --timeout"
    return Row(at_work or "the probe", "import", "error", message, remedy)


@contextlib.contextmanager
def _process(
    program: str, job: dict[str, Any], folder: Path
) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    work = folder / "work"
    work.mkdir()
    read, write = os.pipe()
    path = [str(Path(entry).absolute()) for entry in sys.path if entry]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    with (folder / "stdout").open("w+b") as out, (folder / "stderr").open("w+b") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", program, str(write)],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=err,
            cwd=work,
            env=environment,
            pass_fds=[write],
            start_new_session=True,
        )
    os.close(write)
    try:
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(json.dumps(job).encode())
        yield process, read
    finally:
        os.close(read)
        # What the plugin itself has started goes too.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _lines(process: "subprocess.Popen[bytes]", pipe: int) -> Iterator[bytes | None]:
    """Gives each line that the probe writes, and None now and then while it writes nothing."""
    kept = b""
    while True:
        ready, _, _ = select.select([pipe], [], [], _LOOK_SECONDS)
        if not ready:
            if process.poll() is not None:
                return  # what it has started keeps the pipe open
            yield None
            continue
        data = os.read(pipe, _MOST_AT_ONCE)
        if not data:
            return
        *whole, kept = (kept + data).split(b"\n")
        yield from whole


def _last_words(folder: Path, start: int) -> str:
    text = (folder / "stderr").read_bytes()[start:].decode("utf-8", "replace")
    last = text.strip().splitlines()[-1:]
    return f": {last[0][:200]}" if last else ""
