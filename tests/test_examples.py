"""The examples do what they say, and are short."""

from pathlib import Path

import pytest

from examples import images, owners, restart
from kubediscovery.testing.samples import deployment
from kubediscovery.testing.server import TestServer

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))
WEB = "namespaces/shop/deployments/web"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_has_less_than_60_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) < 60


async def test_images_tells_which_pods_run_an_image() -> None:
    async with TestServer(images.registry, objects=deployment("web", "shop", image="nginx:1.27")) as server:
        found = (await server.get(f"{WEB}/images")).json()
        assert (found["kind"], found["metadata"]["name"]) == ("ImageList", "web")
        assert found["images"] == [{"image": "nginx:1.27", "pods": ["web-1-a", "web-1-b"]}]
        pod = (await server.get("namespaces/shop/pods/web-1-a/images")).json()
        assert pod["images"] == [{"image": "nginx:1.27", "pods": ["web-1-a"]}]


async def test_owners_go_up_to_the_root() -> None:
    async with TestServer(owners.registry, objects=deployment("web", "shop")) as server:
        path = "namespaces/shop/pods/web-1-a/owners"
        assert (await server.get(path)).json()["owners"] == [
            {"kind": "ReplicaSet", "name": "web-1", "steps": 1},
            {"kind": "Deployment", "name": "web", "steps": 2},
        ]
        assert (await server.get(f"{path}?roots=true")).json()["owners"] == [
            {"kind": "Deployment", "name": "web", "steps": 2}
        ]


async def test_restart_writes_the_time_for_who_may_patch() -> None:
    async with TestServer(restart.registry, objects=deployment("web", "shop")) as server:

        def restarted() -> str:
            found = server.cluster.get("apps/v1", "Deployment", "web", "shop")
            annotations: dict[str, str] = found["spec"]["template"]["metadata"].get("annotations", {})
            return annotations.get(restart.ANNOTATION, "")

        rehearsed = await server.post(f"{WEB}/restart?dryRun=All")
        assert (rehearsed.status, rehearsed.json()["dryRun"], restarted()) == (201, True, "")
        server.cluster.rights.allow("kate", "create", "deployments.restart.example.org/restart", namespace="shop")
        refused = await server.post(f"{WEB}/restart", user="kate")
        assert (refused.status, restarted()) == (403, "")
        server.cluster.rights.allow("jane", "create", "deployments.restart.example.org/restart", namespace="shop")
        server.cluster.rights.allow("jane", "patch", "deployments.apps", namespace="shop")
        done = await server.post(f"{WEB}/restart", user="jane")
        assert (done.status, done.json()["restartedAt"]) == (201, restarted())
