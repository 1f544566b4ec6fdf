"""A zoo to push from, one to pull into, and stores: a folder, memory, and a real S3 server."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from zoo.registry.document import Registry, read_registry
from zoo.registry.publishing import Candidate, publish

# 12 MB: three blocks of a download, three parts of an upload once those are small.
LARGE = np.arange(3_000_000, dtype="float32")


def made(root: Path, name: str, array: np.ndarray) -> None:
    """Publishes a model of one array."""
    candidate = Candidate(
        name=name,
        description="One array.",
        source="models/own.toml",
        config=f'zoo = 1\nname = "{name}"\n',
        tensors={"dense/kernel": array},
        fingerprint="a" * 64,
        graph={},
        plugins={},
        keras="3.15.1",
    )
    publish(root, candidate)


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


class Server:
    """An S3 server in a process of its own, on the loopback; what it holds dies with it."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{self.url}/moto-api/", timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        request = urllib.request.Request(f"{self.url}/bucket", method="PUT")
        urllib.request.urlopen(request, timeout=10).close()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    """A running server with an empty bucket, and an environment that points at it."""
    pytest.importorskip("moto", reason="needs moto, which `make install` installs")
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    server = Server()
    for name, value in {
        "AWS_ENDPOINT_URL": server.url,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
    }.items():
        monkeypatch.setenv(name, value)
    server.start()
    yield server
    server.kill()
