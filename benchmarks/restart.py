"""How long a start takes until discovery is answered, and a restart until the API is there again for everybody."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.aggregation import wait_until_available
from benchmarks.context import Context
from benchmarks.endpoint import Connection, Endpoint
from benchmarks.figures import Below, Figure, Result, WrongAnswerError
from benchmarks.kubediscovery_server import KubediscoveryServer
from benchmarks.percentiles import median
from benchmarks.processes import MeasuredProcess
from benchmarks.reference_server import PROTOBUF, ReferenceServer
from kubediscovery.testing.controlplane import ControlPlane
from kubediscovery.testing.credentials import write_key_pair
from kubediscovery.testing.probes import client_context

_STARTS = 10
_RESTARTS = 3
_AWAY_SECONDS = 3.0
_SECONDS = 90.0
_POLL_SECONDS = 0.005
# Who kube-apiserver is when it probes (kube-aggregator, pkg/controllers/status/remote).
_AGGREGATOR = {"X-Remote-User": "system:kube-aggregator", "X-Remote-Group": "system:masters"}

Subject = KubediscoveryServer | ReferenceServer


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds since the start of the process, and CPU seconds, until it listened and until it answered discovery."""

    listening: float
    listening_cpu: float
    answering: float
    answering_cpu: float


@dataclass(frozen=True, slots=True)
class Way:
    """How a server goes away; ``flags`` are those that it is installed and served with."""

    name: str
    flags: tuple[str, ...]
    end: Callable[[MeasuredProcess], None]
    limit: Below | None = None


_MANAGED = ("--manage-apiservice",)
_WAYS = (
    Way("restart until the API is back", (), MeasuredProcess.kill),
    Way("the same with --manage-apiservice, after a crash", _MANAGED, MeasuredProcess.kill, Below(5)),
    Way("the same with it, after an orderly stop", _MANAGED, MeasuredProcess.stop, Below(5)),
)


def restart(context: Context) -> Result:
    """Start kubediscovery and the peer in turn, then take kubediscovery away from the aggregator in several ways."""
    with ControlPlane.start(controllers=False, binaries=context.binaries) as cluster:
        own = KubediscoveryServer.install(cluster, context.folder)
        peer = ReferenceServer(cluster, context.reference, context.folder, PROTOBUF)
        write_key_pair(context.folder / "front-proxy", cluster.front_proxy)
        subjects: tuple[Subject, ...] = (own, peer)
        starts: dict[str, list[Start]] = {subject.name: [] for subject in subjects}
        _start(own, context)
        for _ in range(_STARTS):
            for subject in subjects:
                starts[subject.name].append(_start(subject, context))
        context.say(f"{_STARTS} starts of each")
        restarts = {way.name: list(_restarts(way, cluster, context)) for way in _WAYS}
    return Result(
        title="Start and restart",
        notes=(
            f"Medians of {_STARTS} starts and {_RESTARTS} restarts, on a cluster without objects.",
            "Discovery is asked for as kube-apiserver's aggregator does; the API is back when a request through it is.",
            f"Each time it was away for {_AWAY_SECONDS:g} s, and kube-apiserver knew.",
            "It asks again at growing intervals of up to 30 s, or at once when the APIService or an endpoint changes.",
        ),
        figures=(*_start_figures(starts[own.name], starts[peer.name]), *_restart_figures(restarts)),
    )


def _start(subject: Subject, context: Context) -> Start:
    with subject.start() as process:
        endpoint = subject.endpoint
        listening = process.wait_for(lambda: endpoint.is_listening, "listening", seconds=_SECONDS, every=_POLL_SECONDS)
        listening_cpu = process.cpu_seconds
        tls = client_context(endpoint.authority.read_bytes(), context.folder / "front-proxy")
        answering = process.wait_for(
            lambda: _answers_discovery(endpoint, tls), "discovery", seconds=_SECONDS, every=_POLL_SECONDS
        )
        return Start(listening, listening_cpu, answering, process.cpu_seconds)


def _answers_discovery(endpoint: Endpoint, tls: ssl.SSLContext) -> bool:
    try:
        with Connection(endpoint, tls, _AGGREGATOR) as connection:
            return connection.status(f"/apis/{endpoint.group}/v1") == 200
    except WrongAnswerError:
        return False


def _restarts(way: Way, cluster: ControlPlane, context: Context) -> Iterator[float]:
    """Seconds from each start of the process to the first answer through kube-apiserver."""
    server = KubediscoveryServer.install(cluster, context.folder, *way.flags)
    path = f"/apis/{server.endpoint.group}/v1"
    for number in range(_RESTARTS + 1):
        if number:
            _wait_until_noticed(cluster, server.endpoint, path)
            time.sleep(_AWAY_SECONDS)
        process = server.start()
        try:
            # The first one after the installation is no restart.
            if not number:
                server.wait(process)
                wait_until_available(cluster, (server.endpoint.group,))
            seconds = process.wait_for(
                lambda: cluster.get(path).status == 200, "being back", seconds=_SECONDS, every=_POLL_SECONDS
            )
            server.wait(process)
            if number:
                context.say(f"{way.name}: {seconds:.2f} s")
                yield seconds
        finally:
            way.end(process)


def _wait_until_noticed(cluster: ControlPlane, endpoint: Endpoint, path: str) -> None:
    name = f"apiservice/v1.{endpoint.group}"
    if cluster.get(path).status != 404:
        cluster.kubectl("annotate", name, f"benchmarks/looked-at={time.time()}", "--overwrite")
        cluster.kubectl("wait", "--for=condition=Available=False", name, "--timeout=60s")


_LINES: tuple[tuple[str, Callable[[Start], float], Below | None], ...] = (
    ("start until listening", lambda start: start.listening, None),
    ("CPU until then", lambda start: start.listening_cpu, Below(0.35)),
    ("start until discovery is answered", lambda start: start.answering, Below(1)),
    ("CPU until then", lambda start: start.answering_cpu, None),
)


def _start_figures(own: Sequence[Start], peer: Sequence[Start]) -> Iterator[Figure]:
    for name, read, target in _LINES:
        yield Figure(name, "s", median(map(read, own)), PROTOBUF.name, median(map(read, peer)), target)


def _restart_figures(restarts: Mapping[str, Sequence[float]]) -> Iterator[Figure]:
    for way in _WAYS:
        yield Figure(way.name, "s", median(restarts[way.name]), target=way.limit)
