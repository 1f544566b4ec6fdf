"""The evaluator `gain_pictures`: raw, predicted and reference gains as images on one scale."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_localization.evaluators.pairs import Localized, Pairs, known_dens, localized, read_pairs

FloatArray = NDArray[np.float64]
# Most entries of a gain that are shown; of a larger one a window is.
_MOST_ENTRIES = 20_000


def gain_pictures(
    model: Any,
    data: dict[str, Any],
    samples: Sequence[int] | None = None,
    obs_dens: int | None = None,
    rolled: bool = False,
    input_name: str = "kg_raw",
    report: Any = None,
) -> dict[str, float]:
    """Show raw gains, what a model makes of them, the reference gains, and the error.

    All are on one colour scale. Of a gain of more than 20,000 entries a window is shown, around
    the observation in the middle of the state.

    Args:
        model: As of `gain_rmse`.
        data: What a dataset such as `lorenz96_gains` gives, with a `test` split.
        samples: Which test gains, from 0; by default the one of median error (of two in the
            middle the one of less).
        obs_dens: States per observation; `None` for `model_size // nobs`.
        rolled: Whether the data's gains, and so the model's, are rolled; they are shown unrolled.
        input_name: Which of the model's inputs is the raw gain.
        report: What takes the figure `gain_pictures`, or with `samples` `gain_pictures_NUMBER`;
            the zoo gives it.

    Returns:
        RMSE of the gains shown, whole gains, in their unit: `raw`, `model`, and `model_ratio`, the
        one over the other.

    Raises:
        ValueError: If there are no such gains, or the model gives something else.
    """
    given = (data, "test", input_name, "gain_pictures")
    chosen = samples or [_median_of(_squared_errors(model, read_pairs(*given), obs_dens, rolled))]
    squares = []
    for number, pairs in zip(chosen, read_pairs(*given, numbers=chosen), strict=True):
        dens = known_dens(pairs, obs_dens)
        some = localized(model, pairs, dens, rolled=rolled)
        squares.append([_squares(some, gains)[0] for gains in (some.raw, some.predicted)])
        if report is not None:
            name = f"gain_pictures_{number}" if samples else "gain_pictures"
            which = f"Test gain {number}" + ("" if samples else ", of median error")
            errors = "RMSE raw {:.3g}, predicted {:.3g}".format(*np.sqrt(squares[-1]))
            _draw(report, name, some, dens, f"{which}: {errors}")
    raw, own = (float(value) for value in np.sqrt(np.mean(squares, axis=0)))
    return {"raw": raw, "model": own, "model_ratio": own / raw}


def _squared_errors(
    model: Any, batches: Iterable[Pairs], obs_dens: int | None, rolled: bool
) -> FloatArray:
    """Return the model's mean squared error of each gain."""
    found = []
    for pairs in batches:
        some = localized(model, pairs, known_dens(pairs, obs_dens), rolled=rolled)
        found.append(_squares(some, some.predicted))
    return np.concatenate(found)


def _squares(some: Localized, gains: Any) -> FloatArray:
    error = np.asarray(gains, np.float64) - some.true
    return np.asarray((error**2).mean(axis=(1, 2)))


def _median_of(values: FloatArray) -> int:
    return int(np.argsort(values, kind="stable")[(values.size - 1) // 2])


def shown(model_size: int, nobs: int, obs_dens: int) -> tuple[slice, slice]:
    """Return which states and observations of a gain are shown.

    Args:
        model_size: Number of states, N.
        nobs: Number of observations.
        obs_dens: States per observation.

    Returns:
        All where they are few; else as many observations around the one in the middle, with the
        states between them, as make 20,000 entries.
    """
    if model_size * nobs <= _MOST_ENTRIES:
        return slice(0, model_size), slice(0, nobs)
    count = min(nobs, math.isqrt(_MOST_ENTRIES // obs_dens))
    first = (nobs - count) // 2
    return slice(obs_dens * first, obs_dens * (first + count)), slice(first, first + count)


def _draw(report: Any, name: str, some: Localized, obs_dens: int, caption: str) -> None:
    raw, true, predicted = (gains[0] for gains in some)
    size, nobs = raw.shape
    rows, columns = shown(size, nobs, obs_dens)
    labels = {"xlabel": "observation", "ylabel": "state"}
    if raw[rows, columns].size < raw.size:
        caption += (
            f". Shown are the states {rows.start} to {rows.stop - 1} of {size} and the "
            f"observations {columns.start} to {columns.stop - 1} of {nobs}"
        )
        starts = {"xlabel": columns.start, "ylabel": rows.start}
        labels = {axis: f"{what}, counted from {starts[axis]}" for axis, what in labels.items()}
    images = {"raw": raw, "predicted": predicted, "reference": true, "error": predicted - true}
    shown_ones = {title: image[rows, columns] for title, image in images.items()}
    report.images(name, shown_ones, **labels, caption=caption)
