"""What kinds without objects cost: memory, and the time of a request that is not about them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import yaml

from benchmarks.aggregation import reader, wait_until_available
from benchmarks.answers import members, sample
from benchmarks.context import Context
from benchmarks.figures import AtMostTimes, Below, Figure, Result, WrongAnswerError
from benchmarks.filled import Load, filled_cluster
from benchmarks.kubediscovery_server import KubediscoveryServer
from benchmarks.timings import Question, Rounds, Timing, time_requests
from kubediscovery.testing.controlplane import ControlPlane

LOAD = Load(deployments=1000, pods=10, namespaces=20)
KINDS = 200

_GROUP = "benchmark.example.org"
# For half a minute kube-apiserver puts the descriptions of new kinds together; without any there is less to wait for.
_SETTLED_SECONDS, _SETTLED_WITHOUT = 30.0, 10.0
_ROUNDS = Rounds(connections=1, rounds=5, requests=400, warmup=200)


def many_kinds(context: Context) -> Result:
    """The same server on the same cluster, without and with so many CustomResourceDefinitions."""
    with filled_cluster(LOAD, context.binaries, context.reference) as cluster:
        own = KubediscoveryServer.install(cluster, context.folder)
        without = _run(context, cluster, own, _SETTLED_WITHOUT)
        with _definitions(cluster):
            having = _run(context, cluster, own, _SETTLED_SECONDS)
    if without[2] != having[2]:
        raise WrongAnswerError("the trees are others while there are more kinds")
    return Result(
        title=f"{KINDS} kinds without objects, among {LOAD}",
        notes=(
            "Each kind is followed by a watch of its own.",
            f"Memory is VmRSS {_SETTLED_SECONDS:g} s after the sync, without them {_SETTLED_WITHOUT:g} s after it.",
            "One tree is asked for directly, over one connection, 100 Deployments in turn.",
        ),
        figures=(
            Figure("resident memory that they add", "MB", having[0] - without[0], target=Below(30)),
            Figure("resident memory", "MB", having[0], "without them", without[0]),
            *(
                Figure(
                    f"one tree, p{percent}",
                    "ms",
                    having[1].percentile(percent),
                    "without them",
                    without[1].percentile(percent),
                    AtMostTimes(1.1) if percent == 50 else None,
                )
                for percent in (50, 99)
            ),
        ),
    )


def _run(
    context: Context, cluster: ControlPlane, own: KubediscoveryServer, settled: float
) -> tuple[float, Timing, list[object]]:
    """Megabytes that are resident, the times of one tree, and some trees."""
    with own.start() as process:
        own.wait(process)
        wait_until_available(cluster, (own.endpoint.group,))
        time.sleep(settled)
        resident = process.resident_megabytes
        paths = tuple(own.endpoint.tree_path(*target) for target in sample(LOAD, 100))
        question = Question("direct", paths, own.endpoint.url, str(own.endpoint.authority))
        timed = time_requests(context.reference, reader(cluster), [question], _ROUNDS, context.folder)
        with own.connect() as connection:
            trees: list[object] = [members(connection.tree(*target)) for target in sample(LOAD)]
    return resident, timed["direct"], trees


@contextmanager
def _definitions(cluster: ControlPlane) -> Iterator[None]:
    """The definitions, and the server's right to what they define."""
    manifests = yaml.safe_dump_all([*_rights(), *map(_definition, range(KINDS))])
    cluster.kubectl("apply", "--server-side", "--filename=-", stdin=manifests)
    try:
        cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=120s")
        served = cluster.kubectl("api-resources", f"--api-group={_GROUP}", "--output=name").split()
        if len(served) != KINDS:
            raise WrongAnswerError(f"{len(served)} kinds are served instead of {KINDS}")
        yield
    finally:
        cluster.kubectl("delete", "--wait=false", "--filename=-", stdin=manifests)


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
