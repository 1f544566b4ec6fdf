"""What every command does around its own work: errors, exit status, JSON, clean stdout."""

import contextlib
import functools
import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ParamSpec

import typer

from zoo.errors import Finding, ZooError, printable
from zoo.files import storage_error
from zoo.progress import is_quiet, on_a_terminal, quietly
from zoo.runtime.signals import interruptible, leaving_on_signals, stopped_by

if TYPE_CHECKING:
    from rich.console import Console

MOST_FINDINGS = 20
_NO_WINDOW = 100_000
"""Columns where there is no window that a line has to fit."""

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command has to say.

    Attributes:
        document: What `--json` prints.
        text: The same for a person, or what prints it.
        exit_status: 0, unless the answer is that something is wrong.
    """

    document: Any
    text: str | Callable[["Console"], None]
    exit_status: int = 0


def command(function: Callable[P, Answer]) -> Callable[P, None]:
    """Turns a function that answers into a command.

    Whatever the function and the plugins it runs print goes to stderr; stdout has the answer and
    nothing else. A `ZooError` becomes its findings and its exit status; anything else is a defect
    of ours, and is shown in one line unless `--debug` is given.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        debug, as_json = bool(kwargs.get("debug")), bool(kwargs.get("as_json"))
        if not debug:
            os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        try:
            with interruptible(), _stdout_on_stderr(), quietly(bool(kwargs.get("quiet"))):
                answer = function(*args, **kwargs)
            _print(answer, as_json)
            status = answer.exit_status
        except ZooError as error:
            if debug:
                traceback.print_exc()
            report(error.findings, as_json=as_json)
            status = error.exit_status
        except KeyboardInterrupt as interrupt:
            stopped = stopped_by(interrupt)
            report(stopped.findings, as_json=as_json)
            status = stopped.exit_status
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except Exception as error:  # noqa: BLE001  # no user ever sees a traceback unasked
            status = _unexpected(error, debug=debug, as_json=as_json)
        raise typer.Exit(status)

    return run


def import_keras(*, quietly: bool, said: bool = False) -> None:
    """Imports Keras, without what TensorFlow writes past Python to stderr at its import.

    Args:
        quietly: Whether what it writes is left out; otherwise Keras is imported later.
        said: Whether a log is told too, and not only whoever sits before a terminal.
    """
    # What follows writes past Python as well, and takes seconds: it is said before.
    if (said or on_a_terminal()) and not is_quiet() and "keras" not in sys.modules:
        print("starting TensorFlow ...", file=sys.stderr, flush=True)
    if not quietly:
        return
    sys.stderr.flush()
    with _stderr_on(os.devnull) as stderr, leaving_on_signals(stderr):
        importlib.import_module("keras")


@contextlib.contextmanager
def _stderr_on(file: str) -> Iterator[int]:
    kept = os.dup(2)
    nowhere = os.open(file, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield kept
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def report(findings: Sequence[Finding], *, as_json: bool) -> None:
    """Prints findings for a person on stderr, and for a program on stdout.

    At most 20 are printed, errors before warnings, and how many there are besides.
    """
    findings = sorted(findings, key=lambda finding: finding.severity)
    shown, more = findings[:MOST_FINDINGS], max(len(findings) - MOST_FINDINGS, 0)
    if as_json:
        print_json(findings_document(findings))
    for finding in shown:
        print(finding, file=sys.stderr)
    if more:
        print(f"... and {more} more", file=sys.stderr)


def findings_document(findings: Sequence[Finding]) -> dict[str, Any]:
    """Gives the JSON document of a check."""
    errors = [finding for finding in findings if finding.severity == "error"]
    warnings = [finding for finding in findings if finding.severity == "warning"]
    document: dict[str, Any] = {
        "ok": not errors,
        "errors": [finding.to_json() for finding in errors[:MOST_FINDINGS]],
        "warnings": [finding.to_json() for finding in warnings[:MOST_FINDINGS]],
    }
    if len(errors) > MOST_FINDINGS:
        document["more"] = len(errors) - MOST_FINDINGS
    return document


def print_json(document: Any) -> None:
    """Prints one JSON document."""
    print(json.dumps(document, indent=2, default=str), flush=True)


def _print(answer: Answer, as_json: bool) -> None:
    if sys.stdout is None:  # closed by the caller
        return
    if as_json:
        print_json(answer.document)
    elif isinstance(answer.text, str):
        print("\n".join(map(printable, answer.text.split("\n"))), flush=True)
    else:
        from rich.console import Console

        # In a pipe or a file, nothing is cut off to fit a window.
        width = None if sys.stdout.isatty() else _NO_WINDOW
        answer.text(Console(width=width, soft_wrap=True, highlight=False))


def _unexpected(error: Exception, *, debug: bool, as_json: bool) -> int:
    if debug:
        traceback.print_exc()
    if (full := storage_error("the command failed", error)) is not None:
        report(full.findings, as_json=as_json)
        return full.exit_status
    message = f"{type(error).__name__}: {error}"
    hint = "this is a defect of zoo; run again with --debug and report what it shows"
    report([Finding("defect", message, suggestion=hint)], as_json=as_json)
    return 1


@contextlib.contextmanager
def _stdout_on_stderr() -> Iterator[None]:
    # The descriptor too: libraries and child processes write past Python.
    try:
        sys.stdout.flush()
        kept = os.dup(1)
        os.dup2(2, 1)
    except (OSError, AttributeError):  # stdout or stderr is closed
        kept = None
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        if kept is not None:
            os.dup2(kept, 1)
            os.close(kept)
