"""What a replica costs by the size of its cluster, up to a million objects, and how long its event loop is blocked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.answers import check_counts, sample
from benchmarks.bursts import Burst, Party, burst
from benchmarks.context import Context
from benchmarks.figures import AtMostTimes, Below, Figure, Result
from benchmarks.filled import LARGE, SMALL, STANDARD, Load
from benchmarks.kubediscovery_server import held, read_samples
from benchmarks.percentiles import median
from benchmarks.processes import MeasuredProcess
from benchmarks.synthetic_server import SyntheticServer
from kubediscovery.config import DEFAULT_GROUP

MILLION = Load(deployments=83_333, pods=10, namespaces=200)

_LIST = f"/apis/{DEFAULT_GROUP}/v1/deployments/*/compositions"
_RATE, _SECONDS = 100.0, 10.0
_SETTLE_SECONDS = 2.0
_TREES, _ROUNDS, _ROUND_SECONDS = 100, 5, 0.5
_LISTS, _LISTS_OF_MANY, _RELISTS = 5, 1, 3

#: What the figures of a size are called, after its number of Pods.
SETTLED, USED, HIGHEST = "resident memory", "memory after lists, changes, relists", "highest of all"
READY, CPU, IDLE = "start until ready", "CPU until then", "CPU while nothing happens"
BUSY = f"CPU at {_RATE:g} changes a second"


@dataclass(frozen=True, slots=True)
class _Start:
    """Megabytes when all was read, and at most until then; seconds until then, and of the processor; idle cores."""

    settled: float
    peak: float
    ready: float
    cpu: float
    idle: float


@dataclass(frozen=True, slots=True)
class _Trees:
    """Milliseconds of one tree, here and of the smallest cluster in turn, and of all in one list."""

    p50: float
    p99: float
    smallest: float
    listed: float


@dataclass(frozen=True, slots=True)
class _Changes:
    """Cores while pods change, megabytes afterwards and at most, and milliseconds for which a relist blocks."""

    busy: float
    afterwards: float
    highest: float
    blocked: float
    most: float


@dataclass(frozen=True, slots=True)
class _Size:
    load: Load
    start: _Start
    trees: _Trees
    changes: _Changes


def sizes(context: Context) -> Result:
    """1,000 and 10,000 Pods."""
    return _report(context, (SMALL, STANDARD))


def sizes_large(context: Context) -> Result:
    """Up to a million objects."""
    return _report(context, (SMALL, STANDARD, LARGE, MILLION))


def _report(context: Context, loads: Sequence[Load]) -> Result:
    smallest = SyntheticServer(loads[0], context.folder)
    with smallest.start() as process:
        smallest.wait(process)
        found = [_measure(context, load, smallest) for load in loads]
    return Result(
        title="What a replica costs, by the size of the cluster",
        notes=(
            "The cluster is synthetic: the bytes of kube-apiserver are made inside the process, and that counts too.",
            f"Memory is VmRSS {_SETTLE_SECONDS:g} s after the start, before anything was asked, and VmHWM until then.",
            f"One tree is asked for directly, {_TREES} Deployments in turn, of this server and the smallest in turn.",
            f"Lists are read whole. Changes are of pods, {_RATE:g} a second, each in another tree; nobody watches.",
            f"Blocked is how late what is due each millisecond is, while pods are listed again, {_RELISTS} times.",
        ),
        figures=tuple(figure for size in found for figure in _figures(size)),
    )


def _measure(context: Context, load: Load, smallest: SyntheticServer) -> _Size:
    server = SyntheticServer(load, context.folder / "measured")
    with server.start() as process:
        start = _start(server, load, process)
        context.say(f"{load}: {start.ready:.1f} s, {start.settled:.0f} MB, peak {start.peak:.0f} MB")
        trees = _trees(context, server, load, smallest)
        changes = _changes(server, process)
        context.say(f"one tree {trees.p50:.2f} ms, all {trees.listed:.0f} ms, blocked {changes.blocked:.0f} ms")
        return _Size(load, start, trees, changes)


def _start(server: SyntheticServer, load: Load, process: MeasuredProcess) -> _Start:
    ready = server.wait(process)
    cpu = process.cpu_seconds
    with server.connect() as connection:
        check_counts("the synthetic server", held(read_samples(connection.text("/metrics"))), load.counts)
    time.sleep(_SETTLE_SECONDS)
    settled, peak = process.resident_megabytes, process.peak_megabytes
    return _Start(settled, peak, ready, cpu, _cores(process, lambda: time.sleep(_SETTLE_SECONDS)))


def _trees(context: Context, server: SyntheticServer, load: Load, smallest: SyntheticServer) -> _Trees:
    found, fewest = list[Burst](), list[Burst]()
    # The first round fills caches, and does not count.
    for number in range(_ROUNDS + 1):
        for each, of, kept in ((server, load, found), (smallest, SMALL, fewest)):
            asked = _burst(context, each, of)
            kept += [asked] if number else []
    times = _LISTS if load.deployments <= LARGE.deployments else _LISTS_OF_MANY
    with server.connect() as connection:
        lists = [connection.time(_LIST)[1] * 1000 for _ in range(times)]
    return _Trees(
        p50=median(each.p50 for each in found),
        p99=median(each.p99 for each in found),
        smallest=median(each.p50 for each in fewest),
        listed=median(lists),
    )


def _burst(context: Context, server: SyntheticServer, load: Load) -> Burst:
    # Whoever shows a token to a synthetic cluster is believed.
    party = Party(server.endpoint.url, str(server.endpoint.authority), "synthetic")
    paths = tuple(server.endpoint.tree_path(*target) for target in sample(load, _TREES))
    return burst(context.reference, party, paths, context.folder, connections=1, seconds=_ROUND_SECONDS)


def _changes(server: SyntheticServer, process: MeasuredProcess) -> _Changes:
    busy = _cores(process, lambda: server.tell(process, {"change": _RATE, "seconds": _SECONDS}))
    blocked = [server.tell(process, {"relist": "pods"}) for _ in range(_RELISTS)]
    most, late = (median(each[key] for each in blocked) for key in ("max", "p999"))
    return _Changes(busy, process.resident_megabytes, process.peak_megabytes, late, most)


def _cores(process: MeasuredProcess, work: Callable[[], object]) -> float:
    """CPU seconds a second while something is done."""
    started, cpu = time.perf_counter(), process.cpu_seconds
    work()
    return (process.cpu_seconds - cpu) / (time.perf_counter() - started)


def _figures(size: _Size) -> Iterator[Figure]:
    start, trees, changes = size.start, size.trees, size.changes
    name = f"{size.load.counts['pods']:,} Pods"
    yield Figure(f"{name}: {SETTLED}", "MB", start.settled)
    yield Figure(f"{name}: highest until then", "MB", start.peak, "settled", start.settled, AtMostTimes(1.3))
    yield Figure(f"{name}: {USED}", "MB", changes.afterwards, "settled", start.settled)
    yield Figure(f"{name}: {HIGHEST}", "MB", changes.highest, "settled", start.settled)
    yield Figure(f"{name}: {READY}", "s", start.ready)
    yield Figure(f"{name}: {CPU}", "s", start.cpu)
    yield Figure(f"{name}: {IDLE}", "cores", start.idle)
    yield Figure(f"{name}: {BUSY}", "cores", changes.busy)
    yield Figure(f"{name}: one tree, p50", "ms", trees.p50, "with 1,000 Pods", trees.smallest, AtMostTimes(1.2))
    yield Figure(f"{name}: one tree, p99", "ms", trees.p99)
    yield Figure(f"{name}: all trees in one list", "ms", trees.listed)
    yield Figure(f"{name}: blocked during a relist, p99.9", "ms", changes.blocked, target=Below(20))
    yield Figure(f"{name}: blocked during a relist, at most", "ms", changes.most)
