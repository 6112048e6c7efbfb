"""Watches on the wire: what is sent of them, over HTTP and over a WebSocket, and to whom no more."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from starlette.types import Message

from kubediscovery import streaming
from kubediscovery.streaming import WatchResponse
from tests.test_watch import WEB, Bench, changed
from tests.waiting import until


class Client:
    """The other end: notes what is sent, and leaves when it is told to."""

    def __init__(self, kind: str = "http", *, reads: bool = True) -> None:
        self.scope = {"type": kind, "method": "GET"}
        self.sent: list[Message] = []
        self.left = asyncio.Event()
        self._kind = kind
        self._reads = reads
        self._begun = False

    async def receive(self) -> Message:
        if not self._begun:
            self._begun = True
            return {"type": "http.request"} if self._kind == "http" else {"type": "websocket.connect"}
        await self.left.wait()
        return {"type": f"{self._kind}.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)
        if not self._reads and len(self.sent) > 1:
            await asyncio.Event().wait()

    def follow(self, response: WatchResponse) -> asyncio.Task[None]:
        return asyncio.create_task(response(self.scope, self.receive, self.send))


def events(parts: list[Any]) -> list[str]:
    return [json.loads(line)["type"] for part in parts for line in part.splitlines()]


async def test_over_http_events_are_lines_and_headers_come_at_once() -> None:
    bench, client = Bench([]), Client()
    answering = client.follow(WatchResponse(bench.watch(terms=bench.silent), sent=lambda _: None))
    await until(lambda: client.sent and bench.broadcaster.watches)
    (start,) = client.sent
    headers = dict(start["headers"])
    assert (start["status"], headers[b"content-type"]) == (200, b"application/json")
    assert b"content-length" not in headers
    bench.store.put(changed(WEB, 30))
    await until(lambda: len(client.sent) > 1)
    client.left.set()
    await asyncio.wait_for(answering, 5)
    assert events([message["body"] for message in client.sent[1:]]) == ["ADDED"]
    assert client.sent[-1] == {"type": "http.response.body", "body": b""}
    assert bench.broadcaster.watches == 0


async def test_over_a_websocket_each_event_is_a_message() -> None:
    bench, client, sizes = Bench(), Client("websocket"), list[int]()
    answering = client.follow(WatchResponse(bench.watch(), sent=sizes.append, subprotocol="chosen"))
    await until(lambda: len(client.sent) > 2)
    bench.store.put(changed(WEB, 30))
    await until(lambda: len(client.sent) > 3)
    assert client.sent[0] == {"type": "websocket.accept", "subprotocol": "chosen"}
    assert events([message["text"] for message in client.sent[1:]]) == ["ADDED", "BOOKMARK", "MODIFIED"]
    assert sizes == [len(message["text"]) for message in client.sent[1:]]
    client.left.set()
    await asyncio.wait_for(answering, 5)
    assert client.sent[-1] == {"type": "websocket.close", "code": 1000}


class Silence:
    """A watch that has told something, and then nothing for long."""

    def __init__(self) -> None:
        self.told: list[bytes] = [b"an event"]

    async def batches(self) -> AsyncGenerator[list[bytes], None]:
        yield self.told
        await asyncio.Event().wait()

    def close(self) -> None: ...


async def test_what_was_sent_is_not_held_until_there_is_more() -> None:
    silence, client, sizes = Silence(), Client(), list[int]()
    answering = client.follow(WatchResponse(silence, sent=sizes.append))
    await until(lambda: sizes)
    assert (client.sent[-1]["body"], silence.told) == (b"an event", [])
    answering.cancel()


async def test_who_takes_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "STALLED", 0.05)
    bench, client = Bench(), Client(reads=False)
    await asyncio.wait_for(client.follow(WatchResponse(bench.watch(), sent=lambda _: None)), 5)
    # It must not look like the end of the watch.
    assert [message.get("more_body") for message in client.sent] == [None, True]
    assert bench.broadcaster.watches == 0
