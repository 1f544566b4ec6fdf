"""The model graph as a picture: nodes in layers from top to bottom, as inline SVG."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise

_CHARACTER = 7.2
_LINE = 17
_MARGIN = 12
_BOX_HEIGHT = 62
_BETWEEN_ROWS = 34
_BETWEEN_BOXES = 26
_THREAD = 10
"""The room that an edge takes where it passes a row."""

_MOST_CHARACTERS = 34
_SWEEPS = 8


@dataclass(frozen=True, slots=True)
class Drawn:
    """A node as the picture shows it.

    Attributes:
        name: Its name; no two have the same.
        type: What it is: a component's name, or `input`.
        shape: The shape of its output, in words.
        parameters: How many parameters its own layer has, in words; empty for none to show.
        inputs: The names of the nodes it takes.
        is_output: Whether the model returns it.
    """

    name: str
    type: str
    shape: str
    parameters: str = ""
    inputs: tuple[str, ...] = ()
    is_output: bool = False

    @property
    def lines(self) -> tuple[str, str, str]:
        """What stands in its box."""
        count = f"{self.parameters} parameters" if self.parameters not in ("", "0") else ""
        rest = " \u00b7 ".join(text for text in (self.shape, count) if text)
        return _shortened(self.name), _shortened(self.type), rest


@dataclass(slots=True)
class _Spot:
    """A place in a row: of a node, or of an edge that passes the row."""

    width: float
    node: Drawn | None = None
    above: "list[_Spot]" = field(default_factory=list)
    below: "list[_Spot]" = field(default_factory=list)
    x: float = 0.0


def graph_svg(nodes: Sequence[Drawn]) -> str:
    """Draws a model graph as inline SVG in the page's colours.

    Args:
        nodes: The nodes, the model's inputs among them, each after those it takes.

    Returns:
        An `<svg>` of its natural size; put it into what scrolls.
    """
    rows = _rows(nodes)
    for _ in range(_SWEEPS):
        _order(rows, downwards=True)
        _order(rows, downwards=False)
    _place(rows)
    left = min((s.x - s.width / 2 for row in rows for s in row), default=0.0)
    right = max((s.x + s.width / 2 for row in rows for s in row), default=0.0)
    for spot in (spot for row in rows for spot in row):
        spot.x += _MARGIN - left
    width = right - left + 2 * _MARGIN
    height = len(rows) * (_BOX_HEIGHT + _BETWEEN_ROWS) - _BETWEEN_ROWS + 2 * _MARGIN
    parts = [_edge(y, spot) for y, row in enumerate(rows) for spot in row]
    parts += [_box(spot, _top(y)) for y, row in enumerate(rows) for spot in row if spot.node]
    label = escape(f"Model graph: {', '.join(node.name for node in nodes)}", quote=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{label}" '
        f'width="{width:.0f}" height="{max(height, 0):.0f}" '
        f'viewBox="0 0 {width:.0f} {max(height, 0):.0f}" style="max-width:none" '
        f'font-family="system-ui, sans-serif" font-size="13">\n'
        f"<g>{''.join(parts)}</g></svg>"
    )


def _rows(nodes: Sequence[Drawn]) -> list[list[_Spot]]:
    """Puts each node below all it takes, with a spot in every row that an edge passes."""
    level: dict[str, int] = {}
    for node in nodes:
        level[node.name] = max((level[i] + 1 for i in node.inputs if i in level), default=0)
    rows: list[list[_Spot]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
    spots = {node.name: _Spot(_width(node), node) for node in nodes}
    for node in nodes:
        rows[level[node.name]].append(spots[node.name])
        for name in dict.fromkeys(i for i in node.inputs if i in level):
            upper = spots[name]
            for between in range(level[name] + 1, level[node.name]):
                passing = _Spot(_THREAD)
                rows[between].append(passing)
                _join(upper, passing)
                upper = passing
            _join(upper, spots[node.name])
    return rows


def _join(upper: _Spot, lower: _Spot) -> None:
    upper.below.append(lower)
    lower.above.append(upper)


def _order(rows: list[list[_Spot]], *, downwards: bool) -> None:
    """Sorts each row by where its neighbours stand, so that few edges cross."""
    for row in rows if downwards else reversed(rows):
        place = {id(spot): index for index, spot in enumerate(row)}
        row.sort(key=lambda s: _mean_x(s.above if downwards else s.below, place[id(s)]))
        for index, spot in enumerate(row):
            spot.x = float(index)


def _mean_x(spots: list[_Spot], otherwise: float) -> float:
    return sum(spot.x for spot in spots) / len(spots) if spots else otherwise


def _place(rows: list[list[_Spot]]) -> None:
    """Gives every spot its x: near its neighbours, without overlaps."""
    for row in rows:
        at = -sum(spot.width + _BETWEEN_BOXES for spot in row) / 2
        for spot in row:
            spot.x = at + spot.width / 2
            at += spot.width + _BETWEEN_BOXES
    for sweep in range(_SWEEPS):
        downwards = sweep % 2 == 0
        for row in rows if downwards else reversed(rows):
            wanted = [_mean_x(s.above if downwards else s.below, s.x) for s in row]
            _spread(row, wanted)


def _spread(row: list[_Spot], wanted: list[float]) -> None:
    lowest: list[float] = []
    for index, (spot, x) in enumerate(zip(row, wanted, strict=True)):
        if index:
            x = max(x, lowest[-1] + _distance(row[index - 1], spot))
        lowest.append(x)
    # What was pushed to the right as one is moved back by what it was pushed on average.
    shift = sum(x - w for x, w in zip(lowest, wanted, strict=True)) / max(len(row), 1)
    for spot, x in zip(row, lowest, strict=True):
        spot.x = x - shift


def _distance(left: _Spot, right: _Spot) -> float:
    return (left.width + right.width) / 2 + _BETWEEN_BOXES


def _top(row: int) -> float:
    return _MARGIN + row * (_BOX_HEIGHT + _BETWEEN_ROWS)


def _edge(row: int, spot: _Spot) -> str:
    """Draws the edges that begin at a node, each along the spots that it passes."""
    if spot.node is None:
        return ""
    return "".join(_path([spot, *_along(first)], row) for first in spot.below)


def _along(spot: _Spot) -> list[_Spot]:
    way = [spot]
    while way[-1].node is None:
        way.append(way[-1].below[0])
    return way


def _path(way: list[_Spot], row: int) -> str:
    steps = [f"M{way[0].x:.1f} {_top(row) + _BOX_HEIGHT:.1f}"]
    for step, (upper, lower) in enumerate(pairwise(way), start=row + 1):
        start, end = _top(step) - _BETWEEN_ROWS, _top(step)
        middle = (start + end) / 2
        steps.append(
            f"C{upper.x:.1f} {middle:.1f} {lower.x:.1f} {middle:.1f} {lower.x:.1f} {end:.1f}"
        )
        if lower.node is None:
            steps.append(f"V{end + _BOX_HEIGHT:.1f}")
    x, y = way[-1].x, _top(row + len(way) - 1)
    tip = f"M{x - 4:.1f} {y - 6:.1f}L{x:.1f} {y:.1f}L{x + 4:.1f} {y - 6:.1f}"
    return (
        f'<path d="{"".join(steps)}{tip}" fill="none" style="stroke:var(--dim, #777)" '
        f'stroke-width="1.3"/>'
    )


def _box(spot: _Spot, top: float) -> str:
    node = spot.node
    assert node is not None
    is_input = node.type == "input"
    stroke = "var(--accent)" if is_input or node.is_output else "var(--line)"
    width = 2 if node.is_output else 1.3
    name, kind, rest = (escape(line) for line in node.lines)
    left, x = spot.x - spot.width / 2, spot.x
    full = escape(f"{node.name}: {node.type} {node.shape}")
    return (
        f'<g text-anchor="middle"><title>{full}</title>'
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{spot.width:.1f}" height="{_BOX_HEIGHT}" '
        f'rx="{18 if is_input else 6}" style="fill:var(--soft);stroke:{stroke}" '
        f'stroke-width="{width}"/>'
        f'<text x="{x:.1f}" y="{top + 19:.1f}" font-weight="600" style="fill:var(--ink)">'
        f"{name}</text>"
        f'<text x="{x:.1f}" y="{top + 19 + _LINE:.1f}" style="fill:var(--ink)">{kind}</text>'
        f'<text x="{x:.1f}" y="{top + 19 + 2 * _LINE:.1f}" font-size="11.5" '
        f'style="fill:var(--dim)">{rest}</text></g>\n'
    )


def _width(node: Drawn) -> float:
    return max(len(line) for line in node.lines) * _CHARACTER + 24


def _shortened(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 1]}\u2026"
