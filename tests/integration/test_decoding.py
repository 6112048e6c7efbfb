"""Both encodings of a real kube-apiserver, of every kind: what is told apart nowhere else must be the same here."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubediscovery.built_in import KUBERNETES_KINDS
from kubediscovery.client import Client
from kubediscovery.compact import Compactor
from kubediscovery.decoding import Decoder
from kubediscovery.errors import UpstreamError, UpstreamExpired
from kubediscovery.kinds import BUILT_IN_KINDS, CONFIG_MAP, Kind
from kubediscovery.objects import Condition, Event, Object, Page, StatusState
from kubediscovery.selectors import EVERYTHING
from kubediscovery.shapes import METADATA, shape_of
from kubediscovery.testing.controlplane import ControlPlane
from tests.encoding import JSON, PROTOBUF, delimited, enveloped
from tests.integration.serving import eventually

KINDS = (*BUILT_IN_KINDS, CONFIG_MAP)
POD = next(kind for kind in KINDS if kind.kind == "Pod")

EVERY_KIND = Path(__file__).parent.parent / "data" / "every_kind.yaml"
# All that have a row, and one of each reason to read nothing but the metadata.
EVERY = [
    kind
    for kind in KUBERNETES_KINDS
    if shape_of(kind) is not METADATA
    or kind.kind in ("ConfigMap", "Secret", "LimitRange", "IngressClass", "CSIDriver", "PriorityClass", "RuntimeClass")
]

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
        assert content_type.startswith(accept.partition(";")[0])
        return Decoder(kind, Compactor()).page(await response.read(), content_type)


def asked(kind: Kind, encoding: str, *, stream: bool = False) -> str:
    """What the decoder asks for, in one of the encodings that it takes."""
    decoder = Decoder(kind, Compactor())
    accept = decoder.accept_stream if stream else decoder.accept
    return next(choice for choice in accept.split(",") if choice.startswith(encoding))


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
        cluster.kubectl("-n", namespace, "rollout", "status", wanted, "--timeout=110s")
    cluster.kubectl("-n", namespace, "wait", "--for=condition=Complete", "job/x", "--timeout=110s")
    return namespace


async def test_lists_of_every_kind_are_the_same_in_both_encodings(cluster: ControlPlane, populated: str) -> None:
    async with connected(cluster) as client:
        for kind in KINDS:
            protobuf = await listed(client, kind, asked(kind, PROTOBUF))
            version = {"resourceVersion": protobuf.resource_version, "resourceVersionMatch": "Exact"}
            in_json = await listed(client, kind, asked(kind, JSON), version)
            assert protobuf.items == in_json.items
            assert {"x"} & {item.name[:1] for item in protobuf.items if item.namespace == populated}, kind


@pytest.fixture(scope="module")
def every(cluster: ControlPlane) -> Iterator[str]:
    """A namespace with an object of every kind, made without the annotation that kubectl keeps of a Secret."""
    namespace = "every-kind"
    cluster.kubectl("create", "namespace", namespace)
    cluster.kubectl("wait", "--for=create", "serviceaccount/default", f"--namespace={namespace}", "--timeout=110s")
    manifests = EVERY_KIND.read_text().replace("NAMESPACE", namespace)
    cluster.kubectl("apply", "--server-side", "-f", "-", stdin=manifests)
    cluster.kubectl("-n", namespace, "rollout", "status", "deployment/every", "--timeout=110s")
    yield namespace
    cluster.kubectl("delete", "--wait=false", "--ignore-not-found", "-f", "-", stdin=manifests)
    cluster.kubectl("delete", "namespace", namespace, "--wait=false")


def metadata(item: Object) -> tuple[object, ...]:
    return item.name, item.uid, item.generation, item.created, item.labels, item.owners, item.release


@pytest.mark.parametrize("kind", EVERY, ids=str)
async def test_every_kind_is_read_the_same_in_both_encodings(cluster: ControlPlane, every: str, kind: Kind) -> None:
    selected = {"fieldSelector": f"metadata.namespace={every}"} if kind.namespaced else {}
    async with connected(cluster) as client:
        for _ in range(5):
            protobuf = await listed(client, kind, asked(kind, PROTOBUF), selected)
            in_json = await listed(client, kind, asked(kind, JSON), selected)
            # Controllers may write between the two; an older version cannot be selected from.
            if protobuf.resource_version == in_json.resource_version or protobuf.items == in_json.items:
                break
    assert protobuf.items == in_json.items
    assert any("every" in item.name or kind.kind == "Node" for item in protobuf.items)
    whole = json.loads(cluster.kubectl("get", "--raw", kind.list_path))["items"]
    by_uid = {document["metadata"]["uid"]: document for document in whole}
    decoder = Decoder(kind, Compactor())
    for item in protobuf.items:
        assert metadata(item) == metadata(decoder.object(json.dumps(by_uid[item.uid]).encode()))


async def test_every_kind_is_watched_the_same_in_both_encodings(cluster: ControlPlane, every: str) -> None:
    async def seen(kind: Kind, encoding: str) -> dict[str, tuple[object, ...]]:
        query = {"watch": "true", "resourceVersion": "0", "timeoutSeconds": "1"}
        if kind.namespaced:
            query["fieldSelector"] = f"metadata.namespace={every}"
        headers = {"Accept": asked(kind, encoding, stream=True)}
        async with client.open("GET", kind.list_path, query=query, headers=headers, timeout=30) as response:
            assert response.headers["Content-Type"].startswith(encoding)
            stream = Decoder(kind, Compactor()).stream(response.headers["Content-Type"])
            events = [event async for chunk in response.content.iter_any() for event in stream.feed(chunk)]
        return {event.item.uid: metadata(event.item) for event in events if event.item}

    async with connected(cluster) as client:
        found = await asyncio.gather(*(seen(kind, encoding) for kind in EVERY for encoding in (PROTOBUF, JSON)))
    for kind, protobuf, in_json in zip(EVERY, found[::2], found[1::2], strict=True):
        # A watch ends after a second: what a controller made or deleted then is in one of them alone.
        common = protobuf.keys() & in_json.keys()
        assert common, kind
        assert {uid: protobuf[uid] for uid in common} == {uid: in_json[uid] for uid in common}


async def test_what_is_read_of_every_kind(cluster: ControlPlane, every: str) -> None:
    """What relations and health rest upon, as kube-apiserver says it."""
    async with connected(cluster) as client:
        pages = {kind.kind: (await listed(client, kind, asked(kind, PROTOBUF))).items for kind in EVERY}

    def named(kind: str, name: str) -> Object:
        return next(item for item in pages[kind] if item.name == name and item.namespace in ("", every))

    def spelled(kind: str, name: str) -> set[tuple[str, str, str]]:
        return {(found.relation, found.kind, found.name) for found in named(kind, name).named}

    pod = next(
        item for item in pages["Pod"] if item.namespace == every and item.owners and item.labels[0][1] == "every"
    )
    assert {(found.relation, found.name) for found in pod.references} >= {
        ("serviceAccount", "every"),
        ("priorityClass", f"every-{every}"),
        ("runtimeClass", f"every-{every}"),
        ("secret", "every-pull"),
        ("secret", "every-database"),
        ("configMap", "every-flags"),
        ("configMap", "every-settings"),
        ("configMap", "kube-root-ca.crt"),
        ("secret", "every-projected"),
    }
    siblings = [item for item in pages["Pod"] if item.owners == pod.owners]
    assert len(siblings) == 3
    assert len({id(item.references) for item in siblings}) == 1
    secrets = ("publish", "rbd", "cephfs", "iscsi", "flex", "azure", "scale", "storageos", "cinder")
    assert spelled("Pod", "every-volumes") == {
        ("serviceAccount", "ServiceAccount", "default"),
        ("claim", "PersistentVolumeClaim", "every"),
        ("csiDriver", "CSIDriver", "csi.every.example.com"),
        *(("secret", "Secret", f"every-{name}") for name in secrets),
    }
    assert spelled("StatefulSet", "every-set") == {
        ("claimTemplate", "PersistentVolumeClaim", f"{name}-every-set-") for name in ("data", "wal")
    }
    assert spelled("Ingress", "every") == {
        ("ingressClass", "IngressClass", f"every-{every}"),
        ("ingress", "Service", "every-default"),
        ("ingress", "Service", "every"),
        ("ingress", "Bucket", "static"),
        ("tls", "Secret", "every-tls"),
    }
    assert spelled("HorizontalPodAutoscaler", "every") == {("scale", "Deployment", "every")}
    assert spelled("RoleBinding", "every") == {("role", "Role", "every"), ("subject", "ServiceAccount", "every")}
    assert spelled("ServiceAccount", "every") == {
        ("tokenSecret", "Secret", "every-token"),
        ("tokenSecret", "Secret", "every-pull"),
    }
    for kind, name, service in (
        ("ValidatingWebhookConfiguration", f"every-{every}", "every"),
        ("MutatingWebhookConfiguration", f"every-{every}", "every-mutating"),
        ("CustomResourceDefinition", "wells.every.example.com", "every-conversion"),
    ):
        assert spelled(kind, name) == {("webhook", "Service", service)}
    assert spelled("APIService", "v1.aggregated.every.example.com") == {("apiService", "Service", "every-aggregated")}
    assert spelled("VolumeAttachment", f"every-{every}") >= {
        ("attachment", "PersistentVolume", f"every-{every}"),
        ("attachment", "Node", "node-1"),
    }
    slices = [item for item in pages["EndpointSlice"] if ("kubernetes.io/service-name", "every") in item.labels]
    assert {found.name for item in slices for found in item.references if found.kind == "Pod"} == {
        item.name for item in siblings
    }
    assert named("Deployment", "every").release == named("Secret", "every").release == f"{every}/shop"
    assert named("PodDisruptionBudget", "every-pod").selector == EVERYTHING
    assert named("NetworkPolicy", "every-pod").selector == EVERYTHING
    assert named("PodDisruptionBudget", "every-nothing").selector is None
    selector = named("Service", "every").selector
    assert selector is not None
    assert selector.matches(dict(pod.labels))
    declared = named("CustomResourceDefinition", "wells.every.example.com").state
    assert isinstance(declared, StatusState)
    assert ("resource/composition", "Deployment, Service") in declared.flags


async def test_of_secrets_no_byte_of_data_is_sent(cluster: ControlPlane, every: str) -> None:
    secret = next(kind for kind in EVERY if kind.kind == "Secret")
    query = {"fieldSelector": f"metadata.namespace={every}"}
    watch = {**query, "watch": "true", "resourceVersion": "0", "timeoutSeconds": "1"}
    async with connected(cluster) as client:
        for encoding in (PROTOBUF, JSON):
            for stream, asking in ((False, query), (True, watch)):
                headers = {"Accept": asked(secret, encoding, stream=stream)}
                async with client.open("GET", secret.list_path, query=asking, headers=headers) as response:
                    body = await response.read()
                assert b"every" in body
                # As it is, and as JSON has it.
                assert b"unheard-of" not in body
                assert b"dW5oZWFyZC1vZg" not in body


async def test_custom_resources_are_read_whatever_they_hold(cluster: ControlPlane, every: str) -> None:
    cluster.kubectl("wait", "--for=condition=Established", "crd/wells.every.example.com", "--timeout=30s")
    patch = '[{"op":"replace","path":"/spec/conversion","value":{"strategy":"None"}}]'
    cluster.kubectl("patch", "crd", "wells.every.example.com", "--type=json", f"--patch={patch}")
    ready = {"type": "Ready", "status": "False", "reason": "Dry", "message": "no water"}
    specs: Mapping[str, object] = {
        "fine": {"replicas": 3},
        "odd": "text",
        "deep": json.loads('{"a":' * 900 + "1" + "}" * 900),
    }
    statuses: Mapping[str, object] = {
        "fine": {"observedGeneration": 1, "readyReplicas": 1, "conditions": [ready]},
        "odd": {"conditions": {"Ready": "no"}, "phase": ["Dry"]},
    }
    path = f"/apis/every.example.com/v1/namespaces/{every}/wells"
    async with connected(cluster) as client:
        for name, spec in specs.items():
            well = {"apiVersion": "every.example.com/v1", "kind": "Well", "metadata": {"name": name}, "spec": spec}
            body = json.dumps(well).encode()
            async with client.open("POST", path, data=body, headers={"Content-Type": JSON}) as response:
                created = await response.json()
            if name in statuses:
                body = json.dumps({**created, "status": statuses[name]}).encode()
                async with client.open("PUT", f"{path}/{name}/status", data=body, headers={"Content-Type": JSON}):
                    pass
        kind = Kind("every.example.com", "v1", "wells", "Well", "well", custom=True)
        found = {item.name: item.state for item in (await listed(client, kind, JSON)).items}
    assert found["fine"] == StatusState(1, (Condition("Ready", "False", "Dry", "no water"),), desired=3, ready=1)
    assert found["odd"] == found["deep"] == StatusState()


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
