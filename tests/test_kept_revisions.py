from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from kubediscovery import kept_revisions
from kubediscovery.client import Client
from kubediscovery.errors import UpstreamError
from kubediscovery.kept_revisions import present, revisions, revisions_kind, selector_text
from kubediscovery.objects import Object
from kubediscovery.selectors import parse_label_selector
from kubediscovery.testing.fake import FakeKubeApiserver
from kubediscovery.versions import Origin
from tests.objects import DAEMON_SET, DEPLOYMENT, POD, REPLICA_SET, REVISION, STATEFUL_SET, make
from tests.sighting import deployment
from tests.upstream import reaching, serving

SELECTOR = parse_label_selector("app=web")
WEB = make(DEPLOYMENT, "web", uid="uid-web", selector=SELECTOR)


@pytest.fixture
async def client(fake_cluster: FakeKubeApiserver) -> AsyncIterator[Client]:
    client = await Client.connect(str(fake_cluster.kubeconfig))
    try:
        yield client
    finally:
        await client.close()


def _template(image: str, **labels: str) -> dict[str, Any]:
    return {
        "metadata": {"labels": {"app": "web", **labels}},
        "spec": {"containers": [{"name": "nginx", "image": image}]},
    }


def _owned(name: str, owner: Object = WEB, *, controller: bool = True, **annotations: str) -> dict[str, Any]:
    reference = {"apiVersion": "apps/v1", "kind": owner.kind.kind, "name": owner.name, "uid": owner.uid}
    named = {key.replace("_", "-"): value for key, value in annotations.items()}
    return {
        "name": name,
        "namespace": "shop",
        "labels": {"app": "web"},
        "creationTimestamp": "2026-01-02T00:00:00Z",
        "annotations": {f"deployment.kubernetes.io/{key}": value for key, value in named.items()},
        "ownerReferences": [{**reference, "controller": controller}],
    }


def _replica_set(name: str, image: str, metadata: dict[str, Any]) -> dict[str, Any]:
    template = _template(image, **{"pod-template-hash": name})
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata, "spec": {"template": template}}


async def test_replica_sets_are_the_revisions_of_a_deployment(fake_cluster: FakeKubeApiserver, client: Client) -> None:
    other = make(DEPLOYMENT, "web", uid="uid-other")
    caused = _owned("web-2", revision="2")
    caused["annotations"]["kubernetes.io/change-cause"] = "a new image"
    fake_cluster.put(
        _replica_set("web-1", "a", _owned("web-1", revision="3", revision_history="1,x")),
        _replica_set("web-2", "b", caused),
        _replica_set("web-3", "c", _owned("web-3", other, revision="9")),
        _replica_set("web-4", "d", _owned("web-4", controller=False, revision="8")),
    )
    found = sorted(await revisions(client, WEB), key=lambda version: version.revision)
    assert [(version.revision, version.time > 0, version.cause) for version in found] == [
        (1, True, ""), (2, True, "a new image"), (3, False, "")
    ]  # fmt: skip
    assert found[0].document == {"spec": {"template": _template("a")}}
    assert found[0].digest == found[2].digest != found[1].digest
    assert all(version.partial and version.origins == {Origin.REVISION} for version in found)
    (asked,) = [path for _, path in fake_cluster.requests if "replicasets" in path]
    assert "namespaces/shop/" in asked
    assert "labelSelector=" in asked


@pytest.mark.parametrize("kind", [STATEFUL_SET, DAEMON_SET])
async def test_controller_revisions_are_patches(fake_cluster: FakeKubeApiserver, client: Client, kind: Any) -> None:
    item = make(kind, "web", selector=SELECTOR)
    template = {**_template("a"), "$patch": "replace"}
    template["metadata"]["creationTimestamp"] = None
    fake_cluster.put({
        "apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": _owned("web-1", item),
        "data": {"spec": {"template": template}}, "revision": 4,
    })  # fmt: skip
    (found,) = await revisions(client, item)
    assert (found.revision, found.document) == (4, {"spec": {"template": _template("a")}})


async def test_they_are_read_in_pages_and_not_without_end(
    fake_cluster: FakeKubeApiserver, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_revisions, "_PAGE", 2)
    monkeypatch.setattr(kept_revisions, "_MOST_PAGES", 2)
    fake_cluster.put(*(_replica_set(f"web-{n}", str(n), _owned(f"web-{n}", revision=str(n))) for n in range(1, 8)))
    assert [version.revision for version in await revisions(client, WEB)] == [1, 2, 3, 4]


def test_which_kinds_have_revisions() -> None:
    assert revisions_kind(DEPLOYMENT) == REPLICA_SET
    assert revisions_kind(STATEFUL_SET) == revisions_kind(DAEMON_SET) == REVISION
    assert revisions_kind(POD) is None


async def test_kinds_without_revisions_are_not_asked_for(fake_cluster: FakeKubeApiserver, client: Client) -> None:
    before = len(fake_cluster.requests)
    assert await revisions(client, make(POD, "web")) == []
    assert len(fake_cluster.requests) == before


async def test_an_object_as_it_is_now(fake_cluster: FakeKubeApiserver, client: Client) -> None:
    document = deployment("nginx:7")
    del document["metadata"]["resourceVersion"]
    fake_cluster.put(document)
    found = await present(client, WEB)
    assert found is not None
    assert found.version().document["spec"] == document["spec"]
    assert found.origins == {Origin.PRESENT}
    assert await present(client, make(DEPLOYMENT, "web", uid="another")) is None
    assert await present(client, make(DEPLOYMENT, "gone")) is None


async def test_secrets_are_never_read(fake_cluster: FakeKubeApiserver, client: Client) -> None:
    from kubediscovery.built_in import KUBERNETES_KINDS

    secret = next(kind for kind in KUBERNETES_KINDS if kind.kind == "Secret")
    fake_cluster.put({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "shop"}, "data": {}})
    assert await present(client, make(secret, "s")) is None
    assert not any("secrets" in path for _, path in fake_cluster.requests)


@pytest.mark.parametrize("body", [b"nothing", b'{"items":[5]}', b'{"items":[{"metadata":[]}]}', b"{" * 5_000])
async def test_an_answer_that_is_none_is_an_upstream_error(tmp_path: Path, body: bytes) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    async with serving(answer) as server, reaching(tmp_path, server) as client:
        for read in (revisions, present):
            with pytest.raises(UpstreamError, match="cannot be decoded"):
                await read(client, WEB)


@pytest.mark.parametrize("text", ["app in (a,b)", "app", "!app", "app notin (a)", "a in (x),b", ""])
def test_a_selector_is_written_as_it_is_read(text: str) -> None:
    assert selector_text(parse_label_selector(text)) == text
