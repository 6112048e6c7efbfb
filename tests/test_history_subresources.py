"""The subresources of history, asked over HTTP of a whole server over the fake cluster."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from kubediscovery.settings import Settings, read_settings
from kubediscovery.testing.samples import sample
from kubediscovery.testing.server import TestServer

WEB = "namespaces/shop/deployments/web"
GROUP = "kubediscovery.cloudark.io"


def _template(image: str, **labels: str) -> dict[str, Any]:
    return {
        "metadata": {"labels": {"app": "web", **labels}},
        "spec": {"containers": [{"name": "nginx", "image": image}]},
    }


def web(image: str, replicas: int = 1, **labels: str) -> dict[str, Any]:
    selector = {"matchLabels": {"app": "web"}}
    spec = {"replicas": replicas, "selector": selector, "template": _template(image)}
    return sample("apps/v1", "Deployment", "web", "shop", labels=labels, spec=spec)


def replica_set(image: str, revision: int, replicas: int = 1) -> dict[str, Any]:
    template = _template(image, **{"pod-template-hash": str(revision)})
    made = sample(
        "apps/v1", "ReplicaSet", f"web-{revision}", "shop", owner=web(image), labels={"app": "web"},
        spec={"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template},
    )  # fmt: skip
    made["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": str(revision)}
    return made


SECRET = sample("v1", "Secret", "token", "shop", data={"password": "c2VjcmV0"})
CONFIG = sample("v1", "ConfigMap", "config", "shop", data={"a": "1"})


async def _started(server: TestServer, image: str) -> None:
    """Wait until what is there has been recorded."""
    path = f"{WEB}/spechistory"

    async def is_recorded() -> bool:
        found = (await server.get(path)).json()["specs"]
        return "Cache" in found[-1]["version"]["origins"] and found[-1]["spec"]["template"] == _template(image)

    for _ in range(2_000):
        if await is_recorded():
            return
    raise AssertionError(await server.get(path))


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    objects = [web("nginx:2"), replica_set("nginx:1", 1, 0), replica_set("nginx:2", 2), SECRET, CONFIG]
    async with TestServer(objects=objects) as server:
        await _started(server, "nginx:2")
        yield server


async def _get(server: TestServer, path: str, **who: Any) -> Any:
    answer = await server.get(path, **who)
    assert answer.status == 200, answer.text
    return answer.json()


async def test_versions_are_told_from_wherever_they_are_known(server: TestServer) -> None:
    await server.put(web("nginx:3"), replica_set("nginx:3", 3))
    await _started(server, "nginx:3")
    found = await _get(server, f"{WEB}/versions")
    assert (found["kind"], found["apiVersion"], found["metadata"]["name"]) == ("Versions", f"{GROUP}/v1", "web")
    assert [(each["name"], each["revision"], each["origins"]) for each in found["versions"]] == [
        ("r1", 1, ["Revision"]),
        ("1", 2, ["Cache", "Revision"]),
        ("2", 3, ["Cache", "Present", "Revision"]),
    ]
    assert found["versions"][0]["partial"]
    assert found["versions"][0]["time"] == "2026-01-01T00:00:00Z"
    assert "omitted" not in found


async def test_specs_are_shown(server: TestServer) -> None:
    await server.put(web("nginx:3", tier="front"))
    await _started(server, "nginx:3")
    found = await _get(server, f"{WEB}/spechistory?last=2")
    first, second = found["specs"]
    assert (first["spec"]["template"], second["spec"]["template"]) == (_template("nginx:2"), _template("nginx:3"))
    assert second["rest"] == {"metadata": {"labels": {"tier": "front"}}}
    assert found["older"] == 1


async def test_what_is_different_between_two_versions(server: TestServer) -> None:
    await server.put(web("nginx:3", 4))
    await _started(server, "nginx:3")
    image = {"path": "spec.template.spec.containers[name=nginx].image", "what": "Changed"}
    replicas = {"path": "spec.replicas", "what": "Changed", "before": 1, "after": 4}
    last = await _get(server, f"{WEB}/diff")
    assert (last["start"]["name"], last["end"]["name"]) == ("1", "2")
    assert last["changes"] == [replicas, {**image, "before": "nginx:2", "after": "nginx:3"}]
    parts = await _get(server, f"{WEB}/diff?start=r1&end=latest")
    assert parts["changes"] == [{**image, "before": "nginx:1", "after": "nginx:3"}]
    assert parts["compared"] == "spec.template"
    for field in ("spec.replicas", "replicas"):
        assert (await _get(server, f"{WEB}/diff?start=1&end=2&field={field}"))["changes"] == [replicas]
    back = await _get(server, f"{WEB}/diff?start=2&end=1&field=replicas")
    assert back["changes"] == [{**replicas, "before": 4, "after": 1}]


async def test_when_a_field_got_its_value(server: TestServer) -> None:
    await server.put(web("nginx:3"))
    await _started(server, "nginx:3")
    found = await _get(server, f"{WEB}/bisect?field=containers[*].image&value=nginx:2")
    assert found["found"]
    assert not found["holds"]
    assert (found["before"]["name"], found["first"]["name"]) == ("r1", "1")
    found = await _get(server, f"{WEB}/bisect?field=image&value=nginx:3")
    assert (found["first"]["name"], found["since"]["name"], found["holds"]) == ("2", "2", True)
    assert not (await _get(server, f"{WEB}/bisect?field=spec.paused"))["found"]


async def test_what_changed_in_a_tree(server: TestServer) -> None:
    await server.put(web("nginx:3"), replica_set("nginx:2", 2, 0))
    await _started(server, "nginx:3")
    await server.delete("apps/v1", "ReplicaSet", "web-1", "shop")
    found = await _get(server, f"{WEB}/changes?since=10m")
    said = {(each["what"], each["kind"], each["name"]): each for each in found["changes"]}
    assert set(said) == {
        ("Changed", "Deployment", "web"), ("Changed", "ReplicaSet", "web-2"), ("Deleted", "ReplicaSet", "web-1")
    }  # fmt: skip
    assert said["Changed", "Deployment", "web"]["version"] == "2"
    (field,) = said["Changed", "Deployment", "web"]["fields"]
    assert (field["before"], field["after"]) == ("nginx:2", "nginx:3")
    assert said["Changed", "ReplicaSet", "web-2"]["fields"] == [
        {"path": "spec.replicas", "what": "Changed", "before": 1, "after": 0}
    ]
    assert found["completeSince"] > found["since"]
    times = [each["time"] for each in found["changes"]]
    assert times == sorted(times, reverse=True)
    assert len((await _get(server, f"{WEB}/changes?last=1"))["changes"]) == 1
    assert (await _get(server, f"{WEB}/changes?since=0s"))["changes"] == []


async def test_a_list_is_of_all_objects(server: TestServer) -> None:
    found = await _get(server, "namespaces/shop/deployments/*/versions")
    assert found["kind"] == "VersionsList"
    assert [item["metadata"]["name"] for item in found["items"]] == ["web"]


async def test_other_kinds_have_their_present_version_and_secrets_none(server: TestServer) -> None:
    (version,) = (await _get(server, "namespaces/shop/configmaps/config/spechistory"))["specs"]
    assert version["version"]["origins"] == ["Present"]
    assert version["rest"] == {"data": {"a": "1"}}
    answer = await server.get("namespaces/shop/secrets/token/spechistory")
    assert answer.status == 404 or answer.json()["specs"] == []
    assert "c2VjcmV0" not in answer.text
    assert (await server.get("namespaces/shop/secrets/token/diff")).status == 404


@pytest.mark.parametrize(
    ("path", "code", "words"),
    [
        ("diff?start=77", 404, 'start: version "77" is not known; known are r1, 1'),
        ("diff?end=then", 400, 'end: "then" means no version; accepted are'),
        ("diff?field=a..b", 400, 'field: "a..b" is not a path to a field; accepted are'),
        ("bisect", 400, "field is needed"),
        ("bisect?field=[", 400, "field: "),
        ("changes?since=always", 400, 'since: "always" is no time; accepted are'),
        ("changes?last=0", 400, "last must be a whole number of at least 1"),
        ("spechistory?last=101", 400, "last must be a whole number"),
    ],
)
async def test_what_cannot_be_answered_is_named(server: TestServer, path: str, code: int, words: str) -> None:
    answer = await server.get(f"{WEB}/{path}")
    assert (answer.status, answer.json()["kind"]) == (code, "Status")
    assert words in answer.json()["message"]


async def test_who_may_not_get_the_object_is_refused(server: TestServer) -> None:
    rights = server.cluster.rights
    rights.allow("jane", "get", f"*.{GROUP}/*", namespace="shop")
    rights.allow("jane", "list", "deployments.apps,replicasets.apps", namespace="shop")
    for path in ("versions", "spechistory", "diff", "bisect?field=image", "changes"):
        answer = await server.get(f"{WEB}/{path}", user="jane")
        assert answer.status == 403, path
        assert 'cannot get resource "deployments" in API group "apps"' in answer.json()["message"]
    rights.allow("kate", "get", f"*.{GROUP}/*", namespace="shop")
    rights.allow("kate", "get", "deployments.apps", namespace="shop", names=["web"])
    assert (await server.get(f"{WEB}/versions", user="kate")).status == 200


async def test_what_comes_of_replica_sets_is_for_who_may_list_them(server: TestServer) -> None:
    rights = server.cluster.rights
    rights.allow("jane", "get", f"*.{GROUP}/*", namespace="shop")
    rights.allow("jane", "get,list", "deployments.apps", namespace="shop")
    await server.delete("apps/v1", "ReplicaSet", "web-1", "shop")
    for path in ("versions", "spechistory", "diff", "bisect?field=image", "changes"):
        answer = await server.get(f"{WEB}/{path}", user="jane")
        assert answer.status == 200, answer.text
        assert [each["resource"] for each in answer.json()["omitted"]] == ["replicasets"], path
        for trace in ("nginx:1", "r1", "Revision", "web-1"):
            assert f'"{trace}"' not in answer.text, path


async def test_what_kube_apiserver_does_not_answer_is_named(server: TestServer) -> None:
    server.cluster.delete("apps/v1", "Deployment", "web", "shop")
    server.cluster.put(web("nginx:9"))
    await server.cluster.__aexit__(None, None, None)
    found = await _get(server, f"{WEB}/versions")
    assert {each["resource"] for each in found["omitted"]} == {"deployments", "replicasets"}


async def test_nothing_is_recorded_where_that_is_said() -> None:
    settings: Settings = read_settings({"history": {"kinds": []}})
    async with TestServer(objects=[web("nginx:1")], settings=settings) as server:
        await server.put(web("nginx:2"))
        (version,) = (await _get(server, f"{WEB}/versions"))["versions"]
        assert version["origins"] == ["Present"]
        assert not [
            path for _, path in server.cluster.requests if path.startswith("/apis/apps/v1/deployments?limit=100")
        ]
