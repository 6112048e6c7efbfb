"""What one GET of a Deployment's tree takes, through kube-apiserver's aggregator and directly."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.aggregation import READER, reader, register, wait_until_available
from benchmarks.answers import check_same, sample
from benchmarks.context import Context
from benchmarks.endpoint import Endpoint
from benchmarks.figures import AtMostTimes, Figure, Result
from benchmarks.filled import Load
from benchmarks.kubediscovery_server import KubediscoveryServer
from benchmarks.reference_server import PROTOBUF, ReferenceServer
from benchmarks.timings import Question, Rounds, Timing, time_requests
from kubediscovery.testing.controlplane import ControlPlane

LOAD = Load(deployments=1000, pods=10, namespaces=20)

#: Enough Deployments that nobody answers from a processor's cache alone.
ASKED = sample(LOAD, 100)
_ALONE = Rounds(connections=1, rounds=10, requests=250, warmup=250)
_CROWD = Rounds(connections=32, rounds=5, requests=2000, warmup=800)

_OWN, _OWN_DIRECT = "kubediscovery", "kubediscovery, direct"
_REFERENCE, _REFERENCE_DIRECT = "reference", "reference, direct"
_KUBE_APISERVER = "kube-apiserver"

_PEER_NAMES = {
    _KUBE_APISERVER: "kube-apiserver's GET of the Deployment",
    _REFERENCE: "client-go and net/http behind the aggregator",
    _REFERENCE_DIRECT: "client-go and net/http",
}


def one_tree(context: Context) -> Result:
    """Both servers run side by side behind one aggregator; each is asked in turn, and kube-apiserver itself."""
    with context.clusters.lend(LOAD) as cluster:
        own = KubediscoveryServer.install(cluster, context.folder)
        peer = ReferenceServer(cluster, context.reference, context.folder, PROTOBUF)
        with own.start() as own_process, peer.start() as peer_process:
            own.wait(own_process)
            peer.wait(peer_process)
            register(cluster, peer)
            wait_until_available(cluster, (own.endpoint.group, peer.endpoint.group))
            kubeconfig = reader(cluster)
            check_through_aggregator(cluster, kubeconfig, own.endpoint, peer.endpoint)
            context.say("the trees are the same; timing requests")
            questions = list(_questions(own.endpoint, peer.endpoint))
            alone, crowd = (
                time_requests(context.reference, kubeconfig, questions, rounds, context.folder)
                for rounds in (_ALONE, _CROWD)
            )
    return Result(
        title=f"One tree among {LOAD}",
        notes=(
            f"A tree has {2 + LOAD.pods} objects; {len(ASKED)} Deployments are asked for in turn.",
            f"The user is {READER}, whose rights are from a ClusterRole, over connections that stay open.",
            "kubediscovery authenticates and authorizes each request; client-go's server asks nobody who they are.",
            "Its verdicts count for 10 s, and each Deployment has its own: the p99 shows the reviews that renew them.",
            *(
                f"With {each.connections} open: {each.rounds} rounds of {each.requests} requests to each in turn."
                for each in (_ALONE, _CROWD)
            ),
            f"Mean length of an answer: {_lengths(alone)}.",
        ),
        figures=(*_latencies(alone), *_rates(crowd)),
    )


def check_through_aggregator(cluster: ControlPlane, kubeconfig: Path, own: Endpoint, peer: Endpoint) -> None:
    """`WrongAnswerError` where kubectl gets different trees from the two."""

    def tree(endpoint: Endpoint, namespace: str, name: str) -> Any:
        path = endpoint.tree_path(namespace, name)
        return json.loads(cluster.kubectl("get", "--raw", path, kubeconfig=kubeconfig))

    check_same(lambda *target: tree(own, *target), lambda *target: tree(peer, *target), sample(LOAD), 2 + LOAD.pods)


def _questions(own: Endpoint, peer: Endpoint) -> Iterator[Question]:
    deployments = tuple(f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}" for namespace, name in ASKED)
    yield Question(_KUBE_APISERVER, deployments)
    for name, direct, endpoint in ((_OWN, _OWN_DIRECT, own), (_REFERENCE, _REFERENCE_DIRECT, peer)):
        paths = tuple(endpoint.tree_path(*target) for target in ASKED)
        yield Question(name, paths)
        yield Question(direct, paths, endpoint.url, str(endpoint.authority))


def _latencies(timings: Mapping[str, Timing]) -> Iterator[Figure]:
    under_kube_apiserver = AtMostTimes(0.75)
    for own, peer, target in (
        (_OWN, _KUBE_APISERVER, under_kube_apiserver),
        (_OWN, _REFERENCE, None),
        (_OWN_DIRECT, _REFERENCE_DIRECT, None),
    ):
        for percent in (50, 99):
            yield Figure(
                name=f"{_where(own)}, 1 connection, p{percent}",
                unit="ms",
                own=timings[own].percentile(percent),
                peer_name=_PEER_NAMES[peer],
                peer=timings[peer].percentile(percent),
                target=target if percent == 50 else None,
            )


def _rates(timings: Mapping[str, Timing]) -> Iterator[Figure]:
    for own, peer in ((_OWN, _KUBE_APISERVER), (_OWN, _REFERENCE), (_OWN_DIRECT, _REFERENCE_DIRECT)):
        yield Figure(
            name=f"{_where(own)}, {_CROWD.connections} connections",
            unit="requests/s",
            own=timings[own].rate,
            peer_name=_PEER_NAMES[peer],
            peer=timings[peer].rate,
        )


def _where(own: str) -> str:
    return "GET, direct" if own == _OWN_DIRECT else "GET through the aggregator"


def _lengths(timings: Mapping[str, Timing]) -> str:
    return ", ".join(f"{name} {timings[name].mean_bytes:,.0f} bytes" for name in (_OWN, _REFERENCE, _KUBE_APISERVER))
