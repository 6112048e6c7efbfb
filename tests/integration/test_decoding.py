"""Both encodings of a real kube-apiserver, of every kind: what is told apart nowhere else must be the same here."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import yaml

from kubediscovery.client import Client
from kubediscovery.compact import Compactor
from kubediscovery.decoding import Decoder
from kubediscovery.errors import UpstreamError, UpstreamExpired
from kubediscovery.kinds import BUILT_IN_KINDS, CONFIG_MAP, Kind
from kubediscovery.objects import Event, Object, Page
from kubediscovery.testing.controlplane import ControlPlane
from tests.encoding import JSON, PROTOBUF, delimited, enveloped
from tests.integration.serving import eventually

KINDS = (*BUILT_IN_KINDS, CONFIG_MAP)
POD = next(kind for kind in KINDS if kind.kind == "Pod")

TEMPLATE: dict[str, Any] = {
    "metadata": {"labels": {"app": "x"}},
    "spec": {
        "initContainers": [{"name": "i", "image": "init:1"}],
        "containers": [{"name": "a", "image": "app:1"}, {"name": "b", "image": "app:2"}],
    },
}
ONCE = {"spec": {**TEMPLATE["spec"], "restartPolicy": "Never"}}
SELECTED = {"selector": {"matchLabels": {"app": "x"}}, "template": TEMPLATE}
MANIFESTS: list[Mapping[str, object]] = [
    {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": 2, **SELECTED}},
    {"apiVersion": "apps/v1", "kind": "StatefulSet", "spec": {"serviceName": "x", **SELECTED}},
    {"apiVersion": "apps/v1", "kind": "DaemonSet", "spec": SELECTED},
    {"apiVersion": "batch/v1", "kind": "Job", "spec": {"completions": 2, "template": ONCE}},
    {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "spec": {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": ONCE}}},
    },
    {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "größe"}},
]


@contextlib.asynccontextmanager
async def connected(cluster: ControlPlane) -> AsyncIterator[Client]:
    client = await Client.connect(str(cluster.kubeconfig))
    try:
        yield client
    finally:
        await client.close()


async def listed(client: Client, kind: Kind, accept: str, query: Mapping[str, str] | None = None) -> Page[Object]:
    async with client.open("GET", kind.list_path, query=query, headers={"Accept": accept}, timeout=30) as response:
        content_type = response.headers["Content-Type"]
        assert content_type.startswith(accept)
        return Decoder(kind, Compactor()).page(await response.read(), content_type)


async def watched(client: Client, kind: Kind, accept: str, version: str, namespace: str) -> list[Event[Object]]:
    query = {
        "watch": "true",
        "resourceVersion": version,
        "timeoutSeconds": "4",
        "allowWatchBookmarks": "true",
        "fieldSelector": f"metadata.namespace={namespace}",
    }
    async with client.open("GET", kind.list_path, query=query, headers={"Accept": accept}, timeout=30) as response:
        stream = Decoder(kind, Compactor()).stream(response.headers["Content-Type"])
        return [event async for chunk in response.content.iter_any() for event in stream.feed(chunk)]


@pytest.fixture
def populated(cluster: ControlPlane, namespace: str) -> str:
    """A namespace with an object of each kind, settled."""
    manifests = [{**manifest, "metadata": {"name": "x", "namespace": namespace}} for manifest in MANIFESTS]
    # kubectl takes JSON and YAML alike.
    cluster.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(manifests))
    for wanted in ("deployment/x", "statefulset/x", "daemonset/x"):
        cluster.kubectl("-n", namespace, "rollout", "status", wanted, "--timeout=60s")
    cluster.kubectl("-n", namespace, "wait", "--for=condition=Complete", "job/x", "--timeout=60s")
    return namespace


async def test_lists_of_every_kind_are_the_same_in_both_encodings(cluster: ControlPlane, populated: str) -> None:
    async with connected(cluster) as client:
        for kind in KINDS:
            protobuf = await listed(client, kind, PROTOBUF)
            version = {"resourceVersion": protobuf.resource_version, "resourceVersionMatch": "Exact"}
            in_json = await listed(client, kind, JSON, version)
            assert protobuf.items == in_json.items
            assert {"x"} & {item.name[:1] for item in protobuf.items if item.namespace == populated}, kind


async def test_watches_are_the_same_in_both_encodings(cluster: ControlPlane, populated: str) -> None:
    async with connected(cluster) as client:
        for kind in (POD, KINDS[0]):
            page = await listed(client, kind, JSON)
            oldest = str(min(item.resource_version for item in page.items if item.namespace == populated) - 1)
            both = (watched(client, kind, accept, oldest, populated) for accept in (PROTOBUF, JSON))
            found = await asyncio.gather(*both)
            protobuf, in_json = ([event for event in events if event.item] for events in found)
            assert protobuf == in_json
            assert protobuf


async def test_an_old_version_has_expired_in_both_encodings(cluster: ControlPlane, namespace: str) -> None:
    cluster.compact_etcd()
    cluster.restart("kube-apiserver")
    async with connected(cluster) as client:
        for accept in (PROTOBUF, JSON):
            with pytest.raises(UpstreamExpired):
                await watched(client, POD, accept, "2", namespace)


async def test_text_that_is_not_utf8_is_replaced_in_json(cluster: ControlPlane, namespace: str) -> None:
    """What makes a list of protobuf unreadable for everybody, and what the decoder asks for instead."""
    metadata = (
        delimited(1, b"odd")
        + delimited(3, namespace.encode())
        + delimited(12, delimited(1, b"a") + delimited(2, b"\xff"))
    )
    spec = delimited(2, delimited(1, b"c") + delimited(2, b"odd\xffimage"))
    body = enveloped(delimited(1, metadata) + delimited(2, spec), kind="Pod")
    path = f"/api/v1/namespaces/{namespace}/pods"
    async with connected(cluster) as client:
        async with client.open("POST", path, data=body, headers={"Content-Type": PROTOBUF, "Accept": JSON}):
            pass
        with pytest.raises(UpstreamError, match="UTF-8"):
            await listed(client, POD, PROTOBUF)
        (found,) = [item for item in (await listed(client, POD, JSON)).items if item.namespace == namespace]
    assert found.state.images == ("odd\ufffdimage",)  # type: ignore[union-attr]
    cluster.kubectl("-n", namespace, "delete", "pod", "odd", "--grace-period=0", "--force")
    eventually(lambda: "odd" not in cluster.kubectl("-n", namespace, "get", "pods"), "the pod to be gone")
