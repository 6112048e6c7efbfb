"""Waiting until the caches are as fresh as asked."""

import asyncio
from dataclasses import dataclass

import pytest

from kubediscovery import freshness
from kubediscovery.errors import Expired, ServerTimeout
from kubediscovery.freshness import fresh_enough, require_exact
from kubediscovery.options import Options


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
