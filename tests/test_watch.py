"""Watches against lists: whoever follows the events has what a list would give, whatever happens meanwhile."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from kubediscovery import watch as watches
from kubediscovery import watching
from kubediscovery.api import ApiGroup
from kubediscovery.broadcast import Broadcaster
from kubediscovery.compositions import Compositions, Target
from kubediscovery.errors import Forbidden
from kubediscovery.history import History
from kubediscovery.journal import Journal
from kubediscovery.kinds import Kind
from kubediscovery.negotiation import PLAIN, Representation
from kubediscovery.objects import Event, EventType, Object
from kubediscovery.options import FIELDS, Options, Terms
from kubediscovery.selectors import parse_field_selector, parse_label_selector
from kubediscovery.store import Coverage, Store
from kubediscovery.views import Selection
from kubediscovery.watch import Watch
from tests.objects import DEPLOYMENT, FLEET, KINDS, POD, REPLICA_SET, make, owner_of, seeing

ALL = frozenset(KINDS)
EVERYWHERE = Target(None, None)
FROM_THE_START = Terms(since=None, initial=True, marks_end=True, bookmarks=True, seconds=60)
JSON = Representation(PLAIN)
WEB = make(DEPLOYMENT, "web", labels=(("app", "web"),), resource_version=10)
SET = make(REPLICA_SET, "web-1", owners=[WEB], resource_version=11)
PODS = [make(POD, f"web-1-{name}", owners=[SET], resource_version=12) for name in "ab"]


async def no_objection() -> None: ...


class Bench:
    """A store, and watches over it; time passes with :meth:`settled`."""

    silent = Terms(since=None, initial=False, marks_end=False, bookmarks=False, seconds=60)

    def __init__(self, items: list[Object] | None = None, *, version: int = 20) -> None:
        self.store = Store(KINDS)
        for kind in KINDS:
            of_kind = [item for item in ([WEB, SET, *PODS] if items is None else items) if item.kind == kind]
            self.store.replace(kind, of_kind, version)
        self.compositions = Compositions(ApiGroup("kubediscovery.cloudark.io", "v1", KINDS), self.store)
        self.journal = Journal(self.store)
        self.broadcaster = Broadcaster(self.store, self.compositions, self.journal)

    def watch(
        self,
        selection: Selection | None = None,
        *,
        visible: frozenset[Kind] = ALL,
        terms: Terms = FROM_THE_START,
        representation: Representation = JSON,
        review: Callable[[], Awaitable[None]] = no_objection,
    ) -> Watch:
        return Watch(
            self.broadcaster,
            selection or select(),
            seeing(visible),
            representation,
            terms,
            review,
            api_version="kubediscovery.cloudark.io/v1",
        )

    async def settled(self) -> None:
        """Return when all that happened has been told, and taken."""
        self.broadcaster.told()
        await taken()

    def listed(self, selection: Selection, visible: frozenset[Kind] = ALL) -> dict[str, Any]:
        """What a list gives, by namespace and name."""
        options = Options(labels=selection.labels, fields=selection.fields)
        found = self.compositions.many(selection.target, options, seeing(visible))
        return {key(item): item for item in map(plain, found.items)}


def select(target: Target = EVERYWHERE, labels: str = "", fields: str = "") -> Selection:
    return Selection(target, parse_label_selector(labels), parse_field_selector(fields, FIELDS))


def plain(value: object) -> Any:
    return json.loads(msgspec.json.encode(value))


def key(item: dict[str, Any]) -> str:
    metadata = item["metadata"]
    return f"{metadata.get('namespace', '')}/{metadata['name']}"


class Informer:
    """What a client keeps of a watch: objects by name, the events that it got, and the version to go on from."""

    def __init__(self, watch: Watch, *, held: dict[str, Any] | None = None) -> None:
        self.held = dict(held or {})
        self.events: list[dict[str, Any]] = []
        self.version = 0
        self.watch = watch
        self.task = asyncio.create_task(self._follow(watch))

    async def _follow(self, watch: Watch) -> None:
        async with aclosing(watch.batches()) as batches:
            async for batch in batches:
                for line in batch:
                    assert line.endswith(b"\n")
                    self._take(json.loads(line))

    def _take(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        found = event["object"]
        if event["type"] == "ERROR":
            return
        self.version = int(found["metadata"]["resourceVersion"])
        if event["type"] == "DELETED":
            self.held.pop(key(found), None)
        elif event["type"] != "BOOKMARK":
            self.held[key(found)] = found

    def said(self) -> list[str]:
        """The events since the last call, in short."""
        events, self.events = self.events, []
        return [short(event) for event in events]


def short(event: dict[str, Any]) -> str:
    found = event["object"]
    name = found.get("reason") or found["metadata"].get("name") or found["metadata"]["resourceVersion"]
    return f"{event['type']} {name}"


async def taken() -> None:
    """Give all who watch the time to take what they were told."""
    for _ in range(30):
        await asyncio.sleep(0)


@asynccontextmanager
async def following(watch: Watch, held: dict[str, Any] | None = None) -> AsyncIterator[Informer]:
    informer = Informer(watch, held=held)
    try:
        await taken()
        yield informer
    finally:
        watch.close()
        await asyncio.wait_for(informer.task, 5)


def changed(item: Object, version: int, **fields: Any) -> Object:
    return structs.replace(item, resource_version=version, **fields)


async def test_a_watch_begins_with_what_there_is_and_says_where_that_ends() -> None:
    bench = Bench()
    async with following(bench.watch()) as informer:
        assert informer.held == bench.listed(select())
        assert informer.events[-1]["object"] == {
            "kind": "Composition",
            "apiVersion": "kubediscovery.cloudark.io/v1",
            "metadata": {"resourceVersion": "20", "annotations": {"k8s.io/initial-events-end": "true"}},
        }
        assert informer.said() == ["ADDED deployments.apps.web", "BOOKMARK 20"]


async def test_a_change_anywhere_in_a_tree_is_one_event_of_its_root() -> None:
    bench = Bench()
    async with following(bench.watch()) as informer:
        informer.said()
        for number, pod in enumerate(PODS):
            bench.store.put(changed(pod, 30 + number))
        await bench.settled()
        assert informer.said() == ["MODIFIED deployments.apps.web"]
        assert informer.version == 31
        bench.store.remove(changed(PODS[0], 40))
        await bench.settled()
        assert informer.said() == ["MODIFIED deployments.apps.web"]
        assert informer.version == 40
        assert informer.held == bench.listed(select())


async def test_what_may_not_be_seen_makes_no_event() -> None:
    bench = Bench()
    selection = select()
    async with following(bench.watch(visible=ALL - {POD})) as informer:
        informer.said()
        bench.store.put(changed(PODS[0], 30))
        bench.store.remove(changed(PODS[1], 31))
        bench.store.put(make(POD, "alone", resource_version=32))
        await bench.settled()
        assert informer.said() == []
        bench.store.put(changed(SET, 33))
        await bench.settled()
        assert informer.said() == ["MODIFIED deployments.apps.web"]
        assert informer.held == bench.listed(selection, ALL - {POD})
    async with following(bench.watch(visible=ALL - {REPLICA_SET})) as informer:
        informer.said()
        bench.store.put(changed(PODS[0], 40))
        await bench.settled()
        assert informer.said() == []


async def test_the_version_of_an_event_is_silent_about_what_may_not_be_seen() -> None:
    bench = Bench()
    async with following(bench.watch(visible=ALL - {POD})) as informer:
        bench.store.remove(changed(PODS[0], 99))
        bench.store.put(changed(SET, 33))
        await bench.settled()
        assert informer.held["shop/deployments.apps.web"]["metadata"]["resourceVersion"] == "33"


async def test_an_object_enters_and_leaves_as_the_selector_matches() -> None:
    bench = Bench()
    async with following(bench.watch(select(labels="app=web"))) as informer:
        informer.said()
        bench.store.put(changed(WEB, 30, labels=(("app", "other"),)))
        await bench.settled()
        assert informer.said() == ["DELETED deployments.apps.web"]
        assert informer.version == 30
        bench.store.put(changed(PODS[0], 31))
        await bench.settled()
        assert informer.said() == []
        bench.store.put(changed(WEB, 32, labels=(("app", "web"),)))
        await bench.settled()
        assert informer.said() == ["ADDED deployments.apps.web"]


async def test_a_root_that_gets_an_owner_leaves_and_comes_back() -> None:
    fleet = make(FLEET, "north", resource_version=15)
    bench = Bench([WEB])
    async with following(bench.watch()) as informer:
        informer.said()
        owned = changed(WEB, 30, owners=(owner_of(fleet),))
        bench.store.put(owned)
        await bench.settled()
        # An owner that is not there owns nothing yet.
        assert informer.said() == ["MODIFIED deployments.apps.web"]
        bench.store.put(changed(fleet, 31))
        await bench.settled()
        assert informer.said() == ["ADDED fleets.example.com.north", "DELETED deployments.apps.web"]
        bench.store.remove(changed(fleet, 32))
        await bench.settled()
        assert sorted(informer.said()) == ["ADDED deployments.apps.web", "DELETED fleets.example.com.north"]
        assert informer.held == bench.listed(select())


async def test_one_recreated_under_its_name_goes_and_comes() -> None:
    bench = Bench()
    async with following(bench.watch()) as informer:
        informer.said()
        bench.store.put(changed(WEB, 30, uid="another"))
        await bench.settled()
        # What the former owned refers to it by its UID.
        assert informer.said() == [
            "DELETED deployments.apps.web",
            "ADDED replicasets.apps.web-1",
            "ADDED deployments.apps.web",
        ]


async def test_one_recreated_under_its_name_is_there_whatever_arrives_first() -> None:
    """What the new one owns may come by a watch that is ahead of that on which the former goes."""
    bench = Bench()
    async with following(bench.watch()) as informer:
        fresh = changed(WEB, 31, uid="another")
        bench.store.put(make(REPLICA_SET, "web-2", owners=[fresh], resource_version=32))
        bench.store.remove(changed(WEB, 30))
        bench.store.put(fresh)
        await bench.settled()
        assert informer.held == bench.listed(select())


async def test_what_happens_again_and_again_during_the_opening_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watches, "_BYTES_AT_ONCE", 1)
    bench = Bench([WEB, SET, *PODS, make(DEPLOYMENT, "calm", resource_version=5)])
    watch = bench.watch()
    async with aclosing(watch.batches()) as batches:
        lines = await anext(batches)
        for version in range(30, 80):
            bench.store.put(changed(PODS[0], version))
            bench.broadcaster.told()
        bench.store.remove(changed(WEB, 80))
        bench.broadcaster.told()
        while len(lines) < 5:
            lines += await anext(batches)
    assert [short(json.loads(line)) for line in lines] == [
        "ADDED deployments.apps.web",
        "ADDED deployments.apps.calm",
        "BOOKMARK 20",
        "DELETED deployments.apps.web",
        "ADDED replicasets.apps.web-1",
    ]


async def test_a_watch_goes_on_where_another_ended() -> None:
    bench = Bench([WEB, SET, *PODS, make(DEPLOYMENT, "calm", resource_version=5)])
    async with following(bench.watch()) as informer:
        held, version = informer.held, informer.version
    bench.store.put(changed(PODS[0], 30))
    bench.store.put(make(DEPLOYMENT, "fresh", resource_version=31))
    bench.store.remove(changed(PODS[1], 32))
    onward = Terms(since=version, initial=False, marks_end=False, bookmarks=False, seconds=60)
    async with following(bench.watch(terms=onward), held) as informer:
        assert informer.said() == ["ADDED deployments.apps.fresh", "MODIFIED deployments.apps.web"]
        assert informer.held == bench.listed(select())


async def test_from_the_version_of_a_list_nothing_is_told_twice() -> None:
    bench = Bench()
    bench.store.put(changed(PODS[0], 30))
    version = bench.journal.issue()
    onward = Terms(since=version, initial=False, marks_end=False, bookmarks=False, seconds=60)
    async with following(bench.watch(terms=onward)) as informer:
        assert informer.said() == []


async def test_a_version_older_than_what_is_kept_is_an_error_in_the_stream() -> None:
    bench = Bench()
    onward = Terms(since=19, initial=False, marks_end=False, bookmarks=True, seconds=60)
    async with following(bench.watch(terms=onward)) as informer:
        (event,) = informer.events
        assert event["type"] == "ERROR"
        status = event["object"]
        assert (status["kind"], status["code"], status["reason"]) == ("Status", 410, "Expired")
        assert status["message"] == "too old resource version: 19 (20)"


async def test_a_kind_that_becomes_unknown_ends_the_watch() -> None:
    bench = Bench()
    async with following(bench.watch()) as informer:
        informer.said()
        bench.store.omit(POD, Coverage.FORBIDDEN)
        await bench.settled()
        assert informer.said() == ["ERROR Expired"]
        assert informer.task.done()


async def test_a_watch_ends_when_its_time_is_over_with_a_last_bookmark() -> None:
    bench = Bench()
    short_one = replace(FROM_THE_START, seconds=0.05)
    informer = Informer(bench.watch(terms=short_one))
    await asyncio.sleep(0.02)
    bench.store.put(changed(WEB, 30))
    await asyncio.wait_for(informer.task, 5)
    assert informer.said() == [
        "ADDED deployments.apps.web",
        "BOOKMARK 20",
        "MODIFIED deployments.apps.web",
        "BOOKMARK 20",
    ]


async def test_bookmarks_come_only_where_they_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "BOOKMARK_EVERY", 0.01)
    bench = Bench()
    plain_terms = Terms(since=None, initial=True, marks_end=False, bookmarks=False, seconds=60)
    async with following(bench.watch(terms=plain_terms)) as informer:
        await asyncio.sleep(0.05)
        assert informer.said() == ["ADDED deployments.apps.web"]
    async with following(bench.watch(terms=replace(plain_terms, bookmarks=True))) as informer:
        bench.store.advance(POD, 77)
        await asyncio.sleep(0.05)
        assert informer.said()[-1] == "BOOKMARK 77"


async def test_a_right_that_ends_ends_the_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "REVIEW_EVERY", 0.05)
    bench = Bench()
    allowed = True

    async def review() -> None:
        if not allowed:
            raise Forbidden("no more")

    async with following(bench.watch(review=review)) as informer:
        await asyncio.sleep(0.1)
        assert not informer.task.done()
        allowed = False
        bench.store.put(changed(WEB, 30))
        await asyncio.sleep(0.1)
        assert informer.said()[-1] == "ERROR Forbidden"
        assert informer.task.done()


async def test_a_slow_reader_is_told_so_and_costs_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watches, "LONGEST_QUEUE", 10_000)
    bench = Bench()
    watch = bench.watch()
    async with aclosing(watch.batches()) as batches:
        assert len(await anext(batches)) == 1
        await anext(batches)
        for version in range(30, 80):
            bench.store.put(changed(WEB, version))
            await asyncio.sleep(0.005)
        assert watch.waiting == 0
        (last,) = await anext(batches)
        assert json.loads(last)["object"]["message"] == "the watch was read too slowly, list again"
        with pytest.raises(StopAsyncIteration):
            await anext(batches)


async def test_nobody_is_remembered_who_has_left() -> None:
    bench = Bench()
    async with following(bench.watch()), following(bench.watch(visible=ALL - {POD})):
        assert bench.broadcaster.watches == 2
    assert bench.broadcaster.watches == 0


SELECTIONS = [
    select(),
    select(Target(None, "a")),
    select(Target(DEPLOYMENT, None)),
    select(Target(DEPLOYMENT, "a"), fields="metadata.name=deployments.apps.x"),
    select(Target(POD, "b")),
    select(labels="app=web"),
    select(labels="app!=web", fields="root.kind=Deployment"),
    select(fields="status.health=Healthy"),
]
_NAMES = st.sampled_from(["x", "y"])
_NAMESPACES = st.sampled_from(["a", "b"])
_TRACKED = [DEPLOYMENT, REPLICA_SET, POD, FLEET]


@st.composite
def steps(draw: st.DrawFn) -> list[Callable[[Bench, int], None]]:
    """Things that happen: objects come, change, get other owners and labels, and go; kinds are listed anew."""

    def one() -> Callable[[Bench, int], None]:
        kind, name, namespace = draw(st.sampled_from(_TRACKED)), draw(_NAMES), draw(_NAMESPACES)
        owners = [
            make(draw(st.sampled_from(_TRACKED)), draw(_NAMES), draw(_NAMESPACES))
            for _ in range(draw(st.integers(0, 2)))
        ]
        item = make(
            kind,
            name,
            namespace if kind.namespaced else "",
            owners=owners,
            labels=draw(st.sampled_from([(), (("app", "web"),)])),
        )
        how = draw(st.sampled_from(["put", "put", "put", "remove", "relist"]))

        def act(bench: Bench, version: int) -> None:
            if how == "put":
                bench.store.put(changed(item, version))
            elif how == "remove":
                bench.store.remove(changed(item, version))
            else:
                bench.store.replace(kind, [*bench.store.objects(kind, "a"), changed(item, version)], version)

        return act

    return [one() for _ in range(draw(st.integers(1, 12)))]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    steps(),
    st.sampled_from(SELECTIONS),
    st.sets(st.sampled_from(_TRACKED), max_size=2),
    st.integers(0, 12),
    st.integers(0, 3),
)
async def test_whatever_happens_an_informer_has_what_a_list_gives(
    happening: list[Callable[[Bench, int], None]], selection: Selection, hidden: set[Kind], restart: int, joined: int
) -> None:
    """Also when its watch ends somewhere in between, and another one goes on from the last version that it has."""
    bench, visible = Bench([]), ALL - hidden
    watch = bench.watch(selection, visible=visible)
    informer = Informer(watch)
    await asyncio.sleep(0)
    for number, act in enumerate(happening):
        if number == restart:
            watch.close()
            await informer.task
        act(bench, 100 + number)
        if joined and number % joined == 0:
            bench.broadcaster.told()
            await asyncio.sleep(0)
    bench.broadcaster.told()
    if restart < len(happening):
        held, version = informer.held, informer.version
        onward = Terms(since=version, initial=False, marks_end=False, bookmarks=True, seconds=60)
        watch = bench.watch(selection, visible=visible, terms=onward)
        informer = Informer(watch, held=held)
        await asyncio.sleep(0)
    for _ in range(3):
        await asyncio.sleep(0)
    watch.close()
    await informer.task
    assert informer.held == bench.listed(selection, visible)


class Recorder:
    """kube-apiserver's history of one kind."""

    def __init__(self) -> None:
        self.events: list[Event[Object]] = []

    @asynccontextmanager
    async def watch(
        self, resource_version: str, *, seconds: int | None = None
    ) -> AsyncIterator[AsyncIterator[list[Event[Object]]]]:
        yield self._batches(int(resource_version))

    async def _batches(self, since: int) -> AsyncIterator[list[Event[Object]]]:
        yield [event for event in self.events if int(event.resource_version) > since]
        yield [Event(EventType.BOOKMARK, None, "0")]


class Recorders:
    """Those of all kinds, told by a store."""

    def __init__(self, store: Store) -> None:
        self.sources = {kind: Recorder() for kind in store.kinds}
        store.observe(self)

    def changed(self, before: Object | None, after: Object | None, version: int) -> None:
        item = after or before
        assert item is not None
        type_ = EventType.DELETED if after is None else EventType.MODIFIED if before else EventType.ADDED
        self.sources[item.kind].events.append(Event(type_, changed(item, version), str(version)))

    def reset(self) -> None: ...


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    steps(),
    st.sampled_from(SELECTIONS),
    st.sets(st.sampled_from(_TRACKED), max_size=2),
    st.integers(0, 12),
)
async def test_whatever_happens_meanwhile_an_informer_goes_on_after_a_restart(
    happening: list[Callable[[Bench, int], None]], selection: Selection, hidden: set[Kind], left: int
) -> None:
    """From the version that it has, told by a process that has seen nothing before its own first lists."""
    former, visible = Bench([]), ALL - hidden
    recorders = Recorders(former.store)
    watch = former.watch(selection, visible=visible)
    informer = Informer(watch)
    await asyncio.sleep(0)
    for number, act in enumerate(happening):
        if number == left:
            watch.close()
            await informer.task
        act(former, 100 + number)
        if number < left:
            former.broadcaster.told()
            await asyncio.sleep(0)
    held, version = informer.held, informer.version
    watch.close()
    await informer.task
    present = [item for kind in KINDS for item in former.store.objects(kind)]
    fresh = Bench(present, version=100 + len(happening))
    fresh.broadcaster = Broadcaster(
        fresh.store, fresh.compositions, fresh.journal, History(recorders.sources, fresh.journal)
    )
    onward = Terms(since=version, initial=False, marks_end=False, bookmarks=True, seconds=60)
    watch = fresh.watch(selection, visible=visible, terms=onward)
    informer = Informer(watch, held=held)
    await fresh.settled()
    watch.close()
    await informer.task
    assert informer.held == fresh.listed(selection, visible)
