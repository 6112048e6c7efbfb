"""Keeps what goes by of some kinds: documents are read beside the caches, as these hold much less of an object.

The lists begin once the caches are filled, and what is read is compressed on another thread: a start takes no longer
for it. Nor do answers, as far as it can wait: each step comes when no list is being written.
"""

import asyncio
import logging
import random
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from time import time
from typing import NamedTuple

import msgspec
from msgspec import Raw, Struct

from kubediscovery.audit_trail import AuditTrail
from kubediscovery.client import Client
from kubediscovery.errors import UpstreamError, UpstreamExpired
from kubediscovery.framing import Lines
from kubediscovery.json_decoder import at_any_depth
from kubediscovery.kinds import Kind
from kubediscovery.objects import Event, EventType, Page
from kubediscovery.recorder import Recorder
from kubediscovery.reflector import Reflector
from kubediscovery.sightings import Glimpse, Sighting, glimpse, sighting
from kubediscovery.sources import LIST_TIMEOUT, WATCH_SILENCE
from kubediscovery.store import Coverage, Store
from kubediscovery.turns import Turn, Turns
from kubediscovery.versions import Origin

logger = logging.getLogger(__name__)

# Documents are an order larger than what the caches read of them; a step takes three milliseconds.
PAGE_SIZE, _STEP = 100, 20
# Seconds between two looks at which kinds there are, and at the end of an audit log.
LOOK_SECONDS = 1.0
_WATCH_SECONDS = 300, 600
# As far back as zlib looks (RFC 1951).
_LONGEST_LIKE = 1 << 15
_ACCEPT = {"Accept": "application/json"}


class Recorded(NamedTuple):
    """A document that came by: whose, what tells it from others, and what is kept of it, None where it is known."""

    uid: str
    mark: int
    version: Sighting | None


class _ListMetadata(Struct, frozen=True, rename="camel"):
    resource_version: str = ""
    token: str = msgspec.field(default="", name="continue")


class _List(Struct):
    items: list[Raw] | None = None
    metadata: _ListMetadata = _ListMetadata()


class _Line(Struct):
    type: str
    object: Raw


class _Status(Struct, rename="camel"):
    code: int = 0
    reason: str = ""
    message: str = ""


# Made here, for threads: two that are the first to read a struct find what msgspec has half made of it, and crash.
_LIST, _LINE = msgspec.json.Decoder(_List), msgspec.json.Decoder(_Line)


class DocumentSource:
    """The documents of one kind, as a reflector reads them; what has its mark already is not read any further."""

    def __init__(
        self,
        client: Client,
        kind: Kind,
        marks: Mapping[str, int],
        turns: Turns,
        *,
        page_size: int = PAGE_SIZE,
        clock: Callable[[], float] = time,
    ) -> None:
        self._client, self._kind, self._marks, self._turns = client, kind, marks, turns
        self._page_size, self._clock = page_size, clock
        # Documents of one kind have most of their text in common.
        self._like = b""

    async def page(self, continue_token: str) -> Page[Recorded]:
        """A page of the list."""
        await self._turns.lull()
        query = {"limit": str(self._page_size)} | ({"continue": continue_token} if continue_token else {})
        path = self._kind.list_path
        async with self._client.open("GET", path, query=query, headers=_ACCEPT, timeout=LIST_TIMEOUT) as response:
            body = await response.read()
        try:
            found = await asyncio.to_thread(at_any_depth, _LIST.decode, body)
            documents, items = found.items or [], list[Recorded]()
            for start in range(0, len(documents), _STEP):
                await self._turns.lull()
                items += await asyncio.to_thread(self._listed, documents[start : start + _STEP])
        except (ValueError, RecursionError) as error:
            raise UpstreamError(f"a list of {self._kind} cannot be decoded: {error}") from error
        return Page(items, found.metadata.resource_version, found.metadata.token)

    @asynccontextmanager
    async def watch(self, resource_version: str) -> AsyncIterator[AsyncIterator[list[Event[Recorded]]]]:
        """The events after a version."""
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(random.randint(*_WATCH_SECONDS)),  # noqa: S311 - spreads reconnections
        }
        path = self._kind.list_path
        async with self._client.open("GET", path, query=query, headers=_ACCEPT, silence=WATCH_SILENCE) as response:
            lines = Lines()

            async def batches() -> AsyncIterator[list[Event[Recorded]]]:
                async for chunk in response.content.iter_any():
                    if batch := [self._event(line) for line in lines.feed(chunk)]:
                        yield batch

            yield batches()

    def _listed(self, documents: list[Raw]) -> list[Recorded]:
        return [self._recorded(glimpse(document)) for document in documents]

    def _event(self, line: bytes) -> Event[Recorded]:
        try:
            event = at_any_depth(_LINE.decode, line)
            if event.type == "ERROR":
                raise _error(msgspec.json.decode(event.object, type=_Status))
            found = glimpse(event.object)
        except (ValueError, RecursionError) as error:
            raise UpstreamError(f"a watch of {self._kind} cannot be decoded: {error}") from error
        version = found.metadata.resource_version
        if event.type == EventType.BOOKMARK:
            return Event(EventType.BOOKMARK, None, version)
        now = 0.0 if event.type == EventType.DELETED else self._clock()
        return Event(EventType(event.type), self._recorded(found, now), version)

    def _recorded(self, found: Glimpse, now: float = 0.0) -> Recorded:
        version = None
        if found.uid and self._marks.get(found.uid) != found.mark:
            # One document that cannot be read takes nothing from the others.
            with suppress(ValueError, RecursionError):
                version = sighting(found, Origin.CACHE, now=now, like=self._like)
                self._like = self._like or version.body[:_LONGEST_LIKE]
        return Recorded(sys.intern(found.uid), found.mark, version)


def _error(status: _Status) -> UpstreamError:
    error = UpstreamExpired if status.code == 410 or status.reason in ("Expired", "Gone") else UpstreamError
    return error(status.message or status.reason or "a watch ended with an error", code=status.code)


class RecordingSink:
    """Writes one kind to the recorder."""

    def __init__(self, recorder: Recorder, kind: Kind) -> None:
        self._recorder = recorder
        self._marks = recorder.marks(kind)

    async def replace(self, items: list[Recorded], resource_version: str) -> None:
        """These are all there are; others have their turn meanwhile."""
        del resource_version
        turn = Turn()
        for uid in self._marks.keys() - {item.uid for item in items}:
            del self._marks[uid]
        for item in items:
            self.put(item)
            if turn.is_over:
                await turn.pass_on()

    def put(self, item: Recorded) -> None:
        """It came or was changed."""
        self._marks[item.uid] = item.mark
        if item.version is not None:
            self._recorder.record(item.version)

    def remove(self, item: Recorded) -> None:
        """It is gone; its versions stay while there is room."""
        self._marks.pop(item.uid, None)

    def advance(self, resource_version: str) -> None:
        """Nothing depends on the version."""

    def omit(self, reason: str) -> None:
        """It may not be read any more: what was read stays."""


async def record_kinds(
    client: Client, store: Store, recorder: Recorder, takes: Callable[[Kind], bool], turns: Turns
) -> None:
    """Record the kinds that are taken while they are tracked; never returns."""
    async with asyncio.TaskGroup() as tasks:
        running: dict[Kind, asyncio.Task[None]] = {}
        while True:
            wanted = _wanted(store, takes)
            for kind in running.keys() - wanted:
                running.pop(kind).cancel()
            for kind in wanted - running.keys():
                source = DocumentSource(client, kind, recorder.marks(kind), turns)
                reflector = Reflector(source, RecordingSink(recorder, kind))
                running[kind] = tasks.create_task(reflector.run())
            await asyncio.sleep(LOOK_SECONDS)


def _wanted(store: Store, takes: Callable[[Kind], bool]) -> set[Kind]:
    """Nothing before the caches are filled."""
    if store.pending:
        return set()
    return {kind for kind in store.kinds if takes(kind) and store.coverage(kind) is Coverage.COMPLETE}


async def record_trail(trail: AuditTrail, recorder: Recorder) -> None:
    """Record what an audit log tells; never returns."""
    skipped = 0
    try:
        while True:
            found = await asyncio.to_thread(trail.next)
            for version in found or ():
                recorder.record(version)
            if trail.skipped != skipped:
                skipped = trail.skipped
                logger.warning("audit log of kube-apiserver: %d lines could not be read", skipped)
            await asyncio.sleep(0 if found is not None else LOOK_SECONDS)
    finally:
        trail.close()
