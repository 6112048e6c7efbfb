"""What kinds without objects cost: memory, and the time of a request that is not about them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import yaml

from benchmarks.aggregation import reader, wait_until_available
from benchmarks.answers import members, sample
from benchmarks.context import Context
from benchmarks.figures import AtMostTimes, Below, Figure, Result, WrongAnswerError
from benchmarks.filled import Load, filled_cluster
from benchmarks.kubediscovery_server import KubediscoveryServer
from benchmarks.timings import Question, Rounds, Timing, time_requests
from kubediscovery.selection import EXCLUDED
from kubediscovery.testing.controlplane import ControlPlane

LOAD = Load(deployments=1000, pods=10, namespaces=20)
KINDS = 200

_GROUP = "benchmark.example.org"
_SERVED_SECONDS, _POLL_SECONDS = 120.0, 0.2
_SETTLED_SECONDS = 5.0
_ROUNDS = Rounds(connections=1, rounds=10, requests=200, warmup=200)
_WITH, _WITHOUT = "with them", "without them"


def many_kinds(context: Context) -> Result:
    """Two servers side by side on a cluster with so many CustomResourceDefinitions: one does not follow them."""
    with filled_cluster(LOAD, context.binaries, context.reference) as cluster, _definitions(cluster):
        following = KubediscoveryServer.install(cluster, context.folder)
        leaving_out = following.another("without", f"--config={_configuration(context)}")
        servers = {_WITH: following, _WITHOUT: leaving_out}
        with following.start() as first, leaving_out.start() as second:
            for server, process in zip(servers.values(), (first, second), strict=True):
                server.wait(process)
            # kube-apiserver fetches the description of all kinds then, which is kept for the next time.
            wait_until_available(cluster, (following.endpoint.group,))
            time.sleep(_SETTLED_SECONDS)
            having, without = first.resident_megabytes, second.resident_megabytes
            timed = _timed(context, cluster, servers)
            if _trees(following) != _trees(leaving_out):
                raise WrongAnswerError("the trees are others where there are more kinds")
    return Result(
        title=f"{KINDS} kinds without objects, among {LOAD}",
        notes=(
            "Two servers run side by side: one follows each kind by a watch of its own, the other is told not to.",
            f"Memory is VmRSS {_SETTLED_SECONDS:g} s after the sync, and after kube-apiserver had found the first one.",
            "One tree is asked for directly, over one connection, 100 Deployments in turn, both servers in turn.",
        ),
        figures=(
            Figure("resident memory that they add", "MB", having - without, target=Below(30)),
            Figure("resident memory", "MB", having, _WITHOUT, without),
            *(
                Figure(
                    f"one tree, p{percent}",
                    "ms",
                    timed[_WITH].percentile(percent),
                    _WITHOUT,
                    timed[_WITHOUT].percentile(percent),
                    AtMostTimes(1.1) if percent == 50 else None,
                )
                for percent in (50, 99)
            ),
        ),
    )


def _configuration(context: Context) -> Path:
    """What the other server is told: the kinds that are followed without a configuration, but none of these."""
    file = context.folder / "without.json"
    file.write_bytes(msgspec.json.encode({"kinds": {"exclude": [*EXCLUDED, f"*.{_GROUP}"]}}))
    return file


def _timed(context: Context, cluster: ControlPlane, servers: Mapping[str, KubediscoveryServer]) -> dict[str, Timing]:
    questions = [
        Question(
            name,
            tuple(server.endpoint.tree_path(*target) for target in sample(LOAD, 100)),
            server.endpoint.url,
            str(server.endpoint.authority),
        )
        for name, server in servers.items()
    ]
    return time_requests(context.reference, reader(cluster), questions, _ROUNDS, context.folder)


def _trees(server: KubediscoveryServer) -> list[object]:
    with server.connect() as connection:
        return [members(connection.tree(*target)) for target in sample(LOAD)]


@contextmanager
def _definitions(cluster: ControlPlane) -> Iterator[None]:
    """The definitions, and the server's right to what they define."""
    manifests = yaml.safe_dump_all([*_rights(), *map(_definition, range(KINDS))])
    cluster.kubectl("apply", "--server-side", "--filename=-", stdin=manifests)
    try:
        _wait_until_served(cluster)
        yield
    finally:
        cluster.kubectl("delete", "--wait=false", "--filename=-", stdin=manifests)


def _wait_until_served(cluster: ControlPlane) -> None:
    """Poll discovery: `kubectl wait` would look at one definition after the other, ten a second."""
    until, served = time.monotonic() + _SERVED_SECONDS, 0
    while served != KINDS:
        if time.monotonic() > until:
            raise WrongAnswerError(f"{served} kinds are served instead of {KINDS}")
        time.sleep(_POLL_SECONDS)
        answer = cluster.get(f"/apis/{_GROUP}/v1")
        served = len(answer.json()["resources"]) if answer.status == 200 else 0


def _rights() -> Iterator[Mapping[str, Any]]:
    """A binding of their own: here is no controller that puts ClusterRoles together."""
    name, version = "kubediscovery:server-benchmark", "rbac.authorization.k8s.io/v1"
    rules = [{"apiGroups": [_GROUP], "resources": ["*"], "verbs": ["list", "watch"]}]
    yield {"apiVersion": version, "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules}
    yield {
        "apiVersion": version,
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": "kubediscovery", "namespace": "kubediscovery"}],
    }


def _definition(number: int) -> Mapping[str, Any]:
    plural, kind = f"things{number:03d}", f"Thing{number:03d}"
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{_GROUP}"},
        "spec": {
            "group": _GROUP,
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }
