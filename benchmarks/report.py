"""The report: the same Markdown on the terminal and in the documents."""

from __future__ import annotations

from collections.abc import Container, Sequence

from benchmarks.figures import Figure
from benchmarks.records import Record

_HEADER = ("figure", "kubediscovery", "peer", "its figure", "ratio", "target", "reached")
_RIGHT = frozenset({1, 3, 4})


def section(record: Record) -> str:
    """The part of a page that a scenario has."""
    result = record.result
    notes = "\n".join(f"- {note}" for note in result.notes)
    table = render_table(_HEADER, [_row(figure) for figure in result.figures])
    return f"### {result.title}\n\n{measured(record)}\n\n{table}\n\n{notes}\n"


def measured(record: Record) -> str:
    """When, where, with what and for how long."""
    facts = "; ".join(f"{name} {value}" for name, value in record.setting.facts)
    took = f" in {record.seconds:.0f} s" if record.seconds else ""
    return f"Measured on {record.setting.day:%Y-%m-%d}{took}: {facts}."


def _row(figure: Figure) -> tuple[str, ...]:
    return (
        figure.name,
        f"{number(figure.own)} {figure.unit}",
        figure.peer_name,
        "" if figure.peer is None else f"{number(figure.peer)} {figure.unit}",
        "" if figure.ratio is None else f"{figure.ratio:.2f}",
        "" if figure.target is None else str(figure.target),
        figure.verdict,
    )


def number(value: float) -> str:
    """Three digits that count, and thousands apart: 0.0123, 1.23, 12.3, 123, 1,230."""
    if value == 0:
        return "0"
    digits = 2
    size = abs(value)
    while size >= 10 and digits > 0:
        size, digits = size / 10, digits - 1
    while size < 1:
        size, digits = size * 10, digits + 1
    return f"{value:,.{digits}f}"


def render_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, right: Container[int] = _RIGHT) -> str:
    """A Markdown table whose columns line up; those in ``right``, figures, stand to the right."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        padded = (
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return f"| {' | '.join(padded)} |"

    rule = "|".join(
        f" {'-' * (width - 1)}: " if column in right else f" {'-' * width} " for column, width in enumerate(widths)
    )
    return "\n".join((line(header), f"|{rule}|", *map(line, rows)))
