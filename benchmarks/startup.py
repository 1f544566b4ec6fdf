"""How long it takes to start, to find what is installed, and to check a config.

Run: `python benchmarks/startup.py [FILE.json]`. It takes about a minute on two idle cores. The
commands of a table take turns, so that whatever else the machine does falls on all of them alike.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import entrypoints

from zoo.catalog.discovery import find_components

ANCHOR = "import typer and Pydantic"
PEERS = {
    "keras_hub": "import keras_hub; keras_hub.models.Backbone.presets",
    "timm": "import timm; timm.list_models()",
}
"""How others list what they have; each is timed where it is installed."""

ROUNDS, PEER_ROUNDS = 11, 3
DISTRIBUTIONS, COMPONENTS_EACH = 1000, 5
NODES = (1_000, 2_000, 5_000, 10_000)


def timed(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def medians(acts: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Runs each once to warm up, then all of them in turn."""
    for act in acts.values():
        act()
    times: dict[str, list[float]] = {name: [] for name in acts}
    for _ in range(rounds):
        for name, act in acts.items():
            times[name].append(timed(act))
    return {name: statistics.median(values) for name, values in times.items()}


def model(nodes: int) -> str:
    head = 'zoo = 1\nname = "chain"\n[[inputs]]\nname = "x"\nshape = [8]\n'
    node = '[[layers]]\nname = "node{}"\ntype = "Dense"\nunits = 8\nactivation = "relu"\n'
    return head + "".join(node.format(number) for number in range(nodes))


def command(*arguments: str, root: Path) -> Callable[[], object]:
    environment = {**os.environ, "ZOO_CACHE_DIR": str(root / "cache"), "ZOO_ROOT": str(root)}

    def run() -> None:
        done = subprocess.run(
            [sys.executable, *arguments], cwd=root, env=environment, capture_output=True
        )
        assert done.returncode == 0, done.stderr.decode()

    return run


def start_up(root: Path) -> dict[str, float]:
    (root / "registry.toml").write_text("format = 1\n")
    (root / "model.toml").write_text(model(10) + '[loss]\ntype = "mse"\n')
    anchor = "import typer\nfrom pydantic import BaseModel"
    acts = {
        "python": command("-c", "pass", root=root),
        ANCHOR: command("-c", anchor, root=root),
        "zoo list": command("-m", "zoo", "list", root=root),
        "zoo list layers --json": command("-m", "zoo", "list", "layers", "--json", root=root),
        "zoo show Conv2D": command("-m", "zoo", "show", "Conv2D", root=root),
        "zoo check model.toml": command("-m", "zoo", "check", "model.toml", root=root),
    }
    return medians(acts, ROUNDS)


def peers(root: Path) -> dict[str, float]:
    """Times `zoo list` beside what other zoos do to say what they have."""
    acts = {"zoo list": command("-m", "zoo", "list", root=root)}
    for name, code in PEERS.items():
        if importlib.util.find_spec(name) is not None:
            acts[f"{name}, listing"] = command("-c", code, root=root)
    return medians(acts, PEER_ROUNDS)


@contextmanager
def many_distributions(folder: Path) -> Iterator[list[str]]:
    for number in range(DISTRIBUTIONS):
        info = folder / f"zoo_d{number}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: zoo-d{number}\nVersion: 1.0\n"
        )
        rows = "".join(f"L{number}_{i} = zoo_d.mod:L{number}_{i}\n" for i in range(COMPONENTS_EACH))
        (info / "entry_points.txt").write_text(f"[zoo.layers]\n{rows}")
    (folder / "zoo_d.py").write_text("")
    sys.path.append(str(folder))
    try:
        yield [str(folder)]
    finally:
        sys.path.remove(str(folder))


def discovery(folder: Path) -> dict[str, float]:
    """Times finding every component's name, target, distribution and version."""
    with many_distributions(folder) as path:

        def with_zoo() -> None:
            assert len(find_components(path, "").rows) == DISTRIBUTIONS * COMPONENTS_EACH

        def with_entrypoints() -> None:
            found = entrypoints.get_group_all("zoo.layers", path=path)
            assert len([(e.distro.name, e.distro.version) for e in found]) > 0

        def with_metadata() -> None:
            found = importlib.metadata.distributions(path=path)
            rows = [((d.name, d.version), d.entry_points) for d in found]
            assert sum(len(points) for _, points in rows) == DISTRIBUTIONS * COMPONENTS_EACH

        def with_metadata_without_owners() -> None:
            found = importlib.metadata.entry_points(group="zoo.layers")
            assert len(found) >= DISTRIBUTIONS * COMPONENTS_EACH

        acts = {
            "zoo": with_zoo,
            "entrypoints.get_group_all": with_entrypoints,
            "importlib.metadata": with_metadata,
            "importlib.metadata, without whose they are": with_metadata_without_owners,
        }
        return medians(acts, ROUNDS)


def large_configs(root: Path) -> dict[str, float]:
    acts = {}
    for nodes in NODES:
        (root / f"chain{nodes}.toml").write_text(model(nodes))
        acts[f"{nodes}"] = command("-m", "zoo", "check", f"chain{nodes}.toml", root=root)
    return medians(acts, 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", nargs="?", type=Path, help="where to write the figures as JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        tables: dict[str, Any] = {
            "start-up": start_up(root),
            "peers": peers(root),
            "discovery": discovery(root / "site"),
            "nodes": large_configs(root),
        }
    bases = {"start-up": ANCHOR, "peers": "zoo list", "discovery": "zoo", "nodes": str(NODES[0])}
    for title, base in bases.items():
        print(f"{title:45} seconds  times '{base}'")
        for label, seconds in tables[title].items():
            print(f"  {label:43} {seconds:7.3f}  {seconds / tables[title][base]:7.2f}")
    if arguments.file is not None:
        arguments.file.write_text(json.dumps(tables, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
