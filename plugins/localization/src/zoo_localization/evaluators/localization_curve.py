"""The evaluator `localization_curve`: what a model multiplies gains with, against the distance."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_localization.evaluators.pairs import fitted_sums, localized, read_pairs
from zoo_localization.tapers import (
    best_cutoff,
    gaspari_cohn_vector,
    roll_columns,
    static_vector,
)

FloatArray = NDArray[np.float64]
_NAME = "localization_curve"
# Ends of the band, in percent of the test gains.
_BAND = (5, 95)


def localization_curve(
    model: Any,
    data: dict[str, Any],
    obs_dens: int | None = None,
    rolled: bool = False,
    input_name: str = "kg_raw",
    report: Any = None,
) -> dict[str, float]:
    """Show what a model localizes by, beside Gaspari-Cohn and static regression.

    A gain's curve is, at each signed distance `r` from the observation, the least-squares factor
    `sum(localized * raw) / sum(raw**2)` over its observations: the one number that the raw gain
    would be multiplied with at that distance; 0 where the raw gain is 0. Where the model multiplies
    with one vector, as with `Loc_by_1D`, that is the vector. `model` is the mean of the curves over
    the test gains; `reference` the same of the reference gains, which is what a perfect model
    would show. Gaspari-Cohn's cutoff and the static regression, not mirrored, are fitted on the
    training split.

    Args:
        model: As of `gain_rmse`.
        data: What a dataset such as `lorenz96_gains` gives, with a `test` split.
        obs_dens: States per observation; `None` for `model_size // nobs`.
        rolled: Whether the data's gains, and so the model's, have their columns rolled until each
            observation is in row 0.
        input_name: Which of the model's inputs is the raw gain.
        report: What takes the figure `localization_curve`; the zoo gives it.

    Returns:
        Of each curve (`model`, `reference`, `gaspari_cohn`, `static`): `half_width.CURVE`, the
        distance in grid points at which the mean of its two sides is half of what it is at the
        observation, left out where it is nowhere; `asymmetry.CURVE`, the RMS of half of what the
        two sides differ by. `rmse.CURVE` is its RMS difference from `reference` over all distances,
        `band_width` the mean width of the model's 5-95 % band, `cutoff` the tuned one in grid
        points.

    Raises:
        ValueError: If the data hold no such pairs, or the model gives something else.
    """
    train, test = (read_pairs(data, split, input_name, _NAME) for split in ("train", "test"))
    square, product, dens = fitted_sums(train, obs_dens, rolled=rolled)
    cutoff = best_cutoff(square, product)
    found: dict[str, list[FloatArray]] = {"model": [], "reference": []}
    for batch in test:
        some = localized(model, batch, dens, rolled=rolled)
        found["model"].append(gain_curves(some.raw, some.predicted, dens))
        found["reference"].append(gain_curves(some.raw, some.true, dens))
    samples = {name: np.concatenate(curves) for name, curves in found.items()}
    curves = {
        **{name: each.mean(axis=0) for name, each in samples.items()},
        "gaspari_cohn": gaspari_cohn_vector(square.size, cutoff),
        "static": static_vector(square, product),
    }
    low, high = np.percentile(samples["model"], _BAND, axis=0)
    if report is not None:
        _draw(report, curves, (low, high), (len(samples["model"]), cutoff))
    return {**_figures(curves), "band_width": float(np.mean(high - low)), "cutoff": cutoff}


def gain_curves(raw: Any, gains: Any, obs_dens: int) -> FloatArray:
    """Return what each raw gain would be multiplied with to come nearest to another gain.

    Args:
        raw: Raw gains, `(pairs, model_size, nobs)`.
        gains: What they became, same shape.
        obs_dens: States per observation.

    Returns:
        Against the offset from the observation, around the ring, `(pairs, model_size)`: the
        least-squares factor over the observations; 0 where the raw gain is 0.
    """
    raw = np.asarray(raw, np.float64)
    square, product = (
        roll_columns(raw * other, obs_dens).sum(axis=2) for other in (raw, np.asarray(gains))
    )
    return np.asarray(np.divide(product, square, out=np.zeros_like(product), where=square > 0))


def half_width(curve: FloatArray) -> float | None:
    """Return the distance at which a curve is half of what it is at the observation.

    Args:
        curve: Against the offset around the ring, `(model_size,)`; its two sides are averaged.

    Returns:
        Grid points, by linear interpolation between them; `None` where it is nowhere.
    """
    sides = _sides(curve).mean(axis=0)
    below = np.flatnonzero(sides <= sides[0] / 2)
    if sides[0] <= 0 or not below.size:
        return None
    near, far = sides[below[0] - 1], sides[below[0]]
    return float(below[0] - (sides[0] / 2 - far) / (near - far))


def _sides(curve: FloatArray) -> FloatArray:
    """Return a curve downstream and upstream of the observation, `(2, model_size//2 + 1)`."""
    distance = np.arange(curve.size // 2 + 1)
    return np.stack([curve[distance], curve[-distance]])


def _figures(curves: dict[str, FloatArray]) -> dict[str, float]:
    figures = {}
    for name, curve in curves.items():
        if name != "reference":
            figures[f"rmse.{name}"] = _rms(curve - curves["reference"])
        width = half_width(curve)
        if width is not None:
            figures[f"half_width.{name}"] = width
        figures[f"asymmetry.{name}"] = _rms((curve - curve[-np.arange(curve.size)]) / 2)
    return figures


def _rms(values: FloatArray) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _draw(
    report: Any,
    curves: dict[str, FloatArray],
    band: tuple[FloatArray, FloatArray],
    known: tuple[int, float],
) -> None:
    size = band[0].size
    # From upstream to downstream; what is opposite of the observation is counted as downstream.
    signed = np.arange(size) - (size - 1) // 2
    columns = {**curves, "model_low": band[0], "model_high": band[1]}
    count, cutoff = known
    report.lines(
        _NAME,
        {"distance": signed.tolist(), **{n: c[signed].tolist() for n, c in columns.items()}},
        x="distance",
        y=list(curves),
        bands={"model, 5-95 %": ("model_low", "model_high")},
        xlabel="state minus observation, grid points",
        ylabel="localized gain / raw gain",
        caption=f"What the raw gain is multiplied with: the model's mean and 5-95 % band over "
        f"{count} test gains; the reference gains' mean; Gaspari-Cohn with the best cutoff, "
        f"{cutoff:g} grid points; static regression",
    )
