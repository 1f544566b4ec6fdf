"""A network with filters around it, side by side, as one Keras model."""

from __future__ import annotations

import math
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
from zoo_localization.twin import Lorenz96Twin

Noise = dict[str, Any]
# What a network may ask for, by the names of its inputs.
_KNOWN = ("kg_raw", "mean")


class CycledNetwork(keras.Model):  # type: ignore[misc]  # Keras is untyped
    """Filters that go on with a network's gains; each call is some cycles, and gives the loss.

    The filters' states are kept from call to call. A filter whose mean is further than half the
    truth's standard deviation from it is lost, and begins anew. A filter's loss is divided by the
    error before the analysis: else the few that are about to be lost would outweigh all others.

    Args:
        network: The compiled model, from the raw gain `kg_raw` (and the `mean`) to a gain.
        twin: The truths' model, and how they are observed.
        filters: Filters side by side.
        members: Members of each.
        inflation: Factor on the posterior spread.

    Input shape:
        What is random, standard normal: the `errors` of the observations, `(filters, cycles,
        nobs)`; the `perturbations` of each member, `(filters, cycles, members, nobs)`; and the
        `guesses` that lost filters begin with, `(filters, members + 1, model_size)`.

    Output shape:
        The network's loss in each cycle, `(cycles,)`.

    Raises:
        ValueError: If the network takes something else.
    """

    def __init__(
        self, network: Any, twin: Lorenz96Twin, filters: int, members: int, inflation: float
    ) -> None:
        super().__init__()
        unknown = [tensor.name for tensor in network.inputs if tensor.name not in _KNOWN]
        if unknown:
            raise ValueError(
                f'a filter has "kg_raw" and "mean" for its network, and this model has the input '
                f'"{unknown[0]}". Name the inputs so, and take out what else there is.'
            )
        self.network, self.twin, self.inflation = network, twin, inflation
        size = twin.model_size
        self.truths = self.add_weight(shape=(filters, size), trainable=False, name="truths")
        self.ensembles = self.add_weight(
            shape=(filters, members, size), trainable=False, name="ensembles"
        )

    def begin(self, truths: Any, rng: np.random.Generator) -> None:
        """Begin anew with every filter.

        Args:
            truths: Shape `(filters, model_size)`.
            rng: Where the first guesses come from.
        """
        members = self.ensembles.shape[1]
        self.truths.assign(truths)
        self.ensembles.assign(self.twin.first_ensemble(truths, members, rng))

    def call(self, inputs: Noise, training: bool = True) -> Any:
        """Return the loss of every cycle."""
        truth, ensemble = ops.convert_to_tensor(self.truths), ops.convert_to_tensor(self.ensembles)
        losses = []
        for cycle in range(inputs["errors"].shape[1]):
            truth, ensemble = self._forecast(truth, ensemble, inputs["guesses"])
            noise = (inputs["errors"][:, cycle], inputs["perturbations"][:, cycle])
            ensemble, loss = self._analysis(truth, ensemble, *noise, training=training)
            losses.append(loss)
        self.truths.assign(truth)
        self.ensembles.assign(ensemble)
        return ops.stack(losses)

    def compute_loss(self, _x: Any, _y: Any, y_pred: Any, *_: Any, **__: Any) -> Any:
        """Return the mean over the cycles."""
        return ops.mean(y_pred)

    def _forecast(self, truth: Any, ensemble: Any, guesses: Any) -> tuple[Any, Any]:
        truth, ensemble = (
            lorenz96_step(states, self.twin.dt, self.twin.forcing) for states in (truth, ensemble)
        )
        error = ops.mean(ops.square(ops.mean(ensemble, axis=1) - truth), axis=1)
        # Written so that what is not a number is lost, too.
        is_lost = ops.logical_not(error < 0.25 * ops.var(truth, axis=1))
        anew = truth[:, None, :] + guesses[:, :1] + guesses[:, 1:]
        return truth, ops.where(is_lost[:, None, None], anew, ensemble)

    def _analysis(
        self, truth: Any, ensemble: Any, error: Any, perturbations: Any, *, training: bool
    ) -> tuple[Any, Any]:
        """Return the inflated posterior, and the network's loss."""
        dens, variance = self.twin.obs_dens, self.twin.obs_error_variance
        std = math.sqrt(variance)
        mean = ops.mean(ensemble, axis=1)
        known = {"kg_raw": ensemble_gain(ensemble, dens, variance), "mean": mean}
        x = keras.tree.map_structure(lambda tensor: known[tensor.name], self.network.input)
        gain = self.network(x, training=training)
        observation = observe(truth, dens) + std * error
        innovation = observation - observe(mean, dens)
        y = ops.concatenate([truth, mean, innovation], axis=1)[..., None]
        prior_error = ops.sqrt(ops.mean(ops.square(truth - mean), axis=1))
        weight = 1.0 / ops.maximum(ops.stop_gradient(prior_error), 0.1 * std)
        loss = self.network.compute_loss(
            x=x, y=y, y_pred=gain, sample_weight=weight, training=training
        )
        targets = observation[:, None, :] + std * centred(perturbations)
        gain = ops.reshape(gain, ops.shape(known["kg_raw"]))
        return updated(ensemble, gain, targets, dens, self.inflation), loss
