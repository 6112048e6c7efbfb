"""Podmetrics: figures summed up the tree, each pod once, and said to be absent where they are."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from kubediscovery.authz import Attributes, ResourceAttributes
from kubediscovery.errors import UpstreamNotFound
from kubediscovery.identity import User
from kubediscovery.nodes import Node
from kubediscovery.objects import Object
from kubediscovery.podmetrics import Consumer, PodMetrics
from kubediscovery.sight import Sight
from kubediscovery.subresource import Around, Seen, SubresourceRequest
from tests.drawings import composition, node
from tests.objects import DEPLOYMENT, KINDS, filled, make, seeing
from tests.serving import PREFIX, Serving
from tests.test_samples import Metrics, measured


class Allowing:
    """Allows to list pods of metrics.k8s.io in some namespaces."""

    def __init__(self, *namespaces: str) -> None:
        self._namespaces = namespaces

    async def allowed_many(
        self, user: User, attributes: Iterable[Attributes], *, max_age: float | None = None
    ) -> frozenset[Attributes]:
        return frozenset(
            found
            for found in attributes
            if isinstance(found, ResourceAttributes)
            and (found.verb, found.group, found.resource) == ("list", "metrics.k8s.io", "pods")
            and found.namespace in self._namespaces
        )


class Composing:
    """One composition, whatever is asked for."""

    def __init__(self, root: Node) -> None:
        self._root = root

    def compose(self, root: Object, sight: Sight) -> Any:
        return composition(self._root)


def request(root: Node, metrics: Metrics | None, *namespaces: str) -> SubresourceRequest[Any]:
    around = Around(Composing(root), Allowing(*namespaces), metrics)  # type: ignore[arg-type]
    return SubresourceRequest(parent=make(DEPLOYMENT, "web"), seen=Seen(filled(()), seeing(KINDS)), around=around)


def tree() -> Node:
    """Two ReplicaSets; one pod is owned by both, and one has no figures."""
    created = "2026-01-01T00:00:00Z"
    shared, shared_again = (node("Pod", "both", creation_timestamp=created) for _ in range(2))
    first = node("ReplicaSet", "a", children=[node("Pod", "one", creation_timestamp=created), shared])
    second = node("ReplicaSet", "b", children=[shared_again, node("Pod", "dark")])
    empty = node("ControllerRevision", "c")
    return node("Deployment", "web", children=[empty, first, second])


FIGURES = (
    measured("one", {"cpu": "100m", "memory": "10Mi"}),
    measured("both", {"cpu": "50m", "memory": "1Mi"}, time="2026-01-01T00:00:05Z"),
    measured("other", {"cpu": "9", "memory": "9Gi"}),
)


def sums(found: Consumer) -> Mapping[str, tuple[str | None, str | None, int, int]]:
    here = {f"{found.kind}/{found.name}": (found.cpu, found.memory, found.measured, found.pods)}
    for child in found.children:
        here |= sums(child)
    return here


async def test_what_pods_use_is_summed_up_the_tree_each_pod_once() -> None:
    found = await PodMetrics().get(request(tree(), Metrics(*FIGURES), "shop"))
    assert sums(found.root) == {
        "Deployment/web": ("150m", "11Mi", 2, 3),
        "ReplicaSet/a": ("150m", "11Mi", 2, 2),
        "Pod/one": ("100m", "10Mi", 1, 1),
        "Pod/both": ("50m", "1Mi", 1, 1),
        "ReplicaSet/b": ("50m", "1Mi", 1, 2),
        "Pod/dark": (None, None, 0, 1),
    }
    assert (found.sampled, found.omitted) == ("2026-01-01T00:00:05Z", None)


async def test_what_stands_again_is_summed_again_and_has_nothing_below() -> None:
    pod = node("Pod", "one")
    first, again = node("ReplicaSet", "a", children=[pod]), node("ReplicaSet", "a")
    root = node("Deployment", "web", children=[first, node("Job", "j", children=[again])])
    found = await PodMetrics().get(request(root, Metrics(*FIGURES), "shop"))
    job = found.root.children[1]
    assert (job.cpu, job.pods, job.children[0].cpu, job.children[0].children) == ("100m", 1, "100m", [])
    assert found.root.pods == 1


async def test_figures_of_a_former_pod_of_the_name_do_not_count() -> None:
    root = node("Pod", "one", creation_timestamp="2026-01-01T00:00:11Z")
    found = await PodMetrics().get(request(root, Metrics(*FIGURES), "shop"))
    assert (found.root.cpu, found.root.measured, found.root.pods) == (None, 0, 1)


async def test_who_may_not_list_them_is_told_none() -> None:
    metrics = Metrics(*FIGURES)
    found = await PodMetrics().get(request(tree(), metrics))
    assert (found.root.cpu, metrics.asked) == (None, [])
    assert [(each.group, each.resource, each.reason) for each in found.omitted or ()] == [
        ("metrics.k8s.io", "pods", "Forbidden")
    ]


async def test_where_nobody_serves_them_that_is_said() -> None:
    metrics = Metrics(failure=UpstreamNotFound("no"))
    found = await PodMetrics().get(request(tree(), metrics, "shop"))
    assert found.root.pods == 3
    assert [(each.reason, "metrics-server" in each.message) for each in found.omitted or ()] == [("NotFound", True)]
    assert "cpu" not in msgspec.json.encode(found).decode()


async def test_namespaces_are_asked_for_each() -> None:
    root = node("Fleet", "north", namespace="", children=[node("Pod", "one"), node("Pod", "two", namespace="vault")])
    metrics = Metrics(*FIGURES)
    found = await PodMetrics().get(request(root, metrics, "shop"))
    assert (found.root.measured, found.root.pods) == (1, 2)
    assert [each.message for each in found.omitted or ()] == ["you may not list this resource in vault"]


async def test_it_is_served_as_an_object_and_as_a_table() -> None:
    serving = Serving()
    path = f"{PREFIX}/namespaces/shop/deployments/web/podmetrics"
    answer = (await serving.get(path)).json()
    assert (answer["kind"], answer["root"]["pods"], answer["root"]["measured"]) == ("PodUsage", 2, 0)
    assert answer["omitted"][0]["message"] == "there is no cluster behind this server"
    table = (await serving.get(path, headers=[("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")])).json()
    assert table["rows"][0]["cells"][:4] == ["web", "", "", "0/2"]
