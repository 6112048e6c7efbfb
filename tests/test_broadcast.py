"""Who is told of what, and when; what the events say is in test_watch."""

import asyncio

import pytest

from kubediscovery import broadcast
from kubediscovery.broadcast import LONGEST, SHORTEST, Subscriber
from kubediscovery.compositions import Target
from kubediscovery.errors import Expired, StatusError
from kubediscovery.kinds import Kind
from kubediscovery.store import Coverage
from kubediscovery.views import Selection, View, WatchEvent
from tests.objects import DEPLOYMENT, POD, seeing
from tests.test_watch import ALL, PODS, WEB, Bench, changed, select


class Reader:
    def __init__(self, bench: Bench, selection: Selection | None = None, visible: frozenset[Kind] = ALL) -> None:
        self.batches: list[list[WatchEvent]] = []
        self.errors: list[StatusError] = []
        self.subscriber = Subscriber(self.batches.append, self.errors.append)
        self.view: View = bench.broadcaster.subscribe(selection or select(), seeing(visible), self.subscriber)

    @property
    def names(self) -> list[list[str]]:
        return [[event.composition.root.name for event in batch] for batch in self.batches]


async def test_what_changes_at_about_the_same_time_is_told_together() -> None:
    bench = Bench()
    reader = Reader(bench)
    for version in range(30, 40):
        bench.store.put(changed(PODS[0], version))
        await asyncio.sleep(0)
    assert reader.batches == []
    await asyncio.sleep(SHORTEST * 5)
    assert reader.names == [["web"]]
    assert SHORTEST < LONGEST


async def test_who_watches_the_same_shares_it() -> None:
    bench = Bench()
    first, second, other = Reader(bench), Reader(bench), Reader(bench, visible=ALL - {POD})
    assert first.view is second.view
    assert other.view is not first.view
    bench.store.put(changed(WEB, 30))
    bench.broadcaster.told()
    assert first.batches[0][0] is second.batches[0][0]
    assert other.batches[0][0] is not first.batches[0][0]


async def test_who_watches_one_name_is_told_of_no_other() -> None:
    bench = Bench()
    reader = Reader(bench, select(Target(POD, "shop"), fields="metadata.name=pods.web-1-a"))
    for pod in PODS:
        bench.store.put(changed(pod, 30))
    bench.broadcaster.told()
    assert reader.names == [["web-1-a"]]


async def test_who_subscribes_is_not_told_of_what_was_before() -> None:
    bench = Bench()
    first = Reader(bench)
    bench.store.put(changed(WEB, 30))
    second = Reader(bench)
    bench.broadcaster.told()
    assert (first.names, second.names) == ([["web"]], [])


async def test_who_has_left_is_told_nothing_and_the_last_one_takes_the_view_along() -> None:
    bench = Bench()
    first, second = Reader(bench), Reader(bench)
    bench.broadcaster.unsubscribe(first.view, first.subscriber)
    bench.store.put(changed(WEB, 30))
    bench.broadcaster.told()
    assert (first.names, second.names) == ([], [["web"]])
    bench.broadcaster.unsubscribe(second.view, second.subscriber)
    bench.broadcaster.unsubscribe(second.view, second.subscriber)
    assert bench.broadcaster.watches == 0
    assert Reader(bench).view is not first.view


async def test_what_was_shown_as_it_is_now_is_not_shown_again_for_changes_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """More changes than are told at a time: the first event has what the later ones made."""
    monkeypatch.setattr(broadcast, "_AT_ONCE", 2)
    bench = Bench()
    reader = Reader(bench, select(Target(DEPLOYMENT, None)))
    for version in range(30, 39):
        bench.store.put(changed(PODS[version % 2], version))
    bench.broadcaster.told()
    assert reader.names == [["web"]]
    bench.store.put(changed(PODS[0], 40))
    bench.broadcaster.told()
    assert reader.names == [["web"], ["web"]]


async def test_what_changes_between_two_parts_of_a_telling_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broadcast, "_AT_ONCE", 2)
    bench = Bench()
    reader = Reader(bench, select(Target(DEPLOYMENT, None)))
    seen: list[bool] = []

    def told(events: list[WatchEvent]) -> None:
        seen.extend(event.composition.metadata.resource_version == "50" for event in events)
        if len(seen) == 1:
            bench.store.put(changed(PODS[1], 50))

    reader.subscriber.told = told
    for version in range(30, 35):
        bench.store.put(changed(PODS[0], version))
    bench.broadcaster.told()
    assert seen == [False, True]


async def test_when_what_is_known_changes_all_are_ended() -> None:
    bench = Bench()
    reader = Reader(bench)
    bench.store.omit(POD, Coverage.FORBIDDEN)
    assert [type(error) for error in reader.errors] == [Expired]
    bench.store.put(changed(WEB, 30))
    bench.broadcaster.told()
    assert reader.batches == []
    assert bench.broadcaster.watches == 0
