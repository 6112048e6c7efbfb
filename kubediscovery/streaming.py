"""Watches on the wire: lines of JSON in an HTTP response that does not end, or one WebSocket message an event."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Protocol

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from kubediscovery.negotiation import JSON
from kubediscovery.responses import PRIVATE
from kubediscovery.upgrade import is_upgrade
from kubediscovery.watching import Batch

logger = logging.getLogger(__name__)

# Seconds after which somebody who takes nothing any more is cut off.
STALLED = 60.0


class Events(Protocol):
    """What a watch streams."""

    def batches(self) -> AsyncGenerator[Batch, None]:
        """The events as lines; each batch is what there is to tell at one time, and its reader's to empty."""
        ...

    def close(self) -> None:
        """End: nobody reads it any more."""
        ...


class WatchResponse(Response):
    """Streams a watch until it ends or its reader has left; answers HTTP and WebSocket requests alike.

    ``sent`` is told the bytes of each event.
    """

    def __init__(
        self,
        watch: Events,
        *,
        sent: Callable[[int], None],
        subprotocol: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(None, 200, {**PRIVATE, **(headers or {})}, JSON)
        del self.headers["content-length"]
        self._watch = watch
        self._sent = sent
        self._subprotocol = subprotocol

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream; returns when all is said or nobody listens."""
        if is_upgrade(scope):
            await self._stream(_Messages(send, self._subprotocol), receive)
        else:
            await self._stream(_Lines(send, self.raw_headers), receive)

    async def _stream(self, wire: "_Lines | _Messages", receive: Receive) -> None:
        await wire.begin()
        leaving = asyncio.create_task(self._close_when_left(receive))
        try:
            async with aclosing(self._watch.batches()) as batches:
                async for batch in batches:
                    async with asyncio.timeout(STALLED):
                        await wire.write(batch)
                    for size in map(len, batch):
                        self._sent(size)
                    # The next may be long in coming: till then each watch would hold its last events.
                    batch.clear()
            await wire.end()
        except TimeoutError:
            logger.info("a watch was cut off: its reader took nothing for %g s", STALLED)
        except OSError:
            logger.debug("a watch ended: its reader has left")
        finally:
            leaving.cancel()

    async def _close_when_left(self, receive: Receive) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            while (await receive())["type"] not in ("http.disconnect", "websocket.disconnect"):
                pass
            self._watch.close()


class _Lines:
    def __init__(self, send: Send, headers: list[tuple[bytes, bytes]]) -> None:
        self._send = send
        self._headers = headers

    async def begin(self) -> None:
        # The headers go out at once: a client waits for them before it takes the watch for open.
        await self._send({"type": "http.response.start", "status": 200, "headers": self._headers})

    async def write(self, batch: Batch) -> None:
        await self._send({"type": "http.response.body", "body": b"".join(batch), "more_body": True})

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b""})


class _Messages:
    def __init__(self, send: Send, subprotocol: str | None) -> None:
        self._send = send
        self._subprotocol = subprotocol

    async def begin(self) -> None:
        await self._send({"type": "websocket.accept", "subprotocol": self._subprotocol})

    async def write(self, batch: Batch) -> None:
        for line in batch:
            await self._send({"type": "websocket.send", "text": line.decode()})

    async def end(self) -> None:
        await self._send({"type": "websocket.close", "code": 1000})
