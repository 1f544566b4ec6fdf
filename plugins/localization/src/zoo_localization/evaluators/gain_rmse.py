"""The evaluator `gain_rmse`: how near to the reference gain each way of localizing comes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo_localization.evaluators.pairs import Pairs, fitted_sums, localized, read_pairs
from zoo_localization.tapers import (
    best_cutoff,
    gaspari_cohn_vector,
    offset_sums,
    static_vector,
    taper_matrix,
)

FloatArray = NDArray[np.float64]


def gain_rmse(
    model: Any,
    data: dict[str, Any],
    obs_dens: int | None = None,
    rolled: bool = False,
    input_name: str = "kg_raw",
    report: Any = None,
) -> dict[str, float]:
    """Score a model's gain on held-out pairs, beside what needs no network.

    The Gaspari-Cohn cutoff and the static regression vectors are fitted on the training split; all
    figures are of the test split.

    Args:
        model: A Keras model that gives a gain `(batch, model_size, nobs)`, or a localization vector
            `(batch, model_size//2 + 1)` or `(batch, model_size)` (with or without a last axis of 1)
            to multiply the raw gain with.
        data: What a dataset such as `lorenz96_gains` gives, with a `test` split. The reference gain
            is y, unless `data["kg_true"]` holds it by split.
        obs_dens: States per observation; `None` for `model_size // nobs`.
        rolled: Whether the data's gains, and so the model's, have their columns rolled until each
            observation is in row 0.
        input_name: Which of the model's inputs is the raw gain.
        report: What takes the table `gain_rmse_by_distance`; the zoo gives it.

    Returns:
        RMSE over all test pairs and entries, in the gain's units: `raw`; `gaspari_cohn`;
        `static_half` (the best fixed vector that is its own mirror image) and `static_full`;
        `model`; and each of them over `raw` as `..._ratio`. `cutoff` is the tuned one, in grid
        points.

    Raises:
        ValueError: If the data hold no such pairs, or the model gives something else.
    """
    square, product, dens = fitted_sums(
        read_pairs(data, "train", input_name), obs_dens, rolled=rolled
    )
    size = square.size
    cutoff = best_cutoff(square, product)
    vectors = {
        "gaspari_cohn": gaspari_cohn_vector(size, cutoff),
        "static_half": static_vector(square, product, half=True),
        "static_full": static_vector(square, product),
    }
    errors, entries = _test_errors(
        model, read_pairs(data, "test", input_name), vectors, dens, rolled
    )
    scores = {name: float(np.sqrt(sums.sum() / entries)) for name, sums in errors.items()}
    ratios = {f"{name}_ratio": scores[name] / scores["raw"] for name in (*vectors, "model")}
    if report is not None:
        columns = _by_distance(errors, entries / size)
        caption = "RMSE of the gain against the distance from the observation, in grid points"
        report.table("gain_rmse_by_distance", columns, caption=caption)
    return {**scores, **ratios, "cutoff": cutoff}


def _test_errors(
    model: Any,
    pairs: Iterable[Pairs],
    vectors: dict[str, FloatArray],
    obs_dens: int,
    rolled: bool,
) -> tuple[dict[str, FloatArray], int]:
    """Return the squared errors of each way of localizing, summed at each offset."""
    errors: dict[str, Any] = dict.fromkeys(("raw", *vectors, "model"), 0.0)
    entries = 0
    for batch in pairs:
        some = localized(model, batch, obs_dens, rolled=rolled)
        nobs = some.raw.shape[2]
        fixed = {
            name: some.raw * taper_matrix(vector, nobs, obs_dens)
            for name, vector in vectors.items()
        }
        for name, gains in {"raw": some.raw, **fixed, "model": some.predicted}.items():
            error = np.asarray(gains, np.float64) - some.true
            errors[name] = errors[name] + offset_sums(error, error, obs_dens)
        entries += some.raw.size
    return errors, entries


def _by_distance(errors: dict[str, FloatArray], entries: float) -> dict[str, list[float]]:
    """Return the RMSE at each distance; the two sides of an observation are one."""
    size = next(iter(errors.values())).size
    distances = np.arange(size // 2 + 1)
    sides = np.where((distances == 0) | (2 * distances == size), 1, 2)
    columns = {
        name: np.sqrt((sums[distances] + (sides - 1) * sums[-distances]) / (sides * entries))
        for name, sums in errors.items()
    }
    return {"distance": distances.tolist(), **{n: c.tolist() for n, c in columns.items()}}
