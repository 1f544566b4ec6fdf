"""A zoo to push from, one to pull into, and stores: a folder, memory, and a real S3 server."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.candidates import a_candidate
from zoo.registry.document import Registry, read_registry
from zoo.registry.publishing import publish

# 12 MB: three blocks of a download, three parts of an upload once those are small.
LARGE = np.arange(3_000_000, dtype="float32")

LONGEST = 120
"""Seconds that the S3 server may take, on a machine that does much else."""


def made(root: Path, name: str, array: np.ndarray) -> None:
    """Publishes a model of one array."""
    publish(root, a_candidate(name, source="models/own.toml", tensors={"dense/kernel": array}))


def with_store(root: Path, url: str) -> Registry:
    """Names the store of a zoo."""
    file = root / "registry.toml"
    text = file.read_text().partition("\n[store]")[0]
    file.write_text(f'{text}\n[store]\nurl = "{url}"\n')
    return read_registry(root)


@pytest.fixture
def zoo_with(zoo_root: Path) -> Callable[..., Registry]:
    """Makes a zoo with `small@1.0.0`, and `large@1.0.0` where asked for, and a store."""

    def make(url: str, *, large: bool = False) -> Registry:
        made(zoo_root, "small", np.arange(6, dtype="float32"))
        if large:
            made(zoo_root, "large", LARGE)
        return with_store(zoo_root, url)

    return make


@pytest.fixture
def cloned(tmp_path: Path) -> Callable[[Registry], Registry]:
    """Gives a zoo with the same registry and none of the files, as version control would."""

    def clone(registry: Registry) -> Registry:
        root = tmp_path / "clone"
        root.mkdir()
        shutil.copy(registry.root / "registry.toml", root)
        return read_registry(root)

    return clone


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


# Importing the server takes a second; each start of it is a fork of a process that did.
SERVE = """
import os, signal, sys
import moto.s3.urls, moto.server
signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so that nobody has to wait for those that end
for port in sys.stdin:
    child = os.fork()
    if child == 0:
        moto.server.main(["-H", "127.0.0.1", "-p", port.strip()])
    print(child, flush=True)
"""


class Server:
    """An S3 server in a process of its own, on the loopback; what it holds dies with it."""

    def __init__(self) -> None:
        self.port = _free_port()
        self._process: int | None = None
        self._begun = subprocess.Popen(
            [sys.executable, "-c", SERVE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._launch()
        deadline = time.monotonic() + LONGEST
        while not self._answers():
            assert time.monotonic() < deadline, "the S3 server does not answer"
            if not self._runs():
                self.port = _free_port()  # somebody else was faster
                self._launch()
            time.sleep(0.05)
        self._ask("PUT", "bucket")

    def empty(self) -> None:
        """Runs, with an empty bucket and nothing else."""
        if self._process is None:
            self.start()
        self._ask("POST", "moto-api/reset")
        self._ask("PUT", "bucket")

    def _launch(self) -> None:
        assert self._begun.stdin is not None
        assert self._begun.stdout is not None
        print(self.port, file=self._begun.stdin, flush=True)
        self._process = int(self._begun.stdout.readline())

    def _runs(self) -> bool:
        assert self._process is not None
        try:
            os.kill(self._process, 0)
        except ProcessLookupError:
            return False
        return True

    def _answers(self) -> bool:
        try:
            self._ask("GET", "moto-api/")
        except OSError:
            return False
        return True

    def _ask(self, method: str, path: str) -> None:
        request = urllib.request.Request(f"{self.url}/{path}", method=method)
        urllib.request.urlopen(request, timeout=LONGEST).close()

    def kill(self) -> None:
        if self._process is not None:
            os.kill(self._process, signal.SIGKILL)
            while self._runs():
                time.sleep(0.01)
            self._process = None

    def end(self) -> None:
        """Ends it, and what it is forked from."""
        self.kill()
        self._begun.kill()
        self._begun.communicate()


@pytest.fixture(scope="session")
def _server() -> Iterator[Server]:
    pytest.importorskip("moto", reason="needs moto, which `make install` installs")
    server = Server()
    yield server
    server.end()


@pytest.fixture
def s3(_server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Server:
    """A running server with an empty bucket, and an environment that points at it."""
    _server.empty()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {
        "AWS_ENDPOINT_URL": _server.url,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
    }.items():
        monkeypatch.setenv(name, value)
    return _server
