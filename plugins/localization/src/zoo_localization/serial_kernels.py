# mypy: disable-error-code="misc,untyped-decorator"
"""The serial update, compiled by Numba; imported by `serial` alone.

One ensemble at a time stays in a core's cache through all its observations.
"""

from __future__ import annotations

from typing import Any

import numba  # type: ignore[import-not-found,import-untyped,unused-ignore]  # an extra
import numpy as np

# States whose taper is 0 throughout are skipped, so many at a time.
_BLOCK = 64


@numba.njit(error_model="numpy", cache=True)
def _observed(members: Any, centre: int, width: int, out: Any) -> None:
    """Write what each member has at one observation."""
    size = members.shape[1]
    for m in range(members.shape[0]):
        total = 0.0
        for k in range(width):
            total += members[m, (centre - width // 2 + k) % size]
        out[m] = total / width


@numba.njit(error_model="numpy", cache=True)
def _split(observed: Any, targets: Any, variance: float, square_root: bool, drawn: Any) -> float:
    """Turn what members have into their spread, and write how far each is drawn.

    Returns:
        The denominator of the gain, times members - 1.
    """
    members = observed.size
    mean = observed.sum() / members
    total = (members - 1) * variance
    for m in range(members):
        observed[m] -= mean
        total += observed[m] ** 2
    share = np.sqrt((members - 1) * variance / total)
    kept = 1.0 / (1.0 + share) if square_root else 1.0
    for m in range(members):
        drawn[m] = targets[m if targets.size > 1 else 0] - mean - kept * observed[m]
    return float(total)


@numba.njit(error_model="numpy", fastmath={"contract"}, cache=True)
def _update(members: Any, taper: Any, spread: Any, drawn: Any, total: float, gain: Any) -> None:
    """Add each member's share of the gain, block by block of states."""
    for start in range(0, members.shape[1], _BLOCK):
        # Slices that are read from 0 on are what lets the loops be vectorized.
        block = members[:, start : start + _BLOCK]
        factors = taper[start : start + _BLOCK]
        states = factors.size
        is_busy = False
        for i in range(states):
            gain[i] = 0.0
            is_busy |= factors[i] != 0.0
        if is_busy:
            for m in range(spread.size):
                values = block[m]
                for i in range(states):
                    gain[i] += spread[m] * values[i]
            for i in range(states):
                gain[i] *= factors[i] / total
            for m in range(spread.size):
                values = block[m]
                for i in range(states):
                    values[i] += drawn[m] * gain[i]


def _assimilate(
    ensembles: Any,
    targets: Any,
    tapers: Any,
    variances: Any,
    centres: Any,
    width: int,
    square_root: bool,
) -> None:
    """Update `(ensembles, members, model_size)` members in place, ensembles side by side.

    Args:
        ensembles: Prior members, float64.
        targets: What each is drawn to, `(ensembles, members or 1, nobs)`.
        tapers: One row an observation, `(ensembles or 1, nobs, model_size)`.
        variances: R's diagonal.
        centres: The state of each observation.
        width: States that an observation is the mean of.
        square_root: Whether members move without perturbed observations.
    """
    for e in numba.prange(ensembles.shape[0]):
        members = ensembles[e]
        spread, drawn = np.empty(members.shape[0]), np.empty(members.shape[0])
        gain = np.empty(_BLOCK)
        taper = tapers[min(np.int64(e), tapers.shape[0] - 1)]
        for j in range(centres.size):
            _observed(members, centres[j], width, spread)
            total = _split(spread, targets[e, :, j], variances[j], square_root, drawn)
            _update(members, taper[j], spread, drawn, total, gain)


# Waking a second thread costs more than a small ensemble takes.
assimilate = numba.njit(error_model="numpy", cache=True)(_assimilate)
assimilate_on_all_threads = numba.njit(parallel=True, error_model="numpy", cache=True)(_assimilate)
