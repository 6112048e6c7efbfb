"""The reflector against a source that does all that kube-apiserver may do; only time and the source are made up."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubediscovery.errors import UpstreamError, UpstreamExpired, UpstreamForbidden, UpstreamNotFound
from kubediscovery.objects import Event, EventType, Page
from kubediscovery.reflector import (
    FIRST_DELAY,
    LAST_DELAY,
    LONGEST_RETRY_AFTER,
    REFUSAL_GRACE,
    SOUND_WATCH,
    Phase,
    Reflector,
)


class Item(NamedTuple):
    name: str
    version: int


@dataclass
class Sink:
    """What a reflector holds, and what was done to it."""

    items: dict[str, Item] = field(default_factory=dict)
    version: str = ""
    calls: list[str] = field(default_factory=list)

    def replace(self, items: list[Item], resource_version: str) -> None:
        self.items = {item.name: item for item in items}
        self.version = resource_version
        self.calls.append(f"replace {len(items)}")

    def put(self, item: Item) -> None:
        self.items[item.name] = item
        self.calls.append(f"put {item.name}")

    def remove(self, item: Item) -> None:
        self.items.pop(item.name, None)
        self.calls.append(f"remove {item.name}")

    def advance(self, resource_version: str) -> None:
        self.version = resource_version

    def omit(self, reason: str) -> None:
        self.items = {}
        self.calls.append(f"omit {reason}")


@dataclass
class Clock:
    """Time that passes when somebody sleeps, and when a test says so."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


class Lives(NamedTuple):
    """In a script of a watch: time passes."""

    seconds: float


Batch = list[Event[Item]]
Step = Batch | Lives | Exception
ListAnswer = Page[Item] | Exception
WatchAnswer = list[Step] | Exception


class Script:
    """A source that plays lists and watches in order, one after the other; after the last it is silent for ever."""

    def __init__(self, clock: Clock, *answers: ListAnswer | WatchAnswer) -> None:
        self._clock = clock
        self._answers = list(answers)
        self.asked: list[str] = []
        self.when_asked: Callable[[], None] = lambda: None
        self.ended = asyncio.Event()

    async def _next(self, asked: str) -> object:
        self.asked.append(asked)
        self.when_asked()
        if not self._answers:
            self.ended.set()
            await asyncio.Event().wait()
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def page(self, continue_token: str) -> Page[Item]:
        answer = await self._next(f"list {continue_token}".strip())
        assert isinstance(answer, Page), self.asked
        return answer

    @asynccontextmanager
    async def watch(self, resource_version: str) -> AsyncIterator[AsyncIterator[Batch]]:
        answer = await self._next(f"watch {resource_version}")
        assert isinstance(answer, list), self.asked
        yield self._play(answer)

    async def _play(self, steps: list[Step]) -> AsyncIterator[Batch]:
        for step in steps:
            await asyncio.sleep(0)
            if isinstance(step, Exception):
                raise step
            if isinstance(step, Lives):
                self._clock.now += step.seconds
            else:
                yield step


@dataclass
class Run:
    """What came of a script."""

    sink: Sink
    source: Script
    clock: Clock
    reflector: Reflector[Item]

    @property
    def asked(self) -> list[str]:
        return self.source.asked

    @property
    def slept(self) -> list[float]:
        return self.clock.slept


async def play(*answers: ListAnswer | WatchAnswer) -> Run:
    """Run until the reflector has had all the answers and asks for one more."""
    clock, sink = Clock(), Sink()
    source = Script(clock, *answers)
    reflector = Reflector(source, sink, sleep=clock.sleep, clock=clock)
    running = asyncio.create_task(reflector.run())
    ended = asyncio.create_task(source.ended.wait())
    await asyncio.wait((running, ended), return_when=asyncio.FIRST_COMPLETED, timeout=10)
    assert source.ended.is_set(), running
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    return Run(sink, source, clock, reflector)


def page(version: str, *names: str, more: str = "") -> Page[Item]:
    return Page([Item(name, int(version)) for name in names], version, more)


def event(type_: str, name: str, version: int) -> Event[Item]:
    return Event(EventType(type_), Item(name, version), str(version))


def bookmark(version: int) -> Event[Item]:
    return Event(EventType.BOOKMARK, None, str(version))


def expired() -> UpstreamExpired:
    return UpstreamExpired("too old resource version", code=410)


def dropped() -> UpstreamError:
    return UpstreamError("connection reset")


def within(slept: float, delay: float) -> bool:
    return 0.5 * delay <= slept <= 1.5 * delay


# Lists


async def test_all_pages_are_handed_over_as_one() -> None:
    run = await play(page("5", "a", "b", more="t1"), page("5", "c", more="t2"), page("5"), [Lives(600)])
    assert run.sink.calls == ["replace 3"]
    assert run.asked[:4] == ["list", "list t1", "list t2", "watch 5"]
    assert run.sink.items.keys() == {"a", "b", "c"}


async def test_an_empty_list_is_handed_over() -> None:
    run = await play(page("5"), [Lives(600)])
    assert (run.sink.calls, run.sink.version) == (["replace 0"], "5")


async def test_a_page_is_not_changed_by_what_follows_it() -> None:
    first = page("5", "a", more="t")
    await play(first, page("5", "b"), [Lives(600)])
    assert [item.name for item in first.items] == ["a"]


async def test_what_is_held_is_handed_over_as_it_is() -> None:
    held = {"a": Item("a", 1)}
    source = Script(Clock(), Page([Item("a", 1)], "5", "more"), Page([Item("b", 1)], "5", ""))
    sink = Sink()
    reflector = Reflector(source, sink, held=lambda items: [held.get(item.name, item) for item in items])
    running = asyncio.create_task(reflector.run())
    await source.ended.wait()
    running.cancel()
    assert [sink.items[name] is held.get(name) for name in ("a", "b")] == [True, False]


@pytest.mark.parametrize("error", [dropped(), expired(), UpstreamError("overload", code=500)], ids=str)
async def test_an_error_amid_the_pages_leaves_what_was_held(error: UpstreamError) -> None:
    run = await play(
        page("5", "a"), [Lives(60), expired()], page("9", "b", more="t"), error, page("10", "c", more="t"), page("10")
    )
    assert run.sink.calls == ["replace 1", "replace 1"]
    assert run.sink.items.keys() == {"c"}
    assert run.asked == ["list", "watch 5", "list", "list t", "list", "list t", "watch 10"]


async def test_a_continue_token_that_expires_in_a_row_backs_off() -> None:
    answers: list[ListAnswer] = []
    for _ in range(6):
        answers += [page("5", "a", more="t"), expired()]
    run = await play(*answers, page("6", "b"), [Lives(600)])
    assert run.sink.calls == ["replace 1"]
    assert all(within(slept, FIRST_DELAY * 2**turn) for turn, slept in enumerate(run.slept))


# Watches


async def test_events_are_applied_in_order() -> None:
    batches: list[Step] = [
        [event("ADDED", "b", 6), event("MODIFIED", "a", 7)],
        [event("DELETED", "b", 8), event("ADDED", "c", 9), bookmark(12)],
    ]
    run = await play(page("5", "a"), [*batches, Lives(600)])
    assert run.sink.calls == ["replace 1", "put b", "put a", "remove b", "put c"]
    assert run.sink.items == {"a": Item("a", 7), "c": Item("c", 9)}
    assert run.sink.version == "12"
    assert run.reflector.progress.events == 5
    assert run.asked[-1] == "watch 12"


async def test_a_watch_that_ends_is_resumed_without_waiting() -> None:
    run = await play(page("5", "a"), [Lives(300)], [[bookmark(6)], Lives(300)], [Lives(300)])
    assert run.asked == ["list", "watch 5", "watch 5", "watch 6", "watch 6"]
    assert run.slept == []
    assert run.sink.calls == ["replace 1"]


async def test_a_dropped_connection_is_resumed_from_the_last_version_seen() -> None:
    run = await play(page("5", "a"), [[event("ADDED", "b", 7)], dropped()], dropped(), [[event("ADDED", "c", 8)]])
    assert run.asked == ["list", "watch 5", "watch 7", "watch 7", "watch 8"]
    assert run.sink.items.keys() == {"a", "b", "c"}
    assert run.sink.calls[0] == "replace 1"
    assert len(run.slept) == 3


async def test_a_bookmark_is_what_a_quiet_watch_is_resumed_from() -> None:
    run = await play(page("5", "a"), [[bookmark(50)], Lives(60), [bookmark(90)], dropped()])
    assert run.asked[-1] == "watch 90"


async def test_an_event_without_a_version_does_not_lose_the_last_one() -> None:
    run = await play(page("5"), [[Event(EventType.ADDED, Item("a", 0), "")], Lives(60)])
    assert run.asked[-1] == "watch 5"
    assert run.sink.items.keys() == {"a"}


@pytest.mark.parametrize("opened", [True, False])
async def test_an_expired_watch_is_followed_by_a_list(opened: bool) -> None:
    expiry: WatchAnswer = [expired()] if opened else expired()
    run = await play(page("5", "a", "b"), [Lives(600)], expiry, page("90", "b", "c"), [Lives(600)])
    assert run.asked == ["list", "watch 5", "watch 5", "list", "watch 90", "watch 90"]
    assert run.sink.items.keys() == {"b", "c"}


@pytest.mark.parametrize("opened", [True, False])
async def test_expiries_in_a_row_back_off(opened: bool) -> None:
    answers: list[ListAnswer | WatchAnswer] = []
    for version in range(5, 15):
        answers += [page(str(version), "a"), [expired()] if opened else expired()]
    run = await play(*answers)
    assert len(run.slept) == 10
    assert all(within(slept, min(FIRST_DELAY * 2**turn, LAST_DELAY)) for turn, slept in enumerate(run.slept))


@pytest.mark.parametrize(
    "watch",
    [[], [[bookmark(5)]], [Lives(0.5)], [dropped()], [UpstreamError("etcd", code=500)]],
    ids=["ends", "the same bookmark", "ends soon", "dropped", "an error event"],
)
async def test_a_watch_that_brings_nothing_and_ends_at_once_backs_off(watch: list[Step]) -> None:
    run = await play(page("5", "a"), *[list(watch)] * 7)
    assert run.asked == ["list", *["watch 5"] * 8]
    assert all(within(slept, min(FIRST_DELAY * 2**turn, LAST_DELAY)) for turn, slept in enumerate(run.slept))
    assert len(run.slept) == 7


@pytest.mark.parametrize("brings", [event("ADDED", "a", 0), bookmark(0)], ids=["an event", "a bookmark"])
async def test_a_watch_that_brings_something_and_ends_at_once_does_not_spin(brings: Event[Item]) -> None:
    watches: list[WatchAnswer] = [[[brings._replace(resource_version=str(6 + turn))]] for turn in range(10)]
    run = await play(page("5"), *watches)
    assert len(run.slept) == 10
    assert all(within(slept, FIRST_DELAY) for slept in run.slept)


async def test_a_watch_that_never_gets_on_is_given_up_for_a_list() -> None:
    """An event that cannot be read stands before all that comes after it."""
    unreadable: list[Step] = [UpstreamError("an answer for pods cannot be decoded")]
    run = await play(page("5", "a"), *[unreadable] * 8, page("20", "b"), [Lives(600)])
    assert run.asked[-3:] == ["list", "watch 20", "watch 20"]
    assert run.sink.items.keys() == {"b"}


async def test_an_outage_is_no_reason_to_list_again() -> None:
    run = await play(page("5", "a"), [Lives(60)], *[dropped()] * 30, [[event("ADDED", "b", 6)], Lives(60)])
    assert run.asked.count("list") == 1
    assert run.sink.items.keys() == {"a", "b"}
    assert sum(run.slept) > 300


# Waiting


async def test_waits_grow_to_a_bound_and_are_jittered() -> None:
    run = await play(*[dropped()] * 20)
    assert all(within(slept, min(FIRST_DELAY * 2**turn, LAST_DELAY)) for turn, slept in enumerate(run.slept))
    assert len({slept / LAST_DELAY for slept in run.slept[-10:]}) > 5


async def test_after_a_sound_watch_waits_begin_anew() -> None:
    # A little more than the bound: the times are sums of random fractions.
    run = await play(*[dropped()] * 5, page("5"), dropped(), [Lives(SOUND_WATCH + 1), dropped()], dropped())
    assert within(run.slept[5], FIRST_DELAY * 2**5)
    assert within(run.slept[6], FIRST_DELAY)
    assert within(run.slept[7], FIRST_DELAY * 2)


async def test_a_connection_that_is_long_in_failing_is_no_sound_watch() -> None:
    clock, sink = Clock(), Sink()

    class Unreachable(Script):
        @asynccontextmanager
        async def watch(self, resource_version: str) -> AsyncIterator[AsyncIterator[Batch]]:
            clock.now += SOUND_WATCH
            async with super().watch(resource_version) as batches:
                yield batches

    source = Unreachable(clock, page("5"), *[dropped()] * 6)
    running = asyncio.create_task(Reflector(source, sink, sleep=clock.sleep, clock=clock).run())
    await asyncio.wait_for(source.ended.wait(), 10)
    running.cancel()
    assert within(clock.slept[-1], FIRST_DELAY * 2**5)


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [
        (20.0, 20, 20),
        (0.0, 0.5 * FIRST_DELAY, 1.5 * FIRST_DELAY),
        (-5.0, 0.5 * FIRST_DELAY, 1.5 * FIRST_DELAY),
        (1e9, LONGEST_RETRY_AFTER, LONGEST_RETRY_AFTER),
    ],
)
async def test_retry_after_is_obeyed_within_reason(asked: float, least: float, most: float) -> None:
    for failing in (play(UpstreamError("busy", code=429, retry_after=asked)), play(page("5"), _busy(asked))):
        run = await failing
        assert least <= run.slept[0] <= most


def _busy(seconds: float) -> UpstreamError:
    return UpstreamError("busy", code=429, retry_after=seconds)


# Refusals


@pytest.mark.parametrize(
    ("error", "reason"),
    [(UpstreamForbidden("no", code=403), "Forbidden"), (UpstreamNotFound("what?", code=404), "NotFound")],
    ids=["forbidden", "not found"],
)
async def test_a_refused_kind_is_omitted_at_once_and_complete_when_it_is_granted(
    error: UpstreamError, reason: str
) -> None:
    run = await play(error, error, error, page("5", "a"), [Lives(600)])
    assert run.sink.calls == [f"omit {reason}"] * 3 + ["replace 1"]
    assert run.sink.items.keys() == {"a"}
    assert all(within(slept, FIRST_DELAY * 2**turn) for turn, slept in enumerate(run.slept))


@pytest.mark.parametrize("in_watch", [True, False])
async def test_what_is_known_outlives_a_short_refusal(in_watch: bool) -> None:
    refusal = UpstreamForbidden("no", code=403)
    first: list[ListAnswer | WatchAnswer] = [[Lives(60)], refusal] if in_watch else [[Lives(60), expired()], refusal]
    run = await play(page("5", "a"), *first, refusal, page("6", "b"), [Lives(600)])
    assert run.sink.calls == ["replace 1", "replace 1"]


async def test_a_right_that_is_taken_away_ends_what_is_known() -> None:
    refusal = UpstreamForbidden("no", code=403)
    run = await play(page("5", "a"), [Lives(60)], *[refusal] * 12)
    assert "omit Forbidden" in run.sink.calls
    assert run.sink.items == {}
    first = run.sink.calls.index("omit Forbidden")
    borne = len(run.slept) - (len(run.sink.calls) - first)
    assert sum(run.slept[:borne]) >= REFUSAL_GRACE > sum(run.slept[: borne - 1])


async def test_a_short_refusal_long_after_another_is_borne_again() -> None:
    refusal = UpstreamForbidden("no", code=403)
    spell: list[ListAnswer | WatchAnswer] = [[Lives(3600)], refusal, refusal, page("6", "b")]
    run = await play(page("5", "a"), *spell, *spell, *spell, [Lives(60)])
    assert run.sink.calls == ["replace 1"] * 4


async def test_without_the_right_to_watch_lists_keep_it_fresh_and_do_not_spin() -> None:
    refusal = UpstreamForbidden("no watch", code=403)
    answers: list[ListAnswer | WatchAnswer] = []
    for version in range(5, 17):
        answers += [page(str(version), f"at{version}"), refusal]
    run = await play(*answers)
    assert run.sink.calls == ["replace 1"] * 12
    assert within(run.slept[-1], LAST_DELAY)


# What it says of itself


async def test_progress_says_what_it_does() -> None:
    seen: list[str] = []
    clock, sink = Clock(), Sink()

    def note() -> None:
        progress = reflector.progress
        seen.append(f"{progress.phase}: {progress.resource_version} {progress.last_error}".strip())

    async def sleep(seconds: float) -> None:
        note()
        await clock.sleep(seconds)

    source = Script(clock, dropped(), page("5", "a"), [[event("ADDED", "b", 6)], Lives(60), dropped()])
    source.when_asked = note
    reflector = Reflector(source, sink, sleep=sleep, clock=clock)
    assert reflector.progress.phase is Phase.STARTING
    running = asyncio.create_task(reflector.run())
    await asyncio.wait_for(source.ended.wait(), 10)
    running.cancel()
    assert seen == [
        "listing:",
        "waiting to try again:  connection reset",
        "listing:  connection reset",
        "listing: 5 connection reset",
        "waiting to try again: 6 connection reset",
        "waiting to try again: 6 connection reset",
    ]
    progress = reflector.progress
    assert (progress.lists, progress.watches, progress.events, progress.failures) == (2, 1, 1, 2)


async def test_a_watch_under_way_is_called_so_and_has_no_error() -> None:
    clock, sink = Clock(), Sink()
    source = Script(clock, dropped(), page("5", "a"), [Lives(60)], [Lives(60)])
    reflector = Reflector(source, sink, sleep=clock.sleep, clock=clock)
    running = asyncio.create_task(reflector.run())
    await asyncio.wait_for(source.ended.wait(), 10)
    assert reflector.progress.phase is Phase.WATCHING
    assert reflector.progress.last_error == ""
    running.cancel()


async def test_it_ends_when_it_is_cancelled_whatever_it_does() -> None:
    for answers in ([], [page("5")], [page("5"), [[bookmark(6)]]]):
        run = await play(*answers)
        assert run.source.ended.is_set()


# The law: whatever happens on the way, in the end the sink holds what the source holds.


@dataclass
class Cluster:
    """Objects with a history, of which the older part may be forgotten; a source that fails as told."""

    faults: random.Random
    clock: Clock
    troubles: int
    items: dict[str, Item] = field(default_factory=dict)
    log: list[tuple[int, Event[Item]]] = field(default_factory=list)
    version: int = 1
    oldest: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)

    def change(self, name: str, *, delete: bool) -> None:
        self.version += 1
        item = Item(name, self.version)
        type_ = EventType.DELETED if delete else EventType.MODIFIED
        if not delete:
            self.items[name] = item
        elif self.items.pop(name, None) is None:
            return
        self.log.append((self.version, Event(type_, item, str(self.version))))

    def _happen(self) -> None:
        """Some changes, perhaps an expiry of all history, perhaps a failure, while troubles last."""
        if self.troubles <= 0:
            return
        self.troubles -= 1
        for _ in range(self.faults.randrange(3)):
            self.change(self.faults.choice("abcdef"), delete=self.faults.random() < 0.4)
        if self.faults.random() < 0.2:
            self.oldest = self.version
        if self.faults.random() < 0.3:
            raise self.faults.choice([dropped(), expired(), UpstreamForbidden("no", code=403), _busy(1)])

    async def page(self, continue_token: str) -> Page[Item]:
        """Pages of two; a token is the version it was made at and where to go on."""
        await asyncio.sleep(0)
        self._happen()
        if not continue_token:
            listed = sorted(self.items.values())
            self.snapshot = listed, str(self.version)
        listed, version = self.snapshot
        start = int(continue_token or 0)
        rest = start + 2
        return Page(listed[start:rest], version, str(rest) if rest < len(listed) else "")

    @asynccontextmanager
    async def watch(self, resource_version: str) -> AsyncIterator[AsyncIterator[Batch]]:
        self._happen()
        yield self._events(int(resource_version))

    async def _events(self, version: int) -> AsyncIterator[Batch]:
        while True:
            await asyncio.sleep(0)
            if version < self.oldest:
                raise expired()
            news = [event for at, event in self.log if at > version][: self.faults.randrange(1, 4)]
            if news:
                yield news
                version = int(news[-1].resource_version)
                continue
            if self.troubles <= 0:
                self.idle.set()
                await asyncio.Event().wait()
            if self.faults.random() < 0.2:
                yield [bookmark(self.version)]
                version = self.version
            self.clock.now += self.faults.choice([0.1, 20])
            if self.faults.random() < 0.2:
                return
            self._happen()


async def _settle(seed: int, troubles: int) -> tuple[Cluster, Sink, Reflector[Item]]:
    faults = random.Random(seed)  # noqa: S311 - the same in every run
    clock, sink = Clock(), Sink()
    cluster = Cluster(faults, clock, troubles)
    reflector = Reflector(cluster, sink, sleep=clock.sleep, clock=clock)
    running = asyncio.create_task(reflector.run())
    await asyncio.wait_for(cluster.idle.wait(), 20)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    return cluster, sink, reflector


@given(seed=st.integers(0, 2**32), troubles=st.integers(0, 60))
@settings(max_examples=300)
def test_in_the_end_the_sink_holds_what_the_source_holds(seed: int, troubles: int) -> None:
    cluster, sink, reflector = asyncio.run(_settle(seed, troubles))
    assert sink.items == cluster.items
    assert int(sink.version) <= cluster.version
    assert reflector.progress.phase is Phase.WATCHING
    # Every failure was waited after, and nothing else was.
    assert len(cluster.clock.slept) == reflector.progress.failures
    assert all(slept >= 0.5 * FIRST_DELAY for slept in cluster.clock.slept)
