"""What open watches cost while pods change: processor time, memory, and how late they tell."""

from __future__ import annotations

import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from benchmarks.aggregation import reader_token, wait_until_available
from benchmarks.bursts import Party
from benchmarks.context import Context
from benchmarks.endpoint import Connection
from benchmarks.figures import Below, Figure, Result, Target, WrongAnswerError
from benchmarks.filled import Load
from benchmarks.kubediscovery_server import KubediscoveryServer
from benchmarks.processes import MeasuredProcess
from benchmarks.watching import Changed, Changes, Told, pods_watch, watching
from kubediscovery.config import DEFAULT_GROUP
from kubediscovery.testing.controlplane import ControlPlane

LOAD = Load(deployments=1000, pods=10, namespaces=20)

_PREFIX = f"/apis/{DEFAULT_GROUP}/v1"
_SECONDS = 10.0
_IDLE_SECONDS = 5.0
# kube-apiserver cannot write 500 a second here beside those that read.
_THROUGH = 10
_KILOBYTES = 1000


@dataclass(frozen=True, slots=True)
class _Crowd:
    """Watches that are open at the same time, changes a second, and the cores that they may take."""

    name: str
    paths: tuple[str, ...]
    rate: float
    cores: float


@dataclass(frozen=True, slots=True)
class _Found:
    """What a crowd cost: cores while nothing changed and while it did, and kilobytes of each watch."""

    idle: float
    busy: float
    kilobytes: float
    changed: Changed
    told: Told


def _one(load: Load, number: int) -> str:
    """The watch that ``kubectl get comp NAME --watch`` opens."""
    namespace, name = load.deployment(number)
    field = quote(f"metadata.name=deployments.apps.{name}")
    return f"{_PREFIX}/namespaces/{namespace}/compositions?watch=1&fieldSelector={field}"


_CROWDS = (
    _Crowd("1,000 watches of one tree each", tuple(_one(LOAD, number) for number in range(1000)), 500, 0.5),
    _Crowd("100 watches of everything", (f"{_PREFIX}/compositions?watch=1",) * 100, 100, 1),
)


def open_watches(context: Context) -> Result:
    """One crowd after the other, each on a server that was started for it."""
    with context.clusters.lend(LOAD) as cluster:
        own = KubediscoveryServer.install(cluster, context.folder)
        found = [_run(context, cluster, own, crowd) for crowd in _CROWDS]
    return Result(
        title=f"Open watches among {LOAD}",
        notes=(
            f"Pods' status is written for {_SECONDS:g} s, each time in another tree.",
            f"Every {_THROUGH}th goes through kube-apiserver, the others into etcd as it would put them.",
            "CPU is that of kubediscovery's process (proc_pid_stat(5)); each watch's rights are reviewed every 9 s.",
            "Memory is VmRSS before the first and after the last watch was opened.",
            "By then the same user has listed all trees: what lists keep is not charged to watches.",
            "A lag is from when a watch of pods at kube-apiserver told of a change to when the watch of its tree did.",
            *(
                f"{crowd.name}: {each.changed.rate:,.0f} changes a second were made, {each.told.events:,} events came,"
                f" {each.told.matched:,} with a lag."
                for crowd, each in zip(_CROWDS, found, strict=True)
            ),
        ),
        figures=tuple(figure for crowd, each in zip(_CROWDS, found, strict=True) for figure in _figures(crowd, each)),
    )


def _run(context: Context, cluster: ControlPlane, own: KubediscoveryServer, crowd: _Crowd) -> _Found:
    token = reader_token(cluster)
    with own.start() as process:
        own.wait(process)
        wait_until_available(cluster, (own.endpoint.group,))
        context_of_tls = ssl.create_default_context(cafile=str(own.endpoint.authority))
        reader = {"Authorization": f"Bearer {token}"}
        with Connection(own.endpoint, context_of_tls, reader) as connection:
            # What lists keep is kept whether anybody watches or not: watches are not charged with it.
            connection.text(f"{_PREFIX}/compositions")
        party = Party(own.endpoint.url, str(own.endpoint.authority), token)
        changes = Changes(cluster.kubeconfig, LOAD, crowd.rate, _SECONDS, cluster.etcd, _THROUGH)
        upstream = pods_watch(cluster, context.folder, token)
        before = process.resident_megabytes
        with watching(context.reference, party, crowd.paths, upstream, changes, context.folder) as watches:
            watches.opened()
            resident = process.resident_megabytes - before
            idle = _Meter(process)
            time.sleep(_IDLE_SECONDS)
            cores_idle, busy = idle.cores, _Meter(process)
            changed = watches.change()
            cores_busy, told = busy.cores, watches.told()
    if not told.events:
        raise WrongAnswerError(f"{crowd.name}: no event came of {changed.changes} changes")
    context.say(f"{crowd.name}: {cores_busy:.2f} cores at {changed.rate:,.0f} changes a second")
    return _Found(cores_idle, cores_busy, resident * _KILOBYTES / len(crowd.paths), changed, told)


class _Meter:
    """The cores that a process takes from now on."""

    def __init__(self, process: MeasuredProcess) -> None:
        self._process = process
        self._started, self._cpu = time.perf_counter(), process.cpu_seconds

    @property
    def cores(self) -> float:
        """CPU seconds a second until now."""
        return (self._process.cpu_seconds - self._cpu) / (time.perf_counter() - self._started)


def _figures(crowd: _Crowd, found: _Found) -> Sequence[Figure]:
    rows: tuple[tuple[str, str, float, Target | None], ...] = (
        (f"CPU at {crowd.rate:g} changes a second", "cores", found.busy, Below(crowd.cores)),
        ("CPU while nothing changes", "cores", found.idle, None),
        ("resident memory of each", "KB", found.kilobytes, Below(100)),
        ("lag of an event, p50", "ms", found.told.lag_p50, None),
        ("lag of an event, p99", "ms", found.told.lag_p99, None),
    )
    return [Figure(f"{crowd.name}, {name}", unit, own, target=target) for name, unit, own, target in rows]
