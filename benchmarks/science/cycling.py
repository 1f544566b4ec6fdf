"""Table 2: how good filters become with each way of localizing."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.science.book import Book
from benchmarks.science.networks import CLF
from zoo_localization.comparison import mean_and_error
from zoo_localization.evaluators import assimilation


def cycling_table(
    system: Any,
    arms: Sequence[str],
    models: Mapping[str, Any],
    settings: Mapping[str, Any],
    book: Book,
    networks: Mapping[str, Any] | None = None,
    data: Any = None,
) -> None:
    """Table 2: baselines and networks follow the same truths, each of them tuned on others."""
    found: dict[str, tuple[dict[str, Any], np.ndarray]] = {}
    for label, model in {"baselines": None, **models}.items():
        with book.piece(f"{system} cycled, {label}"):
            kept = book.kept(f"{system}-{label}")
            tried = {"arms": arms, **settings}
            if model is not None:
                tried |= {**(networks or {}), "arms": ["model"]}
            assimilation(model, data, system, report=kept, **tried)
            for row in kept.rows("assimilation"):
                seeds = [r for r in kept.rows("assimilation_seeds") if r["arm"] == row["arm"]]
                posterior = np.array([r["posterior_rmse"] for r in seeds], dtype=float)
                found[row["arm"] if model is None else label] = row, posterior
    rivals = {n: seeds for n, (_, seeds) in found.items() if n not in models or n == CLF}
    best = best_of(rivals)
    rows = [cycling_row(name, *each, rivals.get(best)) for name, each in found.items()]
    title = f"Table 2, {system}, {len(settings['seeds'])} seeds of {settings['cycles']} cycles; "
    title += f"difference of the posterior RMSE, seed by seed, from the best baseline: {best}"
    book.show(f"cycling_{system}", title, rows)


def best_of(posterior: Mapping[str, np.ndarray]) -> str:
    """The arm of the least mean over the seeds it lives through; most of them, where one does."""
    alive = {name: np.isfinite(seeds).mean() for name, seeds in posterior.items()}
    steady = [name for name, share in alive.items() if share > 0.5]
    known = steady or [name for name, share in alive.items() if share > 0]
    return min(known, key=lambda name: mean_and_error(posterior[name])[0], default="none")


def cycling_row(
    name: str, row: Mapping[str, Any], posterior: np.ndarray, best: np.ndarray | None
) -> dict[str, Any]:
    values = {"arm": name, "cutoff": row["cutoff"], "inflation": row["inflation"]}
    for figure in ("prior_rmse", "posterior_rmse"):
        values |= {figure: row[figure], f"{figure}_error": row[f"{figure}_error"]}
    difference = error = scale = float("nan")
    if best is not None and best is not posterior:
        difference, error = mean_and_error(posterior - best)
        scale = mean_and_error(best)[0]
    values |= {"difference": difference, "difference_error": error}
    values |= {"in_errors": difference / error, "percent": 100 * difference / scale}
    values["diverged"] = int(row["diverged"])
    return values | {name: row[name] or None for name in ("forecast_ms", "analysis_ms")}
