"""The gain pairs of a dataset, a batch at a time: arrays in memory, or pairs that are read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from zoo_localization.tapers import roll_columns

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


def gain_pairs(
    data: dict[str, Any], split: str, input_name: str, evaluator: str = "gain_rmse"
) -> Iterator[Pairs]:
    """Give the gain pairs of a split.

    Args:
        data: What a dataset such as `lorenz96_gains` or `lorenz05_gains` gives. The reference gain
            is y, unless `data["kg_true"]` holds it by split.
        split: Which of its splits.
        input_name: Which entry of x is the raw gain.
        evaluator: Who asks, for messages.

    Yields:
        Pairs, at least one batch.

    Raises:
        ValueError: If there is no such split, or it holds no finite gains of one shape.
    """
    if split not in data:
        raise ValueError(
            f'{evaluator} needs a "{split}" split, and the data have {sorted(data)}. Give the '
            f"dataset a number of {split} pairs above 0."
        )
    done = 0
    for inputs, target in _batches(data[split]):
        raw = np.asarray(_named(inputs, input_name))
        whole = data["kg_true"][split] if "kg_true" in data else None
        true = np.asarray(target if whole is None else whole[done : done + len(raw)])
        yield _checked(Pairs(inputs, raw, true), split, evaluator)
        done += len(raw)


def _batches(split: Any) -> Iterator[tuple[Any, Any]]:
    if not hasattr(split, "samples"):
        yield split[0], split[1]
        return
    for start in range(0, split.sample_count, _PAIRS_AT_ONCE):
        yield split.samples(np.arange(start, min(start + _PAIRS_AT_ONCE, split.sample_count)), 0)


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
            place = [int(i) for i in np.argwhere(~np.isfinite(gains))[0]]
            raise ValueError(
                f"the {what} gains of the {split} split hold {gains[tuple(place)]} at {place} "
                f"(pair, state, observation). Leave such pairs out of the data."
            )
    return Pairs(inputs, raw, true)
