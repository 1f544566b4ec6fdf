"""How long the commands that do without Keras take to start, and finding what is installed."""

import importlib.metadata
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import entrypoints

from benchmarks.speed.registry import command
from benchmarks.speed.timing import Act, Figure, in_words, paired_ratio, rounds_of
from zoo.catalog.discovery import find_components

ANCHOR, ANCHOR_CODE = "import typer and Pydantic", "import typer; from pydantic import BaseModel"
COMPONENTS_EACH = 5
_MODEL = """\
zoo = 1
name = "tiny"
loss = "mse"
inputs = [{ name = "x", shape = [8] }]
layers = [{ name = "y", type = "Dense", units = 1 }]
"""


def write_plugins(site: Path, count: int) -> None:
    """Installs so many distributions, each with a few components, into a folder."""
    site.mkdir(parents=True)
    (site / "zoo_d.py").write_text("")
    for number in range(count):
        info = site / f"zoo_d{number}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: zoo-d{number}\nVersion: 1.0\n"
        )
        rows = "".join(f"L{number}_{i} = zoo_d:L{number}_{i}\n" for i in range(COMPONENTS_EACH))
        (info / "entry_points.txt").write_text(f"[zoo.layers]\n{rows}")


def _commands(root: Path, rounds: int) -> Iterator[Figure]:
    (root / "registry.toml").write_text("format = 1\n")
    (root / "model.toml").write_text(_MODEL)
    acts: dict[str, Act] = {
        ANCHOR: lambda: subprocess.run([sys.executable, "-c", ANCHOR_CODE], check=True),
        "zoo list": command(root, "list"),
        "zoo check": command(root, "check", "model.toml"),
        "zoo show Conv2D": command(root, "show", "Conv2D"),
    }
    times = rounds_of(acts, rounds)
    for name in list(acts)[1:]:
        yield Figure(name, ANCHOR, paired_ratio(times, name, ANCHOR), 2.5, detail=in_words(times))


def _discovery(site: Path, count: int, rounds: int) -> Iterator[Figure]:
    write_plugins(site, count)
    path = [str(site)]
    sys.path += path  # where their module is looked for; this process does nothing else

    def with_zoo() -> None:
        assert len(find_components(path, "").rows) == count * COMPONENTS_EACH

    def with_entrypoints() -> None:
        found = entrypoints.get_group_all("zoo.layers", path=path)
        assert len({point.distro.name for point in found}) == count

    def with_metadata() -> None:
        found = importlib.metadata.distributions(path=path)
        rows = [((each.name, each.version), each.entry_points) for each in found]
        assert sum(len(points) for _, points in rows) == count * COMPONENTS_EACH

    peers: dict[str, Act] = {"entrypoints": with_entrypoints, "importlib.metadata": with_metadata}
    times = rounds_of({"zoo": with_zoo, **peers}, rounds)
    what = f"finding {count * COMPONENTS_EACH:,} components of {count:,} plugins, times faster"
    for peer in peers:
        ratio = paired_ratio(times, peer, "zoo")
        yield Figure(
            f"{what} than {peer}", f"{peer}, with whose each is", ratio, 3, True, in_words(times)
        )


def measure(full: bool) -> Iterator[Figure]:
    """Times whole commands, and the discovery of plugins in this process."""
    rounds = 15 if full else 7
    with tempfile.TemporaryDirectory() as name:
        yield from _commands(Path(name), rounds)
        yield from _discovery(Path(name) / "site", 1_000, rounds)
