"""How long until all caches are filled, at what cost, and how much memory they take then."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.answers import check_counts, check_same, sample
from benchmarks.context import Context
from benchmarks.endpoint import Synced
from benchmarks.figures import AtMostTimes, Below, Figure, Result, Target
from benchmarks.filled import Load, filled_cluster
from benchmarks.kubediscovery_server import KubediscoveryServer
from benchmarks.percentiles import median
from benchmarks.reference_server import JSON, PROTOBUF, PROTOBUF_STREAM, ReferenceServer, Variant

LOAD = Load(deployments=1000, pods=10, namespaces=20)

_RUNS = 5
_SETTLE_SECONDS = 2.0

# JSON first: the targets are against it.
_VARIANTS: tuple[Variant, ...] = (JSON, PROTOBUF, PROTOBUF_STREAM)

Subject = KubediscoveryServer | ReferenceServer


@dataclass(frozen=True, slots=True)
class Run:
    """One start of one server; megabytes of 1,000,000 bytes."""

    synced: Synced
    resident: float
    peak: float


def first_sync(context: Context) -> Result:
    """Start kubediscovery and client-go's informers in turn, several times."""
    with filled_cluster(LOAD, context.binaries, context.reference) as cluster:
        own = KubediscoveryServer.install(cluster, context.folder)
        peers = [ReferenceServer(cluster, context.reference, context.folder, variant) for variant in _VARIANTS]
        check_trees(own, peers[0])
        subjects: tuple[Subject, ...] = (own, *peers)
        runs: dict[str, list[Run]] = {subject.name: [] for subject in subjects}
        for number in range(1, _RUNS + 1):
            for subject in subjects:
                run = _run(subject)
                runs[subject.name].append(run)
                context.say(f"run {number} of {_RUNS}: {subject.name} {run.synced.reading:.2f} s")
    return Result(
        title=f"First sync of {LOAD}",
        notes=(
            f"Medians of {_RUNS} runs of each, one after the other in turn, on a kube-apiserver that nobody else uses.",
            "client-go reads these three kinds, kubediscovery all that it tracks. JSON by WatchList is slower still.",
            f"Memory is VmRSS {_SETTLE_SECONDS:g} s after the sync, and VmHWM; 1 MB is 1,000,000 bytes.",
        ),
        figures=tuple(_figures(runs[own.name], {peer.name: runs[peer.name] for peer in peers})),
    )


def check_trees(own: KubediscoveryServer, peer: ReferenceServer) -> None:
    """Both at once, so that this run warms kube-apiserver up too; `WrongAnswerError` for a difference."""
    with own.start() as own_process, peer.start() as peer_process:
        for subject, process in ((own, own_process), (peer, peer_process)):
            check_counts(subject.name, subject.wait(process).counts, LOAD.counts)
        with own.connect() as own_connection, peer.connect() as peer_connection:
            check_same(own_connection.tree, peer_connection.tree, sample(LOAD), size=2 + LOAD.pods)


def _run(subject: Subject) -> Run:
    with subject.start() as process:
        synced = subject.wait(process)
        check_counts(subject.name, synced.counts, LOAD.counts)
        time.sleep(_SETTLE_SECONDS)
        return Run(synced, process.resident_megabytes, process.peak_megabytes)


@dataclass(frozen=True, slots=True)
class _Line:
    name: str
    unit: str
    read: Callable[[Run], float]
    target: Target | None = None


_LINES = (
    _Line("sync, from the start of reading", "s", lambda run: run.synced.reading, AtMostTimes(1)),
    _Line("sync, from the start of the process", "s", lambda run: run.synced.since_start),
    _Line("CPU until then", "s", lambda run: run.synced.cpu),
    _Line("resident memory", "MB", lambda run: run.resident, Below(100)),
    _Line("highest resident memory", "MB", lambda run: run.peak),
)


def _figures(own: Sequence[Run], peers: Mapping[str, Sequence[Run]]) -> list[Figure]:
    """One line for each peer; targets stand beside the first peer only."""
    first = next(iter(peers))
    return [
        Figure(
            name=line.name,
            unit=line.unit,
            own=median(map(line.read, own)),
            peer_name=peer,
            peer=median(map(line.read, runs)),
            target=line.target if peer == first else None,
        )
        for line in _LINES
        for peer, runs in peers.items()
    ]
