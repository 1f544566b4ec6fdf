"""Figures drawn from their documents, for a page and as pictures; the only room with matplotlib."""

import importlib
import io
import math
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from zoo.errors import in_one_line

Document = Mapping[str, Any]

MISSING = "the report has no charts: they need matplotlib; pip install 'zoo[report]'"

# Okabe and Ito's colours, those darkened that are too pale on white; the page has its own for dark.
_SERIES = ("#0072b2", "#d55e00", "#009e73", "#b8619a", "#b07c00", "#2b8cc4", "#8a8200", "#4d4d4d")
_INK, _PAPER, _LINE, _DIM = "#1c2126", "#ffffff", "#c9d1d9", "#57606a"
_PROPERTIES = {
    _INK: "--ink",
    _PAPER: "--paper",
    _LINE: "--line",
    _DIM: "--dim",
    **{colour: f"--c{index}" for index, colour in enumerate(_SERIES)},
}
_DASHES = ("-", "--", "-.", ":")
_DOTS_PER_INCH = 150
_PIXELS = 96
"""A page's pixels in an inch."""

_FEW_POINTS = 40
_LONG_LABELS = 36
_MOST_PANELS_A_ROW = 2
_LEAST_OF_A_WIDE_ONE = 500
"""How many of a page's pixels a figure with several panels takes at least."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure that was drawn.

    Attributes:
        svg: An `<svg>` for inside a page, in the page's colours.
        png: The same for elsewhere, on white.
        is_wide: Whether it needs a row of its own.
    """

    svg: str
    png: bytes
    is_wide: bool = False


def can_draw() -> bool:
    """Tells whether matplotlib is installed."""
    try:
        importlib.import_module("matplotlib.figure")
    except ImportError:
        return False
    return True


def drawn(document: Document) -> Chart:
    """Draws what a document says under `figure`.

    Raises:
        ValueError: If it is not as `Tables` writes it.
    """
    import matplotlib as mpl

    style: Any = {
        "axes.edgecolor": _DIM,
        "axes.labelcolor": _INK,
        "axes.unicode_minus": True,
        "axes.formatter.use_mathtext": False,
        "axes.formatter.limits": (-4, 5),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "font.size": 9,
        "svg.fonttype": "none",
        "svg.hashsalt": str(document.get("name")),
        "text.color": _INK,
        "text.parse_math": False,  # a name may hold any sign
        "xtick.color": _DIM,
        "ytick.color": _DIM,
    }
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of glyphs that no font has, and the like
        mpl.rcdefaults()  # a user's own matplotlibrc changes nothing
        mpl.rcParams.update(style)
        try:
            figure = _DRAWERS[document["figure"]["kind"]](document)
            # Laid out once, not anew for each form.
            figure.draw_without_rendering()
            figure.set_layout_engine("none")
            is_wide = figure.get_figwidth() * _PIXELS > _LEAST_OF_A_WIDE_ONE
            return Chart(_svg(figure, described(document)), _saved(figure, "png"), is_wide)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise ValueError(f"it cannot be drawn: {in_one_line(error)}") from error


def described(document: Document) -> str:
    """Says in words what a figure shows, for who cannot see it."""
    figure, columns = document["figure"], document.get("columns", {})
    if figure["kind"] == "images":
        ends = zip(columns["image"], columns["smallest"], columns["largest"], strict=True)
        listed = (f"{title}, from {number(low)} to {number(high)}" for title, low, high in ends)
        return f"Images on one colour scale: {'; '.join(listed)}."
    parts = []
    for name in figure["y"]:
        values = [value for value in columns[name] if value is not None]
        if values and figure["kind"] == "lines":
            ends_at = f"from {number(values[0])} to {number(values[-1])}"
            parts.append(
                f"{name} goes {ends_at}, between {number(min(values))} and {number(max(values))}"
            )
        elif values:
            of = zip(columns[figure["x"]], columns[name], strict=True)
            parts.append(f"{name}: {', '.join(f'{x} {number(value)}' for x, value in [*of][:30])}")
    what = "Lines" if figure["kind"] == "lines" else "Bars"
    return f"{what} over {figure['xlabel'] or figure['x']}. {'; '.join(parts)}."


def number(value: Any) -> str:
    """Words a cell: numbers with six digits, nothing as a dash."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _figure(width: float, height: float) -> Any:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", facecolor=_PAPER)


def _lines(document: Document) -> Any:
    figure, columns = document["figure"], document["columns"]
    picture = _figure(4.7, 3.0)
    axes = picture.subplots()
    x = _floats(columns[figure["x"]])
    for index, (label, (low, high)) in enumerate(figure["bands"].items()):
        axes.fill_between(
            x, _floats(columns[low]), _floats(columns[high]),
            color=_colour(index), alpha=0.22, linewidth=0, label=label,
        )  # fmt: skip
    shown = [*figure["y"], *(end for pair in figure["bands"].values() for end in pair)]
    log = figure["log"] and _some_positive(columns, shown)
    for index, name in enumerate(figure["y"]):
        axes.plot(
            x, [math.nan if log and value <= 0.0 else value for value in _floats(columns[name])],
            color=_colour(index), linestyle=_DASHES[index % len(_DASHES)], linewidth=1.6,
            marker="o" if len(x) <= _FEW_POINTS else None, markersize=3, label=name,
        )  # fmt: skip
    _finish(axes, figure, log=log)
    if all(value.is_integer() for value in x):
        axes.xaxis.get_major_locator().set_params(integer=True)
    _legend(axes, len(figure["y"]) + len(figure["bands"]), figure["ylabel"])
    return picture


def _bars(document: Document) -> Any:
    figure, columns = document["figure"], document["columns"]
    groups = [str(value) for value in columns[figure["x"]]]
    count = len(figure["y"])
    picture = _figure(max(4.7, min(9.0, 0.32 * len(groups) * count)), 3.2)
    axes = picture.subplots()
    width = 0.8 / count
    for index, name in enumerate(figure["y"]):
        errors = figure["errors"].get(name)
        axes.bar(
            [group - 0.4 + (index + 0.5) * width for group in range(len(groups))],
            _floats(columns[name]), width * 0.92, color=_colour(index), label=name,
            yerr=None if errors is None else _floats(columns[errors]), ecolor=_INK, capsize=2.5,
        )  # fmt: skip
    axes.axhline(0.0, color=_DIM, linewidth=0.8)
    axes.set_xlim(-0.6, len(groups) - 0.4)
    _finish(axes, figure, log=False)
    long = sum(map(len, groups)) > _LONG_LABELS * picture.get_figwidth() / 4.7
    step = max(1, math.ceil(len(groups) / 40))
    turned = {"rotation": 35, "ha": "right"} if long and step == 1 else {}
    axes.set_xticks(range(0, len(groups), step), groups[::step], **turned)
    _legend(axes, count, figure["ylabel"])
    return picture


def _images(document: Document) -> Any:
    figure = document["figure"]
    images = {title: [_floats(row) for row in rows] for title, rows in figure["images"].items()}
    values = [v for rows in images.values() for row in rows for v in row if math.isfinite(v)]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if figure["diverging"]:
        high = max(abs(low), abs(high)) or 1.0
        low = -high
    across = min(_MOST_PANELS_A_ROW, len(images))
    down = math.ceil(len(images) / across)
    picture = _figure(0.6 + 3.1 * across, 0.3 + 2.5 * down)
    panels = picture.subplots(down, across, squeeze=False, sharex=True, sharey=True)
    shown = None
    for axes, (title, rows) in zip(panels.flat, images.items(), strict=False):
        shown = axes.imshow(
            rows, cmap="RdBu_r" if figure["diverging"] else "cividis", vmin=low, vmax=high,
            aspect="auto", interpolation="nearest",
        )  # fmt: skip
        axes.set_title(title, fontsize=9.5, color=_INK)
    for axes in panels.flat[len(images) :]:
        axes.set_visible(False)
    for axes in panels[-1]:
        axes.set_xlabel(figure["xlabel"])
    for axes in panels[:, 0]:
        axes.set_ylabel(figure["ylabel"])
    picture.colorbar(shown, ax=panels, shrink=0.85, pad=0.02).outline.set_visible(False)
    return picture


_DRAWERS = {"lines": _lines, "bars": _bars, "images": _images}


def _finish(axes: Any, figure: Mapping[str, Any], *, log: bool) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.set_xlabel(figure["xlabel"])
    axes.set_ylabel(figure["ylabel"])
    axes.grid(axis="y", color=_LINE, linewidth=0.6)
    axes.set_axisbelow(True)
    if log:
        axes.set_yscale("log", nonpositive="clip")
        low, high = axes.get_ylim()
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        if high / low > 10.0:
            axes.yaxis.set_minor_formatter(NullFormatter())
        else:
            axes.yaxis.set_minor_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _legend(axes: Any, count: int, ylabel: str) -> None:
    if count > 1 or not ylabel:
        axes.legend(frameon=False, fontsize=8.5, labelcolor=_INK, handlelength=2.6)


def _colour(index: int) -> str:
    return _SERIES[index % len(_SERIES)]


def _floats(values: Sequence[Any]) -> list[float]:
    return [math.nan if value is None else float(value) for value in values]


def _some_positive(columns: Mapping[str, Sequence[Any]], names: Sequence[str]) -> bool:
    return any(value is not None and value > 0 for name in names for value in columns[name])


def _saved(figure: Any, form: str) -> bytes:
    data = io.BytesIO()
    # The date would make two pictures of the same numbers differ.
    metadata = {"Date": None} if form == "svg" else {"Software": None}
    figure.savefig(data, format=form, dpi=_DOTS_PER_INCH, metadata=metadata)
    return data.getvalue()


def _svg(figure: Any, alt: str) -> str:
    """Makes a figure an `<svg>` that belongs to its page: its colours, its font, no names."""
    text = _saved(figure, "svg").decode()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", text, flags=re.S)
    text = re.sub(r' (?:xmlns(?::\w+)?|version)="[^"]*"', "", text)
    text = re.sub(r' id="[A-Za-z]\w*(?:\.\w+)?_\d+"', "", text)
    text = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px; font-family: inherit", text)
    for colour, name in _PROPERTIES.items():
        text = text.replace(colour, f"var({name})")
    width = figure.get_figwidth() * _PIXELS
    # A figure of several panels is scrolled on a phone rather than made too small to read.
    least = f"; min-width: {_LEAST_OF_A_WIDE_ONE}px" if width > _LEAST_OF_A_WIDE_ONE else ""
    style = f"width: {width:.0f}px{least}"
    head = f'<svg role="img" aria-label="{escape(alt)}" style="{style}"'
    text = re.sub(r'<svg width="[^"]*" height="[^"]*"', lambda _: head, text, count=1)
    return text.replace("\n\n", "\n").strip()
