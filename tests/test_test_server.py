"""The test client: a whole server over the fake cluster, as authors of subresources test with it."""

import asyncio

import pytest

from kubediscovery.errors import ConfigurationError
from kubediscovery.testing.samples import custom_resource_definition, deployment, sample
from kubediscovery.testing.server import TestServer
from tests.registering import patch_registry
from tests.waiting import until

WEB = "namespaces/shop/deployments/web/compositions"
COMPOSITIONS = "deployments.kubediscovery.cloudark.io/compositions"


async def test_a_whole_server_answers_as_in_a_cluster() -> None:
    async with TestServer(objects=deployment("web", "shop", replicas=2)) as server:
        found = (await server.get(WEB)).json()
        assert found["status"] == {
            **found["status"],
            "health": "Healthy",
            "pods": {"total": 2, "ready": 2},
            "rollout": {**found["status"]["rollout"], "state": "Complete"},
        }
        (replica_set,) = found["root"]["children"]
        assert [child["name"] for child in replica_set["children"]] == ["web-1-a", "web-1-b"]
        refused = await server.get(f"/apis/kubediscovery.cloudark.io/v1/{WEB}", user="jane")
        assert (refused.status, refused.json()["reason"]) == (403, "Forbidden")
        server.cluster.rights.allow("jane", "get", COMPOSITIONS, namespace="shop")
        server.cluster.rights.allow("team", "list", "deployments.apps", namespace="shop")
        # A refusal is believed for ten seconds, and somebody else was not refused.
        server.cluster.rights.allow("kate", "get", COMPOSITIONS, namespace="shop")
        seen = (await server.get(WEB, user="kate", groups=["team"])).json()
        assert "children" not in seen["root"]
        assert ("replicasets", "Forbidden") in {
            (left["resource"], left["reason"]) for left in seen["status"]["omitted"]
        }


async def test_changes_are_seen_whatever_goes_wrong_meanwhile() -> None:
    async with TestServer(objects=deployment("web", "shop", replicas=1)) as server:

        async def names() -> list[str]:
            return [item["root"]["name"] for item in (await server.get("deployments/*/compositions")).json()["items"]]

        await server.put(*deployment("db", "shop"))
        assert await names() == ["db", "web"]
        await server.delete("apps/v1", "Deployment", "db", "shop")
        assert await names() == ["web"]
        assert server.cluster.drop_connections() > 10
        server.cluster.expire_versions()
        lists = len([path for _, path in server.cluster.requests if path.startswith("/apis/apps/v1/deployments?limit")])
        server.cluster.put(*deployment("cache", "shop"))

        def is_listed_again() -> bool:
            found = [path for _, path in server.cluster.requests if path.startswith("/apis/apps/v1/deployments?limit")]
            return len(found) > lists

        await until(is_listed_again)
        async with asyncio.timeout(10):
            while await names() != ["cache", "web"]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


async def test_custom_kinds_are_followed() -> None:
    objects = [custom_resource_definition("Kafka", group="example.org"), sample("example.org/v1", "Kafka", "main")]
    async with TestServer(objects=objects) as server:
        found = (await server.get("namespaces/default/kafkas/main/compositions")).json()
        assert found["metadata"]["name"] == "kafkas.example.org.main"


async def test_watches_tell_what_changes() -> None:
    async with (
        TestServer(objects=deployment("web", "shop", replicas=1)) as server,
        server.watch("watch/namespaces/shop/deployments/*/compositions") as events,
        asyncio.timeout(10),
    ):
        assert (await anext(events))["object"]["root"]["name"] == "web"
        server.cluster.put(*deployment("db", "shop"))
        while (event := await anext(events))["object"]["root"]["name"] != "db":
            pass
        assert event["type"] == "ADDED"


async def test_what_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    server = TestServer()
    monkeypatch.setattr("kubediscovery.testing.server._ADDRESS", "localhost")
    with pytest.raises(ConfigurationError, match="--bind-address must be an IP address"):
        await server.__aenter__()


async def test_a_patch_says_of_which_type_it_is() -> None:
    async with TestServer(patch_registry(), objects=deployment("web", "shop")) as server:
        path, merging = "namespaces/shop/deployments/web/size", {"Content-Type": "application/merge-patch+json"}
        answer = await server.request("PATCH", path, body={"replicas": 3}, headers=merging)
        assert (answer.status, answer.json()["replicas"]) == (200, 3)
        assert (await server.request("PATCH", path, body={"replicas": 3})).status == 415
