"""Runs a page as its reader does: one folder, one environment, one block after the other."""

import json
import os
import select
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from types import TracebackType
from typing import Self

import tomlkit

from tests.docs.blocks import ROOT, Block, blocks, lines_not_printed
from tests.processes import LEAN

LONGEST = 900
"""Seconds that one block may take."""

# The blocks of Python of a page are one session, as in a notebook: it goes on between blocks of sh.
SESSION = """
import importlib, json, linecache, os, site, sys, sysconfig, traceback, types
reply = os.fdopen(int(sys.argv[1]), "w", buffering=1)
names = sys.modules["__main__"] = types.ModuleType("__main__")
for line in sys.stdin:
    asked = json.loads(line)
    os.chdir(asked["folder"])
    site.addsitedir(sysconfig.get_path("purelib"))  # what was installed since
    importlib.invalidate_caches()
    text, place = asked["text"], asked["place"]
    linecache.cache[place] = (len(text), None, text.splitlines(keepends=True), place)
    status = 0
    try:
        exec(compile(text, place, "exec"), vars(names))
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    print(status, file=reply)
"""


class Reader:
    """Somebody who does what a page says, in a folder of their own.

    The environment is a venv above the one that the tests run in: what a page installs goes there,
    without network and without dependencies, and is gone with the folder.

    Args:
        folder: An empty one, for all of it.
        lean: Whether the pages do without the packages that Keras imports where they are.
    """

    def __init__(self, folder: Path, *, lean: bool = False) -> None:
        self.start = self.folder = folder / "work"
        self.printed = ""
        self._aside = folder / "aside"
        for new in (self.start, self._aside, folder / "home"):
            new.mkdir()
        programs = _environment(folder / "venv")
        self._variables = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ZOO_")},
            "PATH": os.pathsep.join([str(programs), os.environ["PATH"]]),
            "HOME": str(folder / "home"),
            "KERAS_HOME": str(folder / "home"),
            "ZOO_CACHE_DIR": str(folder / "cache"),
            "VIRTUAL_ENV": str(folder / "venv"),
            "PIP_NO_INDEX": "1",
            "PIP_NO_DEPS": "1",
            "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it so: without isolation
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_ROOT_USER_ACTION": "ignore",
            "PYTHONDONTWRITEBYTECODE": "1",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "MPLBACKEND": "Agg",
            "COLUMNS": "100",
            "NO_COLOR": "1",
            "TERM": "dumb",
        }
        self._variables.pop("PYTHONPATH", None)
        if lean:
            self._variables["PYTHONPATH"] = str(LEAN)
        self._session: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._session is not None:
            assert self._session.stdin is not None
            self._session.stdin.close()
            self._answers.close()
            self._session.wait(60)

    def do(self, block: Block) -> None:
        """Does what the marks of a block say; raises AssertionError where the page is wrong."""
        for word, file in block.marks.items():
            if word == "begins with":
                self._bring(file.split())
            elif word == "file":
                self._path(file).write_text(block.text, encoding="utf-8")
            elif word == "add to":
                text = self._path(file).read_text(encoding="utf-8")
                self._path(file).write_text(f"{text.rstrip()}\n\n{block.text}", encoding="utf-8")
            elif word == "change in":
                self._change(self._path(file), block.text)
        if "run" in block.marks:
            self._run(block)
        elif "output" in block.marks:
            missing = lines_not_printed(block.text, self.printed)
            assert not missing, f"{block.place}: not printed: {missing}\nbut:\n{self.printed}"

    def _run(self, block: Block) -> None:
        expected = int((block.marks["run"] or "exit 0").removeprefix("exit "))
        status = self._shell(block) if block.language == "sh" else self._python(block)
        assert status == expected, f"{block.place} ends with {status}:\n{self.printed}"

    def _bring(self, names: list[str]) -> None:
        for name in names:
            source, target = ROOT / name, self.start / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)

    def _path(self, name: str) -> Path:
        path = self.folder / name
        assert path.resolve().is_relative_to(self.start), f"{name} leads out of the page's folder"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _change(self, file: Path, text: str) -> None:
        document = tomlkit.parse(file.read_text(encoding="utf-8"))
        for key, value in tomlkit.parse(text).items():
            assert key in document, f"{file.name} has no {key} that could be changed"
            document[key] = value
        file.write_text(tomlkit.dumps(document), encoding="utf-8")

    def _shell(self, block: Block) -> int:
        place = self._aside / "folder"
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", f"{block.text}\npwd > '{place}'"],
            cwd=self.folder,
            env=self._variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LONGEST,
            check=False,
        )
        self.printed = done.stdout
        if done.returncode == 0:
            self.folder = Path(place.read_text(encoding="utf-8").strip())
        return done.returncode

    def _python(self, block: Block) -> int:
        said = self._aside / "said"
        if self._session is None:
            self._session = self._begin(said)
        asked = {"text": block.text, "place": block.place, "folder": str(self.folder)}
        before = said.stat().st_size
        assert self._session.stdin is not None
        print(json.dumps(asked), file=self._session.stdin, flush=True)
        ready, _, _ = select.select([self._answers], [], [], LONGEST)
        assert ready, f"{block.place} takes longer than {LONGEST} s"
        status = self._answers.readline()
        self.printed = said.read_bytes()[before:].decode("utf-8")
        return int(status or 1)

    def _begin(self, said: Path) -> "subprocess.Popen[str]":
        reading, writing = os.pipe()
        with said.open("ab") as output:
            session = subprocess.Popen(
                ["python", "-c", SESSION, str(writing)],
                cwd=self.folder,
                env=self._variables,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                text=True,
                pass_fds=[writing],
            )
        os.close(writing)
        self._answers = os.fdopen(reading)
        return session


def _environment(venv: Path) -> Path:
    """Makes a venv that sees what is installed here, and gives the folder of its programs."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    programs = venv / "bin"
    (packages,) = venv.glob("lib/python*/site-packages")
    beneath = sysconfig.get_path("purelib")
    (packages / "beneath.pth").write_text(f"import site; site.addsitedir({beneath!r})\n")
    for name in ("zoo", "pip", "pytest"):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec "{programs}/python" -m {name} "$@"\n')
        program.chmod(0o755)
    return programs


def read_and_do(page: str, folder: Path, *, lean: bool = False) -> None:
    """Does a whole page, in its order."""
    with Reader(folder, lean=lean) as reader:
        for block in blocks(page):
            reader.do(block)
