"""The three models of Lorenz (2005): tendencies, and Runge-Kutta steps of many members at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from zoo_localization import lorenz96
from zoo_localization.checks import check_finite_numbers, is_count
from zoo_localization.runge_kutta import check_step, runge_kutta_step
from zoo_localization.sliding_sums import centred_sum, sliding_sum, wrap

FloatArray = NDArray[np.float64]
ModelNumber = Literal["I", "II", "III"]
EndWeight = Literal["lorenz", "paper"]
# The share of the smoother's two end terms.
END_SHARES: dict[EndWeight, float] = {"lorenz": 0.5, "paper": 0.25}
# As many members as stay in a core's cache through a step.
_MEMBERS_AT_ONCE = 16


def advection(states: FloatArray, averaging_length: int) -> FloatArray:
    """Return the bracket `[X, X]_K`, which carries waves of many states' length.

    `[X, X]_K[n] = -W[n-2K] W[n-K] + (1/K) sum'_j W[n-K+j] X[n+K+j]`, `W[n] = (1/K) sum'_i X[n-i]`,
    with i and j from `-(K//2)` to `K//2`; for even K the two end terms of a sum count half.

    Args:
        states: X, shape `(..., model_size)`.
        averaging_length: K.

    Returns:
        The same shape.

    Source:
        Lorenz (2005), doi:10.1175/JAS3430.1, section 3 (model II).
    """
    length, half, size = averaging_length, averaging_length // 2, states.shape[-1]
    # `ring` begins at state -2K - J, `means` at state -2K: no term lies further upstream.
    ring = wrap(states, 2 * length + half, length + half)
    means = centred_sum(ring[..., : size + length + 3 * half], length) / length
    upstream = means[..., length - half : length + size + half]
    products = upstream * ring[..., 3 * length : 3 * length + size + 2 * half]
    sums = centred_sum(products, length)
    sums /= length
    sums -= means[..., :size] * means[..., length : length + size]
    return sums


def smooth(
    states: FloatArray, smoothing_length: int, end_weight: EndWeight = "lorenz"
) -> FloatArray:
    """Return the long waves of a state, `X[n] = sum'_i (alpha - beta |i|) Z[n+i]`, i from -I to I.

    `alpha` and `beta` are such that quadratic functions of `n` pass unchanged.

    Args:
        states: Z, shape `(..., model_size)`.
        smoothing_length: I.
        end_weight: `"lorenz"`: the two end terms count half, and the weights sum to 1; `"paper"`:
            a quarter, as in the code published with Wang et al. (2023), doi:10.1029/2023MS003642,
            and the weights sum to 1.0204 for I = 12.

    Returns:
        The same shape.

    Source:
        Lorenz (2005), doi:10.1175/JAS3430.1, section 4 (model III).
    """
    length, size = smoothing_length, states.shape[-1]
    alpha, beta = smoothing_weights(length)
    # alpha - beta|i| = (alpha - beta I) + beta (I - |i|): a box, and a triangle that is a box of
    # boxes.
    ring = wrap(states, length, length)
    boxes = sliding_sum(ring, length)
    triangle = sliding_sum(boxes[..., 1:-1], length)
    left, right = ring[..., :size], ring[..., 2 * length :]
    inside = boxes[..., :size] + boxes[..., length : length + size] - left
    share = END_SHARES[end_weight]
    return np.asarray(beta * triangle + (alpha - beta * length) * (inside + share * (left + right)))


def smoothing_weights(smoothing_length: int) -> tuple[float, float]:
    """Return the smoother's `alpha` and `beta` (Lorenz 2005, section 4) for I."""
    i = smoothing_length
    return (3 * i**2 + 3) / (2 * i**3 + 4 * i), (2 * i**2 + 1) / (i**4 + 2 * i**2)


@dataclass(frozen=True)
class Lorenz05:
    """One of the models of Lorenz (2005).

    - I: `dX/dt = [X, X]_1 - X + F`, the Lorenz-96 model.
    - II: `dX/dt = [X, X]_K - X + F`: waves over many states.
    - III: `dZ/dt = [X, X]_K + b^2 [Y, Y]_1 + c [Y, X]_1 - X - b Y + F`, with `X` the long waves of
      `Z` (see `smooth`) and `Y = Z - X` the short ones: both scales on one ring.

    Args:
        model: `"I"`, `"II"` or `"III"`.
        averaging_length: K, states (models II and III).
        smoothing_length: I, states (model III).
        b: How much faster and smaller the short waves are (model III).
        c: Coupling of short to long waves (model III).
        forcing: F.
        dt: Step in model time units (5 days).
        end_weight: The smoother's end terms, see `smooth` (model III).

    Raises:
        ValueError: If an argument is out of its range.

    Source:
        Lorenz (2005), Designing chaotic models, doi:10.1175/JAS3430.1, sections 2 to 4.
    """

    model: ModelNumber = "III"
    averaging_length: int = 32
    smoothing_length: int = 12
    b: float = 10.0
    c: float = 3.0
    forcing: float = 15.0
    dt: float = 0.001
    end_weight: EndWeight = "lorenz"

    def __post_init__(self) -> None:
        """Check every argument, with its name in the message."""
        for name, choices in (("model", ModelNumber), ("end_weight", EndWeight)):
            if getattr(self, name) not in get_args(choices):
                listed = ", ".join(f'"{choice}"' for choice in get_args(choices))
                raise ValueError(f"{name} must be one of {listed}, got {getattr(self, name)!r}.")
        for name in ("averaging_length", "smoothing_length"):
            value = getattr(self, name)
            if not is_count(value, 1):
                raise ValueError(f"{name} must be a positive number of states, got {value!r}.")
        check_finite_numbers(b=self.b, c=self.c, forcing=self.forcing)
        check_step(self.dt)

    @property
    def least_size(self) -> int:
        """The smallest ring on which no sum runs over a state twice."""
        averaged = 2 * self.averaging_length + self.averaging_length // 2
        return {
            "I": 4,
            "II": max(4, averaged),
            "III": max(4, averaged, 2 * self.smoothing_length + 1),
        }[self.model]

    def tendencies(self, states: FloatArray) -> FloatArray:
        """Return the time derivative of states `(..., model_size)`, per model time unit.

        Raises:
            ValueError: If the ring is smaller than `least_size`.
        """
        states = self.checked(states)
        if self.model == "I":
            return lorenz96.tendencies(states, self.forcing)
        if self.model == "II":
            return advection(states, self.averaging_length) - states + self.forcing
        long = smooth(states, self.smoothing_length, self.end_weight)
        short = states - long
        # b^2 [Y, Y]_1 + c [Y, X]_1 share their first factor.
        carrier = wrap(self.b**2 * short + self.c * long, 1, 1)
        ring = wrap(short, 2, 0)
        derivative = advection(long, self.averaging_length)
        derivative += ring[..., 1:-1] * carrier[..., 2:]
        derivative -= ring[..., :-2] * carrier[..., :-2]
        derivative -= long
        derivative -= self.b * short
        derivative += self.forcing
        return derivative

    def step(self, states: FloatArray, steps: int = 1) -> FloatArray:
        """Advance states by classical fourth-order Runge-Kutta steps.

        Args:
            states: Shape `(..., model_size)`.
            steps: Steps of `dt` to take.

        Returns:
            The states `steps * dt` later, same shape, float64.

        Raises:
            ValueError: If the ring is smaller than `least_size`.
        """
        states = self.checked(states)
        members = states.reshape(-1, states.shape[-1]).copy()
        for start in range(0, len(members), _MEMBERS_AT_ONCE):
            few = members[start : start + _MEMBERS_AT_ONCE]
            for _ in range(steps):
                few[...] = runge_kutta_step(self.tendencies, few, self.dt)
        return members.reshape(states.shape)

    def checked(self, states: FloatArray) -> FloatArray:
        """Return states as float64, once checked.

        Raises:
            ValueError: If the ring is smaller than `least_size`.
        """
        states = np.asarray(states, dtype=np.float64)
        if states.ndim == 0 or states.shape[-1] < self.least_size:
            raise ValueError(
                f"states must end in an axis of at least {self.least_size} model states for model "
                f"{self.model} with averaging_length={self.averaging_length} and smoothing_length="
                f"{self.smoothing_length}, got shape {states.shape}."
            )
        return states
