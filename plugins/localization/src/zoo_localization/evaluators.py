"""The evaluator `gain_rmse`: how near to the reference gain each way of localizing comes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_localization.tapers import (
    gaspari_cohn_vector,
    offset_sums,
    roll_columns,
    static_regression,
    taper_matrix,
    unmirror,
)

FloatArray = NDArray[np.float64]


def gain_rmse(
    model: Any,
    data: dict[str, Any],
    obs_dens: int | None = None,
    rolled: bool = False,
    input_name: str = "kg_raw",
) -> dict[str, float]:
    """Score a model's gain on held-out pairs, beside what needs no network.

    The Gaspari-Cohn cutoff and the static regression vectors are fitted on the training split; all
    figures are of the test split.

    Args:
        model: A Keras model that gives a gain `(batch, model_size, nobs)`, or a localization vector
            `(batch, model_size//2 + 1)` or `(batch, model_size)` (with or without a last axis of 1)
            to multiply the raw gain with.
        data: What a dataset such as `lorenz96_gains` gives, with a `test` split. The reference gain
            is y, unless `data["kg_true"]` holds it by split.
        obs_dens: States per observation; `None` for `model_size // nobs`.
        rolled: Whether the data's gains, and so the model's, have their columns rolled until each
            observation is in row 0.
        input_name: Which of the model's inputs is the raw gain.

    Returns:
        RMSE over all test pairs and entries, in the gain's units: `raw`; `gaspari_cohn`;
        `static_half` (the best fixed vector that is its own mirror image) and `static_full`;
        `model`; and each of them over `raw` as `..._ratio`. `cutoff` is the tuned one, in grid
        points.

    Raises:
        ValueError: If the data hold no such pairs, or the model gives something else.
    """
    train, test = _pairs(data, "train", input_name), _pairs(data, "test", input_name)
    size, nobs = test[0].shape[1:]
    dens = size // nobs if obs_dens is None else obs_dens
    predicted = _predicted_gain(model, data["test"][0], test[0], dens, rolled)
    if rolled:
        train, test = _rolled_back(train, dens), _rolled_back(test, dens)
        predicted = roll_columns(predicted, dens, back=True)
    raw, true = test
    cutoff = tuned_cutoff(*train, dens)
    vectors = {
        "gaspari_cohn": gaspari_cohn_vector(size, cutoff),
        "static_half": static_regression(*train, dens, half=True),
        "static_full": static_regression(*train, dens),
    }
    fixed = {name: raw * taper_matrix(vector, nobs, dens) for name, vector in vectors.items()}
    gains = {"raw": raw, **fixed, "model": predicted}
    scores = {name: _rmse(gain, true) for name, gain in gains.items()}
    ratios = {f"{name}_ratio": scores[name] / scores["raw"] for name in (*vectors, "model")}
    return {**scores, **ratios, "cutoff": cutoff}


def tuned_cutoff(raw: Any, reference: Any, obs_dens: int) -> float:
    """Return the Gaspari-Cohn cutoff under which raw gains come nearest to reference gains.

    Args:
        raw: Raw gains, `(batch, model_size, nobs)`.
        reference: Reference gains, same shape.
        obs_dens: States per observation.

    Returns:
        The best of the cutoffs 1, 1.25, ... to twice the ring, in grid points.

    Raises:
        ValueError: If the observations do not fit on the ring.
    """
    size = raw.shape[1]
    # The squared error of any taper follows from two sums an offset; no pair is looked at again.
    square, product = offset_sums(raw, raw, obs_dens), offset_sums(raw, reference, obs_dens)
    cutoffs = np.arange(1.0, 2 * size + 0.25, 0.25)
    tapers = (gaspari_cohn_vector(size, float(cutoff)) for cutoff in cutoffs)
    errors = [float(np.sum(taper**2 * square - 2 * taper * product)) for taper in tapers]
    return float(cutoffs[int(np.argmin(errors))])


def _pairs(data: dict[str, Any], split: str, input_name: str) -> tuple[Any, Any]:
    """Return the raw and the reference gains of a split, each `(pairs, model_size, nobs)`."""
    if split not in data:
        raise ValueError(
            f'gain_rmse needs a "{split}" split, and the data have {sorted(data)}. Give the '
            f"dataset a number of {split} pairs above 0."
        )
    inputs, target = data[split][0], data[split][1]
    is_named = isinstance(inputs, dict) and input_name in inputs
    raw = np.asarray(inputs[input_name] if is_named else inputs)
    true = np.asarray(data["kg_true"][split] if "kg_true" in data else target)
    if raw.ndim == 4 and raw.shape[3] == 1:
        raw, true = raw[..., 0], true.reshape(raw.shape[:3]) if true.ndim == 4 else true
    if raw.ndim != 3 or true.shape != raw.shape:
        raise ValueError(
            f"gain_rmse needs raw and reference gains of one shape (pairs, model_size, nobs) as "
            f"arrays; the {split} split has {raw.shape} and {true.shape}. Where y is no gain, the "
            f'data need the reference gains by split under the key "kg_true".'
        )
    return raw, true


def _predicted_gain(model: Any, inputs: Any, raw: Any, obs_dens: int, rolled: bool) -> Any:
    """Return the model's gain, or the raw gain times the vector that it gives instead."""
    fitted = inputs
    if isinstance(inputs, dict) and len(inputs) == 1:
        # A model with one input takes the array itself, unless it was built on a dict of one.
        takes_dict = isinstance(getattr(model, "input", None), dict)
        fitted = inputs if takes_dict else next(iter(inputs.values()))
    predicted = np.asarray(model.predict(fitted, verbose=0))
    if predicted.shape in (raw.shape, (*raw.shape, 1)):
        return predicted.reshape(raw.shape)
    return raw * _localization(predicted, raw.shape, obs_dens, rolled)


def _rolled_back(pair: tuple[Any, Any], obs_dens: int) -> tuple[Any, Any]:
    raw, true = (roll_columns(gains, obs_dens, back=True) for gains in pair)
    return raw, true


def _localization(
    vector: FloatArray, gain_shape: tuple[int, ...], obs_dens: int, rolled: bool
) -> FloatArray:
    """Spread predicted localization vectors over the gains, in the gains' own frame."""
    batch, size, nobs = gain_shape
    if vector.ndim == 3 and vector.shape[2] == 1:
        vector = vector[..., 0]
    if vector.ndim != 2 or vector.shape[0] != batch or vector.shape[1] not in (size, size // 2 + 1):
        raise ValueError(
            f"gain_rmse needs a model that gives a gain {gain_shape} or a localization vector "
            f"({batch}, {size // 2 + 1}) or ({batch}, {size}); it gave {vector.shape}."
        )
    if vector.shape[1] != size:
        vector = np.stack([unmirror(half, size) for half in vector])
    if rolled:
        return vector[:, :, None]
    return np.stack([taper_matrix(full, nobs, obs_dens) for full in vector])


def _rmse(gain: Any, reference: Any) -> float:
    return float(np.sqrt(np.mean((np.asarray(gain, np.float64) - reference) ** 2)))
