"""A taper, a curve or a network as the localization of DAPPER's filters: the extra `dapper`.

DAPPER calls an ensemble E, `(N, Nx)`, the states that are observed `obs_inds`, and a filter an
`xp`. Its filters localize with a taper alone, which `localizer` gives them; a function of the whole
gain needs a filter of its own, `LocalizedEnKF`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zoo_localization.divergence import check_forecast
from zoo_localization.enkf import anomalies
from zoo_localization.localization import Localization, localize, taper_of
from zoo_localization.observations import ObservationOperator

try:
    from dapper.da_methods import da_method
    from dapper.da_methods.ensemble import add_noise, post_process
    from dapper.stats import mean0
    from dapper.tools.progressbar import progbar
except ImportError as error:
    raise ImportError(
        'the DAPPER adapter needs DAPPER: pip install "zoo-localization[dapper]".'
    ) from error

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def localizer(
    localization: Localization, model_size: int, obs_inds: Any = None
) -> Callable[..., Any]:
    """Return what DAPPER takes as `Obs["localizer"]`, for `SL_EAKF` and `LETKF`.

    `SL_EAKF` multiplies the regression on observation `j` with column `j` of the taper. `LETKF`
    multiplies each state's inverse error covariance with its row of it, which is another filter:
    a taper that was tuned or learned for a gain need not suit it. Both then take `loc_rad=None`.

    Args:
        localization: A taper matrix `(model_size, nobs)`, rows and columns as DAPPER's states and
            observations; or a curve against the offset from the observation, in full or its
            mirrored half, which is turned to each of `obs_inds`.
        model_size: Number of states, DAPPER's Nx.
        obs_inds: The observed states, as DAPPER's `partial_Id_Obs` takes them; `None` for all.

    Returns:
        The localizer.

    Raises:
        ValueError: If the localization is a function or of another shape, or `obs_inds` are no
            states.
    """
    if callable(localization):
        raise ValueError(
            "localization is a function of the gain, for which DAPPER's own filters have no place. "
            "Use LocalizedEnKF(N, localization) instead."
        )
    inds = np.arange(model_size) if obs_inds is None else _observed(obs_inds, model_size)
    taper = _taper(localization, model_size, inds)

    def localization_now(radius: float | None, direction: str, tag: Any = None) -> Any:  # noqa: ARG001
        if radius not in (None, np.inf):
            raise ValueError(
                f"loc_rad must be None, because the taper brings its own radius, got {radius!r}."
            )
        if direction == "y2x":
            return lambda j: _where_not_zero(taper[:, j])
        if np.any(taper < 0):
            raise ValueError(
                f"the taper goes down to {taper.min():.3g}, and LETKF needs its square root. Use "
                f"SL_EAKF or LocalizedEnKF, or a taper that is nowhere below 0."
            )
        batches = [np.array([i]) for i in range(model_size)]
        return batches, lambda batch: _where_not_zero(taper[batch].mean(axis=0))

    return localization_now


@da_method()
class LocalizedEnKF:
    """DAPPER's stochastic EnKF with a localized gain: `EnKF("PertObs", N)` when there is none.

    All observations at once, perturbed; noise, inflation and rotation are DAPPER's own.

    Args:
        N: Members.
        localization: A taper matrix `(Nx, Ny)`, a curve (in full or its mirrored half), a function
            from gains `(1, Nx, Ny)` to gains as `as_localization` makes it of a Keras model, or
            `None`. A matrix is for DAPPER's numbering of the states. A function is given the gain,
            and the mean if it wants it, with the states numbered as the zoo's models expect them,
            observation `j` at `obs_dens*(j+1) - 1`; what it gives is numbered back.
        obs_inds: The observed states, as DAPPER's `partial_Id_Obs` takes them, for a curve or a
            function; `None` where all are.
        infl: Factor on the posterior spread.
        rot: Whether, or how, to rotate the posterior, as DAPPER takes it.
        fnoise_treatm: How the model noise is added, as DAPPER takes it.

    Raises:
        ValueError: On `assimilate`, if an argument is not such.
        FilterDivergedError: On `assimilate`, if the members are not finite any more.

    Source:
        Burgers, van Leeuwen & Evensen (1998), doi:10.1175/1520-0493(1998)126<1719:ASITEK>2.0.CO;2.
    """

    N: int
    localization: Localization = None
    obs_inds: Any = None
    infl: float = 1.0
    rot: Any = False
    fnoise_treatm: str = "Stoch"

    if TYPE_CHECKING:
        stats: Any  # DAPPER makes it when `assimilate` is called

    # DAPPER looks for an xp in lists, and arrays have no single truth: each is equal to itself.
    __eq__ = object.__eq__

    def assimilate(self, hmm: Any, truth: Any, observations: Any) -> None:  # noqa: ARG002
        """Run the filter on DAPPER's `HMM`, `xx` and `yy`; figures go to `self.stats`."""
        if self.N < 2:
            raise ValueError(f"N must be at least 2, got {self.N}: one member has no covariance.")
        members = hmm.X0.sample(self.N)
        self.stats.assess(0, E=members)
        for k, ko, t, dt in progbar(hmm.tseq.ticker):
            members = hmm.Dyn(members, t - dt, dt)
            members = add_noise(members, dt, hmm.Dyn.noise, self.fnoise_treatm)
            if ko is not None:
                check_forecast(members, ko)
                self.stats.assess(k, ko, "f", E=members)
                members = self.analyse(members, observations[ko], hmm.Obs(ko))
            self.stats.assess(k, ko, E=members)

    def analyse(self, members: FloatArray, observation: FloatArray, operator: Any) -> FloatArray:
        """Return the inflated and rotated posterior members, `(N, Nx)`.

        Args:
            members: Prior members, `(N, Nx)`.
            observation: y, `(Ny,)`.
            operator: DAPPER's observation operator, with its noise.
        """
        observed = operator(members)
        gain = _gain(members, observed, operator.noise)
        gain = localize_gain(gain, self.localization, self.obs_inds, members.mean(axis=0))
        # Centred and scaled as DAPPER does it, which is N/(N-1) more variance than in `enkf`.
        perturbations = mean0(operator.noise.sample(self.N))
        posterior = members + (observation - perturbations - observed) @ gain.T
        return np.asarray(post_process(posterior, self.infl, self.rot))


def localize_gain(
    gain: FloatArray,
    localization: Localization,
    obs_inds: Any = None,
    mean: FloatArray | None = None,
) -> FloatArray:
    """Localize a gain whose observations sit at any states.

    Args:
        gain: Shape `(model_size, nobs)`.
        localization: As of `LocalizedEnKF`.
        obs_inds: The observed states; `None` where all are.
        mean: Mean of the prior members, `(model_size,)`, for a function that wants it.

    Returns:
        The localized gain.

    Raises:
        ValueError: If a curve or a function is given without the states that it needs, or the
            localization is otherwise no such.
    """
    model_size, nobs = gain.shape
    if localization is None:
        return gain
    if not callable(localization) and np.ndim(localization) == 2:
        return gain * _taper(localization, model_size, np.arange(nobs))
    if obs_inds is None and nobs != model_size:
        raise ValueError(
            f"obs_inds must be given for a curve or a function: not every state is observed, but "
            f"{nobs} of {model_size}. Give the observed states as to DAPPER's partial_Id_Obs."
        )
    inds = _observed(np.arange(nobs) if obs_inds is None else obs_inds, model_size, nobs)
    if not callable(localization):
        return gain * _taper(localization, model_size, inds)
    operator, turn = _numbering(inds, model_size)
    states = None if mean is None else np.roll(mean, -turn)
    turned = localize(np.roll(gain, -turn, axis=0), localization, operator, states)
    return np.roll(turned, turn, axis=0)


def _gain(members: FloatArray, observed: FloatArray, noise: Any) -> FloatArray:
    """Return K from what each member has at the observations, which need not be linear in it."""
    if noise.C == 0:
        raise ValueError(
            "R must be a covariance with variances above 0, and HMM.Obs has no noise. An "
            'observation without error is best given a small variance: Obs["noise"] = 1e-6.'
        )
    differences, degrees = anomalies(observed), len(members) - 1
    innovation = differences.T @ differences / degrees + noise.C.full
    cross = differences.T @ anomalies(members) / degrees
    return np.asarray(np.linalg.solve(innovation, cross).T)


def _observed(obs_inds: Any, model_size: int, nobs: int | None = None) -> IntArray:
    inds = np.asarray(obs_inds)
    is_list = inds.ndim == 1 and np.issubdtype(inds.dtype, np.integer) and inds.size > 0
    if not is_list or inds.min() < 0 or inds.max() >= model_size or nobs not in (None, inds.size):
        count = "" if nobs is None else f"{nobs} "
        raise ValueError(
            f"obs_inds must be {count}observed states from 0 to {model_size - 1}, one each "
            f"observation, got {np.array2string(inds, threshold=8)}."
        )
    return inds.astype(np.int64)


def _taper(localization: Localization, model_size: int, inds: IntArray) -> FloatArray:
    """Return the matrix `(model_size, nobs)` of a taper or of a curve."""
    values = np.asarray(localization, dtype=np.float64)
    shape, lengths = (model_size, inds.size), (model_size, model_size // 2 + 1)
    is_known = values.shape == shape or (values.ndim == 1 and values.size in lengths)
    if not is_known or not np.isfinite(values).all():
        raise ValueError(
            f"localization must be a finite taper of shape (Nx, Ny) = {shape}, or a curve of "
            f"{lengths[0]} or {lengths[1]} values, got shape {values.shape} with "
            f"{int((~np.isfinite(values)).sum())} values not finite."
        )
    if values.ndim == 2:
        return values
    # With every state observed, column j of the taper is the curve turned to state j.
    return taper_of(values, ObservationOperator(model_size))[:, inds]


def _numbering(inds: IntArray, model_size: int) -> tuple[ObservationOperator, int]:
    """Return the operator that sees the same states, and by how many they are numbered higher."""
    operator = ObservationOperator(model_size, model_size // inds.size)
    turn = int(inds[0] - operator.states[0])
    if not np.array_equal((inds - turn) % model_size, operator.states):
        raise ValueError(
            f"obs_inds must be every {operator.obs_dens}th state in order, all round the ring, for "
            f"a function of the gain; got {np.array2string(inds, threshold=8)}. Use a curve or a "
            f"taper matrix for observations at irregular places."
        )
    return operator, turn


def _where_not_zero(coefficients: FloatArray) -> tuple[IntArray, FloatArray]:
    where = np.flatnonzero(coefficients)
    return where, coefficients[where]
