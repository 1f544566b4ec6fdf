"""Gain pairs read from disk as they are needed: a Keras `PyDataset` that a zoo batches itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

import keras
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class PairSource(Protocol):
    """Pairs by number.

    Attributes:
        obs_dens: States per observation.
        shape: `(model_size, nobs)`.
    """

    obs_dens: int
    shape: tuple[int, int]

    def __len__(self) -> int:
        """Return how many there are."""

    def read(self, number: int, pair: dict[str, Array]) -> None:
        """Fill `kg_raw` and `kg_true`, `(model_size, nobs)`, and `mean`, `(model_size,)`, if asked.

        They are float32, and parts of a batch.
        """


class GainPairs(keras.utils.PyDataset):  # type: ignore[misc]  # Keras has no types
    """Gain pairs, one read at a time, so that they need not fit in memory.

    The zoo asks for samples by number, and gives them batch size, order and epoch of `[train]`. As
    a plain `PyDataset`, for `model.fit(pairs)`, it has a batch size and an order of its own.

    Args:
        source: Where the pairs are.
        with_mean: Whether x has the small ensemble's prior mean too.
        roll: Whether each sample is rolled around the ring, rows by `obs_dens*k` and columns by
            `k`, which gives a gain that is as valid. `k` follows from seed, epoch and number.
        seed: Of the rolls, and of the order.
        batch_size: Samples in a batch of the `PyDataset`.
        shuffle: Whether the `PyDataset` has another order in every epoch.

    Source:
        The symmetry: every state of the ring has the same equations, and every observation the
        same error, so the gain of rolled members is the rolled gain.
    """

    def __init__(
        self,
        source: PairSource,
        *,
        with_mean: bool = False,
        roll: bool = False,
        seed: int = 0,
        batch_size: int = 4,
        shuffle: bool = False,
    ) -> None:
        super().__init__()
        self.source = source
        self.with_mean = with_mean
        self.roll = roll
        self.seed = seed
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.epoch = 0

    @property
    def sample_count(self) -> int:
        """How many pairs there are."""
        return len(self.source)

    def samples(self, numbers: Any, epoch: int = 0) -> tuple[dict[str, Array], Array]:
        """Read some of the pairs.

        Args:
            numbers: Which, from 0, `(batch,)`.
            epoch: Decides the rolls.

        Returns:
            x, `{"kg_raw": (batch, model_size, nobs)}` and maybe `"mean": (batch, model_size)`, and
            y, `(batch, model_size, nobs)`.

        Raises:
            ValueError: If a pair cannot be read.
        """
        shapes: dict[str, tuple[int, ...]] = dict.fromkeys(("kg_raw", "kg_true"), self.source.shape)
        if self.with_mean:
            shapes["mean"] = self.source.shape[:1]
        batch = {key: np.empty((len(numbers), *s), np.float32) for key, s in shapes.items()}
        for row, number in enumerate(numbers):
            pair = {key: values[row] for key, values in batch.items()}
            self.source.read(int(number), pair)
            if self.roll:
                self._roll(pair, int(number), epoch)
        return batch, batch.pop("kg_true")

    def _roll(self, pair: dict[str, Array], number: int, epoch: int) -> None:
        rng = np.random.default_rng([self.seed, epoch, number])
        shift = int(rng.integers(self.source.shape[1]))
        for values in pair.values():
            values[...] = _rolled(values, shift, self.source.obs_dens)

    def __len__(self) -> int:
        """Return the number of batches in an epoch; the last may be smaller."""
        return math.ceil(self.sample_count / self.batch_size)

    def __getitem__(self, batch: int) -> tuple[dict[str, Array], Array]:
        """Return a batch of the epoch that is under way."""
        numbers = np.arange(self.sample_count)
        if self.shuffle:
            np.random.default_rng([self.seed, self.epoch]).shuffle(numbers)
        start = batch * self.batch_size
        return self.samples(numbers[start : start + self.batch_size], self.epoch)

    def on_epoch_end(self) -> None:
        """Go on to the next epoch."""
        self.epoch += 1


def streams(
    sources: Mapping[Any, PairSource],
    augment: str | None,
    with_mean: bool,
    batch_size: int,
    seed: int,
) -> dict[str, Any]:
    """Return the pairs of each split as a dataset does: those to train on shuffled, and rolled.

    Arguments as of `GainPairs`, with a source for each split, and as of `check_roll`.
    """
    train = sources["train"]
    is_rolled = check_roll(augment, train.shape[0], train.obs_dens)
    return {
        split: GainPairs(
            source,
            with_mean=with_mean,
            roll=is_rolled and split == "train",
            seed=seed,
            batch_size=batch_size,
            shuffle=split == "train",
        )
        for split, source in sources.items()
    }


def check_roll(augment: str | None, model_size: int, obs_dens: int) -> bool:
    """Return whether pairs are to be rolled.

    Args:
        augment: `"roll"` or `None`.
        model_size: Number of states, N.
        obs_dens: States per observation.

    Raises:
        ValueError: If `augment` is something else, or the ring has no such symmetry.
    """
    if augment not in (None, "roll"):
        raise ValueError(f'augment must be "roll" (around the ring) or left out, got {augment!r}.')
    if augment and model_size % obs_dens:
        raise ValueError(
            f'augment = "roll" needs observations at equal distances around the ring: '
            f"model_size={model_size} is no multiple of obs_dens={obs_dens}. Leave augment out."
        )
    return augment == "roll"


def _rolled(array: Array, shift: int, obs_dens: int) -> Array:
    if array.ndim == 1:
        return np.roll(array, obs_dens * shift)
    return np.roll(array, (obs_dens * shift, shift), axis=(0, 1))
