"""The report: the same Markdown on the terminal and in docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.figures import Figure, Result
from benchmarks.machine import Setting

_HEADER = ("figure", "kubediscovery", "peer", "its figure", "ratio", "target", "reached")
_RIGHT = frozenset({1, 3, 4})

_PREFACE = """\
# Benchmarks

`make bench` measures kubediscovery beside its peers, in the same run, on a real kube-apiserver of this machine, and
prints the tables below; `python -m benchmarks --write` renews this page, `python -m benchmarks SCENARIO` runs one
scenario alone. It needs Linux, and takes about eight minutes; the first run builds and fills for some minutes more.

Absolute figures move from machine to machine: the ratios count. Before any figure counts, the servers must have given
the same trees. A target that is not reached is no failure of the command, a wrong answer is.

The cluster has no controllers and no kubelets: a loader writes Deployments, ReplicaSets and Pods with their status
straight into kube-apiserver, once; later runs start from the etcd folder that it left in the cache folder
(`~/.cache/kubediscovery/benchmarks`). The peers are in `benchmarks/reference`: ordinary shared informers of client-go
with an index by owner, and a net/http server that answers the same trees.
"""


def report(setting: Setting, results: Iterable[Result]) -> str:
    """All results, and what they were measured on."""
    facts = "\n".join(f"- {name}: {value}" for name, value in setting.facts)
    parts = [f"Measured on {setting.day:%Y-%m-%d}:\n\n{facts}\n", *map(_section, results)]
    return "\n".join(parts)


def page(text: str) -> str:
    """The page of the documentation that holds a report."""
    return f"{_PREFACE}\n{text}"


def _section(result: Result) -> str:
    notes = "\n".join(f"- {note}" for note in result.notes)
    table = render_table(_HEADER, [_row(figure) for figure in result.figures])
    return f"## {result.title}\n\n{table}\n\n{notes}\n"


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


def render_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns line up; figures stand to the right."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        padded = (
            cell.rjust(width) if column in _RIGHT else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return f"| {' | '.join(padded)} |"

    rule = "|".join(
        f" {'-' * (width - 1)}: " if column in _RIGHT else f" {'-' * width} " for column, width in enumerate(widths)
    )
    return "\n".join((line(header), f"|{rule}|", *map(line, rows)))
