"""A running listener, and a client that sends over one connection exactly what a test says."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.types import ASGIApp

from kubediscovery.listener import Listener, ServingTls, bind


@contextlib.asynccontextmanager
async def listening(app: ASGIApp, tls: ServingTls | None) -> AsyncIterator[int]:
    """The port of a running listener."""
    with bind("127.0.0.1", 0) as listening_socket:
        listener = Listener(app, tls)
        serving = asyncio.create_task(listener.serve(sockets=[listening_socket]))
        try:
            yield listening_socket.getsockname()[1]
        finally:
            listener.should_exit = True
            await serving


@dataclass(frozen=True)
class Answer:
    code: int
    headers: dict[str, str]
    body: bytes


class Connection:
    """One connection; what is sent over it is exactly what the test says."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def get(self, target: str = "/", *headers: str) -> Answer:
        return await self.send("".join(f"{line}\r\n" for line in (f"GET {target} HTTP/1.1", "Host: x", *headers, "")))

    async def send(self, request: str | bytes) -> Answer:
        self.writer.write(request.encode("latin-1") if isinstance(request, str) else request)
        return await self.answer()

    async def answer(self) -> Answer:
        head = await self.reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")[:-2]
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        if headers.get("transfer-encoding") == "chunked":
            return Answer(int(first.split()[1]), headers, await self._chunks())
        return Answer(int(first.split()[1]), headers, await self.reader.readexactly(int(headers["content-length"])))

    async def _chunks(self) -> bytes:
        body = b""
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            body += (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readexactly(2)
        return body


@contextlib.asynccontextmanager
async def connected(port: int, context: ssl.SSLContext | None) -> AsyncIterator[Connection]:
    name = "localhost" if context else None
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name)
    try:
        yield Connection(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def get(port: int, context: ssl.SSLContext | None, target: str = "/", *headers: str) -> Answer:
    async with connected(port, context) as connection:
        return await connection.get(target, *headers)
