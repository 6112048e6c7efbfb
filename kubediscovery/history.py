"""What happened before this process began to watch: read from kube-apiserver once somebody has to be told of it.

A client that comes from another replica, or from before a restart, goes on from a version that the journal does not
reach back to. kube-apiserver keeps its own history for some minutes, of deletions too.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from itertools import chain
from typing import Protocol

from kubediscovery.errors import UpstreamError, UpstreamExpired
from kubediscovery.journal import SLACK, Change, Journal
from kubediscovery.kinds import Kind
from kubediscovery.objects import Event, EventType, Object

logger = logging.getLogger(__name__)

# Versions that are read at best: others will come from longer ago.
DEPTH = 5_000
# Seconds that a watch lasts which reads history: its bookmark comes two seconds before the end (k8s.io/apiserver,
# pkg/storage/cacher/cacher.go), and all that is history comes at once.
SECONDS = 3
# Seconds of silence that count as the end, too: no bookmark comes where the last event is the last that kube-apiserver
# has heard of the kind (cache_watcher.go, process).
_SILENCE = 1.0
# Seconds for all of it: whoever waits has the head of the answer already.
_PATIENCE = 20.0
# Seconds before each further try: a kube-apiserver under load may end a watch before its bookmark was due.
_PAUSES = (0.1, 0.5)


class Rereads(Protocol):
    """Who reads one kind's history."""

    def watch(
        self, resource_version: str, *, seconds: int | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[list[Event[Object]]]]:
        """Events after the version, for so many seconds."""
        ...


class History:
    """Lengthens a journal into the past; kinds may come to ``sources`` and go from there."""

    def __init__(
        self, sources: Mapping[Kind, Rereads], journal: Journal, *, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._sources = sources
        self._journal = journal
        self._timer = timer
        self._reading: asyncio.Task[None] | None = None
        self._lost = 0

    async def reach(self, version: int) -> None:
        """Return once the journal covers ``version``, or cannot be made to; never raises for the latter."""
        while self._may_cover(version):
            is_mine = self._reading is None
            reading = self._reading = self._reading or asyncio.create_task(self._read(version))
            await asyncio.shield(reading)
            if self._reading is reading:
                self._reading = None
            if is_mine:
                return

    def _may_cover(self, version: int) -> bool:
        return max(self._lost, self._journal.floor - 1) < version and not self._journal.covers(version)

    async def _read(self, version: int) -> None:
        for since in (max(version - DEPTH, 1), max(version - SLACK, 1), version):
            try:
                changes = await self._missed(since)
            except UpstreamExpired:
                continue
            except (UpstreamError, TimeoutError) as error:
                logger.warning("history since version %d cannot be read: %s", version, str(error) or "it took too long")
                return
            self._journal.prepend(changes, since, min(since + SLACK, version))
            logger.info("history since version %d: %d changes", since, len(changes))
            return
        # Nobody makes kube-apiserver look for it again.
        self._lost = max(self._lost, version)

    async def _missed(self, since: int) -> list[Change]:
        async with asyncio.timeout(_PATIENCE):
            known = [(kind, self._sources[kind]) for kind in self._journal.known_kinds if kind in self._sources]
            reading = [asyncio.create_task(self._missed_of(kind, source, since)) for kind, source in known]
            try:
                found = await asyncio.gather(*reading)
            finally:
                # Where one kind's history has expired, what the others tell is of no use.
                for task in reading:
                    task.cancel()
        return sorted(chain.from_iterable(found), key=lambda change: change.version)

    async def _missed_of(self, kind: Kind, source: Rereads, since: int) -> list[Change]:
        """Raises :class:`UpstreamError` where kube-apiserver does not tell all at the third time either."""
        for pause in _PAUSES:
            try:
                return await self._told_of(kind, source, since)
            except UpstreamExpired:
                raise
            except UpstreamError as error:
                logger.info("history since version %d is read again: %s", since, error)
                await asyncio.sleep(pause)
        return await self._told_of(kind, source, since)

    async def _told_of(self, kind: Kind, source: Rereads, since: int) -> list[Change]:
        until, missed = self._journal.begin, []
        async with source.watch(str(since), seconds=SECONDS) as batches:
            heard = self._timer()
            async for batch in batches:
                heard = self._timer()
                for event in batch:
                    version = int(event.resource_version or 0)
                    if event.item is not None and version <= until:
                        missed.append(_change_of(event.type, event.item, version))
                    # A bookmark comes behind all that was there to be told, whatever its own version is.
                    if version >= until or event.type is EventType.BOOKMARK:
                        return missed
        if self._timer() - heard >= _SILENCE:
            return missed
        raise UpstreamError(f"{kind}: the watch ended before all was told")


def _change_of(type_: EventType, item: Object, version: int) -> Change:
    owners = tuple(owner.uid for owner in item.owners)
    gone, came = type_ is EventType.DELETED, type_ is EventType.ADDED
    return Change(version, item.kind, item.uid, owners, came, item if gone else None, certain=gone or came)
