"""One connection: how much of a request is read, for how long, and what is said to who asks for more."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable

import pytest
import uvloop
from starlette.types import Receive, Scope, Send

from kubediscovery import connection as module
from kubediscovery.connection import BODY_BYTES, HEAD_BYTES, HEAD_LINES
from tests.listening import Answer, Connection, connected, listening
from tests.serving import Serving

LONG = "x" * 1000


async def tell_headers(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers at once with the lines of the head, whatever else comes."""
    body = b"\n".join(b"%b: %b" % line for line in scope["headers"])
    length = str(len(body)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": body})


def refusal(answer: Answer, code: int, reason: str) -> str:
    """The message of a Status; fails for every other answer."""
    status = json.loads(answer.body)
    assert (answer.code, status["code"], status["kind"], status["reason"]) == (code, code, "Status", reason)
    assert answer.headers["connection"] == "close"
    assert answer.headers["content-type"] == "application/json"
    return str(status["message"])


@contextlib.asynccontextmanager
async def client(app: Callable[..., object] = tell_headers) -> AsyncIterator[Connection]:
    async with listening(app, None) as port, connected(port, None) as connection:  # type: ignore[arg-type]
        yield connection


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> float:
    """Seconds for a request to arrive, few enough for a test."""
    monkeypatch.setattr(module, "ARRIVAL_SECONDS", 0.3)
    return 0.3


async def closed_after(connection: Connection) -> float:
    """Seconds until the other side closes; fails if it says anything before."""
    started = time.monotonic()
    async with asyncio.timeout(20):
        with contextlib.suppress(ConnectionError):
            assert await connection.reader.read() == b""
    return time.monotonic() - started


async def chunks_until_closed(connection: Connection, chunk: bytes, *, pause: float) -> int:
    """How many could be sent, of a thousand."""
    for sent in range(1000):
        try:
            connection.writer.write(chunk)
            await connection.writer.drain()
        except ConnectionError:
            return sent
        await asyncio.sleep(pause)
    return 1000


@pytest.mark.parametrize(
    "garbage", ["\x16\x03\x01", "GET /\xff HTTP/1.1\r\n", "FOO / HTTP/1.1\r\n", "GET / HTTP/9\r\n"]
)
async def test_what_is_no_http_is_told_so(garbage: str) -> None:
    async with client() as connection:
        answer = await connection.send(f"{garbage}\r\n\r\n")
    assert "HTTP/1.1" in refusal(answer, 400, "BadRequest")


async def test_garbage_behind_a_request_is_not_answered_in_its_place() -> None:
    async with client() as connection:
        connection.writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGARBAGE\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            said = await connection.reader.read()
            assert b" 400 " not in said


async def test_two_thousand_groups_fit() -> None:
    groups = [f"X-Remote-Group: a-group-of-the-company-with-a-long-name-{number}" for number in range(2000)]
    async with client() as connection:
        for _ in range(2):
            answer = await connection.get("/", *groups)
            assert (answer.code, answer.body.count(b"x-remote-group")) == (200, 2000)


@pytest.mark.parametrize("size", [HEAD_BYTES - 2000, HEAD_BYTES + 2000, HEAD_BYTES * 3])
async def test_a_head_has_its_limit(size: int) -> None:
    lines = [f"X-{number}: {LONG}" for number in range(size // (len(LONG) + 7))]
    async with client() as connection:
        answer = await connection.get("/", *lines)
    if size < HEAD_BYTES:
        assert answer.code == 200
    else:
        assert str(HEAD_BYTES) in refusal(answer, 431, "RequestHeaderFieldsTooLarge")


async def test_one_line_that_never_ends_is_cut() -> None:
    async with client() as connection:
        connection.writer.write(b"GET / HTTP/1.1\r\nX: ")
        with contextlib.suppress(ConnectionError):
            for _ in range(40):
                connection.writer.write(b"x" * 65536)
                await asyncio.sleep(0)
        refusal(await connection.answer(), 431, "RequestHeaderFieldsTooLarge")


@pytest.mark.parametrize("ended", [True, False])
async def test_lines_are_counted_too(ended: bool) -> None:
    async with client() as connection:
        connection.writer.write(b"GET / HTTP/1.1\r\n" + b"a:\r\n" * (HEAD_LINES + 10) + (b"\r\n" if ended else b""))
        assert str(HEAD_LINES) in refusal(await connection.answer(), 431, "RequestHeaderFieldsTooLarge")


async def test_heads_are_counted_each_on_its_own() -> None:
    lines = [f"X-{number}: {LONG}" for number in range(700)]
    async with client() as connection:
        for _ in range(3):
            assert (await connection.get("/", *lines)).code == 200


async def test_trailers_are_no_headers() -> None:
    """A front proxy that passes a user's trailers on would let them say who the user is."""
    head = "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: X-Remote-Group\r\n\r\n"
    trailers = "1\r\na\r\n0\r\nX-Remote-Group: system:masters\r\nX-Remote-User: admin\r\n\r\n"
    async with client() as connection:
        for pause in (0.0, 0.05):
            connection.writer.write(head.encode())
            await asyncio.sleep(pause)
            answer = await connection.send(trailers)
            assert b"host: x" in answer.body
            assert b"system:masters" not in answer.body
            assert b"admin" not in answer.body


async def test_trailers_without_end_are_cut() -> None:
    async with client() as connection:
        connection.writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ")
        assert (await connection.answer()).code == 200
        assert await chunks_until_closed(connection, b"x" * 65536, pause=0) < 1000


async def test_a_body_that_is_too_long_is_refused_before_it_comes() -> None:
    async with client() as connection:
        answer = await connection.get("/", f"Content-Length: {BODY_BYTES + 1}")
    assert refusal(answer, 413, "RequestEntityTooLarge") == f"Request entity too large: limit is {BODY_BYTES}"


async def test_a_body_is_read_and_dropped() -> None:
    async with client() as connection:
        for _ in range(2):
            connection.writer.write(f"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: {BODY_BYTES}\r\n\r\n".encode())
            connection.writer.write(b"x" * BODY_BYTES)
            await connection.writer.drain()
            assert (await connection.answer()).code == 200


async def test_a_body_without_end_is_cut() -> None:
    async with client() as connection:
        connection.writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert (await connection.answer()).code == 200
        assert await chunks_until_closed(connection, b"10000\r\n" + b"x" * 65536 + b"\r\n", pause=0) < 1000


async def silent(impatient: float) -> None:
    for beginning in ("", "GET / HT", "GET / HTTP/1.1\r\nHost: x\r\nX-Remote-", "\r\n\r\n"):
        async with client() as connection:
            connection.writer.write(beginning.encode())
            assert impatient / 2 < await closed_after(connection) < 10 * impatient, beginning


def test_who_says_nothing_is_cut_off(impatient: float) -> None:
    asyncio.run(silent(impatient))


def test_who_says_nothing_is_cut_off_on_uvloop_too(impatient: float) -> None:
    uvloop.run(silent(impatient))


async def test_who_says_a_little_now_and_then_is_cut_off_too(impatient: float) -> None:
    async with client() as connection:
        connection.writer.write(b"GET / HTTP/1.1\r\n")
        assert await chunks_until_closed(connection, b"a: b\r\n", pause=impatient / 10) < 200


async def test_a_body_that_does_not_come_holds_no_connection(impatient: float) -> None:
    async with client() as connection:
        assert (await connection.get("/", "Content-Length: 10")).code == 200
        assert await closed_after(connection) < 10 * impatient


async def test_an_answer_may_take_longer_than_its_request(impatient: float) -> None:
    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(2 * impatient)
        await tell_headers(scope, receive, send)

    async with client(slow) as connection:
        assert (await connection.get("/")).code == 200


async def test_an_idle_connection_stays_open(impatient: float) -> None:
    async with client() as connection:
        for _ in range(2):
            assert (await connection.get("/")).code == 200
            await asyncio.sleep(2 * impatient)
        # A line end between requests is nothing that may hold it open for ever.
        connection.writer.write(b"\r\n")
        assert await closed_after(connection) < 10 * impatient


async def test_the_real_application_says_no_in_the_same_way() -> None:
    async with client(Serving().app) as connection:
        answer = await connection.send("\x00\r\n\r\n")
    refusal(answer, 400, "BadRequest")
