"""A registry of 10,000 versions: listed, searched, added to."""

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.speed.timing import Act, Figure, in_words, rounds_of, slope
from zoo.digest import sha256
from zoo.registry.editing import editing
from zoo.registry.text import sealed

ANCHOR, SECONDS = "half a second", 0.5
VERSIONS_EACH = 100

_MODEL = """
[[models]]
name = "model-{0}"
config = "models/model-{0}.toml"
description = "No. {0}."
"""
_VERSION = """
[[weights]]
name = "model-{model}"
version = "1.{minor}.0"
file = "weights/model-{model}/1.{minor}.0.safetensors"
sha256 = "{digest}"
size = 1000
fingerprint = "{digest}"
config = "weights/model-{model}/1.{minor}.0.toml"
config_sha256 = "{digest}"
plugins = {{ zoo = "0.1.0" }}
created = 2026-01-01T00:00:00Z
keras = "3.15.1"
metrics = {{ loss = 0.{minor}1, val_loss = 0.{minor}2 }}
parent = ""
status = "stable"
"""


def write_registry(root: Path, versions: int) -> None:
    """Writes a registry of so many versions, a hundred of each model."""
    models = max(1, versions // VERSIONS_EACH)
    parts = ["format = 1", *(_MODEL.format(number) for number in range(models))]
    for number in range(versions):
        digest = sha256(str(number).encode())
        parts.append(_VERSION.format(model=number % models, minor=number // models, digest=digest))
    root.mkdir(parents=True)
    (root / "registry.toml").write_text(sealed("\n".join(parts), "registry.toml"))


def command(root: Path, *arguments: str, path: Path | None = None) -> Act:
    """Gives a whole command in a zoo, with more distributions where a path has them."""
    environment = {**os.environ, "ZOO_CACHE_DIR": str(root / "cache"), "ZOO_ROOT": str(root)}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    words = [sys.executable, "-m", "zoo", *arguments, "--json"]
    return lambda: subprocess.run(
        words, cwd=root, env=environment, stdout=subprocess.DEVNULL, check=True
    )


def _publish(root: Path) -> Act:
    os.environ["ZOO_CACHE_DIR"] = str(root / "cache")
    count = 0

    def act() -> None:
        nonlocal count
        count += 1
        with editing(root) as edit:
            newest = edit.registry.versions("model-0")[-1]
            entry = {**newest.model_dump(), "version": f"2.{count}.0", "created": datetime.now(UTC)}
            edit.append("weights", entry)
            edit.save()

    return act


def measure(full: bool) -> Iterator[Figure]:
    """Times the commands whole, and the index's part of a publish in this process."""
    sizes = (1_000, 3_000, 10_000, 30_000) if full else (1_000, 10_000)
    medians: dict[str, dict[int, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        for size in sizes:
            root = Path(name) / str(size)
            write_registry(root, size)
            acts = {
                "list": command(root, "list", "models"),
                "resolve": command(root, "show", "model-0@1"),
                "publish": _publish(root),
            }
            for act, times in rounds_of(acts, 9 if full else 5).items():
                medians.setdefault(act, {})[size] = statistics.median(times)
    for act, found in medians.items():
        growth = f"grows as versions^{slope(found):.2f}"
        shown = in_words({str(size): [seconds] for size, seconds in found.items()})
        what = f"{act} among 10,000 versions"
        yield Figure(what, ANCHOR, found[10_000] / SECONDS, 1.0, detail=f"{shown}; {growth}")
