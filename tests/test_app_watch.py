"""Watches over the whole HTTP side; what they tell is in test_watch."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from msgspec import structs

from kubediscovery import freshness, resources, watching
from kubediscovery.errors import UpstreamError
from kubediscovery.reviews import REVIEW_MAX_AGE
from tests.objects import DEPLOYMENT, POD
from tests.serving import GROUP, NEWEST, PREFIX, Serving, make
from tests.waiting import until

WEB = f"{PREFIX}/namespaces/shop/deployments/web/compositions"
SHOP = f"{PREFIX}/namespaces/shop/deployments/*/compositions"
ONE_SECOND = "timeoutSeconds=1"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
METADATA = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
SHOP_ROOTS = [
    "cronjobs.batch.tick",
    "deployments.apps.web",
    "deployments.example.com.web",
    "pods.lonely",
    "statefulsets.apps.db",
]


@pytest.fixture
def serving() -> Serving:
    return Serving()


def events(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert "content-length" not in answer.headers
    return [json.loads(line) for line in answer.text.splitlines()]


def names(answer: httpx.Response) -> list[str]:
    return sorted(event["object"]["metadata"].get("name", "") for event in events(answer))


@pytest.mark.parametrize(
    ("target", "wanted"),
    [
        (f"{PREFIX}/watch/namespaces/shop/compositions?{ONE_SECOND}", SHOP_ROOTS),
        (f"{PREFIX}/namespaces/shop/compositions?watch&{ONE_SECOND}", SHOP_ROOTS),
        (f"{PREFIX}/compositions?watch=true&{ONE_SECOND}&labelSelector=app=web", ["deployments.apps.web"]),
        (f"{PREFIX}/watch/namespaces/shop/compositions/pods.lonely?{ONE_SECOND}", ["pods.lonely"]),
        (f"{PREFIX}/watch/namespaces/shop/deployments/web/compositions?{ONE_SECOND}", ["deployments.apps.web"]),
        (f"{WEB}?limit=500&watch=true&{ONE_SECOND}", ["deployments.apps.web"]),
        (f"{SHOP}?watch=1&{ONE_SECOND}", ["deployments.apps.web"]),
        (f"{PREFIX}/watch/deployments.example.com/*/compositions?{ONE_SECOND}", ["deployments.example.com.web"]),
        (f"{PREFIX}/watch/fleets/north/compositions?{ONE_SECOND}", ["fleets.example.com.north"]),
        (f"{PREFIX}/watch/namespaces/shop/deployments/none/compositions?{ONE_SECOND}", []),
    ],
)
async def test_every_path_can_be_watched(serving: Serving, target: str, wanted: list[str]) -> None:
    assert names(await serving.get(target)) == wanted


async def test_an_event_is_told_while_the_watch_is_open(serving: Serving) -> None:
    answering = asyncio.create_task(serving.get(f"{WEB}?watch=1&{ONE_SECOND}", stays=5))
    await asyncio.sleep(0.2)
    pod = serving.store.find(POD, "shop", "web-1-a")
    assert pod is not None
    serving.store.put(structs.replace(pod, resource_version=950))
    first, second = events(await answering)
    assert (first["type"], second["type"]) == ("ADDED", "MODIFIED")
    assert second["object"]["metadata"]["resourceVersion"] == "950"


async def test_a_table_has_its_columns_once(serving: Serving) -> None:
    target = f"{PREFIX}/namespaces/shop/compositions?watch=1&{ONE_SECOND}&allowWatchBookmarks=true"
    first, *others = events(await serving.get(target, headers=[("Accept", TABLE)], stays=5))
    assert first["object"]["kind"] == "Table"
    assert [column["name"] for column in first["object"]["columnDefinitions"]][:3] == ["Name", "Ready", "Health"]
    assert [event["object"]["columnDefinitions"] for event in others] == [None] * 5
    assert others[-1]["type"] == "BOOKMARK"


async def test_metadata_alone_can_be_watched(serving: Serving) -> None:
    answer = await serving.get(f"{WEB}?watch=1&{ONE_SECOND}", headers=[("Accept", METADATA)])
    (event,) = events(answer)
    assert event["object"]["kind"] == "PartialObjectMetadata"


@pytest.mark.parametrize(
    ("target", "code", "words"),
    [
        (f"{PREFIX}/compositions?watch=1&sendInitialEvents=true", 422, "resourceVersionMatch"),
        (f"{PREFIX}/compositions?watch=1&resourceVersionMatch=NotOlderThan", 422, "sendInitialEvents"),
        (f"{PREFIX}/compositions?watch=1&labelSelector=a+b", 400, "labelSelector"),
        (f"{PREFIX}/compositions?watch=1&timeoutSeconds=long", 400, "timeoutSeconds"),
        (f"{PREFIX}/watch/secrets/*/compositions", 404, "secrets"),
        (f"{WEB}?watch=perhaps", 400, "watch"),
    ],
)
async def test_what_cannot_be_watched_is_refused_before_it_begins(
    serving: Serving, target: str, code: int, words: str
) -> None:
    answer = await serving.get(target)
    assert (answer.status_code, answer.json()["kind"]) == (code, "Status")
    assert words in answer.json()["message"]


async def test_yaml_is_no_stream(serving: Serving) -> None:
    answer = await serving.get(f"{WEB}?watch=1", headers=[("Accept", "application/yaml")])
    assert answer.status_code == 406


async def test_a_version_that_is_too_old_is_told_in_the_stream(serving: Serving) -> None:
    (event,) = events(await serving.get(f"{PREFIX}/compositions?watch=1&resourceVersion=5"))
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")


async def test_a_version_that_is_not_seen_yet_is_waited_for(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client may come from a replica that is ahead: what it knows must not be told as news."""
    target = f"{PREFIX}/compositions?watch=1&{ONE_SECOND}&resourceVersion={NEWEST + 50}"
    answering = asyncio.create_task(serving.get(target, stays=5))
    await asyncio.sleep(0.05)
    pod = serving.store.find(POD, "shop", "web-1-a")
    assert pod is not None
    serving.store.put(structs.replace(pod, resource_version=NEWEST + 60))
    serving.store.advance(POD, NEWEST + 60)
    (event,) = events(await answering)
    assert event["object"]["metadata"]["resourceVersion"] == str(NEWEST + 60)
    monkeypatch.setattr(freshness, "PATIENCE", 0.05)
    answer = await serving.get(f"{PREFIX}/compositions?watch=1&resourceVersion={10**12}")
    assert (answer.status_code, answer.json()["reason"]) == (504, "Timeout")


async def test_who_comes_while_the_server_ends_is_told_to_come_again(serving: Serving) -> None:
    """A watch that ended at once would make client-go begin anew; there may be another replica to go on at."""
    serving.readiness.draining.set()
    answer = await serving.get(f"{PREFIX}/compositions?watch=1&resourceVersion={NEWEST}")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


async def test_who_may_not_watch_is_told_at_once(serving: Serving) -> None:
    serving.rights.grant("bob", verb="list", resource="compositions")
    answer = await serving.get(f"{PREFIX}/compositions?watch=1", user="bob")
    assert answer.status_code == 403
    assert 'cannot watch resource "compositions"' in answer.json()["message"]


async def test_a_watch_shows_what_its_caller_may_see(serving: Serving) -> None:
    serving.rights.grant("bob", verb="watch", resource="compositions")
    serving.rights.grant("bob", verb="list", resource="deployments", group="apps")
    target = f"{PREFIX}/namespaces/shop/compositions?watch=1&{ONE_SECOND}"
    (event,) = events(await serving.get(target, user="bob"))
    assert event["object"]["metadata"]["name"] == "deployments.apps.web"
    assert "children" not in event["object"]["root"]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reviews of open watches come soon and count nothing that is older."""
    monkeypatch.setattr(watching, "REVIEW_EVERY", 0.05)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda serving: serving.rights.granted["bob"].pop(0), 403),
        (lambda serving: serving.rights.granted["bob"].pop(1), 410),
        (lambda serving: serving.rights.grant("bob", verb="list", resource="pods"), 410),
        (lambda serving: setattr(serving.rights, "failure", UpstreamError("away", code=400)), 500),
    ],
    ids=["the right to watch", "the right to see a kind", "a kind more to see", "nobody knows"],
)
async def test_what_changes_in_rights_ends_the_watch(serving: Serving, change: Any, code: int) -> None:
    serving.rights.grant("bob", verb="watch", resource="compositions")
    serving.rights.grant("bob", verb="list", resource="deployments", group="apps")
    answering = asyncio.create_task(
        serving.get(f"{PREFIX}/namespaces/shop/compositions?watch=1&timeoutSeconds=20", user="bob", stays=60)
    )
    await asyncio.sleep(0.2)
    assert not answering.done()
    change(serving)
    serving.time.now += REVIEW_MAX_AGE
    first, last = events(await asyncio.wait_for(answering, 5))
    assert (first["type"], last["type"], last["object"]["code"]) == ("ADDED", "ERROR", code)


def watched(serving: Serving) -> list[tuple[str, bool]]:
    """Name and field of all reviews of the right to watch."""
    found = [each for each in serving.reviewed if each["verb"] == "watch"]
    return [(each.get("name", ""), "fieldSelector" in each) for each in found]


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    ("name", "later"), [("", [("", False)]), ("pods.lonely", [("", False), ("pods.lonely", True)])]
)
async def test_who_may_watch_all_is_not_reviewed_for_each_name(
    serving: Serving, name: str, later: list[tuple[str, bool]]
) -> None:
    serving.rights.grant("bob", verb="watch", resource="compositions", **({"name": name} if name else {}))
    serving.rights.grant("bob", verb="list", resource="pods")
    target = f"{PREFIX}/namespaces/shop/compositions?watch=1&fieldSelector=metadata.name%3Dpods.lonely"
    answering = asyncio.create_task(serving.get(f"{target}&timeoutSeconds=20", user="bob", stays=60))
    await until(lambda: watched(serving)[:1] == [("pods.lonely", True)])
    serving.reviewer.specs.clear()
    serving.time.now += REVIEW_MAX_AGE
    # Each review may come in a step of its own.
    await until(lambda: watched(serving)[: len(later)] == later)
    serving.rights.granted["bob"].pop(0)
    serving.time.now += REVIEW_MAX_AGE
    *_, last = events(await asyncio.wait_for(answering, 5))
    assert (last["type"], last["object"]["code"]) == ("ERROR", 403)


async def test_a_watch_of_what_kube_apiserver_cuts_off_ends_before(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "_SHORT_WATCH", 0.1)
    answer = await asyncio.wait_for(serving.get(f"{WEB}?watch=1&timeoutSeconds=20", stays=60), 5)
    assert len(events(answer)) == 1


async def test_while_a_cache_is_empty_a_watch_is_told_to_wait() -> None:
    serving = Serving([])
    pending = type(serving.store)(serving.store.kinds)
    pending.replace(DEPLOYMENT, [make(DEPLOYMENT, "web")], 5)
    answer = await Serving(store=pending).get(f"{PREFIX}/compositions?watch=1")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert f"{GROUP}" not in answer.json()["message"]
