"""What `zoo plugin check` runs in a process of its own: imports a plugin, and watches it do so.

It is given a job as JSON on stdin and the number of a pipe, into which it writes one JSON object
a line: `{"at": module}` before each import, a row for each thing that was checked, and
`{"done": true}`. With the name of a module goes the size that stderr has by then.
"""

import importlib
import json
import os
import signal
import sys
import time
from typing import Any

import keras

from zoo.components import did_you_mean
from zoo.errors import in_one_line
from zoo.plugins.probing import OTHERS
from zoo.testing.kinds import why_not
from zoo.testing.watching import Watch

_RELOADED = (
    "layers",
    "losses",
    "metrics",
    "optimizers",
    "initializers",
    "regularizers",
    "constraints",
    "activations",
    "schedules",
)
"""The kinds that stand in a saved model."""

_REGISTER = (
    "decorate it with @keras.saving.register_keras_serializable(package='your_package'); until "
    "then a saved model loads with custom_objects only"
)


class Probe:
    """Tries out what a plugin registers.

    Args:
        pipe: Where the report goes.
    """

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._watch = Watch()
        self._names: dict[str, tuple[str, Any]] = {}

    def run(self, job: dict[str, Any]) -> None:
        """Does a job, and reports on it."""
        for name in job["modules"]:
            self._begin(name)
            if self._import(name):
                for row in job["components"]:
                    if row["target"].partition(":")[0] == name:
                        self._component(row)
        for name in job["others"]:
            self._begin(f"{OTHERS} {name}")
            # A plugin that fails here has its own check to say so.
            _attempt(lambda name=name: importlib.import_module(name))
        self._still_the_same()
        self._say({"done": True})

    def _begin(self, what: str) -> None:
        self._say({"at": what, "stderr": os.fstat(2).st_size})

    def _import(self, name: str) -> bool:
        before, started = self._watch.state(), time.monotonic()
        error = _attempt(lambda: importlib.import_module(name))
        seconds = time.monotonic() - started
        if error is None:
            self._row(name, "import", "ok", f"{seconds:.1f} seconds")
        elif isinstance(error, SystemExit):
            remedy = "raise an exception instead of calling sys.exit, or do nothing at import"
            self._row(name, "import", "error", f"it calls sys.exit({error.code!r})", remedy)
        else:
            self._row(name, "import", "error", _worded(error), _remedy_for(error, name))
        for check, message, remedy in self._watch.changes(before):
            self._row(name, check, "warning", message, remedy)
        return error is None

    def _component(self, row: dict[str, Any]) -> None:
        module, _, path = row["target"].partition(":")
        try:
            target = _load(row["target"])
        except BaseException as error:  # noqa: BLE001  # a module's own __getattr__ may raise anything
            hint = did_you_mean(path, vars(sys.modules[module]), "define it, or correct the name")
            remedy = f"{hint}; the entry point stands in pyproject.toml"
            is_plain = isinstance(error, AttributeError)
            message = f"{module} has no {path}" + ("" if is_plain else f": {_worded(error)}")
            self._row(row["name"], "target", "error", message, remedy)
            return
        reason = why_not(row["kind"], target)
        if reason is not None:
            remedy = "name such a one in the entry point, or put it under the group of its kind"
            self._row(row["name"], "kind", "error", reason, remedy)
            return
        self._row(row["name"], "kind", "ok", f"one of the {row['kind']}")
        if row["kind"] in _RELOADED and not _is_keras(target):
            self._registration(row["name"], target)

    def _registration(self, name: str, target: Any) -> None:
        registered = keras.saving.get_registered_name(target)
        if keras.saving.get_registered_object(registered) is None:
            message = f"{registered} is not registered with Keras"
            self._row(name, "serialization", "warning", message, _REGISTER)
        elif self._is_found(name, registered, target):
            self._names[registered] = (name, target)
            self._row(name, "serialization", "ok", registered)

    def _still_the_same(self) -> None:
        """Looks whether another plugin has taken a name under which Keras saves a class."""
        for registered, (name, target) in self._names.items():
            self._is_found(name, registered, target)

    def _is_found(self, name: str, registered: str, target: Any) -> bool:
        found = keras.saving.get_registered_object(registered)
        if found is target:
            return True
        where = f"{found.__module__}.{found.__qualname__}"
        message = f"Keras knows {registered!r} as {where}: the last one registered wins"
        remedy = "register it with a `package` of its own, such as the name of the plugin's package"
        self._row(name, "serialization", "error", message, remedy)
        return False

    def _row(self, subject: str, check: str, result: str, message: str, remedy: str = "") -> None:
        row = {"subject": subject, "check": check, "result": result, "message": message}
        self._say({**row, "remedy": remedy})

    def _say(self, message: dict[str, Any]) -> None:
        data = json.dumps(message).encode() + b"\n"
        while data:
            data = data[os.write(self._pipe, data) :]


def _attempt(action: Any) -> BaseException | None:
    try:
        action()
    except BaseException as error:  # noqa: BLE001  # sys.exit() at import is not an Exception
        return error
    return None


def _worded(error: BaseException) -> str:
    try:
        said = in_one_line(error)
    except Exception:  # noqa: BLE001  # an exception's own __str__ may raise one
        said = ""
    return f"{type(error).__name__}: {said}".removesuffix(": ")


def _load(target: str) -> Any:
    module, _, path = target.partition(":")
    found = importlib.import_module(module)
    for name in path.split("."):
        found = getattr(found, name)
    return found


def _is_keras(target: Any) -> bool:
    return str(target.__module__).partition(".")[0] == "keras"


def _remedy_for(error: BaseException, module: str) -> str:
    if isinstance(error, EOFError):
        return "ask for nothing at import"
    if not isinstance(error, ModuleNotFoundError):
        return f"python -c 'import {module}' shows where it comes from"
    top = str(error.name).partition(".")[0]
    if top == module.partition(".")[0]:
        return "see that the module is there, and part of the wheel"
    return f"add {top} to the dependencies in its pyproject.toml, and install it again"


def main() -> None:
    """Does the job that stands on stdin."""
    job = json.load(sys.stdin)
    sys.stdin = open(os.devnull)  # noqa: SIM115  # for as long as the process lives
    # A shell's background jobs ignore SIGINT and hand that on: ignoring it would change nothing.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    Probe(int(sys.argv[1])).run(job)
    sys.stdout.flush()
    # Threads that the plugin has left behind do not keep it.
    os._exit(0)


if __name__ == "__main__":
    main()
