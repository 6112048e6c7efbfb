"""A journal that is lengthened by what kube-apiserver still knows."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from types import MappingProxyType

import pytest
from msgspec import structs

from kubediscovery.errors import UpstreamError, UpstreamExpired
from kubediscovery.history import History
from kubediscovery.journal import OVERLAP, SLACK, Journal
from kubediscovery.kinds import Kind
from kubediscovery.objects import Event, EventType, Object
from kubediscovery.store import Coverage, Store
from tests.objects import DEPLOYMENT, KINDS, POD, REPLICA_SET, make
from tests.reviewing import Time

NOW = 5_000


@dataclass
class Recorded:
    """One kind's history, as kube-apiserver would tell it."""

    events: list[Event[Object]] = field(default_factory=list)
    failure: Exception | None = None
    fails: int = 1_000
    oldest: int = 0
    silent: bool = False
    time: Time | None = None
    asked: list[int] = field(default_factory=list)
    left: int = 0

    @asynccontextmanager
    async def watch(
        self, resource_version: str, *, seconds: int | None = None
    ) -> AsyncIterator[AsyncIterator[list[Event[Object]]]]:
        assert seconds == 3
        self.asked.append(int(resource_version))
        if self.failure is not None and len(self.asked) <= self.fails:
            raise self.failure
        if int(resource_version) < self.oldest:
            raise UpstreamExpired("too old", code=410)
        try:
            yield self._batches(int(resource_version))
        finally:
            self.left += 1

    async def _batches(self, since: int) -> AsyncIterator[list[Event[Object]]]:
        if self.silent:
            await asyncio.Event().wait()
        for event in self.events:
            await asyncio.sleep(0)
            if int(event.resource_version) > since:
                yield [event]
        if self.time is not None:
            self.time.now += 2


def event(type_: EventType, item: Object, version: int) -> Event[Object]:
    return Event(type_, structs.replace(item, resource_version=version), str(version))


WEB = make(DEPLOYMENT, "web")
BOOKMARK: Event[Object] = Event(EventType.BOOKMARK, None, str(NOW))


def history_of(
    recorded: Mapping[Kind, Recorded] = MappingProxyType({}), *, timer: Callable[[], float] = monotonic
) -> tuple[History, Journal, Mapping[Kind, Recorded]]:
    store, time = Store(KINDS), Time()
    journal = Journal(store, timer=time.timer)
    for kind in KINDS:
        store.replace(kind, [], NOW)
    time.now += 2 * OVERLAP
    sources = {kind: recorded.get(kind, Recorded([BOOKMARK])) for kind in KINDS}
    return History(sources, journal, timer=timer), journal, sources


async def test_what_was_missed_is_read_in_the_order_of_the_versions() -> None:
    pod = make(POD, "p", owners=[WEB])
    told = [event(EventType.ADDED, pod, 4_950), event(EventType.MODIFIED, pod, 4_970)]
    history, journal, _ = history_of(
        {
            DEPLOYMENT: Recorded([event(EventType.DELETED, WEB, 4_960), BOOKMARK]),
            POD: Recorded([*told, event(EventType.MODIFIED, pod, 9_999)]),
        }
    )
    await history.reach(4_900)
    changes = journal.since(journal.position(4_900))
    assert [(change.version, change.kind, change.came, change.certain) for change in changes] == [
        (4_950, POD, True, True),
        (4_960, DEPLOYMENT, False, True),
        (4_970, POD, False, False),
    ]
    assert changes[0].owners == (WEB.uid,)
    assert changes[1].before is not None


async def test_a_little_more_is_read_than_asked_for_where_it_is_there() -> None:
    history, journal, sources = history_of()
    await history.reach(4_900)
    assert {tuple(source.asked) for source in sources.values()} == {(1,)}
    assert (journal.begin, journal.oldest) == (1, 1 + SLACK)
    history, journal, sources = history_of({POD: Recorded([BOOKMARK], oldest=4_300)})
    await history.reach(4_900)
    assert sources[POD].asked == [1, 4_900 - SLACK]
    assert (journal.begin, journal.oldest) == (4_900 - SLACK, 4_900)
    history, journal, sources = history_of({POD: Recorded([BOOKMARK], oldest=4_800)})
    await history.reach(4_900)
    assert sources[POD].asked == [1, 4_900 - SLACK, 4_900]
    assert (journal.begin, journal.oldest) == (4_900, 4_900)


async def test_what_was_read_is_not_read_again() -> None:
    pod = make(POD, "p", owners=[WEB])
    told = [event(EventType.ADDED, pod, 4_350), event(EventType.MODIFIED, pod, 4_600), BOOKMARK]
    history, journal, sources = history_of({POD: Recorded(told, oldest=4_300)})
    await history.reach(4_900)
    sources[POD].oldest = 0
    await history.reach(4_700)
    assert [change.version for change in journal.since(journal.position(4_700))] == [4_350, 4_600]


async def test_what_has_expired_leaves_the_journal_and_is_not_asked_for_again() -> None:
    history, journal, sources = history_of({POD: Recorded(failure=UpstreamExpired("gone", code=410))})
    await history.reach(4_900)
    asked = len(sources[POD].asked)
    await history.reach(4_900)
    await history.reach(4_000)
    assert (journal.oldest, len(sources[POD].asked)) == (NOW, asked)


async def test_a_failure_that_passes_is_not_noticed() -> None:
    history, journal, sources = history_of({POD: Recorded([BOOKMARK], failure=UpstreamError("away"), fails=2)})
    await history.reach(4_900)
    assert journal.covers(4_900)
    assert (sources[POD].asked, sources[DEPLOYMENT].asked) == ([1, 1, 1], [1])


@pytest.mark.parametrize("failure", [UpstreamError("away"), TimeoutError()], ids=["error", "late"])
async def test_after_a_failure_that_lasts_the_next_one_asks_again(failure: Exception) -> None:
    history, journal, sources = history_of({POD: Recorded([BOOKMARK], failure=failure, fails=3)})
    while not journal.covers(4_900):
        before = len(sources[POD].asked)
        await history.reach(4_900)
        assert before < len(sources[POD].asked) <= before + 3


async def test_where_one_kinds_history_has_expired_the_others_are_not_read_on() -> None:
    history, _, sources = history_of({POD: Recorded(oldest=NOW), DEPLOYMENT: Recorded(silent=True)})
    await history.reach(4_900)
    await asyncio.sleep(0)
    assert len(sources[POD].asked) == 3
    assert sources[DEPLOYMENT].left == len(sources[DEPLOYMENT].asked) > 0


async def test_what_was_not_told_to_its_end_does_not_count() -> None:
    history, journal, _ = history_of({POD: Recorded([event(EventType.ADDED, make(POD, "p"), 4_950)])})
    await history.reach(4_900)
    assert not journal.covers(4_900)


async def test_silence_to_the_end_says_that_all_was_told() -> None:
    """kube-apiserver sends no bookmark with the version of the last event."""
    time = Time()
    pods = Recorded([event(EventType.ADDED, make(POD, "p"), 4_950)], time=time)
    history, journal, _ = history_of({POD: pods}, timer=time.timer)
    await history.reach(4_900)
    assert [change.version for change in journal.since(journal.position(4_900))] == [4_950]
    assert pods.asked == [1]


async def test_a_bookmark_is_the_end_though_the_kind_has_not_changed_since() -> None:
    early: Event[Object] = Event(EventType.BOOKMARK, None, "4950")
    history, journal, _ = history_of({POD: Recorded([early, event(EventType.ADDED, make(POD, "p"), 4_960)])})
    await history.reach(4_900)
    assert journal.since(journal.position(4_900)) == []


async def test_what_the_journal_has_is_not_read() -> None:
    history, _, sources = history_of()
    await history.reach(NOW)
    assert [source.asked for source in sources.values()] == [[]] * len(sources)


async def test_who_asks_meanwhile_waits_for_the_same() -> None:
    history, journal, sources = history_of()
    await asyncio.gather(*(history.reach(4_900) for _ in range(5)))
    assert sources[POD].asked == [1]
    assert journal.covers(4_900)


async def test_a_kind_that_is_not_known_is_not_read() -> None:
    store = Store(KINDS)
    journal = Journal(store)
    store.omit(POD, Coverage.FORBIDDEN)
    for kind in KINDS:
        if kind != POD:
            store.replace(kind, [], NOW)
    sources = {kind: Recorded([BOOKMARK]) for kind in KINDS}
    await History(sources, journal).reach(4_900)
    assert sources[POD].asked == []
    assert sources[DEPLOYMENT].asked == [1]


async def test_nothing_is_read_from_when_other_kinds_were_known() -> None:
    """Whoever saw everything then has trees with, or without, all that has become unknown, or known, since."""
    store = Store(KINDS)
    journal = Journal(store)
    for kind in KINDS:
        store.replace(kind, [], NOW)
    store.omit(REPLICA_SET, Coverage.NOT_FOUND)
    sources = {kind: Recorded([BOOKMARK]) for kind in KINDS}
    await History(sources, journal).reach(NOW - 1)
    assert [source.asked for source in sources.values()] == [[]] * len(sources)


async def test_a_kind_that_is_no_longer_read_is_left_out() -> None:
    """Kinds go while the server runs; the store may be told a moment later."""
    store, time = Store(KINDS), Time()
    journal = Journal(store, timer=time.timer)
    for kind in KINDS:
        store.replace(kind, [], NOW)
    time.now += 2 * OVERLAP
    sources = {kind: Recorded([BOOKMARK]) for kind in KINDS}
    history = History(sources, journal)
    del sources[POD]
    await history.reach(4_900)
    assert journal.covers(4_900)
    assert sources[DEPLOYMENT].asked == [1]
