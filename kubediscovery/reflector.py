"""Keeps a cache equal to what kube-apiserver holds of one resource: lists in pages, then watches from there.

The rules are those of client-go (tools/cache/reflector.go): a watch that ends is resumed from the last resource version
seen, 410 means listing again, and every failure is followed by a wait that doubles, with jitter. A watch that is
answered but fails again and again from the same version is given up for a list.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from kubediscovery.errors import UpstreamError, UpstreamExpired, UpstreamForbidden, UpstreamNotFound
from kubediscovery.objects import Event, EventType, Page

T = TypeVar("T")

FIRST_DELAY = 0.25
LAST_DELAY = 30.0
# After a watch that lived this long, or brought something, the next failure starts again at the first delay.
SOUND_WATCH = 10.0
# One that ended sooner, even in order, is followed by a wait.
SHORT_WATCH = 1.0
# Seconds of a Retry-After that are obeyed.
LONGEST_RETRY_AFTER = 300.0
# A kube-apiserver that starts refuses everything until it has read its roles: what is known outlives such a spell.
REFUSAL_GRACE = 10.0


class Source(Protocol[T]):
    """Where a reflector reads; raises :class:`UpstreamError` and its subclasses."""

    async def page(self, continue_token: str) -> Page[T]:
        """The page that the token leads to, the first for an empty token."""
        ...

    def watch(self, resource_version: str) -> AbstractAsyncContextManager[AsyncIterator[list[Event[T]]]]:
        """Events after the version, joined as they arrive together; ends when kube-apiserver ends it."""
        ...


class Sink(Protocol[T]):
    """What a reflector writes to. Readers see each change whole."""

    def replace(self, items: list[T], resource_version: str) -> Awaitable[None] | None:
        """These are all there are; whatever else was held is gone. Whoever gives an awaitable takes them in by it.

        The list is the sink's from now on, which may empty it.
        """
        ...

    def put(self, item: T) -> None:
        """The item is new or was changed."""
        ...

    def remove(self, item: T) -> None:
        """The item was deleted; this is its last state."""
        ...

    def advance(self, resource_version: str) -> None:
        """Everything up to this version has been seen."""
        ...

    def omit(self, reason: str) -> None:
        """Nothing can be known of the resource, for ``reason``: ``Forbidden`` or ``NotFound``."""
        ...


class Phase(StrEnum):
    """What a reflector is doing."""

    STARTING = "starting"
    LISTING = "listing"
    WATCHING = "watching"
    WAITING = "waiting to try again"


@dataclass(slots=True)
class Progress:
    """What a reflector has done so far, for ``/readyz?verbose`` and metrics."""

    phase: Phase = Phase.STARTING
    resource_version: str = ""
    lists: int = 0
    watches: int = 0
    events: int = 0
    failures: int = 0
    last_error: str = ""


class Reflector(Generic[T]):
    """Runs until cancelled; never raises for what kube-apiserver does.

    ``held`` gives for the items of a page those that the sink holds already, where they are the same.
    """

    def __init__(
        self,
        source: Source[T],
        sink: Sink[T],
        *,
        held: Callable[[list[T]], list[T]] = list,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._sink = sink
        self._held = held
        self._sleep = sleep
        self._clock = clock
        self._delay = FIRST_DELAY
        self._is_known = False
        self._refused_since: float | None = None
        self.progress = Progress()

    async def run(self) -> None:
        """List and watch for ever."""
        while True:
            try:
                await self._list()
                await self._watch()
            except (UpstreamForbidden, UpstreamNotFound) as error:
                self._bear_refusal("Forbidden" if isinstance(error, UpstreamForbidden) else "NotFound")
                await self._wait_after(error)
            except UpstreamError as error:
                await self._wait_after(error)

    async def _list(self) -> None:
        """Read all pages, then hand them over as one: what vanished meanwhile is deleted."""
        self.progress.phase = Phase.LISTING
        self.progress.lists += 1
        page = await self._source.page("")
        items = list(self._held(page.items))
        while page.continue_token:
            page = await self._source.page(page.continue_token)
            items += self._held(page.items)
        taken_in = self._sink.replace(items, page.resource_version)
        if taken_in is not None:
            await taken_in
        self._is_known, self._refused_since = True, None
        self.progress.resource_version = page.resource_version

    async def _watch(self) -> None:
        """Watch again and again from the last version seen; ends where only a list can help."""
        while True:
            watches = self.progress.watches
            try:
                await self._watch_once()
            except (UpstreamExpired, UpstreamForbidden, UpstreamNotFound):
                raise
            except UpstreamError as error:
                # What is answered but never gets on cannot be resumed: what comes next may not be readable.
                is_stuck = self._delay == LAST_DELAY and self.progress.watches != watches
                await self._wait_after(error)
                if is_stuck:
                    return

    async def _watch_once(self) -> None:
        progress = self.progress
        async with self._source.watch(progress.resource_version) as batches:
            progress.phase = Phase.WATCHING
            progress.watches += 1
            progress.last_error = ""
            opened, version = self._clock(), progress.resource_version
            try:
                async for batch in batches:
                    for event in batch:
                        self._apply(event)
                    progress.events += len(batch)
            finally:
                lived = self._clock() - opened
                if lived >= SOUND_WATCH or progress.resource_version != version:
                    self._delay = FIRST_DELAY
            if lived < SHORT_WATCH:
                raise UpstreamError("the watch ended at once")

    def _apply(self, event: Event[T]) -> None:
        if event.item is not None and event.type is EventType.DELETED:
            self._sink.remove(event.item)
        elif event.item is not None:
            self._sink.put(event.item)
        if event.resource_version:
            self.progress.resource_version = event.resource_version
            self._sink.advance(event.resource_version)

    def _bear_refusal(self, reason: str) -> None:
        """Give up what is known once a refusal has lasted; where nothing is known yet, there is nothing to wait for."""
        now = self._clock()
        if self._refused_since is None:
            self._refused_since = now
        if not self._is_known or now - self._refused_since >= REFUSAL_GRACE:
            self._is_known = False
            self._sink.omit(reason)

    async def _wait_after(self, error: UpstreamError) -> None:
        self.progress.phase = Phase.WAITING
        self.progress.failures += 1
        self.progress.last_error = str(error)
        # Jitter keeps the reflectors of all kinds and replicas from coming back in step.
        jittered = self._delay * random.uniform(0.5, 1.5)  # noqa: S311
        self._delay = min(self._delay * 2, LAST_DELAY)
        await self._sleep(max(jittered, min(error.retry_after or 0, LONGEST_RETRY_AFTER)))
