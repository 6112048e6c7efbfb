"""The fake kube-apiserver, asked over HTTP by the client and the sources that ask the real one."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping

import msgspec
import pytest

from kubediscovery.catalogue import kinds_served
from kubediscovery.client import Client
from kubediscovery.compact import Compactor
from kubediscovery.decoding import Decoder
from kubediscovery.errors import (
    BadRequest,
    Invalid,
    NotFound,
    UpstreamConflict,
    UpstreamError,
    UpstreamExpired,
    UpstreamForbidden,
    UpstreamNotFound,
)
from kubediscovery.kinds import Kind
from kubediscovery.objects import Event, EventType, Object
from kubediscovery.sources import ObjectSource
from kubediscovery.testing.fake import FakeKubeApiserver
from kubediscovery.testing.samples import custom_resource_definition, deployment, pod, sample
from tests.objects import POD

DEPLOYMENTS = "/apis/apps/v1/deployments"
REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
TOKENS = "/apis/authentication.k8s.io/v1/tokenreviews"
PODS = "/api/v1/namespaces/shop/pods"


@contextlib.asynccontextmanager
async def connected(fake: FakeKubeApiserver) -> AsyncIterator[Client]:
    client = await Client.connect(str(fake.kubeconfig))
    try:
        yield client
    finally:
        await client.close()


@pytest.fixture
async def client(fake_cluster: FakeKubeApiserver) -> AsyncIterator[Client]:
    async with connected(fake_cluster) as client:
        yield client


def source(client: Client, kind: Kind = POD, *, page_size: int = 500) -> ObjectSource:
    return ObjectSource(client, kind.list_path, Decoder(kind, Compactor()), page_size=page_size)


@contextlib.asynccontextmanager
async def watched(
    client: Client, since: int, *, seconds: int | None = None
) -> AsyncIterator[AsyncIterator[Event[Object]]]:
    async with source(client).watch(str(since), seconds=seconds) as batches, asyncio.timeout(10):
        yield (event async for batch in batches for event in batch)


async def test_what_is_put_is_there_as_kubernetes_fills_it_in(fake_cluster: FakeKubeApiserver, client: Client) -> None:
    before = fake_cluster.version
    assert fake_cluster.put({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}}) == before + 1
    found = await client.request("GET", "/api/v1/namespaces/default/pods/web")
    metadata = found["metadata"]
    assert (metadata["namespace"], metadata["resourceVersion"], metadata["generation"]) == (
        "default",
        str(before + 1),
        1,
    )
    assert metadata["uid"]
    fake_cluster.put({**found, "spec": {"nodeName": "n"}})
    again = fake_cluster.get("v1", "Pod", "web")["metadata"]
    assert (again["uid"], again["generation"]) == (metadata["uid"], 2)


def test_what_cannot_be_put_is_told() -> None:
    fake = FakeKubeApiserver()
    with pytest.raises(BadRequest, match=r'no matches for kind "Kafka" in version "example\.org/v1": put its Custom'):
        fake.put({"apiVersion": "example.org/v1", "kind": "Kafka", "metadata": {"name": "main"}})
    with pytest.raises(Invalid, match=r"metadata\.name"):
        fake.put({"apiVersion": "v1", "kind": "Pod"})
    with pytest.raises(NotFound, match='pods "web" not found'):
        fake.delete("v1", "Pod", "web")


async def test_lists_come_in_pages_of_one_version(fake_cluster: FakeKubeApiserver, client: Client) -> None:
    fake_cluster.put(*deployment("web", "shop", replicas=5))
    reading = source(client, page_size=2)
    first = await reading.page("")
    fake_cluster.put(pod("late", "shop"))
    second = await reading.page(first.continue_token)
    third = await reading.page(second.continue_token)
    names = [item.name for page in (first, second, third) for item in page.items]
    assert names == [f"web-1-{letter}" for letter in "abcde"]
    assert first.resource_version == third.resource_version
    assert third.continue_token == ""


async def test_a_page_of_an_expired_list_is_410(fake_cluster: FakeKubeApiserver, client: Client) -> None:
    fake_cluster.put(*deployment("web", "shop", replicas=3))
    reading = source(client, page_size=2)
    first = await reading.page("")
    fake_cluster.expire_versions()
    with pytest.raises(UpstreamExpired):
        await reading.page(first.continue_token)


async def test_selectors_choose(fake_cluster: FakeKubeApiserver, client: Client) -> None:
    fake_cluster.put(*deployment("web", "shop"), *deployment("db", "shop"), *deployment("web", "vault"))

    async def names(**query: str) -> list[str]:
        listed = await client.request("GET", "/apis/apps/v1/namespaces/shop/deployments", query=query)
        return [item["metadata"]["name"] for item in listed["items"]]

    assert await names() == ["db", "web"]
    assert await names(labelSelector="app in (web)") == ["web"]
    assert await names(fieldSelector="metadata.name=db") == ["db"]


async def test_a_watch_tells_what_was_and_what_comes(fake_cluster: FakeKubeApiserver, client: Client) -> None:
    since = fake_cluster.version
    fake_cluster.put(pod("web", "shop"))
    async with watched(client, since) as events:
        added = await anext(events)
        fake_cluster.put(pod("web", "shop", ready=False), *deployment("other"))
        changed = await anext(events)
        fake_cluster.delete("v1", "Pod", "other-1-a")
        seen = [await anext(events) for _ in range(3)]
    assert [event.type for event in (added, changed, *seen)] == [
        EventType.ADDED,
        EventType.MODIFIED,
        EventType.ADDED,
        EventType.ADDED,
        EventType.DELETED,
    ]
    assert seen[-1].resource_version == str(fake_cluster.version)


async def test_what_comes_to_match_is_added_and_what_no_longer_does_is_deleted(
    fake_cluster: FakeKubeApiserver, client: Client
) -> None:
    query = {"watch": "true", "labelSelector": "app=web", "timeoutSeconds": "1"}
    since = fake_cluster.version
    for labels in ({}, {"app": "web"}, {"app": "web", "tier": "front"}, {"app": "db"}):
        fake_cluster.put(sample("v1", "ConfigMap", "settings", labels=labels))
    query["resourceVersion"] = str(since)
    async with client.open("GET", "/api/v1/configmaps", query=query, headers={}) as response:
        events = [msgspec.json.decode(line) async for line in response.content]
    assert [event["type"] for event in events] == ["ADDED", "MODIFIED", "DELETED"]
    assert events[-1]["object"]["metadata"]["resourceVersion"] == str(fake_cluster.version)


async def test_bookmarks_come_now_and_then_and_before_the_end(fake_cluster: FakeKubeApiserver, client: Client) -> None:
    since = fake_cluster.version
    fake_cluster.put(sample("v1", "ConfigMap", "of-another-kind"))
    async with watched(client, since, seconds=2) as events:
        end = await anext(events)
    assert (end.type, end.resource_version) == (EventType.BOOKMARK, str(fake_cluster.version))
    fake_cluster.conditions.bookmark_seconds = 0.01
    async with watched(client, since) as events:
        assert (await anext(events)).type is EventType.BOOKMARK
        assert (await anext(events)).type is EventType.BOOKMARK


async def test_a_watch_of_an_expired_version_ends_with_410(fake_cluster: FakeKubeApiserver, client: Client) -> None:
    since = fake_cluster.version
    fake_cluster.expire_versions()
    async with watched(client, since) as events:
        with pytest.raises(UpstreamExpired):
            await anext(events)


async def test_connections_that_are_dropped_break_off(fake_cluster: FakeKubeApiserver, client: Client) -> None:
    with pytest.raises(UpstreamError):  # noqa: PT012
        async with watched(client, fake_cluster.version) as events:
            assert fake_cluster.drop_connections() == 1
            await anext(events)
    fake_cluster.conditions.is_away = True
    with pytest.raises(UpstreamError):
        await client.request("GET", DEPLOYMENTS)
    fake_cluster.conditions.is_away = False
    assert (await client.request("GET", DEPLOYMENTS))["items"] == []


async def test_discovery_tells_of_custom_kinds_while_they_are_defined(
    fake_cluster: FakeKubeApiserver, client: Client
) -> None:
    fake_cluster.put(custom_resource_definition("Kafka", group="example.org"))
    fake_cluster.put(sample("example.org/v1", "Kafka", "main"))
    (kafka,) = [kind for kind in await kinds_served(client) if kind.group == "example.org"]
    assert (kafka.resource, kafka.namespaced, kafka.custom) == ("kafkas", True, True)
    assert [item.name for item in (await source(client, kafka).page("")).items] == ["main"]
    fake_cluster.delete("apiextensions.k8s.io/v1", "CustomResourceDefinition", "kafkas.example.org")
    assert not [kind for kind in await kinds_served(client) if kind.group == "example.org"]


async def test_of_who_asks_for_metadata_alone_nothing_else_is_told(
    fake_cluster: FakeKubeApiserver, client: Client
) -> None:
    fake_cluster.put(sample("v1", "Secret", "password", data={"password": "c2VjcmV0"}))
    accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
    listed = await client.request("GET", "/api/v1/secrets", accept=accept)
    assert [sorted(item) for item in listed["items"]] == [["apiVersion", "kind", "metadata"]]


@pytest.mark.parametrize(
    ("user", "groups", "attributes", "allowed"),
    [
        ("jane", (), {"verb": "list", "resource": "pods", "namespace": "shop"}, True),
        ("jane", (), {"verb": "list", "resource": "pods", "namespace": "vault"}, False),
        ("jane", (), {"verb": "list", "resource": "pods"}, False),
        ("jane", (), {"verb": "watch", "resource": "pods", "namespace": "shop"}, False),
        ("jane", (), {"verb": "list", "resource": "pods", "group": "metrics.k8s.io", "namespace": "shop"}, False),
        ("jane", (), {"verb": "list", "resource": "pods", "subresource": "log", "namespace": "shop"}, False),
        ("kate", ("team",), {"verb": "get", "resource": "deployments", "group": "apps", "subresource": "scale"}, True),
        ("kate", (), {"verb": "get", "resource": "deployments", "group": "apps", "subresource": "scale"}, False),
        ("kate", ("team",), {"verb": "get", "resource": "configmaps", "name": "settings"}, True),
        ("kate", ("team",), {"verb": "get", "resource": "configmaps", "name": "others"}, False),
        ("root", ("system:masters",), {"verb": "delete", "resource": "nodes"}, True),
        ("all", (), {"verb": "delete", "resource": "x", "group": "y", "subresource": "z", "namespace": "n"}, True),
    ],
)
async def test_reviews_follow_the_rules(
    fake_cluster: FakeKubeApiserver,
    client: Client,
    user: str,
    groups: tuple[str, ...],
    attributes: dict[str, str],
    allowed: bool,
) -> None:
    rights = fake_cluster.rights
    rights.allow("jane", "list", "pods", namespace="shop")
    rights.allow("team", "get,update", "deployments.apps/*, deployments.apps")
    rights.allow("team", "get", "configmaps", names=["settings"])
    rights.allow("all", "*", "*")
    spec = {"user": user, "groups": list(groups), "resourceAttributes": attributes}
    answer = await client.create(REVIEWS, {"spec": spec})
    status = answer["status"]
    assert isinstance(status, dict)
    assert status["allowed"] is allowed


async def test_paths_and_tokens_are_reviewed_too(fake_cluster: FakeKubeApiserver, client: Client) -> None:
    fake_cluster.rights.allow_paths("jane", "/metrics,/version/*")
    fake_cluster.rights.tokens["good"] = ("jane", ("team",))

    async def status(path: str, spec: Mapping[str, object]) -> dict[str, object]:
        found = (await client.create(path, {"spec": spec}))["status"]
        assert isinstance(found, dict)
        return found

    async def may(path: str) -> object:
        asked = {"user": "jane", "nonResourceAttributes": {"path": path, "verb": "get"}}
        return (await status(REVIEWS, asked))["allowed"]

    assert [await may(path) for path in ("/metrics", "/version/x", "/logs")] == [True, True, False]
    fake_cluster.rights.take("jane")
    assert await may("/metrics") is False
    user = {"username": "jane", "groups": ["team", "system:authenticated"]}
    assert await status(TOKENS, {"token": "good"}) == {"authenticated": True, "user": user}
    assert await status(TOKENS, {"token": "bad"}) == {"authenticated": False}


async def test_what_the_client_may_not_is_403(fake_cluster: FakeKubeApiserver, client: Client) -> None:
    fake_cluster.conditions.forbidden.add("pods")
    with pytest.raises(UpstreamForbidden, match='cannot list resource "pods"'):
        await source(client).page("")


async def test_writing_is_as_in_kubernetes(fake_cluster: FakeKubeApiserver, client: Client) -> None:
    made = await client.request("POST", PODS, body={"metadata": {"name": "web"}, "spec": {"a": 1, "b": 2}})
    assert made["metadata"]["namespace"] == "shop"
    with pytest.raises(UpstreamConflict, match="already exists"):
        await client.request("POST", PODS, body={"metadata": {"name": "web"}})
    patch = {"spec": {"a": None, "b": 3}, "metadata": {"annotations": {"x": "y"}}}
    dry = await client.request(
        "PATCH", f"{PODS}/web", query={"dryRun": "All"}, body=patch, content_type="application/merge-patch+json"
    )
    assert dry["spec"] == {"b": 3}
    assert fake_cluster.get("v1", "Pod", "web", "shop")["spec"] == {"a": 1, "b": 2}
    changed = await client.request("PATCH", f"{PODS}/web", body=patch, content_type="application/merge-patch+json")
    assert (changed["spec"], changed["metadata"]["annotations"]) == ({"b": 3}, {"x": "y"})
    with pytest.raises(UpstreamConflict, match="the object has been modified"):
        await client.request("PUT", f"{PODS}/web", body=made)
    await client.request("DELETE", f"{PODS}/web")
    for method in ("GET", "DELETE"):
        with pytest.raises(UpstreamNotFound):
            await client.request(method, f"{PODS}/web")


async def test_server_side_apply_makes_and_changes(fake_cluster: FakeKubeApiserver, client: Client) -> None:
    for value in ("1", "2"):
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"value": value}}
        path = "/api/v1/namespaces/shop/configmaps/x"
        await client.request("PATCH", path, body=body, content_type="application/apply-patch+yaml")
        assert fake_cluster.get("v1", "ConfigMap", "x", "shop")["data"] == {"value": value}


@pytest.mark.parametrize(
    "path",
    [
        "/apis/example.org/v1/kafkas",
        "/api/v1/pods/web/log/more",
        "/nothing",
        "/",
        "/apis",
        "/api/v1/namespaces/a/pods/b/log",
    ],
)
async def test_what_is_not_served_is_404(fake_cluster: FakeKubeApiserver, client: Client, path: str) -> None:
    if path == "/apis":
        assert (await client.request("GET", path))["kind"] == "APIGroupDiscoveryList"
        return
    with pytest.raises(UpstreamNotFound):
        await client.request("GET", path)


async def test_other_documents_are_answered_and_requests_are_noted(
    fake_cluster: FakeKubeApiserver, client: Client
) -> None:
    path = "/apis/metrics.k8s.io/v1beta1/pods"
    fake_cluster.conditions.documents[path] = {"items": []}
    assert await client.request("GET", path, query={"limit": "1"}) == {"items": []}
    assert fake_cluster.requests == [("GET", f"{path}?limit=1")]
