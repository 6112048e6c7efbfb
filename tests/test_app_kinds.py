"""Kinds that come and go while the server runs, over the whole HTTP side."""

from typing import Any

import pytest

from kubediscovery.built_in_registry import built_in_registry
from kubediscovery.kinds import Kind
from kubediscovery.store import Coverage
from tests.objects import DEPLOYMENT, POD, make
from tests.serving import GROUP, KINDS, PREFIX, Serving

KAFKA = Kind("example.org", "v1", "kafkas", "Kafka", "kafka", workload=True, custom=True)
SERVICE = Kind("example.org", "v1", "pods", "Pod", "pod", workload=True, custom=True)
ALL_KAFKAS = f"{PREFIX}/kafkas.example.org/*/compositions"
DISCOVERY = f"/apis/{GROUP}/v1"


@pytest.fixture
def serving() -> Serving:
    return Serving()


def come(serving: Serving, *kinds: Kind) -> None:
    serving.store.follow((*KINDS, *kinds))
    for kind in kinds:
        serving.store.replace(kind, [], 900)


async def names(serving: Serving, target: str, user: str = "admin") -> list[str]:
    answer = await serving.get(target, user=user)
    assert answer.status_code == 200, answer.text
    return [item["metadata"]["name"] for item in answer.json()["items"]]


async def listed(serving: Serving) -> set[str]:
    return {entry["name"] for entry in (await serving.get(DISCOVERY)).json()["resources"]}


async def test_a_kind_has_its_subresource_from_the_moment_it_comes_until_it_goes(serving: Serving) -> None:
    assert (await serving.get(ALL_KAFKAS)).status_code == 404
    before = await serving.get(DISCOVERY)
    come(serving, KAFKA)
    main = make(KAFKA, "main", resource_version=901)
    serving.store.put(main)
    serving.store.put(make(DEPLOYMENT, "broker", owners=[main], resource_version=902))
    assert await names(serving, ALL_KAFKAS) == await names(serving, f"{PREFIX}/kafkas/*/compositions")
    assert await names(serving, ALL_KAFKAS) == ["kafkas.example.org.main"]
    one = (await serving.get(f"{PREFIX}/namespaces/shop/compositions/kafkas.example.org.main")).json()
    assert [child["name"] for child in one["root"]["children"]] == ["broker"]
    assert await listed(serving) - {entry["name"] for entry in before.json()["resources"]} == {
        "kafkas",
        *(f"kafkas/{each.name}" for each in built_in_registry() if each.on is not None),
    }
    assert (await serving.get(DISCOVERY)).headers["etag"] != before.headers["etag"]
    serving.store.follow(KINDS)
    assert (await serving.get(ALL_KAFKAS)).status_code == 404
    assert (await serving.get(DISCOVERY)).headers["etag"] == before.headers["etag"]
    assert "deployments.apps.broker" in await names(serving, f"{PREFIX}/namespaces/shop/compositions")


async def test_a_plural_means_the_kind_that_kubectl_would_take_and_the_group_tells_them_apart(serving: Serving) -> None:
    come(serving, SERVICE)
    serving.store.put(make(SERVICE, "whale", resource_version=901))
    assert "pods.whale" not in await names(serving, f"{PREFIX}/pods/*/compositions")
    assert await names(serving, f"{PREFIX}/pods.example.org/*/compositions") == ["pods.example.org.whale"]


async def test_nobody_waits_for_a_kind_that_came_late_but_who_asks_for_it(serving: Serving) -> None:
    serving.store.follow((*KINDS, KAFKA))
    assert (await serving.get(f"{PREFIX}/compositions")).status_code == 200
    waiting = await serving.get(ALL_KAFKAS)
    assert (waiting.status_code, waiting.headers["retry-after"]) == (503, "1")
    assert "kafkas.example.org" in waiting.json()["message"]
    omitted = (await serving.get(f"{PREFIX}/compositions")).json()["omitted"]
    assert {"group": "example.org", "resource": "kafkas", "reason": "Pending"}.items() <= omitted[-1].items()
    serving.store.omit(KAFKA, Coverage.UNAVAILABLE)
    assert (await serving.get(ALL_KAFKAS)).status_code == 503
    omitted = (await serving.get(f"{PREFIX}/compositions")).json()["omitted"]
    assert {"group": "example.org", "resource": "kafkas", "reason": "Unavailable"}.items() <= omitted[-1].items()


async def test_who_may_not_list_a_kind_cannot_tell_whether_there_is_any(serving: Serving) -> None:
    come(serving, KAFKA)
    serving.rights.grant("bob", verb="list", resource="compositions")
    serving.rights.grant("bob", verb="get", resource="deployments/compositions")
    serving.rights.grant("bob", verb="list", resource="deployments", group="apps")

    async def seen() -> list[Any]:
        found = []
        for target in ("compositions", "deployments/web/compositions"):
            answer = (await serving.get(f"{PREFIX}/namespaces/shop/{target}", user="bob")).json()
            answer["metadata"].pop("resourceVersion")
            found.append(answer)
        return found

    before = await seen()
    main = make(KAFKA, "main", resource_version=901)
    serving.store.put(main)
    serving.store.put(make(KAFKA, "part", owners=[main], resource_version=902))
    serving.store.put(make(KAFKA, "below", owners=[serving.store.find(DEPLOYMENT, "shop", "web") or main]))
    assert await seen() == before
    assert "kafka" not in str(before)


async def test_a_watch_goes_on_while_kinds_come_and_go(serving: Serving) -> None:
    target = f"{PREFIX}/compositions?watch=1&timeoutSeconds=1&fieldSelector=root.kind%3DPod"
    come(serving, KAFKA)
    answer = await serving.get(target)
    assert POD.kind in answer.text
    assert "ERROR" not in answer.text
