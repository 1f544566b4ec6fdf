"""The loop `through_cycles`: a network trained by what becomes of the filter that it is part of."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from zoo_localization.checks import check_count
from zoo_localization.cycled_network import CycledNetwork, Noise
from zoo_localization.twin import Lorenz96Twin


def through_cycles(
    model: Any,
    data: Mapping[str, Any],
    settings: Any,
    callbacks: Sequence[Any],
    cycles: int = 8,
    steps: int = 100,
    inflation: float = 1.04,
) -> keras.callbacks.History:
    """Train a network on the analyses of filters that go on with the network's own gains.

    `fit` shows a network analyses of other filters, one by one. Here it meets the ensembles that it
    brings about itself, and the gradient goes back through `cycles` cycles of analysis, inflation
    and forecast: a gain also has to leave an ensemble behind that the next gains can be made of.

    An epoch is one twin experiment of as many filters as `batch_size` says, on truths drawn from
    the training split, from a first guess on. After every `cycles` cycles there is a step of the
    optimizer, by the config's loss, averaged over them. A filter that is lost begins anew.
    Validation is one analysis of each sample, as in `fit`; the config's metrics are for that.

    Args:
        model: The compiled model: raw gain (and mean) in, gain out, with a loss such as `XtLoss`.
        data: What `lorenz96_analyses` gives.
        settings: `epochs`, `initial_epoch`, `batch_size` and `seed`.
        callbacks: Keras callbacks.
        cycles: Cycles that a gradient goes back through.
        steps: Steps of the optimizer in an epoch.
        inflation: Factor on the posterior spread.

    Returns:
        Keras's history.

    Raises:
        ValueError: If an argument is out of its range, the data are no analyses of filters, or the
            model takes something else than `kg_raw` and `mean`.
    """
    _check(cycles, steps, inflation, data)
    rows = int(settings["batch_size"])
    filters = CycledNetwork(model, data["twin"], rows, data["members"], inflation)
    # Linear systems are solved in the graph, which XLA is slow at.
    filters.compile(model.optimizer, run_eagerly=model.run_eagerly, jit_compile=False)
    listeners = keras.callbacks.CallbackList(
        list(callbacks), add_history=True, model=model, epochs=settings["epochs"], verbose=0
    )
    model.stop_training = False
    listeners.on_train_begin()
    logs: dict[str, float] = {}
    for epoch in range(settings["initial_epoch"], settings["epochs"]):
        listeners.on_epoch_begin(epoch)
        rng = np.random.default_rng([settings["seed"], epoch])
        filters.begin(_truths(data, rows, rng), rng)
        logs = _trained(filters, listeners, _noise(data, rows, cycles, steps, rng))
        logs |= _validated(model, data.get("validation"), rows)
        listeners.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    model.optimizer.finalize_variable_values(model.trainable_variables)
    listeners.on_train_end(logs)
    return model.history


def _trained(filters: CycledNetwork, listeners: Any, noises: Iterator[Noise]) -> dict[str, float]:
    """Take the steps of an epoch, until a callback stops them; return the mean loss."""
    losses: list[float] = []
    logs: dict[str, float] = {}
    for number, noise in enumerate(noises):
        listeners.on_train_batch_begin(number)
        losses.append(float(filters.train_on_batch(noise, return_dict=True)["loss"]))
        logs = {"loss": float(np.mean(losses))}
        listeners.on_train_batch_end(number, logs)
        if filters.network.stop_training:
            break
    return logs


def _truths(data: Mapping[str, Any], rows: int, rng: np.random.Generator) -> Any:
    states = np.asarray(data["train"][1])
    chosen = rng.choice(len(states), rows, replace=rows > len(states))
    return states[chosen].reshape(rows, -1)[:, : data["twin"].model_size]


def _noise(
    data: Mapping[str, Any], rows: int, cycles: int, steps: int, rng: np.random.Generator
) -> Iterator[Noise]:
    """Give all that is random in the cycles of each step, standard normal."""
    twin: Lorenz96Twin = data["twin"]
    members, nobs = data["members"], twin.operator.nobs
    shapes = {
        "errors": (rows, cycles, nobs),
        "perturbations": (rows, cycles, members, nobs),
        "guesses": (rows, members + 1, twin.model_size),
    }
    for _ in range(steps):
        yield {name: rng.standard_normal(shape, np.float32) for name, shape in shapes.items()}


def _check(cycles: int, steps: int, inflation: float, data: Mapping[str, Any]) -> None:
    check_count("cycles", cycles, 1)
    check_count("steps", steps, 1)
    if not 0 < inflation < math.inf:
        raise ValueError(f"inflation must be a positive factor, 1 for none, got {inflation!r}.")
    missing = [name for name in ("twin", "members") if name not in data]
    if missing:
        raise ValueError(
            f"through_cycles makes filters go on, and the data do not say of which {missing[0]}. "
            f"Use the dataset lorenz96_analyses."
        )


def _validated(model: Any, split: Any, batch_size: int) -> dict[str, float]:
    if split is None:
        return {}
    x = {tensor.name: split[0][tensor.name] for tensor in model.inputs}
    given = x if isinstance(model.input, dict) else next(iter(x.values()))
    found = model.evaluate(given, split[1], batch_size=batch_size, return_dict=True, verbose=0)
    return {f"val_{name}": float(value) for name, value in found.items()}
