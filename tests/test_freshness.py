"""Waiting until the caches are as fresh as asked."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec import structs

from kubediscovery import freshness
from kubediscovery.errors import Expired, ServerTimeout
from kubediscovery.freshness import SETTLING, Settled, fresh_enough, require_exact
from kubediscovery.options import Options
from tests.objects import DEPLOYMENT, POD, filled, make
from tests.reviewing import Time
from tests.serving import PREFIX, Serving
from tests.waiting import until


@dataclass
class Cluster:
    version: int = 7


@pytest.mark.parametrize("version", [0, 1, 7])
async def test_what_has_been_seen_is_answered_at_once(version: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freshness, "PATIENCE", 0)
    await fresh_enough(Cluster(), version)


async def test_what_is_seen_in_time_is_waited_for() -> None:
    cluster = Cluster()
    waiting = [asyncio.create_task(fresh_enough(cluster, version)) for version in (8, 9)]
    cluster.version = 8
    await waiting[0]
    assert not waiting[1].done()
    cluster.version = 10
    await waiting[1]


async def test_what_is_not_seen_in_time_is_a_timeout_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert freshness.PATIENCE == 3
    monkeypatch.setattr(freshness, "PATIENCE", 0.02)
    with pytest.raises(ServerTimeout) as caught:
        await fresh_enough(Cluster(), 8)
    assert str(caught.value) == "Timeout: Too large resource version: 8, current: 7"
    assert (caught.value.cause, caught.value.retry_after) == ("ResourceVersionTooLarge", 1)


async def test_who_goes_away_is_not_waited_for_any_more() -> None:
    waiting = asyncio.create_task(fresh_enough(Cluster(), 8))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


def test_one_version_alone_is_served_while_it_is_the_present_one() -> None:
    require_exact(Cluster(), Options(least_version=7, exact=True))
    require_exact(Cluster(), Options(least_version=3))
    for version in (6, 8):
        with pytest.raises(Expired, match="The resourceVersion for the provided list is too old: 7 is the only one"):
            require_exact(Cluster(), Options(least_version=version, exact=True))


def test_what_was_seen_of_one_kind_is_given_time_to_arrive_of_the_others() -> None:
    """A pod's change at 901 arrives after its Deployment's at 902: until it should have, 902 has not been reached."""
    clock, store = Time(), filled([make(DEPLOYMENT, "web"), make(POD, "web-1")], version=900)
    settled = Settled(store, timer=clock.timer)
    assert settled.version == 900
    store.put(make(DEPLOYMENT, "web", resource_version=902))
    store.advance(DEPLOYMENT, 902)
    clock.now += SETTLING / 2
    store.put(make(POD, "web-1", resource_version=901))
    assert settled.version == 900
    clock.now += SETTLING
    assert settled.version == 902


def test_a_version_that_a_bookmark_told_of_counts_from_when_somebody_looks() -> None:
    clock, store = Time(), filled([], version=900)
    settled = Settled(store, timer=clock.timer)
    store.advance(POD, 950)
    clock.now += 10 * SETTLING
    assert settled.version == 900
    clock.now += 2 * SETTLING
    assert settled.version == 950


def test_under_load_it_follows_at_a_distance_and_keeps_little() -> None:
    clock, store = Time(), filled([], version=900)
    settled = Settled(store, timer=clock.timer)
    for version in range(1_000, 3_000):
        clock.now = (version - 1_000) / 1_000
        store.put(make(POD, f"pod-{version}", resource_version=version))
        assert len(settled._marks) <= 3 * SETTLING / 0.01
    behind = 2_999 - settled.version
    assert SETTLING * 1_000 <= behind <= SETTLING * 1_000 + 25
    clock.now += 2 * SETTLING
    assert settled.version == 2_999


async def test_a_request_waits_until_what_was_written_should_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freshness, "SETTLING", 3_600)
    monkeypatch.setattr(freshness, "PATIENCE", 60)
    serving = Serving()
    target = f"{PREFIX}/namespaces/shop/deployments/web/compositions"
    asking = asyncio.create_task(serving.get(f"{target}?resourceVersion=950&resourceVersionMatch=NotOlderThan"))
    [web] = [item for item in serving.store.objects(DEPLOYMENT, "shop") if item.name == "web"]
    [pod] = [item for item in serving.store.objects(POD, "shop") if item.name == "web-1-a"]
    serving.store.put(structs.replace(web, resource_version=951))
    await asyncio.sleep(0.05)
    assert not asking.done()
    serving.store.put(structs.replace(pod, resource_version=950))
    monkeypatch.setattr(freshness, "SETTLING", 0)
    await until(asking.done)
    assert {"950", "951"} <= {node["resourceVersion"] for node in walk(asking.result().json()["root"])}


def walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("children", ()):
        yield from walk(child)
