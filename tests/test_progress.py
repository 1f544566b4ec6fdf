"""What is shown of something that takes long: a bar to a person, lines to a log, or nothing."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

from zoo.progress import QUIET, is_quiet, progress, quietly


@pytest.fixture(autouse=True)
def _not_quiet(monkeypatch):
    monkeypatch.delenv(QUIET, raising=False)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr("zoo.progress._PATIENCE", 0.0)


def let_it_begin():
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join()


def test_what_takes_less_than_a_second_shows_nothing(capsys):
    with progress("counting", 10) as advance:
        for _ in range(10):
            advance()
    assert capsys.readouterr() == ("", "")
    assert not any(isinstance(thread, threading.Timer) for thread in threading.enumerate())


@pytest.mark.usefixtures("impatient")
def test_a_log_gets_a_line_each_tenth_and_one_at_the_end_on_stderr(capsys):
    with progress("counting", 100) as advance:
        let_it_begin()
        for _ in range(50):
            advance(2)
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert lines[0] == "counting ..."
    assert [line.partition(",")[0] for line in lines[1:-1]] == [
        f"counting: {tenth}0 %" for tenth in range(1, 10)
    ]
    assert lines[1].endswith(" left")
    assert lines[-1].startswith("counting: ")
    assert lines[-1].endswith(" s")


@pytest.mark.usefixtures("impatient")
def test_what_has_no_known_end_says_that_it_began_and_how_long_it_took(capsys):
    with progress("waiting") as advance:
        let_it_begin()
        advance()
    begun, ended = capsys.readouterr().err.splitlines()
    assert (begun, ended.endswith(" s")) == ("waiting ...", True)


@pytest.mark.usefixtures("impatient")
def test_an_error_ends_it_and_goes_on(capsys):
    def fail():
        let_it_begin()
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"), progress("waiting"):
        fail()
    assert len(capsys.readouterr().err.splitlines()) == 2


@pytest.mark.usefixtures("impatient")
def test_nothing_is_shown_quietly_and_other_processes_are_told(capsys):
    with quietly():
        with progress("counting", 2) as advance:
            let_it_begin()
            advance(2)
        told = subprocess.run(
            [sys.executable, "-c", "from zoo.progress import is_quiet; print(is_quiet())"],
            capture_output=True,
            text=True,
            check=True,
        )
    assert told.stdout == "True\n"
    assert capsys.readouterr().err == ""
    assert not is_quiet()


def test_quiet_stays_as_it_was_around(monkeypatch):
    monkeypatch.setenv(QUIET, "1")
    with quietly(False):
        assert is_quiet()
    with quietly():
        pass
    assert os.environ[QUIET] == "1"


@pytest.mark.parametrize(("options", "seen"), [("", "30/40"), (", of_bytes=True", "30/40 bytes")])
def test_a_terminal_gets_a_bar(options, seen):
    program = f"""
import threading, zoo.progress as p
p._PATIENCE = 0.0
with p.progress("counting", 40{options}) as advance:
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join()
    advance(30)
"""
    master, slave = pty.openpty()
    environment = {**os.environ, "COLUMNS": "100", "TERM": "xterm"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(
        command, stderr=slave, stdout=subprocess.PIPE, env=environment, check=True
    )
    os.close(slave)
    shown = os.read(master, 100_000).decode()
    os.close(master)
    assert done.stdout == b""
    assert "counting" in shown
    assert seen in shown


def test_a_closed_stderr_is_no_reason_to_fail(monkeypatch, impatient):
    monkeypatch.setattr(sys, "stderr", None)
    with progress("counting", 2) as advance:
        let_it_begin()
        advance()


class Noted:
    """A display of bars that writes down what it is told."""

    def __init__(self):
        self.said = []
        self.live = SimpleNamespace(transient=False)

    def add_task(self, label, **counts):
        self.said.append((label, counts))
        return "the bar"

    def update(self, task, **counts):
        self.said.append((task, counts))

    def start(self):
        self.said.append("start")

    def stop(self):
        self.said.append("stop")


@pytest.mark.usefixtures("impatient")
def test_a_bar_begins_with_what_was_done_before_it_and_leaves_nothing_behind(monkeypatch):
    shown, waits = Noted(), threading.Event()

    def begin_late(of_bytes):
        assert of_bytes
        waits.wait(10)
        return shown

    monkeypatch.setattr("zoo.progress.bar", begin_late)
    monkeypatch.setattr("zoo.progress.on_a_terminal", lambda: True)
    with progress("reading", 10, of_bytes=True) as advance:
        advance(3)
        waits.set()
        let_it_begin()
        advance(2)
    assert shown.live.transient
    assert shown.said == [
        ("reading", {"total": 10, "completed": 3}),
        "start",
        ("the bar", {"completed": 5}),
        "stop",
    ]
