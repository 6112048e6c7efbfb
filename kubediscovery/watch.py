"""One caller's watch of compositions: what there is or what was missed, then every change, until its time is over."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator
from contextlib import aclosing

from kubediscovery.broadcast import Broadcaster
from kubediscovery.errors import Expired
from kubediscovery.meta import ObjectMeta
from kubediscovery.negotiation import Representation
from kubediscovery.objects import EventType
from kubediscovery.options import Terms
from kubediscovery.representation import bookmark
from kubediscovery.sight import Sight
from kubediscovery.views import Selection, View, WatchEvent
from kubediscovery.watching import INITIAL_EVENTS_END, Batch, Watching

# Bytes that wait for a slow reader; most are shared with others who watch the same.
LONGEST_QUEUE = 4 * 1024 * 1024
# Bytes after which they are sent: what is written at once is held twice, and leaves a hole of its size in the memory of
# the process.
_BYTES_AT_ONCE = 4 * 1024
# How often what came during the opening is sent with time for others; what comes during the last is not much.
_CATCHING_UP = 4


class Watch(Watching):
    """A watch of compositions, which is told of what changes and keeps it till its reader takes it."""

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
        super().__init__(representation, terms, review)
        self._broadcaster = broadcaster
        self._turns = broadcaster.turns
        self._selection = selection
        self._sight = sight
        self._api_version = api_version
        self._view: View | None = None
        # What changed during the opening, by UID: the last event of each, so that a slow reader costs no more.
        self._queue: dict[str, WatchEvent] = {}
        self._lines: Batch = []
        self._size = 0
        self._opening = True

    @property
    def waiting(self) -> int:
        """Bytes that wait for the reader."""
        return self._size

    async def _open(self) -> AsyncGenerator[Batch, None]:
        # Trees that have to be looked at are, before all are at once.
        await self._turns.all(self._broadcaster.looks(self._selection, self._sight))
        view = self._view = self._broadcaster.subscribe(self._selection, self._sight, self)
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

    def _told_up_to(self) -> int:
        return self._broadcaster.told()

    async def _take(self) -> Batch:
        batch, self._lines, self._size = self._lines, [], 0
        return batch

    def _marker(self, metadata: ObjectMeta, *, columns: bool) -> object:
        return bookmark(metadata, self._api_version, self._representation, columns=columns)

    def _leave(self) -> None:
        if self._view is not None:
            self._broadcaster.unsubscribe(self._view, self)

    def told(self, events: list[WatchEvent]) -> None:
        """Something in the view has changed."""
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
            self.ended(Expired("the watch was read too slowly, list again"))
        self._wake.set()

    def _line(self, event: WatchEvent) -> bytes:
        columns, self._columns = self._columns, False
        return event.line(self._representation, columns=columns)


def _as_it_is(event: WatchEvent, view: View) -> WatchEvent | None:
    return event if event.type is EventType.DELETED else view.renewed(event.type, event.uid)
