"""Lists as clients ask for them: pages, versions, and parameters that do not go together."""

import asyncio
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubediscovery.continuation import LATEST, Continuation, Key, encode_continuation
from tests.objects import POD, REPLICA_SET
from tests.serving import NEWEST, PREFIX, Serving, make

LISTS = ("compositions", "namespaces/shop/compositions", "pods/*/compositions", "namespaces/shop/pods/*/compositions")
WEB = f"{PREFIX}/namespaces/shop/deployments/web/compositions"
TABLE = ("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")


@pytest.fixture
def serving() -> Serving:
    return Serving()


def names(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["metadata"]["name"] for item in answer.json()["items"]]


def status(answer: httpx.Response, code: int, reason: str) -> dict[str, Any]:
    assert (answer.status_code, answer.json()["reason"]) == (code, reason), answer.text
    found: dict[str, Any] = answer.json()
    return found


def token_after(version: int, name: str = "deployments.apps.web") -> str:
    return encode_continuation(Continuation(version, Key("shop", name, "deployments.apps")))


async def test_an_answer_waits_until_the_caches_are_as_fresh_as_asked(serving: Serving) -> None:
    asked = asyncio.create_task(serving.get(f"{WEB}?resourceVersion={NEWEST + 1}"))
    await asyncio.sleep(0.02)
    assert not asked.done()
    serving.store.put(make(POD, "web-1-c", owner=serving.store.find(REPLICA_SET, "shop", "web-1"), version=NEWEST + 1))
    serving.store.advance(POD, NEWEST + 1)
    found = (await asked).json()
    assert found["metadata"]["resourceVersion"] == str(NEWEST + 1)
    assert found["status"]["pods"]["total"] == 3


async def test_one_exact_version_is_served_while_there_is_no_other(serving: Serving) -> None:
    asked = f"{PREFIX}/compositions?resourceVersionMatch=Exact&resourceVersion="
    assert (await serving.get(f"{asked}{NEWEST}")).json()["metadata"]["resourceVersion"] == str(NEWEST)
    status(await serving.get(f"{asked}{NEWEST - 1}"), 410, "Expired")


async def test_lists_come_in_pages(serving: Serving) -> None:
    for path in LISTS:
        whole = names(await serving.get(f"{PREFIX}/{path}"))
        found, token = [], ""
        while True:
            page = await serving.get(f"{PREFIX}/{path}?limit=2&continue={token}")
            found += names(page)
            assert len(names(page)) <= 2
            token = page.json()["metadata"].get("continue", "")
            if not token:
                break
        assert found == whole
        assert len(whole) > 2


async def test_a_table_has_the_token_for_its_next_page(serving: Serving) -> None:
    answer = await serving.get(f"{PREFIX}/compositions?limit=2", headers=[TABLE])
    plain = await serving.get(f"{PREFIX}/compositions?limit=2")
    assert answer.json()["kind"] == "Table"
    assert len(answer.json()["rows"]) == 2
    assert answer.json()["metadata"] == plain.json()["metadata"]


async def test_a_token_that_nobody_gave_out_is_a_bad_request(serving: Serving) -> None:
    found = status(await serving.get(f"{PREFIX}/compositions?limit=500&continue=x"), 400, "BadRequest")
    assert found["message"].startswith("continue key is not valid: ")


async def test_parameters_that_do_not_go_together_are_invalid(serving: Serving) -> None:
    found = status(await serving.get(f"{PREFIX}/compositions?resourceVersionMatch=Foo"), 422, "Invalid")
    assert found["details"]["kind"] == "ListOptions"
    assert [cause["field"] for cause in found["details"]["causes"]] == ["resourceVersionMatch"] * 2


async def test_the_first_page_is_what_another_replica_waits_for(serving: Serving) -> None:
    ahead = token_after(NEWEST + 1)
    asked = asyncio.create_task(serving.get(f"{PREFIX}/compositions?limit=1&continue={ahead}"))
    await asyncio.sleep(0.02)
    assert not asked.done()
    serving.store.advance(POD, NEWEST + 5)
    assert (await asked).json()["metadata"]["resourceVersion"] == str(NEWEST + 1)


async def test_an_expired_token_comes_with_one_for_the_rest(serving: Serving) -> None:
    token = token_after(NEWEST - 1)
    found = status(await serving.get(f"{PREFIX}/compositions?limit=1&continue={token}"), 410, "Expired")
    assert found["message"].startswith("The provided continue parameter is too old to display a consistent list result")
    assert found["metadata"] == {"continue": token_after(LATEST)}


async def test_a_list_can_go_on_at_whatever_version_there_is(serving: Serving) -> None:
    page = await serving.get(f"{PREFIX}/compositions?limit=1&continue={token_after(LATEST)}")
    assert names(page) == ["deployments.example.com.web"]
    assert page.json()["metadata"]["resourceVersion"] == str(NEWEST)


async def test_each_page_is_what_its_caller_may_see(serving: Serving) -> None:
    """A token from somebody else says where to start and nothing more."""
    serving.rights.grant("bob", verb="list", resource="compositions", namespace="shop")
    serving.rights.grant("bob", verb="list", resource="cronjobs", namespace="shop")
    whole = f"{PREFIX}/namespaces/shop/compositions"
    token = (await serving.get(f"{whole}?limit=1")).json()["metadata"]["continue"]
    assert names(await serving.get(f"{whole}?limit=9&continue={token}")) == [
        "deployments.apps.web",
        "deployments.example.com.web",
        "pods.lonely",
        "statefulsets.apps.db",
    ]
    assert names(await serving.get(f"{whole}?limit=1", user="bob")) == ["cronjobs.batch.tick"]
    mine = (await serving.get(f"{whole}?limit=9&continue={token}", user="bob")).json()
    assert mine["items"] == []
    assert "remainingItemCount" not in mine["metadata"]
    from_the_start = token_after(NEWEST, "a")
    assert names(await serving.get(f"{whole}?continue={from_the_start}", user="bob")) == ["cronjobs.batch.tick"]
    status(await serving.get(f"{PREFIX}/compositions?limit=1&continue={token}", user="bob"), 403, "Forbidden")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(LISTS), st.text(alphabet="abcXYZ019-_=. %+/\0", max_size=40))
async def test_whatever_is_sent_as_a_token_is_a_bad_request(serving: Serving, path: str, token: str) -> None:
    query = str(httpx.QueryParams({"continue": "x" + token, "limit": "2"}))
    found = status(await serving.get(f"{PREFIX}/{path}?{query}"), 400, "BadRequest")
    assert found["message"].startswith("continue key is not valid: ")
