"""The loop `through_cycles`: a network trained by what becomes of the filter that it is part of."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo_localization.ensemble_ops import (
    centred,
    ensemble_gain,
    lorenz96_step,
    observe,
    updated,
)
from zoo_localization.gain_pairs import check_count
from zoo_localization.twin import Lorenz96Twin

Arrays = dict[str, Any]
# What a model may ask for: the dataset's names.
_INPUTS = ("kg_raw", "mean")


def through_cycles(
    model: Any,
    data: Mapping[str, Any],
    settings: Any,
    callbacks: Sequence[Any],
    cycles: int = 8,
    inflation: float = 1.04,
) -> keras.callbacks.History:
    """Train a network on the analyses of a filter that goes on with the network's own gains.

    `fit` would show the network one analysis of each prior. Here the analysis is followed by
    inflation, forecast and the next analysis, `cycles` times, with the config's loss at each, and
    the gradient goes back through all of them: a gain also has to leave an ensemble that the
    next gains can be made of. The priors become the network's own, too, which those of the dataset
    are not. With `cycles = 1` it is `fit`, drawn in another order.

    Validation is one analysis of each prior, as in `fit`. Metrics of the config are reported for
    validation only.

    Args:
        model: The compiled model: raw gain (and mean) in, gain out, with a loss such as `XtLoss`.
        data: What `lorenz96_cycles` gives.
        settings: `epochs`, `initial_epoch`, `batch_size`, `seed` and `shuffle`.
        callbacks: Keras callbacks.
        cycles: Analyses that follow one another.
        inflation: Factor on the posterior spread in between.

    Returns:
        Keras's history.

    Raises:
        ValueError: If the data are no filters in mid-cycle, or the model takes something else.
    """
    check_count("cycles", cycles, 1)
    if not 0 < inflation < math.inf:
        raise ValueError(f"inflation must be a positive factor, 1 for none, got {inflation!r}.")
    _check_inputs(model)
    starts = _Starts(data, settings, cycles)
    filtered = CycledModel(model, starts.twin, inflation)
    # Linear systems are solved in the graph, which XLA is slow at.
    filtered.compile(model.optimizer, run_eagerly=model.run_eagerly, jit_compile=False)
    validation = data.get("validation")
    listeners = keras.callbacks.CallbackList(
        list(callbacks), add_history=True, model=model, epochs=settings["epochs"], verbose=0
    )
    model.stop_training = False
    listeners.on_train_begin()
    logs: dict[str, float] = {}
    for epoch in range(settings["initial_epoch"], settings["epochs"]):
        listeners.on_epoch_begin(epoch)
        filtered.reset_metrics()
        for number, batch in enumerate(starts.batches(epoch)):
            listeners.on_train_batch_begin(number)
            logs = filtered.train_on_batch(batch, return_dict=True)
            logs = {name: float(value) for name, value in logs.items()}
            listeners.on_train_batch_end(number, logs)
            if model.stop_training:
                break
        if validation is not None:
            logs |= _validated(model, validation, settings["batch_size"])
        listeners.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    model.optimizer.finalize_variable_values(model.trainable_variables)
    listeners.on_train_end(logs)
    return model.history


class CycledModel(keras.Model):  # type: ignore[misc]  # Keras is untyped
    """A network with the filter around it: what comes out is the network's loss, cycle by cycle.

    Args:
        network: The compiled model.
        twin: The truth's model, and how it is observed.
        inflation: Factor on the posterior spread.

    Input shape:
        A dict: prior members `ensemble` `(batch, members, model_size)`; `truth` `(batch,
        model_size)` and the first `observation` `(batch, nobs)`; the `perturbations` of each
        member, `(batch, cycles, members, nobs)`, and the `errors` of the observations that follow,
        `(batch, cycles - 1, nobs)`, standard normal.

    Output shape:
        `(cycles,)`.
    """

    def __init__(self, network: Any, twin: Lorenz96Twin, inflation: float) -> None:
        super().__init__()
        self.network, self.twin, self.inflation = network, twin, inflation

    def call(self, inputs: Arrays, training: bool = True) -> Any:
        """Return the loss of every cycle."""
        twin = self.twin
        dens, std = twin.obs_dens, math.sqrt(twin.obs_error_variance)
        ensemble, truth, observation = (
            inputs[name] for name in ("ensemble", "truth", "observation")
        )
        cycles = inputs["perturbations"].shape[1]
        losses = []
        for cycle in range(cycles):
            gain, loss = self._analysis(ensemble, truth, observation, training)
            losses.append(loss)
            if cycle + 1 < cycles:
                perturbations = std * centred(inputs["perturbations"][:, cycle])
                targets = observation[:, None, :] + perturbations
                ensemble = updated(ensemble, gain, targets, dens, self.inflation)
                ensemble, truth = (
                    lorenz96_step(states, twin.dt, twin.forcing) for states in (ensemble, truth)
                )
                observation = observe(truth, dens) + std * inputs["errors"][:, cycle]
        return ops.stack(losses)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Return the mean over the cycles."""
        return ops.mean(y_pred)

    def _analysis(
        self, ensemble: Any, truth: Any, observation: Any, training: bool
    ) -> tuple[Any, Any]:
        """Return the network's gain, and its loss."""
        twin, mean = self.twin, ops.mean(ensemble, axis=1)
        known = {
            "kg_raw": ensemble_gain(ensemble, twin.obs_dens, twin.obs_error_variance),
            "mean": mean,
        }
        x = keras.tree.map_structure(lambda tensor: known[tensor.name], self.network.input)
        gain = self.network(x, training=training)
        innovation = observation - observe(mean, twin.obs_dens)
        y = ops.concatenate([truth, mean, innovation], axis=1)[..., None]
        loss = self.network.compute_loss(x=x, y=y, y_pred=gain, training=training)
        return ops.reshape(gain, ops.shape(known["kg_raw"])), loss


class _Starts:
    """The training split, in batches that follow from seed and epoch alone."""

    def __init__(self, data: Mapping[str, Any], settings: Any, cycles: int) -> None:
        inputs, target = _checked(data)
        self.twin: Lorenz96Twin = data["twin"]
        self.settings, self.cycles = settings, cycles
        size = self.twin.model_size
        states = np.asarray(target).reshape(len(target), -1)
        self.ensembles, self.truths = np.asarray(inputs["ensemble"]), states[:, :size]
        observed = self.twin.operator(states[:, size : 2 * size])
        self.observations = observed + states[:, 2 * size :]

    def batches(self, epoch: int) -> Iterator[Arrays]:
        """Give what `CycledModel` takes; samples that fill no batch are left for another epoch."""
        rng = np.random.default_rng([self.settings["seed"], epoch])
        order = np.arange(len(self.truths))
        if self.settings["shuffle"]:
            rng.shuffle(order)
        size = min(self.settings["batch_size"], len(order))
        for start in range(0, len(order) - size + 1, size):
            yield self._batch(order[start : start + size], rng)

    def _batch(self, chosen: Any, rng: np.random.Generator) -> Arrays:
        ensembles, nobs = self.ensembles[chosen], self.observations.shape[1]
        rows, members = ensembles.shape[:2]
        return {
            "ensemble": ensembles,
            "truth": self.truths[chosen],
            "observation": self.observations[chosen],
            "perturbations": rng.standard_normal((rows, self.cycles, members, nobs), np.float32),
            "errors": rng.standard_normal((rows, self.cycles - 1, nobs), np.float32),
        }


def _check_inputs(model: Any) -> None:
    names = [tensor.name for tensor in model.inputs]
    unknown = [name for name in names if name not in _INPUTS]
    if unknown:
        raise ValueError(
            f'through_cycles makes the inputs "kg_raw" and "mean", and the model has '
            f"{unknown[0]!r}. Name the inputs so, and take out what else there is."
        )


def _checked(data: Mapping[str, Any]) -> tuple[Arrays, Any]:
    """Return the training split, once it has what filters go on from."""
    inputs, target = data["train"][:2]
    if not isinstance(inputs, Mapping) or "ensemble" not in inputs or "twin" not in data:
        raise ValueError(
            "through_cycles needs filters in mid-cycle: x with the prior members as "
            '"ensemble", y the truth, the mean and the innovation, and their "twin". The dataset '
            "lorenz96_cycles gives them."
        )
    return dict(inputs), target


def _validated(model: Any, split: Any, batch_size: int) -> dict[str, float]:
    x = {tensor.name: split[0][tensor.name] for tensor in model.inputs}
    given = x if isinstance(model.input, dict) else next(iter(x.values()))
    found = model.evaluate(given, split[1], batch_size=batch_size, return_dict=True, verbose=0)
    return {f"val_{name}": float(value) for name, value in found.items()}
