"""`zoo.build` against the functional model that one writes by hand."""

import statistics
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras

import zoo
from benchmarks.speed.timing import Figure, in_words, rounds_of, slope

ANCHOR = "the same functional model by hand, times 1.05, plus 20 ms"
_HEAD = 'zoo = 1\nname = "chain"\nloss = "mse"\n[[inputs]]\nname = "x"\nshape = [32]\n'
_NODE = '[[layers]]\nname = "dense{0}"\ntype = "Dense"\nunits = 32\nactivation = "relu"\n'


def _by_hand(nodes: int) -> Callable[[], Any]:
    def act() -> Any:
        keras.utils.clear_session(free_memory=False)
        hidden = inputs = keras.Input((32,), name="x")
        for number in range(nodes):
            hidden = keras.layers.Dense(32, activation="relu", name=f"dense{number}")(hidden)
        model = keras.Model(inputs, hidden)
        model.compile("adam", "mse")
        return model

    return act


def _from_config(path: Path) -> Callable[[], Any]:
    def act() -> Any:
        keras.utils.clear_session(free_memory=False)
        return zoo.build(path)

    return act


def measure(full: bool) -> Iterator[Figure]:
    """Times small and large graphs, each checked, resolved, built and compiled."""
    # Keras recurses over a chain: beyond 900 it needs another limit of recursion.
    sizes = (10, 30, 100, 300, 900) if full else (10, 100)
    ours = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "registry.toml").write_text("format = 1\n")
        for nodes in sizes:
            path = folder / f"chain{nodes}.toml"
            path.write_text(_HEAD + "".join(map(_NODE.format, range(nodes))))
            acts = {"by hand": _by_hand(nodes), "zoo": _from_config(path)}
            # A search through all of TensorFlow's objects takes as long as 100 layers, and would
            # fall on whichever of the two is at work when it is due.
            times = rounds_of(acts, 11 if full else 7, collect=False)
            ours[nodes] = statistics.median(times["zoo"])
            bar = 1.05 * statistics.median(times["by hand"]) + 0.020
            what = f"zoo.build, {nodes} layers"
            yield Figure(what, ANCHOR, ours[nodes] / bar, 1.0, detail=_words(times, ours))


def _words(times: dict[str, list[float]], ours: dict[int, float]) -> str:
    grown = f"; grows as layers^{slope(ours):.2f}" if len(ours) > 1 else ""
    return in_words(times) + grown
