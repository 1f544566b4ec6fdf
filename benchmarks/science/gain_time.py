"""The networks for Lorenz-05: parameters, and milliseconds a gain on one thread; prints JSON.

Timed from NumPy gain to NumPy gain, features included, as a filter has to wait for it; that needs
no trained weights. Every repeat runs every network once, in turn; times are medians over repeats.
Run as `python -m benchmarks.science.gain_time [repeats]`, on an idle machine: half a minute.
"""

import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import zoo
from zoo_localization.model_localization import as_localization, gain_shape

ROOT = Path(__file__).resolve().parents[2]
NETWORKS = ("clf-srcnn-lorenz05", "clf-lorenz05", "clf-lorenz05-mean")
REPEATS = 7


def costs(models: dict[str, Any], repeats: int) -> list[dict[str, Any]]:
    """A row for each model; the first one is what the others are compared with."""
    times: dict[str, list[float]] = {name: [] for name in models}
    for repeat in range(1 + repeats):
        for name, model in models.items():
            shape = gain_shape(model)
            assert shape is not None, f"{name} takes gains of any shape"
            gain = np.random.default_rng(repeat).normal(scale=1e-3, size=shape)
            localization = as_localization(model)
            start = time.perf_counter()
            localization(gain, np.zeros(shape[0]))
            # The first round compiles and warms up.
            if repeat:
                times[name].append(1e3 * (time.perf_counter() - start))
    rows = [
        {"network": name, "parameters": model.count_params(), "ms": statistics.median(times[name])}
        for name, model in models.items()
    ]
    first = rows[0]
    for row in rows:
        row["parameters_share"] = row["parameters"] / first["parameters"]
        row["times_faster"] = first["ms"] / row["ms"]
    return rows


def main() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    models = {name: zoo.build(name, zoo=ROOT) for name in NETWORKS}
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else REPEATS
    print(json.dumps(costs(models, repeats), indent=2))


if __name__ == "__main__":
    main()
