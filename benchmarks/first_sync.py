"""How long until all caches are filled, at what cost, and how much memory they take then."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from benchmarks.answers import check_counts, check_same, check_uids, sample
from benchmarks.context import Context
from benchmarks.download import Download
from benchmarks.endpoint import Synced
from benchmarks.every_tree import uids
from benchmarks.figures import AtMostTimes, Below, Figure, Result, Target
from benchmarks.filled import LARGE, STANDARD, Load
from benchmarks.gitops_cache import GitopsCache
from benchmarks.kubediscovery_server import KubediscoveryServer
from benchmarks.percentiles import median
from benchmarks.processes import MeasuredProcess
from benchmarks.program import find_gitops
from benchmarks.reference_server import JSON, PROTOBUF, PROTOBUF_STREAM, ReferenceServer, Variant

_SETTLE_SECONDS = 2.0
_VARIANTS: tuple[Variant, ...] = (JSON, PROTOBUF, PROTOBUF_STREAM)
_GO = tuple(variant.name for variant in _VARIANTS)
_OWN, _GITOPS, _DOWNLOAD = KubediscoveryServer.name, "gitops-engine", "bare download (protobuf)"


class Subject(Protocol):
    """What is started again and again."""

    @property
    def name(self) -> str: ...

    def start(self) -> MeasuredProcess: ...

    def wait(self, process: MeasuredProcess) -> Synced: ...


@dataclass(frozen=True, slots=True)
class Run:
    """One start of one server; megabytes of 1,000,000 bytes."""

    synced: Synced
    resident: float
    peak: float


@dataclass(frozen=True, slots=True)
class _Line:
    """A figure of every run; ``go`` is the target beside that of client-go's encodings which does best."""

    name: str
    unit: str
    read: Callable[[Run], float]
    go: Target | None = None
    others: tuple[tuple[str, Target | None], ...] = ()


def _lines(
    time_: Target, cpu: Target | None, memory: Target, gitops: Target | None, floor: Target | None
) -> list[_Line]:
    floors = ((_DOWNLOAD, floor), (_GITOPS, None))
    return [
        _Line("sync, from the start of reading", "s", lambda run: run.synced.reading, time_, floors),
        _Line("sync, from the start of the process", "s", lambda run: run.synced.since_start),
        _Line("CPU until then", "s", lambda run: run.synced.cpu, cpu, ((_DOWNLOAD, None), (_GITOPS, None))),
        _Line("resident memory", "MB", lambda run: run.resident, memory, ((_GITOPS, gitops),)),
        _Line("highest resident memory", "MB", lambda run: run.peak, None, ((_GITOPS, None),)),
    ]


def first_sync(context: Context) -> Result:
    """With 10,000 Pods."""
    lines = _lines(AtMostTimes(1), None, AtMostTimes(0.5), None, None)
    return _measure(context, STANDARD, 3, lines, Below(100))


def first_sync_large(context: Context) -> Result:
    """With 100,000 Pods."""
    lines = _lines(AtMostTimes(0.65), AtMostTimes(0.4), AtMostTimes(0.125), AtMostTimes(0.5), AtMostTimes(1.3))
    return _measure(context, LARGE, 3, lines, Below(190))


def _measure(context: Context, load: Load, count: int, lines: Sequence[_Line], limit: Below) -> Result:
    count = 1 if context.quick else count
    with context.clusters.lend(load) as cluster:
        own = KubediscoveryServer.install(cluster, context.folder)
        peers = [ReferenceServer(cluster, context.reference, context.folder, variant) for variant in _VARIANTS]
        known = check_trees(own, peers[0], load)
        repeated: list[Subject] = [own, *peers, Download(cluster, context.reference, context.folder, load.counts)]
        # It takes several times as long as all others together: once is enough to tell.
        once: list[Subject] = [GitopsCache(cluster, find_gitops(), context.folder)]
        runs: dict[str, list[Run]] = {subject.name: [] for subject in (*repeated, *once)}
        for number in range(1, count + 1):
            for subject in (*repeated, *(once if number == 1 else [])):
                run = _run(subject, load, known)
                runs[subject.name].append(run)
                context.say(f"run {number} of {count}: {subject.name} {_told(run)}")
    return Result(
        title=f"First sync of {load}",
        notes=(
            f"Medians of {count} runs of each in turn, of gitops-engine one, on a kube-apiserver of their own.",
            "client-go reads these three kinds, gitops-engine and kubediscovery all that there are.",
            "gitops-engine keeps metadata alone. The download reads the same three kinds and throws them away.",
            f"Memory is VmRSS {_SETTLE_SECONDS:g} s after the sync, and VmHWM; 1 MB is 1,000,000 bytes.",
            "Targets beside client-go are for that encoding of it which does best.",
        ),
        figures=(*_figures(runs, lines), *_sizes(runs[_OWN], limit)),
    )


def check_trees(own: KubediscoveryServer, peer: ReferenceServer, load: Load) -> frozenset[str]:
    """All UIDs; `WrongAnswerError` where the two differ. Both run at once: that warms kube-apiserver up, too."""
    with own.start() as own_process, peer.start() as peer_process:
        for subject, process in ((own, own_process), (peer, peer_process)):
            check_counts(subject.name, subject.wait(process).counts, load.counts)
        with own.connect() as own_connection, peer.connect() as peer_connection:
            check_same(own_connection.tree, peer_connection.tree, sample(load), size=2 + load.pods)
            return uids(own_connection, load)


def _run(subject: Subject, load: Load, known: frozenset[str]) -> Run:
    with subject.start() as process:
        synced = subject.wait(process)
        check_counts(subject.name, synced.counts, load.counts)
        # What keeps nothing has no memory to tell of.
        time.sleep(0 if isinstance(subject, Download) else _SETTLE_SECONDS)
        run = Run(synced, process.resident_megabytes, process.peak_megabytes)
        if isinstance(subject, GitopsCache):
            check_uids(subject.name, subject.walk(process, together=True, members=True).members, known)
        return run


def _told(run: Run) -> str:
    return f"{run.synced.reading:.2f} s, CPU {run.synced.cpu:.2f} s, {run.resident:.0f} MB, peak {run.peak:.0f} MB"


def _figures(runs: Mapping[str, Sequence[Run]], lines: Sequence[_Line]) -> Iterator[Figure]:
    """A line for each peer."""
    for line in lines:
        found = {name: median(map(line.read, each)) for name, each in runs.items()}
        best = min(_GO, key=found.__getitem__)
        targets: list[tuple[str, Target | None]] = [(name, line.go if name == best else None) for name in _GO]
        for peer, target in (*targets, *line.others):
            yield Figure(line.name, line.unit, found[_OWN], peer, found[peer], target)


def _sizes(runs: Sequence[Run], limit: Below) -> Iterator[Figure]:
    settled = median(run.resident for run in runs)
    yield Figure("resident memory in all", "MB", settled, target=limit)
    peak = median(run.peak for run in runs)
    yield Figure("highest resident memory", "MB", peak, "its own, settled", settled, AtMostTimes(1.3))
