"""What decides a block of simulated samples, and which blocks a split has."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, Self, cast, get_args

from zoo_localization.checks import (
    check_count,
    check_finite_numbers,
    check_positive_numbers,
)
from zoo_localization.geometry import check_geometry
from zoo_localization.twin import Twin

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)


@dataclass(frozen=True)
class BlockSettings(ABC):
    """What decides a block, whatever its samples are; each block has truth runs of its own.

    Args:
        model_size: Number of states, N.
        obs_dens: States per observation.
        members: Members of an ensemble.
        forcing: F of the model.
        dt: Step of the model, in its time units.
        obs_error_variance: Variance of the independent observation errors.
        spin_up: Cycles before the first sample.
        seed: Decides everything random.

    Raises:
        ValueError: If an argument is out of its range.
    """

    model_size: int
    obs_dens: int
    members: int
    forcing: float
    dt: float
    obs_error_variance: float
    spin_up: int
    seed: int

    def __post_init__(self) -> None:
        """Check every argument, with its name in the message."""
        for name, least in (("model_size", 4), ("obs_dens", 1), ("members", 2)):
            check_count(name, getattr(self, name), least)
        for name in ("spin_up", "seed"):
            check_count(name, getattr(self, name), 0)
        check_positive_numbers(dt=self.dt, obs_error_variance=self.obs_error_variance)
        check_finite_numbers(forcing=self.forcing)
        check_geometry(self.model_size, 1, self.obs_dens)

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> Self:
        """Return the settings among the arguments of a dataset."""
        return cls(**{entry.name: arguments[entry.name] for entry in fields(cls)})

    @property
    @abstractmethod
    def twin(self) -> Twin:
        """The truth and its observations."""

    @property
    @abstractmethod
    def samples_per_block(self) -> int:
        """Samples that a block holds."""

    @property
    @abstractmethod
    def cycles_per_block(self) -> int:
        """Cycles that a block takes, spin-up and all."""

    def block_names(self, split: Split, samples: int) -> list[str]:
        """Return the names of the blocks that hold a split's samples."""
        count = math.ceil(samples / self.samples_per_block)
        return [f"{split}-{index:05d}" for index in range(count)]

    def random_key(self, split: Split, index: int) -> list[int]:
        """Return what the random numbers of a block start from."""
        return [self.seed, SPLITS.index(split), index]


def split_and_index(name: str) -> tuple[Split, int]:
    """Return what the name of a block says."""
    split, index = name.rsplit("-", 1)
    return cast(Split, split), int(index)


def split_counts(suffix: str = "", /, **counts: int) -> dict[Split, int]:
    """Check how many samples each split is to have, and leave out the splits of none.

    Args:
        suffix: What the arguments that say it are called, after the split's name.
        **counts: How many, by split.

    Raises:
        ValueError: If one is no such number, or there is nothing to train on.
    """
    for split, count in counts.items():
        check_count(f"{split}{suffix}", count, 1 if split == "train" else 0)
    return {cast(Split, split): count for split, count in counts.items() if count}
