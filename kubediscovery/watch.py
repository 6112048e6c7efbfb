"""One caller's watch: what there is or what was missed, then every change, until its time is over.

The rules are those of k8s.io/apiserver (pkg/endpoints/handlers/watch.go, pkg/storage/cacher): a watch begins with what
there is unless it goes on from a resource version, bookmarks say up to where everything was told, and an error is the
last event of the stream.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator
from contextlib import aclosing
from dataclasses import replace

from kubediscovery.broadcast import Broadcaster, Subscriber
from kubediscovery.errors import Expired, StatusError
from kubediscovery.meta import ObjectMeta, status_of
from kubediscovery.negotiation import Representation
from kubediscovery.objects import EventType
from kubediscovery.options import Terms
from kubediscovery.representation import bookmark
from kubediscovery.sight import Sight
from kubediscovery.views import Selection, View, WatchEvent, line_of

# Seconds between two bookmarks.
BOOKMARK_EVERY = 60.0
# Seconds between two reviews of what the caller may see; a verdict may be REVIEW_MAX_AGE old for it, and the review
# itself takes its time, so that a right that was revoked ends within 10 s.
REVIEW_EVERY = 9.0
# Bytes that wait for a slow reader; most are shared with others who watch the same.
LONGEST_QUEUE = 4 * 1024 * 1024
# Bytes after which they are sent: what is written at once is held twice, and leaves a hole of its size in the memory of
# the process.
_BYTES_AT_ONCE = 4 * 1024
# How often what came during the opening is sent with time for others; what comes during the last is not much.
_CATCHING_UP = 4

#: The annotations of the bookmark behind what there was when a watch began.
INITIAL_EVENTS_END = {"k8s.io/initial-events-end": "true"}

Batch = list[bytes]


class Watch:
    """A stream of events, as lines of JSON; ends by itself, and at once when it is closed.

    ``review`` is asked time and again; the :class:`StatusError` that it raises ends the watch.
    """

    def __init__(
        self,
        broadcaster: Broadcaster,
        selection: Selection,
        sight: Sight,
        representation: Representation,
        terms: Terms,
        review: Callable[[], Awaitable[None]],
        *,
        api_version: str,
    ) -> None:
        self._broadcaster = broadcaster
        self._turns = broadcaster.turns
        self._selection = selection
        self._sight = sight
        # Events are never compressed or indented: who differs in nothing else shares their lines.
        self._representation = replace(
            representation, media_type=replace(representation.media_type, pretty=False), pretty=False, gzip=False
        )
        self._terms = terms
        self._review = review
        self._api_version = api_version
        self._columns = True
        # What changed during the opening, by UID: the last event of each, so that a slow reader costs no more.
        self._queue: dict[str, WatchEvent] = {}
        self._lines: Batch = []
        self._size = 0
        self._opening = True
        self._error: StatusError | None = None
        self._closed = False
        self._wake = asyncio.Event()
        self._now = asyncio.get_running_loop().time
        self._review_at = next_review(self._now())

    @property
    def waiting(self) -> int:
        """Bytes that wait for the reader."""
        return self._size

    def close(self) -> None:
        """End the stream without a word: nobody reads it any more."""
        self._closed = True
        self._wake.set()

    async def batches(self) -> AsyncGenerator[Batch, None]:
        """The events; each batch is what there is to tell at one time. Never raises :class:`StatusError`."""
        subscriber = Subscriber(self._told, self._ended)
        view = None
        try:
            # Trees that have to be looked at are, before all are at once.
            await self._turns.all(self._broadcaster.looks(self._selection, self._sight))
            view = self._broadcaster.subscribe(self._selection, self._sight, subscriber)
            async with aclosing(self._open(view)) as opening:
                async for batch in opening:
                    yield batch
            async with aclosing(self._follow()) as following:
                async for batch in following:
                    yield batch
        except StatusError as error:
            yield [line_of("ERROR", status_of(error))]
        finally:
            if view is not None:
                self._broadcaster.unsubscribe(view, subscriber)

    async def _open(self, view: View) -> AsyncGenerator[Batch, None]:
        terms, version = self._terms, self._broadcaster.told()
        events: Iterator[WatchEvent | None] = iter(())
        if terms.initial:
            events = view.initial()
        elif terms.since is not None:
            changes = await self._broadcaster.changes_since(terms.since)
            effects = view.effects(changes)
            await self._turns.all(map(effects.add, changes))
            events = view.replay(effects)
        async with aclosing(self._portions(events)) as portions:
            async for batch in portions:
                yield batch
        is_marked = not terms.marks_end
        for _ in range(_CATCHING_UP):
            if self._queue and not is_marked:
                is_marked = True
                yield [self._bookmark(version, INITIAL_EVENTS_END)]
            # What was queued meanwhile may be older than what was sent.
            queued, self._queue = self._queue, {}
            async with aclosing(self._portions(_as_it_is(event, view) for event in queued.values())) as portions:
                async for batch in portions:
                    yield batch
        self._opening = False
        queued, self._queue = self._queue, {}
        self._add(filter(None, (_as_it_is(event, view) for event in queued.values())))
        if not is_marked:
            yield [self._bookmark(version, INITIAL_EVENTS_END)]

    async def _portions(self, events: Iterable[WatchEvent | None]) -> AsyncGenerator[Batch, None]:
        lines = (self._line(event) if event is not None else b"" for event in events)
        async with aclosing(self._turns.portions(lines, size=len, enough=_BYTES_AT_ONCE)) as portions:
            async for portion in portions:
                if batch := [line for line in portion if line]:
                    yield batch
                await self._review_in_time()

    async def _follow(self) -> AsyncGenerator[Batch, None]:
        end, bookmark_at = self._now() + self._terms.seconds, self._now() + BOOKMARK_EVERY
        while not self._closed:
            await self._wait(min(end, self._review_at, bookmark_at) - self._now())
            await self._review_in_time()
            if self._error is not None:
                raise self._error
            ends, bookmark_due = self._now() >= end, self._now() >= bookmark_at
            # First tell everything up to the version that the bookmark will name.
            version = self._broadcaster.told() if ends or bookmark_due else 0
            batch, self._lines, self._size = self._lines, [], 0
            if bookmark_due:
                bookmark_at = self._now() + BOOKMARK_EVERY
            if version and self._terms.bookmarks:
                batch.append(self._bookmark(version, None))
            if batch:
                yield batch
            if ends:
                return

    async def _review_in_time(self) -> None:
        if self._now() >= self._review_at:
            await self._review()
            self._review_at = next_review(self._now())

    async def _wait(self, seconds: float) -> None:
        if self._wake.is_set() or seconds <= 0:
            self._wake.clear()
            return
        timer = asyncio.get_running_loop().call_later(seconds, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            timer.cancel()
        self._wake.clear()

    def _told(self, events: list[WatchEvent]) -> None:
        if self._error is not None:
            return
        if not self._opening:
            self._add(events)
            return
        for event in events:
            self._queue.pop(event.uid, None)
            self._queue[event.uid] = event

    def _add(self, events: Iterable[WatchEvent]) -> None:
        for event in events:
            line = self._line(event)
            self._lines.append(line)
            self._size += len(line)
        if self._size > LONGEST_QUEUE:
            self._lines, self._size = [], 0
            self._ended(Expired("the watch was read too slowly, list again"))
        self._wake.set()

    def _ended(self, error: StatusError) -> None:
        self._error = self._error or error
        self._wake.set()

    def _line(self, event: WatchEvent) -> bytes:
        columns, self._columns = self._columns, False
        return event.line(self._representation, columns=columns)

    def _bookmark(self, version: int, annotations: dict[str, str] | None) -> bytes:
        columns, self._columns = self._columns, False
        metadata = ObjectMeta(resource_version=str(version), annotations=annotations)
        content = bookmark(metadata, self._api_version, self._representation, columns=columns)
        return line_of(EventType.BOOKMARK, content)


def next_review(now: float) -> float:
    """At most :data:`REVIEW_EVERY` from now, and when others are too: one review then does for all who ask the same."""
    third = REVIEW_EVERY / 3
    return (now + REVIEW_EVERY) // third * third


def _as_it_is(event: WatchEvent, view: View) -> WatchEvent | None:
    return event if event.type is EventType.DELETED else view.renewed(event.type, event.uid)
