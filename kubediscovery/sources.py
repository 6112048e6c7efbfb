"""What a reflector reads: one resource of kube-apiserver, listed in pages and watched."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from kubediscovery.client import Client
from kubediscovery.decoding import Decoder
from kubediscovery.objects import Event, Object, Page
from kubediscovery.transport import aiohttp

PAGE_SIZE = 500
LIST_TIMEOUT = 60.0
# Bytes of a list after which others have their turn: some tens of pods, which take a millisecond or two to read. With
# what was left of the last ones they are no block of the system's own yet, which costs more than to read them.
_PORTION = 3 << 15
# Bookmarks come about once a minute (k8s.io/apiserver, cacher.go): what is silent for longer is a dead connection.
WATCH_SILENCE = 150.0
# Seconds between two reads of a watch on which much comes, while somebody wants to know, and while nobody does: to be
# woken up takes as much of the processor as to deal with two or three events.
_AWAITED, _AT_LEISURE = 0.003, 0.02
# Bytes of one read behind which there is more: to wait would fall behind what comes.
_MUCH = 1 << 16


class ObjectSource:
    """The objects that ``path`` lists and, where one is given, ``field_selector`` selects.

    The first list of one that ``may_lag`` is what kube-apiserver has in its watch cache, in one piece, as client-go's
    is (tools/cache/reflector.go): pages would take twice as long. It may be older than what is stored, so it is not for
    who has seen anything of the kind; and where it fails, the next list is one of pages. Watches are read more often
    while what they tell is ``awaited``.
    """

    def __init__(
        self,
        client: Client,
        path: str,
        decoder: Decoder,
        *,
        field_selector: str = "",
        page_size: int = PAGE_SIZE,
        may_lag: bool = False,
        awaited: Callable[[], bool] = lambda: True,
    ) -> None:
        self._client = client
        self._path = path
        self._decoder = decoder
        self._selector = {"fieldSelector": field_selector} if field_selector else {}
        self._page_size = page_size
        self._awaited = awaited
        # Of JSON the pages are what lets others have their turn.
        self._may_lag = may_lag and decoder.reads_protobuf

    async def page(self, continue_token: str) -> Page[Object]:
        """A page of at most ``page_size`` objects, read from a version that all its pages share.

        What kube-apiserver has in its watch cache comes whole, whatever the ``page_size``.
        """
        query = {**self._selector, "limit": str(self._page_size)}
        if continue_token:
            query["continue"] = continue_token
        elif self._may_lag:
            query["resourceVersion"] = "0"
        self._may_lag = False
        # kube-apiserver would compress what is long, which takes both sides several times as long as to send it.
        headers = {"Accept": self._decoder.accept, "Accept-Encoding": "identity"}
        async with self._client.open("GET", self._path, query=query, headers=headers, timeout=LIST_TIMEOUT) as response:
            listing = self._decoder.listing(response.headers.get("Content-Type", ""))
            items = list[Object]()
            async for chunk in response.content.iter_chunked(_PORTION):
                items += listing.feed(chunk)
                await asyncio.sleep(0)
            return listing.end(items)

    @asynccontextmanager
    async def watch(
        self, resource_version: str, *, seconds: int | None = None
    ) -> AsyncIterator[AsyncIterator[list[Event[Object]]]]:
        """The events after ``resource_version``; kube-apiserver ends the stream in time, or after 5 to 10 minutes."""
        query = {
            **self._selector,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(seconds or random.randint(300, 600)),  # noqa: S311 - spreads reconnections
        }
        async with self._client.open(
            "GET", self._path, query=query, headers={"Accept": self._decoder.accept_stream}, silence=WATCH_SILENCE
        ) as response:
            yield self._batches(response)

    async def _batches(self, response: aiohttp.ClientResponse) -> AsyncIterator[list[Event[Object]]]:
        stream = self._decoder.stream(response.headers.get("Content-Type", ""))
        pace = Pace(response, self._awaited)
        async for chunk in response.content.iter_any():
            if batch := list(stream.feed(chunk)):
                yield batch
                await pace.keep(len(chunk))


class Pace:
    """Has what comes thick and fast on a watch read some at a time; what comes alone is read at once."""

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        awaited: Callable[[], bool],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._response = response
        self._awaited = awaited
        self._now = clock
        self._read_at = float("-inf")

    async def keep(self, size: int) -> None:
        """After a batch of so many bytes wait, where the last one was not long ago and nothing may be left to read.

        What comes meanwhile is left to the system.
        """
        seconds = _AWAITED if self._awaited() else _AT_LEISURE
        if size < _MUCH and self._now() - self._read_at < seconds:
            connection = self._response.connection
            transport = connection.transport if connection is not None else None
            if transport is not None:
                transport.pause_reading()
            await asyncio.sleep(seconds)
            if transport is not None and not transport.is_closing():
                transport.resume_reading()
        self._read_at = self._now()
