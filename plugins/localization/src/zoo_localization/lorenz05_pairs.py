"""What decides a block of Lorenz (2005) gain pairs; the defaults are a published setting."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import cycle, islice
from typing import get_args

import numpy as np

from zoo_localization.checks import check_count
from zoo_localization.gain_pairs import PairKind, PairSettings
from zoo_localization.lorenz05 import EndWeight, Lorenz05, ModelNumber
from zoo_localization.lorenz05_twin import WANG_2023, Lorenz05Twin
from zoo_localization.twin import Update

_MODEL = WANG_2023.twin.model


@dataclass(frozen=True)
class Lorenz05PairSettings(PairSettings):
    """Everything that decides what a block of Lorenz (2005) gain pairs holds.

    Arguments as of `PairSettings`, and these. Truths are float64; ensembles are float32, which
    halves the time.

    Args:
        model: `"I"`, `"II"` or `"III"`.
        averaging_length: K, states (models II and III).
        smoothing_length: I, states (model III).
        b: How much faster and smaller the short waves are (model III).
        c: Coupling of short to long waves (model III).
        end_weight: The smoother's end terms, `"lorenz"` or `"paper"` (model III).
        steps_per_cycle: Model steps from one observation to the next.
        width: States that an observation is the mean of; 1 for points.
        small_filters: Raw gains for each reference gain. The large ensemble costs most, and its
            gain serves them all.
        update: `"matrix"`, `"serial"` or `"square_root"`, or a list that the small filters take in
            turn (`"f"` only).

    Raises:
        ValueError: If an argument is out of its range.
    """

    model_size: int = WANG_2023.twin.model_size
    obs_dens: int = WANG_2023.twin.obs_dens
    members: int = WANG_2023.members
    reference_members: int = WANG_2023.reference_members
    forcing: float = _MODEL.forcing
    dt: float = _MODEL.dt
    obs_error_variance: float = WANG_2023.twin.obs_error
    pair_kind: PairKind = "f"
    inflation: float = WANG_2023.inflation
    cutoff: float = WANG_2023.cutoff
    reference_inflation: float = WANG_2023.inflation
    spin_up: int = 60
    cycles_between_pairs: int = 2
    pairs_per_block: int = 360
    seed: int = 0
    model: ModelNumber = _MODEL.model
    averaging_length: int = _MODEL.averaging_length
    smoothing_length: int = _MODEL.smoothing_length
    b: float = _MODEL.b
    c: float = _MODEL.c
    end_weight: EndWeight = _MODEL.end_weight
    steps_per_cycle: int = WANG_2023.twin.steps_per_cycle
    width: int = WANG_2023.twin.width
    small_filters: int = 4
    update: Update | tuple[Update, ...] = ("matrix", "serial")

    def __post_init__(self) -> None:
        """Check every argument, with its name in the message."""
        super().__post_init__()
        if not isinstance(self.update, str):
            object.__setattr__(self, "update", tuple(self.update))  # a config has a list
        check_count("steps_per_cycle", self.steps_per_cycle, 1)
        check_count("small_filters", self.small_filters, 1)
        if not self._updates or any(name not in get_args(Update) for name in self._updates):
            raise ValueError(
                f'update must be "matrix", "serial" or "square_root", or a list of these that the '
                f"small filters take in turn, got {self.update!r}."
            )
        if self.pairs_per_block % self.small_filters:
            raise ValueError(
                f"pairs_per_block must be a multiple of small_filters={self.small_filters}, which "
                f"share each reference gain, got {self.pairs_per_block}."
            )
        if self.members * self.small_filters > self.reference_members:
            raise ValueError(
                f"reference_members must be at least small_filters*members = "
                f"{self.small_filters * self.members}, got {self.reference_members}: small "
                f"ensembles share no member."
            )
        twin = self.twin
        twin.model.checked(np.zeros(twin.operator.model_size))

    @property
    def twin(self) -> Lorenz05Twin:
        """The truth and its observations."""
        return Lorenz05Twin(
            Lorenz05(
                self.model,
                self.averaging_length,
                self.smoothing_length,
                self.b,
                self.c,
                self.forcing,
                self.dt,
                self.end_weight,
            ),
            self.model_size,
            self.obs_dens,
            self.width,
            self.obs_error_variance,
            self.steps_per_cycle,
        )

    @property
    def ensemble_twin(self) -> Lorenz05Twin:
        """What advances the ensembles, in float32."""
        return replace(self.twin, single_precision=True)

    @property
    def updates(self) -> tuple[Update, ...]:
        """The update of each small filter; there are as many raw gains for a reference gain."""
        return tuple(islice(cycle(self._updates), self.small_filters))

    @property
    def _updates(self) -> tuple[Update, ...]:
        return (self.update,) if isinstance(self.update, str) else self.update
