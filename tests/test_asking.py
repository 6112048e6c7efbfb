"""Asking a cluster: a real client against a server on loopback that answers as kube-apiserver does."""

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from kubediscovery.addresses import Address, Selection
from kubediscovery.asking import Change, ClusterSource
from kubediscovery.errors import UpstreamError, UpstreamForbidden, UpstreamNotFound
from kubediscovery.kinds import BUILT_IN_KINDS
from tests.answering import WEB, Document, composition
from tests.upstream import reaching, serving

GROUP = "kubediscovery.cloudark.io"
P = f"/apis/{GROUP}/v1"
ONE = f"{P}/namespaces/shop/deployments/web/compositions"
MANY = f"{P}/namespaces/shop/compositions"
OBJECT = "/apis/apps/v1/namespaces/shop/deployments/web"


def status(code: int, message: str) -> Document:
    return {"kind": "Status", "status": "Failure", "message": message, "code": code}


def discovery(group: str, *resources: tuple[str, str, str, list[str] | None]) -> Document:
    entries: list[Document] = [
        {
            "resource": plural,
            "responseKind": {"group": group, "version": "v1", "kind": kind},
            "scope": scope,
            "singularResource": kind.lower(),
            "verbs": ["get"],
            "subresources": None,
            **({"shortNames": short} if short else {}),
        }
        for plural, kind, scope, short in resources
    ]
    return {
        "metadata": {"name": group, "creationTimestamp": None},
        "versions": [{"version": "v1", "resources": entries}],
    }


class Cluster:
    """What it answers, by path: a document, or a status with its code. What a watch sends is put into ``events``."""

    def __init__(self) -> None:
        self.answers: dict[str, object] = {
            P: {"kind": "APIResourceList"},
            "/api": {"kind": "APIGroupDiscoveryList", "items": [discovery("", ("pods", "Pod", "Namespaced", ["po"]))]},
            "/apis": {
                "kind": "APIGroupDiscoveryList",
                "items": [
                    discovery("apps", ("deployments", "Deployment", "Namespaced", ["deploy"])),
                    discovery("metrics.k8s.io", ("pods", "PodMetrics", "Namespaced", None)),
                    discovery(
                        "example.org", ("kafkas", "Kafka", "Namespaced", ["k"]), ("fleets", "Fleet", "Cluster", None)
                    ),
                    discovery(GROUP, ("deployments", "DeploymentCompositions", "Namespaced", None)),
                ],
            },
        }
        self.asked: list[tuple[str, dict[str, str], str]] = []
        self.events: list[bytes] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path, dict(request.query), request.headers["Accept"]))
        if "watch" in request.query or request.path.startswith(f"{P}/watch/"):
            response = web.StreamResponse()
            await response.prepare(request)
            for event in self.events:
                await response.write(event)
            return response
        answer = self.answers.get(request.path, web.Response(status=404, text="404 page not found"))
        if isinstance(answer, web.Response):
            return web.Response(status=answer.status, body=answer.body)
        code = answer["code"] if isinstance(answer, dict) and answer.get("kind") == "Status" else 200
        return web.json_response(answer, status=code)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@contextlib.asynccontextmanager
async def asking(cluster: Cluster, directory: Path) -> AsyncIterator[ClusterSource]:
    async with serving(cluster.handle) as server, reaching(directory, server) as client:
        yield ClusterSource(client, GROUP)


async def changes(source: ClusterSource, place: Address | Selection) -> list[Change]:
    return [change async for change in source.changes(place, "9")]


async def test_kinds_are_named_as_the_cluster_names_them(cluster: Cluster, tmp_path: Path) -> None:
    async with asking(cluster, tmp_path) as source:
        names = await source.names()
    assert names.find("deploy").group_resource == "deployments.apps"
    assert names.find("deployments").kind == "Deployment"
    assert names.find("pods").group == ""
    assert names.find("pods.metrics.k8s.io").kind == "PodMetrics"
    assert names.find("k").group_resource == "kafkas.example.org"
    assert not names.find("fleet").namespaced
    assert {accept for path, _, accept in cluster.asked if path in ("/api", "/apis")} != {"application/json"}


@pytest.mark.parametrize("document", [{"kind": "APIGroupList", "groups": []}, {"items": 5}, []])
async def test_a_cluster_without_aggregated_discovery(cluster: Cluster, tmp_path: Path, document: object) -> None:
    cluster.answers |= {"/api": document, "/apis": document}
    async with asking(cluster, tmp_path) as source:
        names = await source.names()
    assert names.find("sts").group_resource == "statefulsets.apps"


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (web.Response(status=404, text="404 page not found"), UpstreamNotFound, "kubediscovery install --apply"),
        (web.Response(status=503, text="service unavailable"), UpstreamError, f"kubectl get apiservice v1.{GROUP}"),
        (status(403, "forbidden: not you"), UpstreamForbidden, "forbidden: not you"),
        (status(401, "Unauthorized"), UpstreamError, "Unauthorized"),
        (web.Response(text="<html>"), UpstreamError, "not JSON"),
    ],
)
async def test_where_there_is_no_kubediscovery(
    cluster: Cluster, tmp_path: Path, answer: object, error: type[UpstreamError], words: str
) -> None:
    cluster.answers[P] = answer
    async with asking(cluster, tmp_path) as source:
        with pytest.raises(error, match=words):
            await source.names()


async def test_nobody_listens(tmp_path: Path) -> None:
    async with reaching(tmp_path, "http://127.0.0.1:1") as client:
        with pytest.raises(UpstreamError, match=r"127\.0\.0\.1:1"):
            await ClusterSource(client, GROUP).names()


async def test_one_object(cluster: Cluster, tmp_path: Path) -> None:
    cluster.answers |= {ONE: composition(), OBJECT: {"metadata": {"name": "web", "resourceVersion": "7"}}}
    async with asking(cluster, tmp_path) as source:
        assert await source.least_version(WEB) == 7
        (found,), _ = await source.answers(WEB, 7)
    assert found.title == "shop/deployments.apps.web"
    assert [(path, query) for path, query, _ in cluster.asked] == [(OBJECT, {}), (ONE, {"resourceVersion": "7"})]


@pytest.mark.parametrize("code", [403, 404])
async def test_an_object_that_may_not_be_read_has_no_version(cluster: Cluster, tmp_path: Path, code: int) -> None:
    cluster.answers[OBJECT] = status(code, "no")
    async with asking(cluster, tmp_path) as source:
        assert await source.least_version(WEB) == 0


async def test_an_object_that_is_not_there_and_a_kind_that_is_not(cluster: Cluster, tmp_path: Path) -> None:
    async with asking(cluster, tmp_path) as source:
        cluster.answers[ONE] = status(404, 'deployments.apps "web" not found')
        assert await source.answers(WEB, 0) == ([], "")
        cluster.answers[ONE] = status(404, "the server could not find the requested resource")
        with pytest.raises(UpstreamNotFound, match="could not find"):
            await source.answers(WEB, 0)


async def test_a_version_that_is_not_reached_is_left_to_the_verdict(cluster: Cluster, tmp_path: Path) -> None:
    async def late(request: web.Request) -> web.StreamResponse:
        if "resourceVersion" in request.query:
            return web.json_response(status(504, "Timeout: Too large resource version: 9"), status=504)
        return web.json_response(composition(version=7))

    async with serving(late) as server, reaching(tmp_path, server) as client:
        ((found,), _) = await ClusterSource(client, GROUP).answers(WEB, 9)
    assert found.version == 7


async def test_a_kind_that_the_server_may_not_read(cluster: Cluster, tmp_path: Path) -> None:
    cluster.answers[ONE] = status(503, "kubediscovery may not list deployments.apps")
    async with asking(cluster, tmp_path) as source:
        with pytest.raises(UpstreamForbidden, match=r"install --apply --kinds deployments.apps"):
            await source.answers(WEB, 0)


async def test_an_answer_about_another_group_is_none(cluster: Cluster, tmp_path: Path) -> None:
    cluster.answers[ONE] = composition(apiVersion="example.org/v1")
    async with asking(cluster, tmp_path) as source:
        with pytest.raises(UpstreamError, match=r"asked for shop/deployments.apps.web, was answered about"):
            await source.answers(WEB, 0)


async def test_a_selection(cluster: Cluster, tmp_path: Path) -> None:
    place = Selection("shop", "app=web", "root.kind=Deployment")
    cluster.answers[MANY] = {"metadata": {"resourceVersion": "9"}, "items": [composition(), composition("other")]}
    written = {"metadata": {"resourceVersion": "99"}, "items": [{"metadata": {"name": "a", "resourceVersion": "8"}}]}
    cluster.answers["/apis/apps/v1/namespaces/shop/statefulsets"] = written
    cluster.answers["/apis/apps/v1/namespaces/shop/daemonsets"] = {"metadata": {"resourceVersion": "99"}, "items": None}
    async with asking(cluster, tmp_path) as source:
        assert await source.least_version(place) == 8
        found, version = await source.answers(place, 8)
    assert ([each.name for each in found], version) == (["deployments.apps.web", "deployments.apps.other"], "9")
    selectors = {"labelSelector": "app=web", "fieldSelector": "root.kind=Deployment"}
    assert cluster.asked[-1][:2] == (MANY, {"resourceVersion": "8", **selectors})
    assert cluster.asked[0][1] == {"labelSelector": "app=web"}


def event(type_: str, document: Any) -> bytes:
    return json.dumps({"type": type_, "object": document}).encode() + b"\n"


async def test_a_watch_however_it_is_cut(cluster: Cluster, tmp_path: Path) -> None:
    whole = event("ADDED", composition()) + event("BOOKMARK", {}) + b"\n" + event("DELETED", composition("other"))
    cluster.events = [whole[:10], whole[10:400], whole[400:]]
    async with asking(cluster, tmp_path) as source:
        found = await changes(source, WEB)
    assert [(change.answer.name, change.gone) for change in found] == [
        ("deployments.apps.web", False),
        ("deployments.apps.other", True),
    ]
    assert cluster.asked[-1][:2] == (ONE.replace(P, f"{P}/watch"), {"timeoutSeconds": "30"})


async def test_a_watch_of_a_selection_goes_on_from_its_list(cluster: Cluster, tmp_path: Path) -> None:
    async with asking(cluster, tmp_path) as source:
        assert await changes(source, Selection(None, "app=web")) == []
    query = {"watch": "true", "resourceVersion": "9", "timeoutSeconds": "30", "labelSelector": "app=web"}
    assert cluster.asked[-1][:2] == (f"{P}/compositions", query)


async def test_a_watch_ends_with_an_error(cluster: Cluster, tmp_path: Path) -> None:
    cluster.events = [event("ERROR", status(410, "expired")), event("ADDED", composition())]
    async with asking(cluster, tmp_path) as source:
        assert await changes(source, WEB) == []


@pytest.mark.parametrize("line", [b"nonsense\n", b'{"type": 5}\n', event("ADDED", {"kind": "Pod"})])
async def test_what_is_no_event(cluster: Cluster, tmp_path: Path, line: bytes) -> None:
    cluster.events = [line]
    async with asking(cluster, tmp_path) as source:
        with pytest.raises(UpstreamError, match=r"no event|no composition"):
            await changes(source, WEB)


async def test_a_pod_is_of_the_core_group(cluster: Cluster, tmp_path: Path) -> None:
    pod = Address(BUILT_IN_KINDS[7], "shop", "p")
    path = f"{P}/namespaces/shop/pods/p/compositions"
    async with asking(cluster, tmp_path) as source:
        cluster.answers[path] = composition("p", apiVersion="v1", kind="Pod")
        assert len((await source.answers(pod, 0))[0]) == 1
        cluster.answers[path] = composition("p", apiVersion="metrics.k8s.io/v1", kind="PodMetrics")
        with pytest.raises(UpstreamError, match="was answered about"):
            await source.answers(pod, 0)
