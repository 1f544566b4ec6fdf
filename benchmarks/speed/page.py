"""Writes docs/performance.md, and its plot, from what `make bench-full` measured.

Run: `python -m benchmarks.speed.page build/bench.json`. The page holds nothing that was not
measured; why a figure falls short stands in causes.toml, and outlives every run.
"""

import argparse
import json
import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CAUSES = Path(__file__).with_name("causes.toml")
PAGE, PLOT = Path("docs/performance.md"), Path("docs/assets/growth.svg")
MISSING = "Its cause has not been profiled."

_HEAD = """# How fast it is

Every figure is a ratio to a peer or to a limit that was measured in the same run, the two taking
turns, so that whatever else the machine does falls on both; a ratio is the median over the rounds.
Each group of figures has a process of its own. Seconds and microseconds explain a ratio, and are
worth nothing on another machine.

`make bench` prints this table for smaller sizes. `make bench-full` measures at full length, and
writes this page: edit `benchmarks/speed/causes.toml`, not the page.
"""


def _cells(rows: Iterator[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows)


def _machine(document: Mapping[str, Any]) -> str:
    machine, versions = document["machine"], document["versions"]
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (
        f"Measured on {document['date']}, in {document['minutes']:g} minutes, on "
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']:g} GiB of "
        f"memory, {machine['system']}; {listed}.\n"
    )


def _figures(figures: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[str]]:
    yield "what", "ratio", "goal", "of", "", "seen"
    yield ("---", "---:", "---:", "---", "---", "---")
    for line in figures:
        if line["ratio"] is None:
            yield line["name"], "", "", line["anchor"], "not measured", line["detail"]
            continue
        goal = f"{'≥' if line['more_is_better'] else '≤'} {line['goal']:g}"
        verdict = "reached" if line["reached"] else "**short**"
        ratio = f"{line['ratio']:.0f}" if line["ratio"] >= 100 else f"{line['ratio']:.3g}"
        yield line["name"], ratio, goal, line["anchor"], verdict, line["detail"]


def _shortfalls(
    figures: Sequence[Mapping[str, Any]], causes: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    texts = {name: cause["text"] for cause in causes for name in cause["figures"]}
    short: dict[str, list[str]] = {}
    for line in figures:
        if line["reached"] is False:
            short.setdefault(texts.get(line["name"], MISSING), []).append(f"**{line['name']}**")
    for text, names in short.items():
        yield f"- {'; '.join(names)}: {' '.join(text.split())}"


def _curves(growth: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[str]]:
    yield "what", "grows with", "exponent", "sizes", "milliseconds"
    yield ("---", "---", "---:", "---", "---")
    for curve in growth:
        sizes = ", ".join(f"{size:,}" for size in curve["sizes"])
        times = ", ".join(f"{1e3 * seconds:.3g}" for seconds in curve["seconds"])
        yield curve["name"], curve["size"], f"{curve['exponent']:.2f}", sizes, times


def page(document: Mapping[str, Any], causes: Sequence[Mapping[str, Any]]) -> str:
    """Gives the page's Markdown."""
    figures, growth = document["figures"], document["growth"]
    parts = [_HEAD, _machine(document), _cells(_figures(figures)) + "\n"]
    parts.append("## What falls short, and why\n")
    parts.append("\n".join(_shortfalls(figures, causes)) or "Nothing that was measured.")
    parts[-1] += "\n"
    parts.append("## How cost grows\n")
    if not growth:
        return "\n".join([*parts, "Not measured.\n"])
    parts.append(
        "Time goes as the size to the power of the exponent, fitted by least squares of logarithms "
        "to the three largest sizes. Commands are timed whole, their start-up included.\n"
    )
    parts.append("![Time over size, both in logarithms, a line each](assets/growth.svg)\n")
    return "\n".join([*parts, _cells(_curves(growth)) + "\n"])


def _short(count: int) -> str:
    return f"{count / 1e6:g} M" if count >= 1_000_000 else f"{count:,}"


def plot(growth: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draws a panel for each size that something grows with; same figures, same bytes."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    sizes = list(dict.fromkeys(curve["size"] for curve in growth))
    style: dict[str, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": "growth",
        "font.size": 8,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(style)
        down = math.ceil(len(sizes) / 2)
        figure = Figure(figsize=(8.0, 2.6 * down), layout="constrained", facecolor="white")
        panels = list(figure.subplots(down, 2, squeeze=False).flat)
        for axes in panels:
            axes.set_visible(False)
        for axes, size in zip(panels, sizes, strict=False):
            axes.set_visible(True)
            for curve in growth:
                if curve["size"] == size:
                    label = f"{curve['name']}: {curve['exponent']:.2f}"
                    axes.loglog(curve["sizes"], curve["seconds"], marker="o", label=label)
            ticks = sorted(
                {at for curve in growth if curve["size"] == size for at in curve["sizes"]}
            )
            axes.set_xticks(ticks, [_short(at) for at in ticks])
            axes.set_xticks([], minor=True)
            axes.set_xlabel(size)
            axes.set_ylabel("seconds")
            axes.grid(color="#c9d1d9", linewidth=0.5)
            axes.legend(frameon=False, fontsize=7)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", metadata={"Date": None})


def write(document: Mapping[str, Any], root: Path = ROOT, causes: Path = CAUSES) -> None:
    """Writes the page and the plot below a folder."""
    known = tomllib.loads(causes.read_text(encoding="utf-8")).get("causes", [])
    if document["growth"]:
        plot(document["growth"], root / PLOT)
    (root / PAGE).parent.mkdir(parents=True, exist_ok=True)
    (root / PAGE).write_text(page(document, known), encoding="utf-8")


def main() -> None:
    """Writes the page of a JSON file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", type=Path, help="what --json of the benchmarks wrote")
    document = json.loads(parser.parse_args().file.read_text(encoding="utf-8"))
    if not document["full"]:
        parser.error("the page is of a full run: make bench-full")
    write(document)


if __name__ == "__main__":
    main()
