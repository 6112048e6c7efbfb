"""Writes of one go are one record of TLS."""

import asyncio

from kubediscovery.joined_writes import JoinedWrites


class Wire(asyncio.Transport):
    """What reaches the other side."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1)})
        self.sent: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent.append(bytes(data))

    def close(self) -> None:
        self.sent.append(b"<closed>")


async def test_what_is_written_in_one_go_is_sent_as_one() -> None:
    wire = Wire()
    joined = JoinedWrites(wire, asyncio.get_running_loop())
    joined.write(b"head ")
    joined.write(b"body")
    assert wire.sent == []
    await asyncio.sleep(0)
    joined.write(b"next")
    await asyncio.sleep(0)
    assert wire.sent == [b"head body", b"next"]
    assert joined.get_extra_info("peername") == ("127.0.0.1", 1)


async def test_nothing_that_was_written_is_lost_by_closing() -> None:
    wire = Wire()
    joined = JoinedWrites(wire, asyncio.get_running_loop())
    joined.write(b"last words")
    joined.close()
    await asyncio.sleep(0)
    assert wire.sent == [b"last words", b"<closed>"]
