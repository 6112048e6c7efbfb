"""The figures that have a target beside a peer, drawn: how far each is from the peer, and where the target is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape

from benchmarks.figures import AtLeastTimes, AtMostTimes, Figure, Result

_WIDTH, _NAMES, _MARGIN, _ROW = 1000, 520, 50, 24
# Ratios are drawn on a logarithmic scale; what is beyond its ends is drawn at them.
_LEAST, _MOST = 0.05, 20.0
_MARKS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
_GOOD, _BAD, _INK, _GRID = "#2f855a", "#c05621", "#1a202c", "#cbd5e0"
_LONGEST = 78


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of the plot: kubediscovery's figure over the peer's."""

    name: str
    ratio: float
    target: float
    is_met: bool


def bars(result: Result) -> Iterator[Bar]:
    """The figures that are compared with a peer and have a target for that."""
    for figure in result.figures:
        if figure.ratio is not None and isinstance(figure.target, AtMostTimes | AtLeastTimes):
            yield Bar(_name(figure), figure.ratio, figure.target.factor, figure.verdict == "yes")


def plot(results: Iterable[Result], title: str) -> str:
    """An SVG document, which needs nothing else: the bars of each result below its title."""
    rows = list[Bar | str]()
    for result in results:
        found = list(bars(result))
        rows += [result.title, *found] if found else []
    height = _MARGIN * 2 + _ROW * len(rows)
    lines = [*_frame(title, height), *(line for number, row in enumerate(rows) for line in _drawn(row, number))]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif">'
    return "\n".join((head, *lines, "</svg>")) + "\n"


def _frame(title: str, height: int) -> Iterator[str]:
    yield f'<rect width="{_WIDTH}" height="{height}" fill="white"/>'
    yield f'<text x="12" y="20" font-size="15" fill="{_INK}">{escape(title)}</text>'
    for mark in _MARKS:
        place = _place(mark)
        yield f'<line x1="{place}" x2="{place}" y1="{_MARGIN - 6}" y2="{height - _MARGIN + 6}" stroke="{_GRID}"/>'
        yield _text(place, _MARGIN - 12, f"{mark:g}", "middle")
    words = "green reaches its target, which is the dark line; 1 is as much as the peer"
    yield _text(_WIDTH - 12, height - 16, words, "end")


def _drawn(row: Bar | str, number: int) -> Iterator[str]:
    top = _MARGIN + _ROW * number
    if isinstance(row, str):
        yield f'<text x="12" y="{top + 16}" font-size="12" font-weight="bold" fill="{_INK}">{escape(row)}</text>'
        return
    start, end = _place(1.0), _place(row.ratio)
    color = _GOOD if row.is_met else _BAD
    yield _text(_NAMES - 12, top + 16, row.name, "end")
    left, width = min(start, end), max(1.0, abs(end - start))
    yield f'<rect x="{left}" y="{top + 5}" width="{width:.1f}" height="{_ROW - 10}" fill="{color}"/>'
    target = _place(row.target)
    yield f'<line x1="{target}" x2="{target}" y1="{top + 2}" y2="{top + _ROW - 2}" stroke="{_INK}" stroke-width="3"/>'


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x}" y="{y}" font-size="12" fill="{_INK}" text-anchor="{anchor}">{escape(words)}</text>'


def _place(ratio: float) -> float:
    inside = min(max(ratio, _LEAST), _MOST)
    share = math.log(inside / _LEAST) / math.log(_MOST / _LEAST)
    return round(_NAMES + share * (_WIDTH - _NAMES - 30), 1)


def _name(figure: Figure) -> str:
    name = f"{figure.name} / {figure.peer_name}"
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
