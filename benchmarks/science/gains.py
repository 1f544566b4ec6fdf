"""Table 1: how near localized gains are to those of a large ensemble, and what a gain costs."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.science.book import Book, LeftOut
from benchmarks.science.networks import CLF, there
from zoo_localization.comparison import mean_and_error
from zoo_localization.evaluators.pairs import fitted_sums, read_pairs
from zoo_localization.localization import taper_of
from zoo_localization.lorenz05_twin import WANG_2023
from zoo_localization.model_localization import as_localization
from zoo_localization.observations import ObservationOperator
from zoo_localization.progress import progress
from zoo_localization.tapers import best_cutoff, gaspari_cohn_vector, static_vector

ROOT = Path(__file__).resolve().parents[2]


def gain_ratios(
    arms: Mapping[str, Any], pairs: Sequence[tuple[Any, Any, Any]]
) -> dict[str, np.ndarray]:
    """Score tapers and networks on raw gain, reference gain and ensemble mean of each pair.

    Returns:
        The RMSE of each arm over that of the raw gain, `(pairs,)`.
    """
    ratios: dict[str, list[float]] = {name: [] for name in arms}
    with progress("scoring gains", len(pairs)) as advance:
        for *gains, mean in pairs:
            raw, true = (np.asarray(gain, np.float64) for gain in gains)
            for name, arm in arms.items():
                gain = arm(raw, mean) if callable(arm) else raw * arm
                error, without = (np.linalg.norm(each - true) for each in (gain, raw))
                ratios[name].append(float(error / without))
            advance()
    return {name: np.array(values) for name, values in ratios.items()}


def snapshot_table(published: Path, models: Mapping[str, Any], book: Book) -> None:
    """Table 1a: the published snapshot; networks that need the ensemble mean have none there."""
    raw, true, elf, lrlf = (
        np.load(there(published / f"{name}.npy")).squeeze()
        for name in ("fig1a_f15_sob_40", "fig1a_f15_sob_2000", "elf_smsp", "reg_smsp")
    )
    operator = WANG_2023.twin.operator
    curves = {"raw": np.ones(operator.model_size)}
    curves["GC"] = gaspari_cohn_vector(operator.model_size, WANG_2023.cutoff)
    curves |= {"published ELF": elf, "published LRLF": lrlf}
    arms: dict[str, Any] = {name: taper_of(curve, operator) for name, curve in curves.items()}
    alone = {name: model for name, model in models.items() if len(model.inputs) == 1}
    arms |= {name: as_localization(model) for name, model in alone.items()}
    ratios = gain_ratios(arms, [(raw, true, None)])
    rows = [{"arm": name, "ratio": float(value[0])} for name, value in ratios.items()]
    title = "Table 1a. Gain RMSE over that of the raw gain: the published snapshot fig1a"
    book.show("gains_published", title, rows)


def fresh_table(data: Mapping[str, Any], every: int, models: Mapping[str, Any], book: Book) -> None:
    """Table 1b: pairs of truth runs that nothing was trained or fitted on."""
    square, product, dens = fitted_sums(read_pairs(dict(data), "train", "kg_raw"), None)
    operator, cutoff = ObservationOperator(square.size, dens), best_cutoff(square, product)
    curves = {"raw": np.ones(square.size), "GC": gaspari_cohn_vector(square.size, cutoff)}
    curves["static, mirrored"] = static_vector(square, product, half=True)
    curves["static"] = static_vector(square, product)
    arms: dict[str, Any] = {name: taper_of(curve, operator) for name, curve in curves.items()}
    arms |= {name: as_localization(model) for name, model in models.items()}
    numbers = range(0, data["test"].sample_count, every)
    x, true = data["test"].samples(numbers)
    ratios = gain_ratios(arms, list(zip(x["kg_raw"], true, x["mean"], strict=True)))
    anchor = CLF if CLF in ratios else "static, mirrored"
    rows = []
    for name, values in ratios.items():
        (ratio, error), (difference, of) = (
            mean_and_error(each) for each in (values, values - ratios[anchor])
        )
        percent = 100 * difference / float(ratios[anchor].mean())
        rows.append({"arm": name, "ratio": ratio, "error": error, "difference": difference})
        rows[-1] |= {"difference_error": of, "percent": percent}
    title = f"Table 1b. The same on {len(numbers)} fresh pairs; GC cutoff {cutoff:g} and static "
    title += f"curves fitted on training pairs; difference, pair by pair, from: {anchor}"
    block = data["test"].source.settings.pairs_per_block
    places = {"pair": list(numbers), "truth_run": [number // block for number in numbers]}
    book.tables.table("gains_fresh_pairs", {**places, **ratios}, title)
    book.show("gains_fresh", title, rows)


def cost_table(repeats: int, book: Book) -> None:
    """Table 1c: in a process of its own, since TensorFlow's threads are chosen at its start."""
    command = [sys.executable, "-m", "benchmarks.science.gain_time", str(repeats)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise LeftOut("benchmarks.science.gain_time failed, see above.")
    title = "Table 1c. Parameters, and milliseconds a gain on one thread, features included"
    book.show("gain_time", title, json.loads(done.stdout))
