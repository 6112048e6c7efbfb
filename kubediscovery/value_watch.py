"""Watches of what typed handlers give: an object's value is asked for again when something in its tree has changed.

Rules and wire are those of :mod:`kubediscovery.watch`. Nothing waits for a slow reader here: what happens meanwhile is
in the journal, and whoever is further behind than that lists again.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

import msgspec

from kubediscovery.broadcast import Past
from kubediscovery.effects import affected_by, in_order
from kubediscovery.errors import Expired, InternalError, StatusError
from kubediscovery.journal import Change, Journal
from kubediscovery.kinds import Kind
from kubediscovery.meta import ObjectMeta, status_of
from kubediscovery.negotiation import Representation
from kubediscovery.objects import EventType, Object
from kubediscovery.options import Options, Terms
from kubediscovery.store import Store
from kubediscovery.values import Form, Nothing, Value
from kubediscovery.views import line_of
from kubediscovery.watch import BOOKMARK_EVERY, INITIAL_EVENTS_END, Batch, next_review

# Seconds from a change to its telling: what changes at about the same time is told together.
SOON = 0.02
# Values that are asked for before those that there are are sent.
_AT_ONCE = 32
Ask = Callable[[str], Awaitable[Value | None]]


class Changes:
    """Wakes all who watch values when anything in the store changes."""

    def __init__(self, store: Store, journal: Journal, past: Past | None) -> None:
        self.store = store
        self.journal = journal
        self._past = past
        self._watches: set[ValueWatch] = set()
        store.observe(self)

    def add(self, watch: "ValueWatch") -> None:
        """Wake it from now on."""
        self._watches.add(watch)

    def drop(self, watch: "ValueWatch") -> None:
        """Wake it no more."""
        self._watches.discard(watch)

    def changed(self, before: Object | None, after: Object | None, version: int) -> None:
        """Something came, changed or went."""
        del before, after, version
        for watch in self._watches:
            watch.wake()

    def reset(self) -> None:
        """What is known of the kinds has changed, so that every value may be another."""
        for watch in list(self._watches):
            watch.end(Expired("what is known of the cluster has changed, list again"))

    async def since(self, version: int) -> Sequence[Change]:
        """What somebody has missed who knows all up to ``version``; raises :class:`Expired` where nobody knows that."""
        if self._past is not None:
            await self._past.reach(version)
        return self.journal.since(self.journal.position(version))


@dataclass(frozen=True, slots=True)
class Watched:
    """What a watch is about: the objects of a kind, in a namespace or in all, of one name or all, and the selectors.

    ``visible`` are the kinds through which a change shows in what is above it; ``related`` that anything may.
    """

    kind: Kind
    namespace: str | None
    name: str
    options: Options
    visible: frozenset[Kind]
    related: bool

    def includes(self, item: Object) -> bool:
        """Whether the object is one of those."""
        if item.kind != self.kind or self.namespace not in (None, item.namespace) or self.name not in ("", item.name):
            return False
        labels, fields = self.options.labels, self.options.fields
        return (not labels.requirements or labels.matches(dict(item.labels))) and (
            not fields.requirements
            or fields.matches({"metadata.name": item.name, "metadata.namespace": item.namespace})
        )


class ValueWatch:
    """A stream of events, as lines of JSON; ends by itself, and soon when it is closed.

    ``ask`` gives the value of the object with a UID, None where there is none. ``review`` is asked time and again; the
    :class:`StatusError` that it raises ends the watch.
    """

    def __init__(
        self,
        changes: Changes,
        watched: Watched,
        ask: Ask,
        form: Form,
        representation: Representation,
        terms: Terms,
        review: Callable[[], Awaitable[None]],
    ) -> None:
        self._changes = changes
        self._watched = watched
        self._ask = ask
        self._form = form
        # Events are never compressed or indented.
        self._representation = replace(
            representation, media_type=replace(representation.media_type, pretty=False), pretty=False, gzip=False
        )
        self._terms = terms
        self._review = review
        self._columns = True
        # Of what was shown the last value and what tells it from others; nothing of what was there before.
        self._shown: dict[str, tuple[bytes, Value] | None] = {}
        self._position = changes.journal.end
        self._error: StatusError | None = None
        self._closed = False
        self._wake = asyncio.Event()
        self._now = asyncio.get_running_loop().time
        self._review_at = next_review(self._now())

    def wake(self) -> None:
        """There may be something to tell."""
        self._wake.set()

    def end(self, error: StatusError) -> None:
        """End with an error."""
        self._error = self._error or error
        self._wake.set()

    def close(self) -> None:
        """End without a word: nobody reads it any more."""
        self._closed = True
        self._wake.set()

    async def batches(self) -> AsyncGenerator[Batch, None]:
        """The events; each batch is what there is to tell at one time. Never raises :class:`StatusError`."""
        self._changes.add(self)
        try:
            async with aclosing(self._open()) as opening:
                async for batch in opening:
                    yield batch
            async with aclosing(self._follow()) as following:
                async for batch in following:
                    yield batch
        except StatusError as error:
            yield [line_of("ERROR", status_of(error))]
        except Exception:
            # What it is says the log, under the Audit-Id of the answer.
            yield [line_of("ERROR", status_of(InternalError("an internal error occurred; the log has it")))]
            raise
        finally:
            self._changes.drop(self)

    async def _open(self) -> AsyncGenerator[Batch, None]:
        terms, journal = self._terms, self._changes.journal
        missed = await self._changes.since(terms.since) if terms.since is not None and not terms.initial else ()
        version, self._position = journal.issue(), journal.end
        if not terms.initial:
            self._shown = dict.fromkeys(item.uid for item in self._present())
            async with aclosing(self._told(missed)) as telling:
                async for events in telling:
                    yield events
            return
        batch: Batch = []
        for uid in [item.uid for item in self._present()]:
            batch += await self._renewed(uid, 0)
            if len(batch) >= _AT_ONCE:
                yield batch
                batch = []
                await self._review_in_time()
        if terms.marks_end:
            batch.append(self._bookmark(version, INITIAL_EVENTS_END))
        if batch:
            yield batch

    async def _follow(self) -> AsyncGenerator[Batch, None]:
        end, bookmark_at = self._now() + self._terms.seconds, self._now() + BOOKMARK_EVERY
        while await self._goes_on(min(end, self._review_at, bookmark_at) - self._now()):
            await self._review_in_time()
            if self._error is not None:
                raise self._error
            journal = self._changes.journal
            ends, bookmark_due = self._now() >= end, self._now() >= bookmark_at
            version = journal.issue() if ends or bookmark_due else 0
            changes = journal.since(self._position)
            self._position = journal.end
            async with aclosing(self._told(changes)) as telling:
                async for batch in telling:
                    yield batch
            if version and self._terms.bookmarks:
                yield [self._bookmark(version, None)]
            if bookmark_due:
                bookmark_at = self._now() + BOOKMARK_EVERY
            if ends:
                return

    async def _told(self, changes: Sequence[Change]) -> AsyncGenerator[Batch, None]:
        """How the changes show, in the order of their versions."""
        batch: Batch = []
        for uid, version in list(self._touched(changes)):
            batch += await self._renewed(uid, version)
            if len(batch) >= _AT_ONCE:
                yield batch
                batch = []
        if batch:
            yield batch

    def _touched(self, changes: Sequence[Change]) -> Iterator[tuple[str, int]]:
        """What is watched and may have another value since, with the version of that."""
        if not changes:
            return
        store, watched = self._changes.store, self._watched
        touched = affected_by(store, changes, watched.visible)
        for affected in in_order(store, touched.values()):
            if affected.last.kind == watched.kind:
                if affected.came and self._shown.get(affected.last.uid, ()) is None:
                    del self._shown[affected.last.uid]
                if affected.item is None and affected.last.uid not in self._shown and watched.includes(affected.last):
                    # Whoever goes on from before it went has it still.
                    self._shown[affected.last.uid] = b"", Value(affected.last, Nothing())
                yield affected.last.uid, affected.went or affected.version
        if watched.related:
            newest = max(change.version for change in changes)
            yield from ((uid, newest) for uid in self._all() if uid not in touched)

    def _all(self) -> Iterable[str]:
        return dict.fromkeys((*self._shown, *(item.uid for item in self._present())))

    def _present(self) -> Iterator[Object]:
        store, watched = self._changes.store, self._watched
        return filter(watched.includes, list(store.objects(watched.kind, watched.namespace)))

    async def _renewed(self, uid: str, version: int) -> Batch:
        """The event of an object whose value is another one now, if it is."""
        item = self._changes.store.get(uid)
        value = await self._ask(uid) if item is not None and self._watched.includes(item) else None
        if value is None:
            return self._gone(uid, version)
        value = value._replace(version=version)
        known, digest = uid in self._shown, _digest(value)
        before = self._shown.get(uid)
        if before is not None and before[0] == digest:
            return []
        self._shown[uid] = digest, value
        return [self._line(EventType.MODIFIED if known else EventType.ADDED, value)]

    def _gone(self, uid: str, version: int) -> Batch:
        if uid not in self._shown:
            return []
        before = self._shown.pop(uid)
        item = self._changes.store.get(uid)
        value = before[1] if before is not None else Value(item, Nothing()) if item is not None else None
        return [self._line(EventType.DELETED, value._replace(version=version))] if value is not None else []

    async def _review_in_time(self) -> None:
        if self._now() >= self._review_at:
            await self._review()
            self._review_at = next_review(self._now())

    async def _goes_on(self, seconds: float) -> bool:
        """Wait for something to tell, or so long; false where nobody reads it any more."""
        if not self._wake.is_set() and seconds > 0:
            timer = asyncio.get_running_loop().call_later(seconds, self._wake.set)
            try:
                await self._wake.wait()
            finally:
                timer.cancel()
        if not self._closed and self._error is None:
            await asyncio.sleep(SOON)
        self._wake.clear()
        return not self._closed

    def _line(self, type_: EventType, value: Value) -> bytes:
        columns, self._columns = self._columns, False
        return line_of(type_, self._form.one(value, self._representation, columns=columns))

    def _bookmark(self, version: int, annotations: dict[str, str] | None) -> bytes:
        columns, self._columns = self._columns, False
        metadata = ObjectMeta(resource_version=str(version), annotations=annotations)
        return line_of(EventType.BOOKMARK, self._form.bookmark(metadata, self._representation, columns=columns))


def _digest(value: Value) -> bytes:
    """What tells a value from others: all that the caller sees of it but its version."""
    seen = (value.given, value.parent.labels)
    return hashlib.blake2b(msgspec.json.encode(seen), digest_size=16).digest()
