"""When it is looked at what the cluster serves, and what comes of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from kubediscovery.config import AGGREGATION_LABEL, SERVER_ROLE
from kubediscovery.errors import UpstreamError, UpstreamForbidden
from kubediscovery.following import Following
from kubediscovery.kinds import BUILT_IN_KINDS, Kind, Kinds
from kubediscovery.lookout import Lookout, Pace
from kubediscovery.objects import Object
from kubediscovery.selection import KindPattern, Selection
from kubediscovery.store import Coverage, Store
from tests.discovering import CLUSTER_ROLE, DEFINITION, KAFKA, SECRET, FakeCatalogue, FakeSources
from tests.objects import POD, make
from tests.waiting import until

NEVER = 3600.0
SLOW = Pace(every=NEVER, soon=(0.001, 0.002), first=5.0, again=0.001, patience=NEVER, gone=NEVER)
DOWN = UpstreamError("connection refused")
ALL = (*BUILT_IN_KINDS, DEFINITION, CLUSTER_ROLE)


@dataclass
class Stage:
    lookout: Lookout
    following: Following
    catalogue: FakeCatalogue
    store: Store
    sources: FakeSources

    @property
    def followed(self) -> tuple[Kind, ...]:
        return tuple(self.following.progress)

    async def until_watched(self, *kinds: Kind) -> None:
        await until(lambda: set(kinds) <= set(self.sources.watched()))

    def changed(self, before: Object | None, after: Object | None) -> None:
        self.lookout.changed(before, after, 8)


@contextlib.asynccontextmanager
async def staged(
    pace: Pace = SLOW,
    *,
    served: tuple[Kind, ...] = ALL,
    failure: UpstreamError | None = None,
    sources: FakeSources | None = None,
    selection: Selection | None = None,
) -> AsyncIterator[Stage]:
    store, sources = Store(Kinds()), sources or FakeSources()
    catalogue = FakeCatalogue(served=served, failure=failure)
    following = Following(store, sources, catalogue.look)
    lookout = Lookout(store, catalogue, following, selection or Selection(), pace=pace)
    running = asyncio.create_task(lookout.run())
    try:
        yield Stage(lookout, following, catalogue, store, sources)
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def test_what_is_served_and_selected_is_followed_and_awaited() -> None:
    selection = Selection(exclude=(KindPattern("secrets"),))
    sources = FakeSources()
    sources.hanging = {"kafkas"}
    async with staged(served=(*ALL, SECRET, KAFKA), selection=selection, sources=sources) as stage:
        before = stage.lookout.is_settled
        await until(lambda: stage.lookout.found)
        assert (before, stage.lookout.is_settled) == (False, True)
        assert stage.followed == (*ALL, KAFKA)
        await stage.until_watched(*ALL)
        assert [kind for kind in stage.followed if stage.following.awaits(kind)] == [KAFKA]


async def test_no_list_is_begun_before_it_is_known_what_is_served() -> None:
    """So all that is there at the start is waited for together, and none of it is told of as a change."""
    async with staged(served=(*ALL, KAFKA)) as stage:
        await until(lambda: stage.sources.made)
        assert set(stage.sources.made) == {*ALL, KAFKA}


@pytest.mark.parametrize("hangs", [False, True])
async def test_without_an_answer_it_begins_with_what_every_cluster_has(hangs: bool) -> None:
    pace = Pace(every=NEVER, first=0.01, again=0.001, patience=0.05)
    async with staged(pace, served=(*ALL, KAFKA), failure=None if hangs else DOWN) as stage:
        if hangs:
            stage.catalogue.look = asyncio.Event().wait  # type: ignore[method-assign, assignment]
        await until(lambda: stage.followed)
        assert stage.followed == BUILT_IN_KINDS
        assert not stage.lookout.found
        await until(lambda: stage.lookout.is_settled)
        if not hangs:
            stage.catalogue.failure = None
            await until(lambda: stage.lookout.found)
            await stage.until_watched(KAFKA)
            # Nobody waited for it.
            assert not stage.following.awaits(KAFKA)


async def test_a_definition_that_comes_brings_its_kind_a_moment_later() -> None:
    async with staged(Pace(every=NEVER, soon=(0.001, 0.5), patience=NEVER)) as stage:
        await stage.until_watched(*ALL)
        stage.catalogue.later = {stage.catalogue.looks + 2: (*ALL, KAFKA)}
        stage.store.put(make(DEFINITION, "kafkas.example.org"))
        await stage.until_watched(KAFKA)


async def test_what_else_changes_is_no_reason_to_look() -> None:
    async with staged() as stage:
        await stage.until_watched(*ALL)
        looks = stage.catalogue.looks
        stage.store.put(make(POD, "web"))
        stage.store.remove(make(POD, "web"))
        stage.lookout.reset()
        await asyncio.sleep(0.01)
        assert stage.catalogue.looks == looks


async def test_many_changes_are_looked_at_together() -> None:
    pace = Pace(every=NEVER, soon=(0.05, 0.06), patience=NEVER)
    async with staged(pace) as stage:
        await stage.until_watched(*ALL)
        looks = stage.catalogue.looks
        for number in range(100):
            stage.changed(None, make(DEFINITION, f"things{number}.example.org"))
        await until(lambda: stage.catalogue.looks > looks)
        await asyncio.sleep(0.05)
        assert stage.catalogue.looks <= looks + 3


async def test_it_looks_every_so_often() -> None:
    async with staged(Pace(every=0.001)) as stage:
        await until(lambda: stage.catalogue.looks > 5)
        stage.catalogue.served = (*ALL, KAFKA)
        await stage.until_watched(KAFKA)


async def test_a_failure_leaves_what_is_followed_and_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    async with staged(Pace(every=NEVER, again=0.001), served=(*ALL, KAFKA)) as stage:
        await stage.until_watched(KAFKA)
        stage.catalogue.failure, looks = DOWN, stage.catalogue.looks
        stage.changed(None, make(DEFINITION, "things.example.org"))
        await until(lambda: stage.catalogue.looks > looks + 3)
        assert KAFKA in stage.followed
        assert stage.lookout.found
        assert caplog.text.count("what the cluster serves cannot be read: connection refused") == 1


async def test_a_kind_whose_definition_is_gone_is_forgotten_at_once() -> None:
    async with staged(served=(*ALL, KAFKA)) as stage:
        await stage.until_watched(KAFKA)
        stage.catalogue.served = ALL
        stage.changed(make(DEFINITION, "kafkas.example.org"), None)
        await until(lambda: KAFKA not in stage.followed)
        assert stage.store.coverage(KAFKA) is Coverage.NOT_FOUND


async def test_a_kind_that_discovery_forgets_for_a_moment_stays() -> None:
    """As when kube-apiserver starts, and does not know of all definitions yet."""
    async with staged(Pace(every=0.001, gone=NEVER), served=(*ALL, KAFKA)) as stage:
        await stage.until_watched(KAFKA)
        source, looks = stage.sources.made[KAFKA], stage.catalogue.looks
        stage.catalogue.served = ALL
        await until(lambda: stage.catalogue.looks > looks + 3)
        assert KAFKA in stage.followed
        stage.catalogue.served = (*ALL, KAFKA)
        looks = stage.catalogue.looks
        await until(lambda: stage.catalogue.looks > looks + 3)
        assert (stage.sources.made[KAFKA], source.lists) == (source, 1)


async def test_a_kind_that_stays_away_is_forgotten() -> None:
    async with staged(Pace(every=NEVER, soon=(0.001,), gone=0.01), served=(*ALL, KAFKA)) as stage:
        await stage.until_watched(KAFKA)
        stage.catalogue.served = ALL
        stage.changed(None, make(DEFINITION, "other.example.org"))
        await until(lambda: KAFKA not in stage.followed)


async def test_a_kind_of_another_version_takes_the_former_ones_place_at_once() -> None:
    newer = Kind("example.org", "v2", "kafkas", "Kafka", "kafka", workload=True, custom=True)
    async with staged(served=(*ALL, KAFKA)) as stage:
        await stage.until_watched(KAFKA)
        stage.catalogue.served = (*ALL, newer)
        stage.changed(None, make(DEFINITION, "kafkas.example.org"))
        await stage.until_watched(newer)
        assert KAFKA not in stage.followed


@pytest.mark.parametrize(
    "role",
    [
        make(CLUSTER_ROLE, SERVER_ROLE),
        make(CLUSTER_ROLE, "mine", labels=((AGGREGATION_LABEL, "true"),)),
    ],
    ids=["the sum", "a part"],
)
async def test_rights_that_come_are_tried_soon(role: Object) -> None:
    refused = FakeSources(secrets=UpstreamForbidden("no", code=403))
    async with staged(served=(*ALL, SECRET), sources=refused) as stage:
        await until(lambda: stage.store.coverage(SECRET) is Coverage.FORBIDDEN)
        await stage.until_watched(CLUSTER_ROLE)
        nudges = []
        stage.following.nudge = lambda: nudges.append(1)  # type: ignore[method-assign]
        stage.store.put(make(CLUSTER_ROLE, "another"))
        stage.store.put(role)
        await until(lambda: nudges)
