"""Writes that are sent together: each write over TLS is a record of its own."""

import asyncio
from typing import Any


class JoinedWrites:
    """A transport that sends what is written in one go as one: uvicorn writes each message of a WebSocket apart.

    Over TLS each write is a record of its own, which the other side has to read on its own.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Send the data when the present callback has returned."""
        if not self._held:
            self._loop.call_soon(self._flush)
        self._held.append(data)

    def close(self) -> None:
        """Send what is held, then close."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._held:
            held, self._held = self._held, []
            self._transport.write(b"".join(held))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
