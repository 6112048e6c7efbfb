"""What all watches have in common: their terms, bookmarks, reviews, and how they end.

The rules are those of k8s.io/apiserver (pkg/endpoints/handlers/watch.go, pkg/storage/cacher): a watch begins with what
there is unless it goes on from a resource version, bookmarks say up to where everything was told, and an error is the
last event of the stream.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace

from kubediscovery.errors import InternalError, StatusError
from kubediscovery.meta import ObjectMeta, status_of
from kubediscovery.negotiation import Representation
from kubediscovery.objects import EventType
from kubediscovery.options import Terms
from kubediscovery.views import line_of

# Seconds between two bookmarks.
BOOKMARK_EVERY = 60.0
# Seconds between two reviews of what the caller may see; a verdict may be REVIEW_MAX_AGE old for it, and the review
# itself takes its time, so that a right that was revoked ends within 10 s.
REVIEW_EVERY = 9.0

#: The annotations of the bookmark behind what there was when a watch began.
INITIAL_EVENTS_END = {"k8s.io/initial-events-end": "true"}

Batch = list[bytes]


class Watching(ABC):
    """A stream of events, as lines of JSON; ends by itself, and at once when it is closed.

    ``review`` is asked time and again; the :class:`StatusError` that it raises ends the watch.
    """

    #: Seconds to wait for more once there is something to tell.
    gathering = 0.0
    # Whether there is more to tell than was taken last.
    _behind = False

    def __init__(self, representation: Representation, terms: Terms, review: Callable[[], Awaitable[None]]) -> None:
        # Events are never compressed or indented: who differs in nothing else shares their lines.
        self._representation = replace(
            representation, media_type=replace(representation.media_type, pretty=False), pretty=False, gzip=False
        )
        self._terms = terms
        self._review = review
        self._columns = True
        self._error: StatusError | None = None
        self._closed = False
        self._wake = asyncio.Event()
        self._now = asyncio.get_running_loop().time
        self._review_at = next_review(self._now())

    def close(self) -> None:
        """End the stream without a word: nobody reads it any more."""
        self._closed = True
        self._wake.set()

    def ended(self, error: StatusError) -> None:
        """End with an error, the first of them."""
        self._error = self._error or error
        self._wake.set()

    async def batches(self) -> AsyncGenerator[Batch, None]:
        """The events; each batch is what there is to tell at one time. Never raises :class:`StatusError`."""
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
            self._leave()

    @abstractmethod
    def _open(self) -> AsyncGenerator[Batch, None]:
        """Begin to be told of changes, and tell what comes before them."""

    @abstractmethod
    def _told_up_to(self) -> int:
        """The version up to which all is told once the next events are taken."""

    @abstractmethod
    async def _take(self) -> Batch:
        """The next events, if there are any."""

    @abstractmethod
    def _marker(self, metadata: ObjectMeta, *, columns: bool) -> object:
        """The object of a bookmark; ``columns`` asks for a Table's column definitions."""

    @abstractmethod
    def _leave(self) -> None:
        """Be told of nothing more."""

    async def _follow(self) -> AsyncGenerator[Batch, None]:
        end, bookmark_at = self._now() + self._terms.seconds, self._now() + BOOKMARK_EVERY
        while not self._closed:
            await self._wait(min(end, self._review_at, bookmark_at) - self._now())
            now = self._now()
            if now >= self._review_at:
                await self._review_in_time()
                now = self._now()
            if self._error is not None:
                raise self._error
            ends, bookmark_due = now >= end, now >= bookmark_at
            # First tell everything up to the version that the bookmark will name.
            version = self._told_up_to() if ends or bookmark_due else 0
            batch = await self._take()
            if self._behind:
                version, ends, bookmark_due = 0, False, False
            if bookmark_due:
                bookmark_at = now + BOOKMARK_EVERY
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
        """Wait for something to tell, at most so long."""
        if not self._wake.is_set() and seconds > 0:
            timer = asyncio.get_running_loop().call_later(seconds, self._wake.set)
            try:
                await self._wake.wait()
            finally:
                timer.cancel()
        if self.gathering and not self._behind and not self._closed and self._error is None:
            await asyncio.sleep(self.gathering)
        self._wake.clear()

    def _bookmark(self, version: int, annotations: dict[str, str] | None) -> bytes:
        columns, self._columns = self._columns, False
        metadata = ObjectMeta(resource_version=str(version), annotations=annotations)
        return line_of(EventType.BOOKMARK, self._marker(metadata, columns=columns))


def next_review(now: float) -> float:
    """At most :data:`REVIEW_EVERY` from now, and when others are too: one review then does for all who ask the same."""
    third = REVIEW_EVERY / 3
    return (now + REVIEW_EVERY) // third * third
