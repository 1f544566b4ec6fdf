"""A filter's steps in `keras.ops`, so that gradients flow through them."""

from __future__ import annotations

from typing import Any

from keras import ops


def ensemble_gain(ensemble: Any, obs_dens: int, obs_error_variance: float) -> Any:
    """Return the Kalman gain of ensembles, as `enkf.kalman_gain` does.

    In the space of the members, `K = A' (Y Y' + (members - 1) R)^-1 Y` with the members'
    differences from their mean `A`, and `Y` of them observed: the system is as small as the
    ensemble.

    Args:
        ensemble: Prior members, `(batch, members, model_size)`.
        obs_dens: States per observation.
        obs_error_variance: R, the variance of all observation errors.

    Returns:
        Shape `(batch, model_size, nobs)`, in state units per observation unit.

    Source:
        The identity: Hunt, Kostelich & Szunyogh (2007), doi:10.1016/j.physd.2006.11.008, section
        2.3.
    """
    members = ensemble.shape[1]
    differences = centred(ensemble)
    observed = observe(differences, obs_dens)
    error = (members - 1) * obs_error_variance * ops.eye(members, dtype=ensemble.dtype)
    solved = ops.solve(ops.matmul(observed, _transposed(observed)) + error, observed)
    return ops.matmul(_transposed(differences), solved)


def updated(ensemble: Any, gain: Any, targets: Any, obs_dens: int, inflation: float) -> Any:
    """Return the inflated posterior of `x_m + K (y_m - H x_m)`.

    Args:
        ensemble: Prior members, `(batch, members, model_size)`.
        gain: K, `(batch, model_size, nobs)`.
        targets: The perturbed observations `y_m`, `(batch, members, nobs)`.
        obs_dens: States per observation.
        inflation: Factor on the posterior spread.

    Returns:
        Shape of the ensemble.
    """
    innovations = targets - observe(ensemble, obs_dens)
    posterior = ensemble + ops.matmul(innovations, _transposed(gain))
    return posterior + (inflation - 1.0) * centred(posterior)


def centred(ensemble: Any) -> Any:
    """Return the members' differences from their mean."""
    return ensemble - ops.mean(ensemble, axis=1, keepdims=True)


def observe(states: Any, obs_dens: int) -> Any:
    """Observe `(..., model_size)` states at every `obs_dens`-th: `(..., nobs)`."""
    return states[..., obs_dens - 1 :: obs_dens]


def lorenz96_step(states: Any, dt: float, forcing: float) -> Any:
    """Advance `(..., model_size)` Lorenz-96 states by one Runge-Kutta step, as `lorenz96.step`."""

    def tendencies(x: Any) -> Any:
        ahead, behind = ops.roll(x, -1, axis=-1), ops.roll(x, 1, axis=-1)
        return (ahead - ops.roll(x, 2, axis=-1)) * behind - x + forcing

    first = tendencies(states)
    second = tendencies(states + (dt / 2) * first)
    third = tendencies(states + (dt / 2) * second)
    fourth = tendencies(states + dt * third)
    return states + (dt / 6) * (first + 2 * second + 2 * third + fourth)


def _transposed(matrices: Any) -> Any:
    return ops.transpose(matrices, (0, 2, 1))
