"""Landing: what arrives is handed over as without it, of whatever length, and whoever ends a connection is heard."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager

import pytest
import uvloop

from kubediscovery.landing import Landing
from tests.waiting import until

SMALL = 1_000


class Notes(asyncio.Protocol):
    """Keeps what came, and what else happened."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.happened: list[str] = []
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self.happened.append("made")

    def data_received(self, data: bytes) -> None:
        assert type(data) is bytes
        self.received += data

    def eof_received(self) -> bool:
        self.happened.append("ended")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.happened.append("lost")

    def pause_writing(self) -> None:
        self.happened.append("paused")

    def resume_writing(self) -> None:
        self.happened.append("resumed")


@asynccontextmanager
async def connected(landing: Landing) -> AsyncIterator[tuple[Notes, asyncio.StreamWriter]]:
    """A protocol that is read into the landing, and who writes to it."""
    notes = Notes()
    server = await asyncio.get_running_loop().create_server(lambda: landing.protocol(notes), "127.0.0.1", 0)
    _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    try:
        yield notes, writer
    finally:
        writer.close()
        server.close()
        await closed(notes)


async def closed(*noted: Notes) -> None:
    """Close what they are connected by, which takes a moment."""
    for notes in noted:
        assert notes.transport is not None
        notes.transport.close()
        while "lost" not in notes.happened:  # noqa: ASYNC110 - a protocol tells of nothing by an event
            await asyncio.sleep(0)


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_all_that_comes_is_handed_over_in_order(run: Callable[[Coroutine[None, None, None]], None]) -> None:
    async def send() -> None:
        sent = bytes(range(256)) * 40
        async with connected(Landing(SMALL)) as (notes, writer):
            writer.write(sent)
            await until(lambda: len(notes.received) == len(sent), every=0)
            assert notes.received == sent
            writer.write_eof()
            await until(lambda: "lost" in notes.happened, every=0)
            assert notes.happened == ["made", "ended", "lost"]

    run(send())


async def test_two_connections_share_one_buffer_and_not_what_came() -> None:
    landing = Landing(SMALL)
    async with connected(landing) as (first, one), connected(landing) as (second, other):
        for _ in range(20):
            one.write(b"a" * 700)
            other.write(b"b" * 900)
        await until(lambda: (len(first.received), len(second.received)) == (14_000, 18_000), every=0)
        assert (set(first.received), set(second.received)) == ({ord("a")}, {ord("b")})


async def test_a_connection_that_is_open_can_be_taken_and_is_taken_once() -> None:
    landing, notes, other, loop = Landing(), Notes(), Notes(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: other, "127.0.0.1", 0)
    transport, _ = await loop.create_connection(lambda: notes, *server.sockets[0].getsockname())
    landing.take(transport)
    taken = transport.get_protocol()
    landing.take(transport)
    assert transport.get_protocol() is taken
    assert not isinstance(taken, asyncio.Protocol)
    await until(lambda: other.transport is not None, every=0)
    assert other.transport is not None
    other.transport.write(b"hello")
    await until(lambda: notes.received == b"hello", every=0)
    server.close()
    await closed(notes, other)


def test_who_writes_too_fast_is_told() -> None:
    notes = Notes()
    taken = Landing(SMALL).protocol(notes)
    taken.pause_writing()
    taken.resume_writing()
    assert notes.happened == ["paused", "resumed"]
