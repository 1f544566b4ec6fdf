"""Observations assimilated one after the other, in NumPy or compiled by Numba (the extra `sim`)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zoo_localization.extras import imported
from zoo_localization.observations import ObservationOperator

FloatArray = NDArray[np.float64]
# Values of ensembles side by side from which on they are worth several threads.
_LARGE = 2**16


def assimilate_serially(
    ensemble: FloatArray,
    targets: FloatArray,
    operator: ObservationOperator,
    variances: FloatArray,
    taper: FloatArray,
    *,
    square_root: bool = False,
    compiled: bool = False,
) -> FloatArray:
    """Update an ensemble with one observation after the other; nothing is checked.

    Args:
        ensemble: Prior members, `(..., members, model_size)`.
        targets: What each member is drawn to, `(..., members, nobs)`: perturbed observations; with
            `square_root`, the observation itself, `(..., 1, nobs)`.
        operator: H.
        variances: R's diagonal, `(nobs,)`.
        taper: What multiplies each observation's gain, `(model_size, nobs)`, or one for each of the
            ensembles side by side, `(..., model_size, nobs)`.
        square_root: Whether members move without perturbed observations, see `square_root_update`.
        compiled: Whether to use Numba; the results agree but for rounding.

    Returns:
        The posterior members, float64.

    Raises:
        ImportError: If it is to be compiled, and Numba is not installed.
    """
    posterior = np.array(ensemble, dtype=np.float64)
    if compiled:
        _compiled(posterior, targets, operator, variances, taper, square_root)
        return posterior
    degrees = posterior.shape[-2] - 1
    for j in range(operator.nobs):
        observed = operator.one(posterior, j)
        mean = observed.mean(axis=-1, keepdims=True)
        spread = observed - mean
        total = np.einsum("...m,...m->...", spread, spread)[..., None] + degrees * variances[j]
        # The spreads sum to 0, so that the members' own mean drops out of the covariance.
        gain = (spread[..., None, :] @ posterior)[..., 0, :] * (taper[..., j] / total)
        drawn = targets[..., j] - observed
        if square_root:
            share = np.sqrt(degrees * variances[j] / total)
            drawn = targets[..., j] - mean - spread / (1 + share)
        posterior += drawn[..., None] * gain[..., None, :]
    return posterior


def _compiled(
    posterior: FloatArray,
    targets: FloatArray,
    operator: ObservationOperator,
    variances: FloatArray,
    taper: FloatArray,
    square_root: bool,
) -> None:
    """Update the members in place."""
    kernels = imported(
        "zoo_localization.serial_kernels",
        "sim",
        "compiled updates need Numba",
        "leave compiled out",
    )
    is_large = posterior.size > _LARGE
    kernel = kernels.assimilate_on_all_threads if is_large else kernels.assimilate
    members, size = posterior.shape[-2:]
    rows = posterior.reshape(-1, members, size)
    # One taper for all is passed once; an observation's column is read as a row.
    each = np.broadcast_to(taper, (*posterior.shape[:-2], *taper.shape[-2:]))
    tapers = each.reshape(-1, *taper.shape[-2:]) if taper.ndim > 2 else taper[None]
    kernel(
        rows,
        np.ascontiguousarray(targets).reshape(-1, *targets.shape[-2:]),
        np.ascontiguousarray(tapers.swapaxes(-1, -2)),
        variances,
        operator.states,
        operator.width,
        square_root,
    )
