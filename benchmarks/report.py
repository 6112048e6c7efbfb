"""The report: the same Markdown on the terminal and in docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.figures import Figure, Result
from benchmarks.machine import Setting

_HEADER = ("figure", "kubediscovery", "peer", "its figure", "ratio", "target", "reached")
_RIGHT = frozenset({1, 3, 4})

_PREFACE = """\
# Benchmarks

Every figure is measured beside its peer, in the same run, on a real kube-apiserver of this machine. Absolute figures
move from machine to machine: the ratios count. Before any figure counts, the servers must have given the same objects.
A target that is not reached is no failure of a command, a wrong answer is.

| command | measures |
| --- | --- |
| `make bench` | with 10,000 pods; restarts, relations, kinds |
| `make bench-large` | with 100,000 pods (120,000 objects), and a synthetic cluster of up to 1,000,000 objects |
| `make bench-churn` | memory during an hour in which pods are replaced |

They need Linux and Go modules; the first run builds and fills for some minutes more. `python -m benchmarks SCENARIO`
runs one scenario alone, `--set SET --write` renews a part of this page. `python -m benchmarks.cluster 10000` runs a
filled control plane to look at, `python -m benchmarks.synthetic` the server on a synthetic one of any size.

The cluster has no controllers and no kubelets. A loader writes the first and the last Deployment with its ReplicaSet,
its Pods and their status through kube-apiserver, and all others into etcd as kube-apiserver stored the first one, with
other names, UIDs and times, once the last one has shown that this makes the same bytes. That is done once: later runs
start from the etcd folder that it left in the cache folder (`~/.cache/kubediscovery/benchmarks`).

The peers are built from locked Go modules:

- `benchmarks/reference`: ordinary shared informers of client-go with an index by owner, in JSON and in protobuf, and a
  net/http server that answers the same trees; also a bare download of the same lists, and the clients that measure.
- `benchmarks/gitops`: gitops-engine's cluster cache, which is what Argo CD knows a cluster by.
- `benchmarks/adapter`: custom-metrics-apiserver's test adapter, on k8s.io/apiserver.
- `benchmarks/lineage`: kube-lineage. kubectl-tree is measured beside it where it is installed.
- kube-apiserver's own GET.
"""

_PARTS = (
    ("standard", "10,000 pods"),
    ("large", "100,000 pods and more"),
    ("churn", "An hour of churn"),
)
_BEGIN, _END = "<!-- begin {name} -->\n", "<!-- end {name} -->\n"


def report(setting: Setting, results: Iterable[Result]) -> str:
    """All results, and what they were measured on."""
    facts = "\n".join(f"- {name}: {value}" for name, value in setting.facts)
    parts = [f"Measured on {setting.day:%Y-%m-%d}:\n\n{facts}\n", *map(_section, results)]
    return "\n".join(parts)


def page(text: str, name: str, former: str) -> str:
    """The page of the documentation with a report as the part of that name; the other parts stay as they were."""
    parts = (f"\n{_part(each, title, text if each == name else _held(each, former))}" for each, title in _PARTS)
    return _PREFACE + "".join(part for part in parts if part.strip())


def pictured(text: str, file: str) -> str:
    """A report with its plot."""
    return f"![Each figure over that of its peer]({file})\n\n{text}"


def _part(name: str, title: str, text: str) -> str:
    if not text:
        return ""
    begin, end = _BEGIN.format(name=name), _END.format(name=name)
    return f"# {title}\n\n{begin}{text}{end}"


def _held(name: str, page: str) -> str:
    """What a page has as the part of that name; nothing where it has none."""
    _, _, rest = page.partition(_BEGIN.format(name=name))
    text, found, _ = rest.partition(_END.format(name=name))
    return text if found else ""


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
