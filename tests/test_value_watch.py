"""Watches of values: what there is, what was missed, and every change that a caller would see, once."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from msgspec import structs

from kubediscovery.errors import Forbidden, StatusError
from kubediscovery.identity import User
from kubediscovery.journal import Journal
from kubediscovery.kinds import Kind
from kubediscovery.negotiation import PLAIN, MediaType, Representation
from kubediscovery.objects import Object
from kubediscovery.options import Options, Terms
from kubediscovery.selectors import parse_label_selector
from kubediscovery.shared_values import SharedValues
from kubediscovery.sight import Sight
from kubediscovery.store import Coverage
from kubediscovery.value_watch import Changes, ValueWatch, Watched
from kubediscovery.values import Form, Value
from kubediscovery.watching import Batch
from tests.objects import CRON_JOB, DEPLOYMENT, POD, REPLICA_SET, filled
from tests.registering import Done, image_registry
from tests.serving import make

TABLE = Representation(MediaType("Table", "meta.k8s.io", "v1"))
FROM_NOW = Terms(since=None, initial=True, marks_end=True, bookmarks=True, seconds=60)
(HEALTH,) = [each for each in image_registry() if each.name == "health"]


@dataclass
class Room:
    """A store with one Deployment and its pods, and what a handler says of each: the number of pods."""

    related: bool = False
    labels: str = ""
    representation: Representation = field(default_factory=lambda: Representation(PLAIN))
    review: StatusError | None = None
    fault: Exception | None = None
    is_personal: bool = False
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.web = make(DEPLOYMENT, "web", labels={"app": "web"}, version=110)
        self.store = filled([self.web, self.pod("a", self.web, 120)], version=200)
        self.journal = Journal(self.store)
        self.changes = Changes(self.store, self.journal, None)

    def pod(self, name: str, owner: Object | None, version: int) -> Object:
        return make(POD, name, owner=owner, version=version)

    async def ask(self, uid: str, user: User) -> tuple[Value | None, bool]:
        self.asked.append(user.name)
        if self.fault is not None:
            raise self.fault
        item = self.store.get(uid)
        pods = len(list(self.store.objects(POD)) if self.related else self.store.children(item) if item else ())
        said = f"{pods} pods" + (f" for {user.name}" if self.is_personal else "")
        return Value(item, Done(said)) if item is not None else None, self.is_personal

    def watch(self, terms: Terms = FROM_NOW, user: str = "reader") -> ValueWatch:
        async def review() -> None:
            if self.review is not None:
                raise self.review

        assert HEALTH.contract is not None
        options = Options(labels=parse_label_selector(self.labels))
        visible: frozenset[Kind] = frozenset((DEPLOYMENT, REPLICA_SET, POD))
        watched = Watched(DEPLOYMENT, "shop", "", options, visible, self.related)
        form = Form(HEALTH, HEALTH.contract)
        sight = Sight("shop", visible)
        values = self.changes.shared(sight, b"", lambda: SharedValues(self.ask, form, self.journal))
        return ValueWatch(self.changes, watched, values, User(user), self.representation, terms, review)


async def following(batches: AsyncGenerator[Batch, None]) -> list[Any]:
    return [json.loads(line) for line in await asyncio.wait_for(anext(batches), 30)]


def said(events: list[Any]) -> list[tuple[str, str, str]]:
    return [
        (event["type"], event["object"]["metadata"].get("name", ""), event["object"].get("message", ""))
        for event in events
    ]


async def test_it_begins_with_what_there_is_and_says_where_that_ends() -> None:
    first, end = await following(Room().watch().batches())
    assert said([first]) == [("ADDED", "web", "1 pods")]
    assert end["object"]["metadata"] == {
        "resourceVersion": "200",
        "annotations": {"k8s.io/initial-events-end": "true"},
    }
    assert end["object"]["kind"] == "Done"


async def test_a_change_shows_where_the_value_is_another_with_the_version_of_the_change() -> None:
    room = Room()
    batches = room.watch().batches()
    await following(batches)
    # Its Deployment has changed, and nothing of it shows.
    room.store.put(structs.replace(room.web, generation=2, resource_version=201))
    room.store.put(room.pod("b", room.web, 202))
    (event,) = await following(batches)
    assert said([event]) == [("MODIFIED", "web", "2 pods")]
    assert event["object"]["metadata"]["resourceVersion"] == "202"


async def test_what_comes_and_goes() -> None:
    room = Room()
    batches = room.watch().batches()
    await following(batches)
    api = make(DEPLOYMENT, "api", version=201)
    room.store.put(api)
    assert said(await following(batches)) == [("ADDED", "api", "0 pods")]
    room.store.remove(api, 202)
    (event,) = await following(batches)
    assert said([event]) == [("DELETED", "api", "0 pods")]
    assert event["object"]["metadata"]["resourceVersion"] == "202"


async def test_what_no_selector_matches_any_more_is_gone() -> None:
    room = Room(labels="app=web")
    batches = room.watch().batches()
    await following(batches)
    room.store.put(structs.replace(room.web, labels=(("app", "other"),), resource_version=201))
    assert said(await following(batches)) == [("DELETED", "web", "1 pods")]
    room.store.put(structs.replace(room.web, resource_version=202))
    assert said(await following(batches)) == [("ADDED", "web", "1 pods")]


@pytest.mark.parametrize("related", [False, True])
async def test_anything_may_show_to_who_is_related(related: bool) -> None:
    room = Room(related=related)
    batches = room.watch().batches()
    await following(batches)
    room.store.put(self_made := room.pod("alone", None, 201))
    room.store.put(make(DEPLOYMENT, "last", version=202))
    expected = [("MODIFIED", "web", "2 pods")] if related else []
    assert sorted(said(await following(batches))) == sorted(
        [("ADDED", "last", "2 pods" if related else "0 pods"), *expected]
    )
    assert self_made.owners == ()


async def test_it_goes_on_from_a_version() -> None:
    room = Room()
    version = room.journal.issue()
    gone = make(DEPLOYMENT, "gone", version=150)
    room.store.put(gone)
    room.store.put(room.pod("b", room.web, 201))
    room.store.put(make(DEPLOYMENT, "new", version=202))
    room.store.remove(gone, 203)
    batches = room.watch(Terms(version, initial=False, marks_end=False, bookmarks=False, seconds=60)).batches()
    events = said(await following(batches))
    assert ("MODIFIED", "web", "2 pods") in events
    assert ("ADDED", "new", "0 pods") in events
    assert ("DELETED", "gone", "") in events
    room.store.put(room.pod("c", room.web, 204))
    assert said(await following(batches)) == [("MODIFIED", "web", "3 pods")]


async def test_a_version_that_is_forgotten_has_expired() -> None:
    room = Room()
    terms = Terms(1, initial=False, marks_end=False, bookmarks=False, seconds=60)
    (event,) = await following(room.watch(terms).batches())
    assert (event["type"], event["object"]["reason"]) == ("ERROR", "Expired")


async def test_a_table_has_columns_once_and_what_is_gone_has_no_cells() -> None:
    room = Room(representation=TABLE)
    version = room.journal.issue()
    api = make(DEPLOYMENT, "api", version=201)
    room.store.put(api)
    room.store.remove(api, 202)
    room.store.put(room.pod("b", room.web, 203))
    terms = Terms(version, initial=False, marks_end=False, bookmarks=False, seconds=60)
    gone, changed = await following(room.watch(terms).batches())
    assert [gone["type"], changed["type"]] == ["DELETED", "MODIFIED"]
    assert [column["name"] for column in gone["object"]["columnDefinitions"]] == ["Name", "Age"]
    assert changed["object"]["columnDefinitions"] is None


async def test_what_is_known_of_the_cluster_may_change() -> None:
    room = Room()
    batches = room.watch().batches()
    await following(batches)
    room.store.omit(CRON_JOB, Coverage.FORBIDDEN)
    (event,) = await following(batches)
    assert (event["type"], event["object"]["reason"]) == ("ERROR", "Expired")


async def test_a_right_that_is_gone_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room(review=Forbidden("no more"))
    watch = room.watch()
    monkeypatch.setattr(watch, "_review_at", 0)
    batches = watch.batches()
    await following(batches)
    watch.wake()
    (event,) = await following(batches)
    assert (event["type"], event["object"]["message"]) == ("ERROR", "no more")


async def test_a_fault_of_the_handler_says_nothing_and_is_raised() -> None:
    room = Room(fault=ValueError("a secret"))
    batches = room.watch().batches()
    (event,) = await following(batches)
    assert (event["type"], event["object"]["code"]) == ("ERROR", 500)
    assert "secret" not in json.dumps(event)
    with pytest.raises(ValueError, match="a secret"):
        await anext(batches)


async def test_its_time_ends_it_with_a_bookmark_and_nobody_is_told_any_more() -> None:
    room = Room()
    batches = room.watch(Terms(None, initial=True, marks_end=False, bookmarks=True, seconds=0)).batches()
    assert said(await following(batches)) == [("ADDED", "web", "1 pods")]
    (bookmark,) = await following(batches)
    assert (bookmark["type"], bookmark["object"]["metadata"]) == ("BOOKMARK", {"resourceVersion": "200"})
    with pytest.raises(StopAsyncIteration):
        await anext(batches)
    assert not room.changes._watches


@pytest.mark.parametrize("end", [ValueWatch.close])
async def test_it_ends_when_its_reader_has_left(end: Callable[[ValueWatch], None]) -> None:
    watch = Room().watch()
    batches = watch.batches()
    await following(batches)
    end(watch)
    with pytest.raises(StopAsyncIteration):
        await asyncio.wait_for(anext(batches), 30)


async def test_who_sees_the_same_is_told_of_it_by_one_question() -> None:
    room = Room()
    several = [room.watch(user=f"reader-{number}").batches() for number in range(5)]
    first = [await asyncio.wait_for(anext(batches), 30) for batches in several]
    assert all(batch == first[0] for batch in first)
    assert room.asked == ["reader-0"]
    room.store.put(room.pod("b", room.web, 201))
    for batches in several:
        assert said(await following(batches)) == [("MODIFIED", "web", "2 pods")]
    assert len(room.asked) == 2


async def test_a_change_that_came_before_one_of_a_lower_version_is_not_all_there_is_to_tell() -> None:
    room = Room()
    one, other = room.watch().batches(), room.watch().batches()
    await following(one), await following(other)
    room.store.put(room.pod("b", room.web, 300))
    assert said(await following(one)) == [("MODIFIED", "web", "2 pods")]
    room.store.put(room.pod("c", room.web, 250))
    assert said(await following(other)) == [("MODIFIED", "web", "3 pods")]
    assert said(await following(one)) == [("MODIFIED", "web", "3 pods")]


async def test_what_depends_on_who_asks_is_asked_for_each_and_shown_to_no_other() -> None:
    room = Room(is_personal=True)
    several = {name: room.watch(user=name).batches() for name in ("a", "b", "c")}
    for name, batches in several.items():
        assert said(await following(batches))[0] == ("ADDED", "web", f"1 pods for {name}")
    room.store.put(room.pod("b", room.web, 201))
    for name, batches in several.items():
        assert said(await following(batches)) == [("MODIFIED", "web", f"2 pods for {name}")]
    assert sorted(room.asked) == ["a", "a", "b", "b", "c", "c"]


async def test_nothing_is_kept_of_what_nobody_watches() -> None:
    room = Room()
    batches = room.watch().batches()
    await following(batches)
    assert len(room.changes._shared) == 1
    await batches.aclose()
    assert len(room.changes._shared) == 0


async def test_many_that_change_at_once_come_in_portions_before_the_bookmark_that_has_them() -> None:
    room = Room()
    batches = room.watch(Terms(None, initial=True, marks_end=False, bookmarks=True, seconds=0.05)).batches()
    await following(batches)
    for number in range(100):
        room.store.put(make(DEPLOYMENT, f"web-{number:03}", version=201 + number))
    events: list[Any] = []
    async for batch in batches:
        events += [json.loads(line) for line in batch]
    assert [event["type"] for event in events] == ["ADDED"] * 100 + ["BOOKMARK"]
