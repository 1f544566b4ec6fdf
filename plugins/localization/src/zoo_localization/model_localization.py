"""A Keras model, or a model of the zoo, as a localization: NumPy arrays in, NumPy arrays out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_localization.finite import first_place, not_finite
from zoo_localization.tapers import roll_columns, taper_matrix, unmirror

FloatArray = NDArray[np.float64]


class ModelLocalization:
    """A model as a function of the raw gain, for a filter of one's own or `localize`.

    Make one by `as_localization`. Gains are `(..., model_size, nobs)`, with or without leading
    axes, of any precision.
    """

    def __init__(self, model: Any, obs_dens: int | None, rolled: bool, batch_size: int) -> None:
        self.model = model
        self.obs_dens = obs_dens
        self.rolled = rolled
        self.batch_size = batch_size
        self._rows = 0

    def __call__(self, gain: Any, mean: Any = None) -> FloatArray:
        """Return the localized gain.

        Args:
            gain: The raw gain, `(..., model_size, nobs)`.
            mean: Mean of the prior ensemble, `(..., model_size)`, where the model has an input
                `mean`.

        Returns:
            Shape of the gain, float64.

        Raises:
            ValueError: If the gain or the mean does not fit the model or is not finite, or if what
                the model gives is no gain.
        """
        raw = np.asarray(gain)
        if not raw.size:
            raise ValueError(f"gain is empty: there is nothing to localize, got shape {raw.shape}.")
        if raw.dtype.kind not in "fiu" or raw.ndim < 2:
            raise ValueError(
                f"gain must be numbers of shape (..., model_size, nobs), got shape {raw.shape} of "
                f"{raw.dtype}."
            )
        if not np.isfinite(raw).all():
            raise ValueError(
                f"gain must be finite, got shape {raw.shape} with {not_finite(raw)}. The ensemble "
                f"behind it has NaN or no variance."
            )
        batch = raw.reshape(-1, *raw.shape[-2:])
        states = None if mean is None else checked_mean(mean, raw.shape[:-1])
        dens = raw.shape[-2] // raw.shape[-1] if self.obs_dens is None else self.obs_dens
        given = roll_columns(batch, dens) if self.rolled else batch
        found = self._in_batches(given, states)
        localized = gain_of_output(found, given, dens, rolled=self.rolled)
        if self.rolled:
            localized = roll_columns(localized, dens, back=True)
        return np.asarray(localized, dtype=np.float64).reshape(raw.shape)

    def _in_batches(self, gains: Any, states: Any) -> Any:
        # A model is compiled anew for each batch size: short batches are filled up to the usual.
        self._rows = max(self._rows, min(len(gains), self.batch_size))
        found = []
        for start in range(0, len(gains), self._rows):
            rows = slice(start, start + self._rows)
            some = None if states is None else states[rows]
            short = self._rows - len(gains[rows])
            found.append(self._predict(_filled(gains[rows], short), _filled(some, short)))
        return np.concatenate(found)[: len(gains)]

    def _predict(self, gains: Any, states: Any) -> Any:
        inputs = _model_inputs(self.model, gains, states)
        predict = getattr(self.model, "predict_on_batch", None)
        output = predict(inputs) if predict else self.model(inputs)
        if isinstance(output, dict | list | tuple):
            raise ValueError(
                f"the model must give one array, the gain, and gives a {type(output).__name__} of "
                f"{len(output)}. Make a model of that output alone: keras.Model(model.inputs, "
                f"model.outputs[0])."
            )
        return np.asarray(output)


def as_localization(
    model: Any, *, obs_dens: int | None = None, rolled: bool = False, batch_size: int = 32
) -> ModelLocalization:
    """Make a localization of a model, for `localize`, a filter here, or one of your own.

    `as_localization(model)(gain)` is the localized gain: NumPy arrays in, NumPy arrays out.

    Args:
        model: A Keras model, as `zoo.load` gives it, or anything called like one. Its one input is
            the raw gain `(batch, model_size, nobs)`; a second one, if there is any, is called
            `mean` and takes the ensemble mean `(batch, model_size)`. It gives a gain, or a
            localization vector `(batch, model_size//2 + 1)` or `(batch, model_size)` to multiply
            the gain with.
        obs_dens: States per observation, of which only vectors and rolled gains depend; `None` for
            `model_size // nobs`.
        rolled: Whether the model wants the gain's columns rolled until each observation is in row
            0, as those trained with `LocLoss` do. What is given and returned here is not rolled.
        batch_size: Most gains that the model is given at once.

    Returns:
        A function of the gain, and where the model has that input, of the mean.

    Raises:
        ValueError: If there is no model, it has other inputs, or a number is out of its range.
    """
    if not callable(model):
        raise ValueError(
            f"model must be a Keras model or a function of the gain, got {model!r}. A name is made "
            f"a model by zoo.load; a taper or a curve is a localization as it is."
        )
    for name, value in (("batch_size", batch_size), ("obs_dens", obs_dens)):
        if value is not None and value < 1:
            raise ValueError(f"{name} must be 1 or more, got {value!r}.")
    _gain_input(model)
    return ModelLocalization(model, obs_dens, rolled, batch_size)


def checked_mean(mean: Any, leading: tuple[int, ...]) -> FloatArray:
    """Return ensemble means one after the other, once checked.

    Args:
        mean: Shape `(..., model_size)`.
        leading: The shape that it must have, that of the gains without their last axis.

    Returns:
        Shape `(batch, model_size)`.

    Raises:
        ValueError: If the shape is another, or a value is not finite.
    """
    states = np.asarray(mean)
    if states.shape != leading:
        raise ValueError(
            f"mean must be one state a gain, (..., model_size) = {leading}, got shape "
            f"{states.shape}."
        )
    if not np.isfinite(states).all():
        raise ValueError(f"mean must be finite, got shape {leading} with {not_finite(states)}.")
    return states.reshape(-1, states.shape[-1])


def is_model(localization: Any) -> bool:
    """Return whether this is a Keras model, rather than another function; Keras stays unloaded."""
    return callable(localization) and hasattr(localization, "predict_on_batch")


def gain_shape(model: Any) -> tuple[int, int] | None:
    """Return `(model_size, nobs)` of the gains that a model takes; `None` if it takes any."""
    name = _gain_input(model)
    for tensor in getattr(model, "inputs", None) or []:
        if tensor.name == name and len(tensor.shape) >= 3 and None not in tensor.shape[1:3]:
            return int(tensor.shape[1]), int(tensor.shape[2])
    return None


def gain_of_output(output: Any, raw: Any, obs_dens: int, *, rolled: bool = False) -> Any:
    """Return a model's gain: what it gives, or the raw gain times the vector that it gives.

    Args:
        output: What the model gives.
        raw: The raw gains that it was given, `(batch, model_size, nobs)`.
        obs_dens: States per observation.
        rolled: Whether their columns are rolled.

    Returns:
        Shape of `raw`, rolled where that is.

    Raises:
        ValueError: If the output is neither, or not finite.
    """
    output = np.asarray(output)
    if not np.isfinite(output).all():
        place = first_place(~np.isfinite(output))[0]
        raise ValueError(
            f"the model gives {int((~np.isfinite(output)).sum())} values that are not finite, the "
            f"first for gain {place} of the batch. Look for a division by a variance of 0 in the "
            f"model, or train it with a smaller learning rate."
        )
    if output.shape in (raw.shape, (*raw.shape, 1)):
        return output.reshape(raw.shape)
    return raw * _spread(output, raw.shape, obs_dens, rolled)


def _spread(vector: FloatArray, shape: tuple[int, ...], obs_dens: int, rolled: bool) -> FloatArray:
    """Spread predicted localization vectors over the gains, in the gains' own frame."""
    batch, size, nobs = shape
    if vector.ndim == 3 and vector.shape[2] == 1:
        vector = vector[..., 0]
    if vector.ndim != 2 or vector.shape[0] != batch or vector.shape[1] not in (size, size // 2 + 1):
        raise ValueError(
            f"the model must give a gain {shape} or a localization vector ({batch}, "
            f"{size // 2 + 1}) or ({batch}, {size}); it gave {vector.shape}. Name the node that is "
            f"the gain in the config's outputs."
        )
    if vector.shape[1] != size:
        vector = np.stack([unmirror(half, size) for half in vector])
    if rolled:
        return vector[:, :, None]
    return np.stack([taper_matrix(full, nobs, obs_dens) for full in vector])


def _model_inputs(model: Any, gains: Any, states: Any) -> Any:
    """Arrange gains, and the ensemble means if there are any, as a model takes them."""
    name = _gain_input(model)
    tensors = getattr(model, "inputs", None) or []
    values = {}
    for tensor in tensors:
        if tensor.name == name:
            values[tensor.name] = _fitted(gains, tensor, "gains")
        elif states is None:
            raise ValueError(
                f'the model takes the ensemble mean as its input "{tensor.name}": give it as the '
                f"argument mean, of shape (..., model_size)."
            )
        else:
            values[tensor.name] = _fitted(states, tensor, "ensemble means")
    if isinstance(getattr(model, "input", None), dict):
        return values
    return list(values.values()) if len(values) > 1 else values.get(name, gains)


def _gain_input(model: Any) -> str:
    """Return the name of the model's input that is the gain."""
    names = [tensor.name for tensor in getattr(model, "inputs", None) or []]
    gains = [name for name in names if name != "mean"] if len(names) > 1 else names
    if len(gains) > 1:
        raise ValueError(
            f"a model that localizes takes the raw gain, and may take the ensemble mean as an "
            f'input called "mean"; this one has the inputs {", ".join(names)}. Make a model of '
            f"those two alone."
        )
    return gains[0] if gains else ""


def _fitted(values: Any, tensor: Any, what: str) -> Any:
    """Return values in the shape and precision of a model's input."""
    wanted = tuple(tensor.shape[1:])
    given = values[..., None] if len(wanted) == values.ndim and wanted[-1] == 1 else values
    is_fit = len(wanted) == given.ndim - 1 and all(
        w in (None, g) for w, g in zip(wanted, given.shape[1:], strict=True)
    )
    if not is_fit:
        raise ValueError(
            f'the model takes {what} {wanted} as its input "{tensor.name}", and was given '
            f"{values.shape[1:]}. Use a model that was built for this model_size and nobs."
        )
    return given.astype(tensor.dtype, copy=False)


def _filled(values: Any, short: int) -> Any:
    """Lengthen a batch by copies of its last sample."""
    if values is None or not short:
        return values
    return np.concatenate([values, np.repeat(values[-1:], short, axis=0)])
