"""How late a change is seen: from the write of a pod's status at kube-apiserver to a watch, and to a GET."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from benchmarks.aggregation import reader_token, wait_until_available
from benchmarks.answers import check_same, sample
from benchmarks.bursts import Party
from benchmarks.context import Context
from benchmarks.figures import AtMostTimes, Below, Figure, Result, Target, WrongAnswerError
from benchmarks.filled import STANDARD
from benchmarks.kubediscovery_server import KubediscoveryServer
from benchmarks.processes import MeasuredProcess
from benchmarks.reference_server import JSON, PROTOBUF, ReferenceServer
from benchmarks.synthetic_server import SyntheticServer
from benchmarks.watching import METADATA_TYPE, Changed, Changes, pods_watch
from kubediscovery.config import DEFAULT_GROUP
from kubediscovery.testing.controlplane import ControlPlane

LOAD = STANDARD
_RATE, _SECONDS, _THROUGH, _EVERY = 500.0, 8.0, 10, 2
_MANY, _MANY_SECONDS = 5000.0, 6.0
_PREFIX = f"/apis/{DEFAULT_GROUP}/v1"


class _Fresh(msgspec.Struct, frozen=True):
    """Milliseconds, as `reference/fresh.go` tells them; ``sent`` are from when the write was sent.

    Where nothing was asked for, what is ``got`` is 0.
    """

    changes: int
    seconds: float
    watched: int
    got: int
    watch_p50: float = msgspec.field(name="watchP50")
    watch_p99: float = msgspec.field(name="watchP99")
    watch_sent_p50: float = msgspec.field(name="watchSentP50")
    watch_sent_p99: float = msgspec.field(name="watchSentP99")
    get_p50: float = msgspec.field(name="getP50")
    get_p99: float = msgspec.field(name="getP99")
    get_sent_p50: float = msgspec.field(name="getSentP50")
    get_sent_p99: float = msgspec.field(name="getSentP99")
    write_p50: float = msgspec.field(name="writeP50")


def freshness(context: Context) -> Result:
    """On a real kube-apiserver as fast as that writes, and ten times as fast on a synthetic one."""
    with context.clusters.lend(LOAD) as cluster:
        own = KubediscoveryServer.install(cluster, context.folder)
        with own.start() as process:
            own.wait(process)
            wait_until_available(cluster, (own.endpoint.group,))
            with own.connect() as connection:
                trees = {target: connection.tree(*target) for target in sample(LOAD)}
            found = _fresh(context, cluster, own)
            cpu = _cpu_of_changes(context, cluster, process)
        peers = {}
        for variant in (JSON, PROTOBUF):
            peer = ReferenceServer(cluster, context.reference, context.folder, variant)
            with peer.start() as process:
                peer.wait(process)
                with peer.connect() as connection:
                    check_same(lambda *target: trees[target], connection.tree, list(trees), size=2 + LOAD.pods)
                peers[peer.name] = _cpu_of_changes(context, cluster, process)
        upstream = _fresh_upstream(context, cluster)
    many, many_cpu = _many(context)
    return Result(
        title=f"Freshness among {LOAD}",
        notes=_notes(found),
        figures=(*_lags(found, upstream), *_costs(cpu, peers), *_many_figures(many, many_cpu)),
    )


def _notes(found: _Fresh) -> tuple[str, ...]:
    rate = found.changes / found.seconds
    return (
        f"Pods' status is written for {_SECONDS:g} s, each time in another tree: {rate:,.0f} a second.",
        f"Every {_THROUGH}th goes through kube-apiserver, at a median of {found.write_p50:.1f} ms.",
        "The others are put into etcd as it would put them: it cannot write so many here beside those that read.",
        f"Timed are those that went through it: {found.watched:,} were seen one by one in a watch of all trees.",
        f"Of {found.got:,} of them the tree was asked for again and again until it showed the change.",
        "Lags are from when kube-apiserver had answered the write, or from when the write was sent.",
        "Its own watch is of the pods' metadata, while nobody else watches: what it takes is in every other's lag.",
        f"CPU of a change is the process's, while {_RATE:g} a second are made and nobody watches or asks.",
        f"{_MANY:,.0f} a second are fed by a synthetic kube-apiserver inside the process, whose work counts too.",
        "Those are timed from when the bytes are there until they have been dealt with.",
    )


def _fresh(context: Context, cluster: ControlPlane, own: KubediscoveryServer) -> _Fresh:
    party = Party(own.endpoint.url, str(own.endpoint.authority), reader_token(cluster))
    trees = {"treePath": f"{_PREFIX}/namespaces/%s/deployments/%s/compositions", "every": _EVERY}
    found = _told(context, cluster, party, f"{_PREFIX}/compositions?watch=1", "application/json", trees)
    if not found.got:
        raise WrongAnswerError(f"of {found.changes} changes none was asked for")
    context.say(f"fresh in a watch after {found.watch_p50:.1f} ms, in a GET after {found.get_p50:.1f} ms")
    return found


def _fresh_upstream(context: Context, cluster: ControlPlane) -> _Fresh:
    """The same in kube-apiserver's own watch, while nobody else watches: who reads from it cannot be quicker."""
    party, path = pods_watch(cluster, context.folder, reader_token(cluster))
    found = _told(context, cluster, party, path, METADATA_TYPE, {})
    context.say(f"fresh in kube-apiserver's own watch after {found.watch_p50:.1f} ms")
    return found


def _told(
    context: Context, cluster: ControlPlane, party: Party, path: str, accept: str, more: Mapping[str, object]
) -> _Fresh:
    changes = Changes(cluster.kubeconfig, LOAD, _RATE, _SECONDS, cluster.etcd, _THROUGH)
    wanted = {**party.plan, "watchPath": path, "accept": accept, **more, "changes": changes.plan}
    found = msgspec.json.decode(ask(context.reference, "fresh", wanted, context.folder), type=_Fresh)
    if not found.watched:
        raise WrongAnswerError(f"of {found.changes} changes none was watched")
    return found


def ask(program: Path, command: str, plan: object, folder: Path) -> bytes:
    """Run a command of the Go program with a plan; `WrongAnswerError` with what it says where it fails."""
    file = folder / f"{command}.json"
    file.write_bytes(msgspec.json.encode(plan))
    done = subprocess.run([str(program), command, f"--plan={file}"], capture_output=True, check=False)
    if done.returncode:
        raise WrongAnswerError(done.stderr.decode(errors="replace").strip())
    return done.stdout


def _cpu_of_changes(context: Context, cluster: ControlPlane, process: MeasuredProcess) -> float:
    """Microseconds of the process for each change."""
    before, plan = (
        process.cpu_seconds,
        Changes(cluster.kubeconfig, LOAD, _RATE, _SECONDS / 2, cluster.etcd, _THROUGH).plan,
    )
    done = msgspec.json.decode(ask(context.reference, "change", plan, context.folder), type=Changed)
    cpu = (process.cpu_seconds - before) / done.changes * 1_000_000
    context.say(f"{cpu:.0f} µs a change")
    return cpu


def _many(context: Context) -> tuple[Mapping[str, float], float]:
    server = SyntheticServer(LOAD, context.folder)
    with server.start() as process:
        server.wait(process)
        before = process.cpu_seconds
        told = server.tell(process, {"change": _MANY, "seconds": _MANY_SECONDS})
        return told, (process.cpu_seconds - before) / told["seconds"]


def _lags(found: _Fresh, upstream: _Fresh) -> Iterator[Figure]:
    rows: tuple[tuple[str, float, float | None, Target | None], ...] = (
        ("seen in a watch, p50", found.watch_p50, upstream.watch_p50, Below(10)),
        ("seen in a watch, p99", found.watch_p99, upstream.watch_p99, Below(50)),
        ("seen in a GET, p50", found.get_p50, None, Below(10)),
        ("seen in a GET, p99", found.get_p99, None, Below(50)),
        ("seen in a watch, from the sending, p50", found.watch_sent_p50, upstream.watch_sent_p50, None),
        ("seen in a watch, from the sending, p99", found.watch_sent_p99, upstream.watch_sent_p99, None),
        ("seen in a GET, from the sending, p50", found.get_sent_p50, None, None),
        ("seen in a GET, from the sending, p99", found.get_sent_p99, None, None),
    )
    for name, milliseconds, floor, target in rows:
        peer = "kube-apiserver's own watch" if floor is not None else ""
        yield Figure(name, "ms", milliseconds, peer, floor, target)


def _costs(own: float, peers: Mapping[str, float]) -> Iterator[Figure]:
    least = min(peers, key=peers.__getitem__)
    for name, peer in peers.items():
        yield Figure("CPU of a change", "µs", own, name, peer, AtMostTimes(1) if name == least else None)


def _many_figures(told: Mapping[str, float], cores: float) -> Iterator[Figure]:
    name = f"{_MANY:,.0f} changes a second"
    yield Figure(f"{name}: made", "a second", told["changes"] / told["seconds"])
    yield Figure(f"{name}: dealt with after, p50", "ms", told["p50"])
    yield Figure(f"{name}: dealt with after, p99", "ms", told["p99"])
    yield Figure(f"{name}: dealt with after, at most", "ms", told["max"], target=Below(1000))
    yield Figure(f"{name}: CPU", "cores", cores)
