"""How the cost of what users do grows with the sizes that they choose."""

import os
import statistics
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import zoo
from benchmarks.speed.load import candidate
from benchmarks.speed.lorenz05 import MODEL, SIZE
from benchmarks.speed.registry import command, write_registry
from benchmarks.speed.startup import write_plugins
from benchmarks.speed.timing import Act, Growth, rounds_of
from zoo.registry.document import read_registry
from zoo.registry.publishing import publish
from zoo.registry.verification import read_weights
from zoo_localization.enkf import matrix_update, serial_update
from zoo_localization.layers import LocBy1D
from zoo_localization.lorenz05_compiled import step_compiled
from zoo_localization.observations import ObservationOperator

ROUNDS = 5
PARAMETERS = (100_000, 1_000_000, 3_000_000, 10_000_000, 30_000_000)
STATES, NOBS = (240, 480, 960, 1920, 3840), (60, 120, 240, 480, 960)
MEMBERS = (128, 256, 512, 1024, 2048)
NODES = (10, 30, 100, 300, 900)  # Keras recurses: 1,000 are too deep
VERSIONS, PLUGINS = (1_000, 3_000, 10_000, 30_000), (10, 30, 100, 300, 1000)
_NETWORK = 240  # observations while the states grow
_HEAD = 'zoo = 1\nname = "chain"\nloss = "mse"\n[[inputs]]\nname = "x"\nshape = [{}]\n'
_DENSE = '[[layers]]\nname = "dense{}"\ntype = "Dense"\nunits = {}\n'


def _curve(name: str, size: str, acts: dict[int, Act]) -> Growth:
    times = rounds_of({str(count): act for count, act in acts.items()}, ROUNDS)
    return Growth(name, size, {count: statistics.median(times[str(count)]) for count in acts})


def _chain(root: Path, layers: int, units: int) -> Path:
    path = root / f"chain-{layers}-{units}.toml"
    path.write_text(_HEAD.format(units) + "".join(_DENSE.format(n, units) for n in range(layers)))
    return path


def _built(path: Path) -> None:
    keras.utils.clear_session(free_memory=False)
    zoo.build(path)


def _loads(root: Path, size: int) -> Act:
    store = root / str(size)
    store.mkdir()
    (store / "registry.toml").write_text("format = 1\n")
    entry = publish(store, candidate(size))
    return partial(read_weights, read_registry(store), entry)


def _models(root: Path) -> Iterator[Growth]:
    (root / "registry.toml").write_text("format = 1\n")
    sides = {size: round((size / 4) ** 0.5) for size in PARAMETERS}
    builds: dict[int, Act] = {
        size: partial(_built, _chain(root, 4, side)) for size, side in sides.items()
    }
    yield _curve("zoo.build", "parameters", builds)
    yield _curve(
        "load of a version", "parameters", {size: _loads(root, size) for size in PARAMETERS}
    )
    chains = {nodes: _chain(root, nodes, 32) for nodes in NODES}
    for name, act in (("zoo.check", zoo.check), ("zoo.build", _built)):
        yield _curve(name, "nodes", {nodes: partial(act, path) for nodes, path in chains.items()})


def _loc(size: int, nobs: int) -> Act:
    random = np.random.default_rng(0)
    gain = tf.constant(random.random((4, size, nobs), np.float32))
    vector = tf.constant(random.random((4, size // 2 + 1), np.float32))
    layer = tf.function(LocBy1D(size // nobs))
    return lambda: layer([gain, vector]).numpy()


def _update(update: Callable[..., object], members: int, size: int, nobs: int) -> Act:
    random = np.random.default_rng(0)
    ensemble = random.standard_normal((members, size))
    observation, operator = np.zeros(nobs), ObservationOperator(size, size // nobs)
    return lambda: update(ensemble, observation, operator, 1.0, np.random.default_rng(0))


def _science() -> Iterator[Growth]:
    places: Iterable[tuple[str, list[tuple[int, int, int]]]] = (
        ("states", [(size, size, _NETWORK) for size in STATES]),
        ("observations", [(nobs, STATES[-1], nobs) for nobs in NOBS]),
    )
    serial = partial(serial_update, compiled=True)
    updates = {"matrix analysis": matrix_update, "serial analysis": serial}
    for size, at in places:
        yield _curve("Loc_by_1D", size, {count: _loc(n, nobs) for count, n, nobs in at})
        for name, update in updates.items():
            acts = {count: _update(update, 40, n, nobs) for count, n, nobs in at}
            yield _curve(name, size, acts)
    starts = MODEL.forcing / 2 + np.random.default_rng(0).standard_normal((MEMBERS[-1], SIZE))
    yield _curve(
        "forecast, 10 steps of Lorenz-05 III",
        "members",
        {
            members: partial(step_compiled, MODEL, starts[:members], 10, single_precision=True)
            for members in MEMBERS
        },
    )
    for name, update in updates.items():
        acts = {members: _update(update, members, SIZE, 240) for members in MEMBERS}
        yield _curve(name, "members", acts)


def _registries(root: Path) -> Iterator[Growth]:
    roots = {versions: root / f"of-{versions}" for versions in VERSIONS}
    for versions, folder in roots.items():
        write_registry(folder, versions)
    for name, words in (
        ("zoo list models", ("list", "models")),
        ("zoo show NAME@1", ("show", "model-0@1")),
    ):
        acts = {versions: command(folder, *words) for versions, folder in roots.items()}
        yield _curve(name, "versions", acts)


def _plugins(root: Path) -> Growth:
    acts = {}
    for plugins in PLUGINS:
        site = root / f"site-{plugins}"
        write_plugins(site, plugins)
        acts[plugins] = command(root, "list", path=site)
    return _curve("zoo list", "plugins", acts)


def measure(_full: bool) -> Iterator[Growth]:
    """Times what a user calls at four or five sizes, whole commands with their start-up."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        os.environ["ZOO_CACHE_DIR"] = str(root / "cache")
        yield from _models(root)
        yield from _science()
        yield from _registries(root)
        yield _plugins(root)
