"""Reflectors that come and go with their kinds, and kinds that only fail."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from kubediscovery.errors import UpstreamError, UpstreamForbidden, UpstreamNotFound
from kubediscovery.following import LISTS_AT_ONCE, Following
from kubediscovery.kinds import Kind, Kinds
from kubediscovery.objects import Object, Page
from kubediscovery.store import Coverage, Store
from tests.discovering import KAFKA, SECRET, FakeSource, FakeSources
from tests.objects import DEPLOYMENT, POD, make
from tests.waiting import until

BROKEN = UpstreamError("conversion webhook failed", code=500)


@dataclass
class Probe:
    failure: UpstreamError | None = None
    asked: int = 0

    async def __call__(self) -> None:
        self.asked += 1
        if self.failure is not None:
            raise self.failure


@dataclass
class Stage:
    following: Following
    store: Store
    sources: FakeSources
    probe: Probe

    def become(self, *kinds: Kind, awaited: bool = True) -> None:
        self.following.become(kinds, awaited=awaited)

    async def until_watched(self, *kinds: Kind) -> None:
        await until(lambda: set(kinds) <= set(self.sources.watched()))

    def coverage(self, *kinds: Kind) -> list[Coverage]:
        return [self.store.coverage(kind) for kind in kinds]


@contextlib.asynccontextmanager
async def staged(
    sources: FakeSources | None = None,
    *,
    patience: float = 60.0,
    form_of: Callable[[Kind], object] = lambda _: None,
) -> AsyncIterator[Stage]:
    store, sources, probe = Store(Kinds((DEPLOYMENT, POD))), sources or FakeSources(), Probe()
    following = Following(store, sources, probe, form_of=form_of, patience=patience, every=0.001)
    async with following.running():
        yield Stage(following, store, sources, probe)


async def test_each_kind_is_listed_and_watched() -> None:
    async with staged() as stage:
        stage.become(DEPLOYMENT, POD, KAFKA)
        await until(lambda: set(stage.sources.watched()) == {DEPLOYMENT, POD, KAFKA})
        assert stage.coverage(DEPLOYMENT, POD, KAFKA) == [Coverage.COMPLETE] * 3
        assert list(stage.following.progress) == list(stage.following.sources) == [DEPLOYMENT, POD, KAFKA]
        assert list(stage.store.kinds) == [DEPLOYMENT, POD, KAFKA]
    assert not set(stage.sources.watched())


async def test_a_kind_that_goes_takes_its_objects_and_its_watch_along() -> None:
    async with staged() as stage:
        progress, sources = stage.following.progress, stage.following.sources
        stage.become(POD, KAFKA)
        await until(lambda: len(set(stage.sources.watched())) == 2)
        stage.store.put(make(KAFKA, "broker"))
        stage.become(POD, awaited=False)
        await until(lambda: set(stage.sources.watched()) == {POD})
        assert not list(stage.store.objects(KAFKA))
        # Metrics and history hold these.
        assert progress is stage.following.progress
        assert list(progress) == list(sources) == [POD]


async def test_a_kind_that_stays_goes_on_undisturbed_and_one_of_another_version_is_another() -> None:
    newer = Kind("example.org", "v2", "kafkas", "Kafka", "kafka", workload=True, custom=True)
    async with staged() as stage:
        stage.become(POD, KAFKA)
        await until(lambda: len(set(stage.sources.watched())) == 2)
        pods = stage.sources.made[POD]
        stage.become(POD, newer, awaited=False)
        await until(lambda: set(stage.sources.watched()) == {POD, newer})
        assert (stage.sources.made[POD], pods.lists) == (pods, 1)


async def test_what_is_the_same_changes_nothing() -> None:
    async with staged() as stage:
        stage.become(POD, KAFKA)
        version = stage.store.kinds.version
        stage.become(POD, KAFKA)
        assert stage.store.kinds.version == version


async def test_a_kind_is_read_anew_once_something_else_is_to_be_read_of_it() -> None:
    forms: dict[Kind, int] = {}
    async with staged(form_of=forms.get) as stage:
        stage.become(POD, KAFKA)
        await stage.until_watched(POD, KAFKA)
        stage.store.put(make(KAFKA, "broker"))
        before = dict(stage.sources.made)
        forms[KAFKA] = 1
        stage.following.reread()
        # What is held stays until the new list is there.
        assert [item.name for item in stage.store.objects(KAFKA)] == ["broker"]
        assert stage.following.sources[KAFKA] is stage.sources.made[KAFKA] is not before[KAFKA]
        await until(lambda: stage.sources.made[KAFKA].watches == 1 and before[KAFKA].watches == 0)
        assert stage.sources.made[POD] is before[POD]
        forms[POD] = 1
        stage.become(POD, KAFKA)
        await until(lambda: before[POD].watches == 0)


async def test_only_what_was_there_at_the_start_is_awaited() -> None:
    async with staged(FakeSources()) as stage:
        stage.sources.hanging = {"kafkas", "secrets"}
        assert stage.following.awaits(POD)
        stage.become(POD, SECRET)
        await until(lambda: stage.coverage(POD) == [Coverage.COMPLETE])
        assert [stage.following.awaits(kind) for kind in (POD, SECRET)] == [False, True]
        stage.become(POD, SECRET, KAFKA, awaited=False)
        await asyncio.sleep(0)
        assert [stage.following.awaits(kind) for kind in (SECRET, KAFKA)] == [True, False]


async def test_so_many_lists_at_once() -> None:
    kinds = [Kind("example.org", "v1", f"things{number}", f"Thing{number}", "thing") for number in range(40)]
    sources = FakeSources()
    sources.hanging = {kind.resource for kind in kinds}
    async with staged(sources) as stage:
        stage.become(*kinds)
        await until(lambda: sum(source.lists for source in sources.made.values()) == LISTS_AT_ONCE)
        await asyncio.sleep(0.01)
        assert [kind for kind, source in sources.made.items() if source.lists] == kinds[:LISTS_AT_ONCE]


@pytest.mark.parametrize(
    ("failure", "coverage"),
    [
        (UpstreamForbidden("no", code=403), Coverage.FORBIDDEN),
        (UpstreamNotFound("no such", code=404), Coverage.NOT_FOUND),
        (BROKEN, Coverage.UNAVAILABLE),
        (UpstreamError("cannot be decoded"), Coverage.UNAVAILABLE),
    ],
)
async def test_a_kind_that_fails_while_others_are_answered_is_left_out(
    failure: UpstreamError, coverage: Coverage
) -> None:
    async with staged(FakeSources(kafkas=failure), patience=0.05) as stage:
        stage.become(POD, KAFKA)
        await until(lambda: stage.coverage(KAFKA) == [coverage])
        assert stage.coverage(POD) == [Coverage.COMPLETE]
        # It goes on trying.
        stage.sources.made[KAFKA].failure = None
        await until(lambda: stage.coverage(KAFKA) == [Coverage.COMPLETE])


async def test_a_list_that_is_not_even_answered_is_left_out() -> None:
    sources = FakeSources()
    sources.hanging = {"kafkas"}
    async with staged(sources, patience=0.05) as stage:
        stage.become(POD, KAFKA)
        await until(lambda: stage.coverage(KAFKA) == [Coverage.UNAVAILABLE])


async def test_a_kind_that_was_known_is_left_out_once_it_only_fails() -> None:
    async with staged(patience=0.05) as stage:
        stage.become(POD, KAFKA)
        await until(lambda: len(set(stage.sources.watched())) == 2)
        stage.store.put(make(KAFKA, "broker"))
        source = stage.sources.made[KAFKA]
        source.failure = BROKEN
        source.expired.set()
        await until(lambda: stage.coverage(KAFKA) == [Coverage.UNAVAILABLE])
        assert not list(stage.store.objects(KAFKA))


async def test_while_nothing_is_answered_nothing_is_left_out() -> None:
    down = UpstreamError("connection refused")
    async with staged(FakeSources(pods=down, kafkas=down), patience=0.02) as stage:
        stage.probe.failure = down
        stage.become(POD, KAFKA)
        await until(lambda: stage.sources.made[KAFKA].lists >= 2 and stage.probe.asked >= 10)
        assert stage.coverage(POD, KAFKA) == [Coverage.PENDING] * 2


async def test_the_kinds_that_every_cluster_has_are_never_given_up() -> None:
    async with staged(FakeSources(pods=BROKEN), patience=0.02) as stage:
        stage.become(POD, KAFKA)
        await until(lambda: stage.sources.made[POD].lists >= 3)
        assert stage.coverage(POD, KAFKA) == [Coverage.PENDING, Coverage.COMPLETE]


async def test_after_an_outage_a_kind_is_not_given_up_before_it_was_tried_again() -> None:
    """Its failures lie in the outage, whoever else has been answered since."""
    down = UpstreamError("connection refused")
    async with staged(FakeSources(kafkas=down), patience=0.05) as stage:
        stage.probe.failure = down
        stage.become(KAFKA)
        await until(lambda: stage.sources.made[KAFKA].lists >= 2)
        source = stage.sources.made[KAFKA]
        source.failure, stage.probe.failure = None, None
        await until(lambda: stage.coverage(KAFKA) != [Coverage.PENDING])
        assert stage.coverage(KAFKA) == [Coverage.COMPLETE]


async def test_what_was_refused_is_tried_again_when_rights_may_have_come() -> None:
    async with staged(FakeSources(secrets=UpstreamForbidden("no", code=403))) as stage:
        stage.become(POD, SECRET)
        source = stage.sources.made[SECRET]
        # Until it waits for longer than this test may last.
        for _ in range(8):
            lists = source.lists
            await until(lambda lists=lists: stage.following.progress[SECRET].failures > lists - 1)  # type: ignore[misc]
            stage.following.nudge()
            await until(lambda lists=lists: source.lists > lists)  # type: ignore[misc]
        source.failure = None
        stage.following.nudge()
        await until(lambda: stage.coverage(SECRET) == [Coverage.COMPLETE])


class Faulty(FakeSource):
    async def page(self, continue_token: str) -> Page[Object]:
        raise ZeroDivisionError("a fault")


async def test_a_fault_of_this_program_ends_it() -> None:
    following = Following(Store(Kinds((POD,))), Faulty, Probe())

    async def follow() -> None:
        async with following.running():
            following.become([POD], awaited=True)
            await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as raised:
        await follow()
    assert raised.group_contains(ZeroDivisionError)
