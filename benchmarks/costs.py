"""The table of docs/sizing.md: what a replica costs by the size of its cluster, and what to ask for and allow."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from benchmarks.records import Record
from benchmarks.report import measured, number, render_table
from benchmarks.sizes import BUSY, CPU, HIGHEST, IDLE, READY, SETTLED, USED

#: The scenarios that measure it; where both have a size, the first one counts.
SOURCES = ("sizes", "sizes-large")

_HEADER = (
    "pods",
    "CPU, idle",
    "CPU, changes",
    "memory, settled",
    "in use",
    "at most",
    "first sync",
    "CPU of it",
    "request",
    "limit",
)
_MEGABYTE, _MEBIBYTE = 1_000_000, 2**20
# How the table's requests and limits are made; docs/sizing.md says why.
_ROOM, _LEAST_CPU, _STEP_CPU, _STEP_MEMORY = 1.25, 100, 50, 32
_JOURNAL, _WATCHES = 32, 512


@dataclass(frozen=True, slots=True)
class Cost:
    """What a replica took with so many pods, by the words of `benchmarks.sizes`: cores, seconds and megabytes."""

    pods: int
    figures: Mapping[str, float]

    @property
    def cpu_request(self) -> int:
        """Thousandths of a core."""
        wanted = math.ceil(self.figures[BUSY] * 1000 / _STEP_CPU) * _STEP_CPU
        return max(_LEAST_CPU, wanted)

    @property
    def memory_request(self) -> int:
        """Mebibytes."""
        wanted = self.figures[USED] * _ROOM * _MEGABYTE / _MEBIBYTE + _JOURNAL
        return math.ceil(wanted / _STEP_MEMORY) * _STEP_MEMORY

    @property
    def memory_limit(self) -> int:
        """Mebibytes."""
        return 2 * self.memory_request + _WATCHES


def costs(records: Mapping[str, Record]) -> list[Cost]:
    """Of each size that was measured, the smallest first."""
    found = dict[int, Cost]()
    for cost in chain.from_iterable(_of(records[name]) for name in SOURCES if name in records):
        found.setdefault(cost.pods, cost)
    return [found[pods] for pods in sorted(found)]


def _of(record: Record) -> Iterator[Cost]:
    by_pods = dict[int, dict[str, float]]()
    for figure in record.result.figures:
        size, _, what = figure.name.partition(" Pods: ")
        by_pods.setdefault(int(size.replace(",", "")), {})[what] = figure.own
    for pods, figures in by_pods.items():
        yield Cost(pods, figures)


def costs_section(records: Mapping[str, Record]) -> str:
    """The table, and what it was measured on."""
    table = render_table(_HEADER, [_row(cost) for cost in costs(records)], right=range(len(_HEADER)))
    said = "\n\n".join(f"`{name}`: {measured(records[name])}" for name in SOURCES if name in records)
    return f"{table}\n\n{said}\n"


def _row(cost: Cost) -> tuple[str, ...]:
    figures = cost.figures
    return (
        f"{cost.pods:,}",
        _cores(figures[IDLE]),
        _cores(figures[BUSY]),
        *(f"{figures[what]:,.0f} MB" for what in (SETTLED, USED, HIGHEST)),
        f"{number(figures[READY])} s",
        f"{number(figures[CPU])} s",
        f"{cost.cpu_request}m, {cost.memory_request}Mi",
        f"{cost.memory_limit}Mi",
    )


def _cores(value: float) -> str:
    # The system counts processor time in hundredths of a second: less is not seen.
    return f"{math.ceil(value * 1000)}m" if value >= 0.005 else "below 5m"
