"""Where what arrives on a connection is put: one buffer for all of them, rather than a block for each read.

uvloop asks for 256 KiB before each read of a connection with TLS whose protocol takes ``bytes``, whatever has come. So
large a block is the system's, given back at once (:func:`kubediscovery.startup.give_back_large_blocks`): asking for it,
touching it, cutting it to size and giving it back takes longer than all else that is done to read an event of a watch.
A protocol that has a buffer is read into that.
"""

import asyncio

# A little less than what would be a block of the system's own: what comes is handed on as ``bytes`` of this length.
_BYTES = (1 << 17) - 64


class Landing:
    """One buffer; for connections of one event loop, each of which takes out what has come before another one reads."""

    def __init__(self, size: int = _BYTES) -> None:
        self._view = memoryview(bytearray(size))

    def protocol(self, wrapped: asyncio.Protocol) -> asyncio.BufferedProtocol:
        """What to give a transport in the place of a protocol, which is then handed the same bytes as without it."""
        return _Landed(wrapped, self._view)

    def take(self, transport: asyncio.Transport) -> None:
        """Have what arrives from now on put here; a transport that does already stays as it is."""
        wrapped = transport.get_protocol()
        if isinstance(wrapped, asyncio.Protocol):
            transport.set_protocol(self.protocol(wrapped))


class _Landed(asyncio.BufferedProtocol):
    __slots__ = ("_view", "_wrapped")

    def __init__(self, wrapped: asyncio.Protocol, view: memoryview) -> None:
        self._wrapped = wrapped
        self._view = view

    def get_buffer(self, sizehint: int) -> memoryview:
        """All of the buffer, whatever comes."""
        del sizehint
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        """So many bytes have come."""
        self._wrapped.data_received(bytes(self._view[:nbytes]))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """As of any protocol, here and below."""
        self._wrapped.connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self._wrapped.connection_lost(exc)

    def eof_received(self) -> bool | None:
        """Nothing more will come."""
        return self._wrapped.eof_received()

    def pause_writing(self) -> None:
        """Too much waits to be sent."""
        self._wrapped.pause_writing()

    def resume_writing(self) -> None:
        """It was sent."""
        self._wrapped.resume_writing()
