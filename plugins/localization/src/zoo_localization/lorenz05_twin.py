"""Twin experiments with Lorenz (2005), and the published setting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_localization.extras import numba_is_there
from zoo_localization.lorenz05 import Lorenz05
from zoo_localization.lorenz05_compiled import step_compiled
from zoo_localization.observations import ObservationOperator
from zoo_localization.twin import Twin

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Lorenz05Twin(Twin):
    """A truth of Lorenz (2005) and how it is observed, once per cycle.

    Args:
        model: Which of the models, with its parameters.
        model_size: Number of states, N.
        obs_dens: States per observation.
        width: States that an observation is the mean of; 1 for points.
        obs_error: R, as `observation_error` takes it.
        steps_per_cycle: Model steps from one observation to the next.
        spin_up: Cycles for a truth to forget its random start.
        compiled: Whether to step with Numba, many times faster; None: where the extra `sim` is
            installed.
        single_precision: Whether states are float32: half the time. After 50 steps of
            model III they are 1.6e-6 from float64 in the root mean square, and 2.1e-5 at most, of a
            standard deviation of 4.9.
    """

    model: Lorenz05 = field(default_factory=Lorenz05)
    model_size: int = 960
    obs_dens: int = 4
    width: int = 1
    obs_error: Any = 1.0
    steps_per_cycle: int = 50
    spin_up: int = 200
    compiled: bool | None = None
    single_precision: bool = False

    @property
    def operator(self) -> ObservationOperator:
        """H."""
        return ObservationOperator(self.model_size, self.obs_dens, self.width)

    @property
    def error(self) -> Any:
        """R, as `observation_error` takes it."""
        return self.obs_error

    def start(self, rng: np.random.Generator) -> FloatArray:
        """Return a truth on the attractor, `(model_size,)`: a random start, then a spin-up."""
        return np.asarray(self.starts([rng])[0])

    def starts(self, rngs: Sequence[np.random.Generator]) -> FloatArray:
        """Return a truth for each of several generators, spun up side by side."""
        noise = np.stack([rng.standard_normal(self.model_size) for rng in rngs])
        states = self.model.forcing / 2 + noise
        return self._advance(states, self.spin_up * self.steps_per_cycle)

    def step(self, states: FloatArray) -> FloatArray:
        """Advance `(..., model_size)` states to the next observation."""
        return self._advance(states, self.steps_per_cycle)

    def _advance(self, states: FloatArray, steps: int) -> NDArray[Any]:
        if numba_is_there() if self.compiled is None else self.compiled:
            single = self.single_precision
            return step_compiled(self.model, states, steps, single_precision=single)
        found = self.model.step(states, steps)
        return found.astype(np.float32) if self.single_precision else found


@dataclass(frozen=True)
class PublishedSetting:
    """A twin experiment as a paper has it.

    Args:
        twin: The truth and its observations.
        members: Members of the small ensemble.
        reference_members: Members of the large ensemble, which is not localized.
        cutoff: Gaspari-Cohn cutoff of the small ensemble's filter in grid points.
        inflation: Factor on the spread.
    """

    twin: Lorenz05Twin
    members: int
    reference_members: int
    cutoff: float
    inflation: float


# Wang, Lei, Anderson, Tan & Zhang (2023), doi:10.1029/2023MS003642: single-point observations,
# F = 15. Their observations of the second kind are means of 241 states: width = 241.
WANG_2023 = PublishedSetting(
    twin=Lorenz05Twin(
        model=Lorenz05(
            model="III",
            averaging_length=32,
            smoothing_length=12,
            b=10.0,
            c=3.0,
            forcing=15.0,
            dt=0.001,
            end_weight="paper",
        ),
        model_size=960,
        obs_dens=4,
        width=1,
        obs_error=1.0,
        steps_per_cycle=50,
    ),
    members=40,
    reference_members=2000,
    cutoff=240.0,
    inflation=1.01,
)
