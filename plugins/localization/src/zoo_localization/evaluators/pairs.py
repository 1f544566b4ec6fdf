"""The gain pairs of a dataset, a batch at a time: arrays in memory, or pairs that are read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zoo_localization.checks import is_count
from zoo_localization.finite import first_place
from zoo_localization.model_localization import gain_of_output
from zoo_localization.tapers import offset_sums, roll_columns

FloatArray = NDArray[np.float64]
# Pairs read at once; those in memory are one batch.
_PAIRS_AT_ONCE = 32


class Pairs(NamedTuple):
    """Some gain pairs.

    Attributes:
        inputs: x, as the model takes it.
        raw: Raw gains, `(pairs, model_size, nobs)`, as they are in x.
        true: Reference gains, same shape.
    """

    inputs: Any
    raw: Any
    true: Any

    def rolled_back(self, obs_dens: int) -> Pairs:
        """Return the pairs with the columns of their gains rolled back to their places."""
        raw, true = (roll_columns(gains, obs_dens, back=True) for gains in (self.raw, self.true))
        return Pairs(self.inputs, raw, true)


class Localized(NamedTuple):
    """Some gain pairs, none of them rolled, and what a model makes of them.

    Attributes:
        raw: Raw gains, `(pairs, model_size, nobs)`.
        true: Reference gains, same shape.
        predicted: The model's gains, same shape.
    """

    raw: Any
    true: Any
    predicted: Any


def localized(model: Any, pairs: Pairs, obs_dens: int, *, rolled: bool) -> Localized:
    """Localize gains by a model, and roll all of them back where they are rolled.

    Args:
        model: A Keras model that gives a gain, or a localization vector to multiply it with.
        pairs: The gains.
        obs_dens: States per observation.
        rolled: Whether the gains, and so the model's, are rolled.

    Returns:
        Gains in their places.

    Raises:
        ValueError: If the model gives something else.
    """
    fitted = pairs.inputs
    if isinstance(fitted, dict) and len(fitted) == 1:
        # A model with one input takes the array itself, unless it was built on a dict of one.
        takes_dict = isinstance(getattr(model, "input", None), dict)
        fitted = fitted if takes_dict else next(iter(fitted.values()))
    output = model.predict(fitted, verbose=0)
    predicted = gain_of_output(output, pairs.raw, obs_dens, rolled=rolled)
    if not rolled:
        return Localized(pairs.raw, pairs.true, predicted)
    back = pairs.rolled_back(obs_dens)
    return Localized(back.raw, back.true, roll_columns(predicted, obs_dens, back=True))


def known_dens(pairs: Pairs, obs_dens: int | None) -> int:
    """Return the states per observation: those asked, or `model_size // nobs`."""
    size, nobs = pairs.raw.shape[1:]
    return size // nobs if obs_dens is None else obs_dens


def read_pairs(
    data: dict[str, Any],
    split: str,
    input_name: str,
    evaluator: str = "gain_rmse",
    numbers: Sequence[int] | None = None,
) -> Iterator[Pairs]:
    """Give the gain pairs of a split.

    Args:
        data: What a dataset such as `lorenz96_gains` or `lorenz05_gains` gives. The reference gain
            is y, unless `data["kg_true"]` holds it by split.
        split: Which of its splits.
        input_name: Which entry of x is the raw gain.
        evaluator: Who asks, for messages.
        numbers: Which pairs, from 0; `None` for all.

    Yields:
        Pairs, at least one batch; those asked one at a time.

    Raises:
        ValueError: If there is no such split or pair, or it holds no finite gains of one shape.
    """
    if split not in data:
        raise ValueError(
            f'{evaluator} needs a "{split}" split, and the data have {sorted(data)}. Give the '
            f"dataset a number of {split} pairs above 0."
        )
    whole = data["kg_true"][split] if "kg_true" in data else None
    for some, (inputs, target) in _batches(data[split], numbers):
        raw = np.asarray(_named(inputs, input_name))
        true = np.asarray(target if whole is None else whole[some])
        yield _checked(Pairs(inputs, raw, true), split, evaluator)


def fitted_sums(
    pairs: Iterable[Pairs], obs_dens: int | None, *, rolled: bool = False
) -> tuple[FloatArray, FloatArray, int]:
    """Return what a static vector is fitted with: sums over all pairs, at each offset.

    Args:
        pairs: The pairs, batch by batch.
        obs_dens: States per observation; `None` for `model_size // nobs`.
        rolled: Whether their gains are rolled.

    Returns:
        The sums of `raw**2` and of `raw * true`, `(model_size,)`, and the states per observation.

    Raises:
        ValueError: If the observations do not fit on the ring.
    """
    square: Any = 0.0
    product: Any = 0.0
    dens = 0
    for batch in pairs:
        dens = known_dens(batch, obs_dens)
        some = batch.rolled_back(dens) if rolled else batch
        square = square + offset_sums(some.raw, some.raw, dens)
        product = product + offset_sums(some.raw, some.true, dens)
    return square, product, dens


def _batches(split: Any, numbers: Sequence[int] | None) -> Iterator[tuple[slice, tuple[Any, Any]]]:
    """Give inputs and targets, and where in the split they are."""
    is_stream = hasattr(split, "samples")
    if numbers is not None:
        _check_numbers(numbers, split.sample_count if is_stream else len(split[1]))
        stretches = [slice(number, number + 1) for number in numbers]
    elif is_stream:
        starts = range(0, split.sample_count, _PAIRS_AT_ONCE)
        stretches = [slice(n, min(n + _PAIRS_AT_ONCE, split.sample_count)) for n in starts]
    else:
        yield slice(None), (split[0], split[1])
        return
    for some in stretches:
        if is_stream:
            yield some, split.samples(np.arange(some.start, some.stop), 0)
        else:
            yield some, (_taken(split[0], some), split[1][some])


def _check_numbers(numbers: Sequence[int], count: int) -> None:
    wrong = [number for number in numbers if not is_count(number, 0) or number >= count]
    if wrong:
        raise ValueError(
            f"samples must be numbers of gains from 0 to {count - 1}, as many as the split has, "
            f"got {wrong[0]!r}."
        )


def _taken(inputs: Any, some: slice) -> Any:
    if isinstance(inputs, dict):
        return {name: array[some] for name, array in inputs.items()}
    return inputs[some]


def _named(inputs: Any, name: str) -> Any:
    return inputs[name] if isinstance(inputs, dict) and name in inputs else inputs


def _checked(pairs: Pairs, split: str, evaluator: str) -> Pairs:
    inputs, raw, true = pairs
    if raw.ndim == 4 and raw.shape[3] == 1:
        raw, true = raw[..., 0], true.reshape(raw.shape[:3]) if true.ndim == 4 else true
    if raw.ndim != 3 or true.shape != raw.shape:
        raise ValueError(
            f"{evaluator} needs raw and reference gains of one shape (pairs, model_size, nobs) as "
            f"arrays; the {split} split has {raw.shape} and {true.shape}. Where y is no gain, the "
            f'data need the reference gains by split under the key "kg_true".'
        )
    for what, gains in (("raw", raw), ("reference", true)):
        if not np.isfinite(gains).all():
            place = first_place(~np.isfinite(gains))
            raise ValueError(
                f"the {what} gains of the {split} split hold {gains[place]} at {list(place)} "
                f"(pair, state, observation). Leave such pairs out of the data."
            )
    return Pairs(inputs, raw, true)
