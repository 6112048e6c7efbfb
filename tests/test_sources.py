"""What a reflector reads, over real HTTP: what is asked, and what becomes of each answer."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiohttp import web

from kubediscovery import schema, schema_pods
from kubediscovery.cache import KindCache
from kubediscovery.compact import Compactor
from kubediscovery.decoding import Decoder
from kubediscovery.errors import UpstreamError, UpstreamExpired
from kubediscovery.kinds import Kinds
from kubediscovery.objects import Object
from kubediscovery.reflector import Phase, Reflector
from kubediscovery.sources import ObjectSource, Pace
from kubediscovery.store import Store
from tests.encoding import ENCODINGS, JSON, PROTOBUF, Document
from tests.objects import POD
from tests.upstream import Handler, reaching, serving

IN_PROTOBUF, IN_JSON = ENCODINGS


def a_pod(name: str, version: int) -> Document:
    return {"metadata": {"name": name, "namespace": "a", "uid": f"uid-{name}", "resource_version": str(version)}}


BAD_POD: Document = {**a_pod("bad", 9), "spec": {"node_name": "NODE"}}


@contextlib.asynccontextmanager
async def source(
    directory: Path,
    handler: Handler,
    *,
    field_selector: str = "",
    page_size: int = 500,
    may_lag: bool = False,
    awaited: bool = True,
) -> AsyncIterator[ObjectSource]:
    async with serving(handler) as server, reaching(directory, server) as client:
        decoder = Decoder(POD, Compactor())
        selected = {
            "field_selector": field_selector,
            "page_size": page_size,
            "may_lag": may_lag,
            "awaited": lambda: awaited,
        }
        yield ObjectSource(client, POD.list_path, decoder, **selected)  # type: ignore[arg-type]


async def follow(pods: ObjectSource, seen: list[str]) -> None:
    """Watch from version 7 on and note the versions."""
    async with pods.watch("7") as batches:
        async for batch in batches:
            seen += [event.resource_version for event in batch]


class Streamed(list[bytes]):
    """An answer in pieces; an empty one breaks the connection."""

    async def answer(self, request: web.Request, content_type: str) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": content_type})
        await response.prepare(request)
        for piece in self:
            if not piece:
                assert request.transport is not None
                request.transport.abort()
                break
            await response.write(piece)
            await asyncio.sleep(0.01)
        return response


async def test_a_list_is_asked_for_in_pages(tmp_path: Path) -> None:
    asked: list[dict[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append({**request.query, "path": request.path, "accept": request.headers["Accept"]})
        more = {} if "continue" in request.query else {"continue_token": "a+b/c="}
        body = IN_PROTOBUF.page(schema_pods.Pod, {"resource_version": "7", **more}, [a_pod("x", 5)])
        return web.Response(body=body, content_type=PROTOBUF)

    async with source(tmp_path, answer, field_selector="metadata.name=x", page_size=2) as pods:
        first = await pods.page("")
        second = await pods.page(first.continue_token)
    usual = {"path": "/api/v1/pods", "accept": f"{PROTOBUF},{JSON}", "limit": "2", "fieldSelector": "metadata.name=x"}
    assert asked == [usual, {**usual, "continue": "a+b/c="}]
    assert [item.name for item in first.items + second.items] == ["x", "x"]
    assert (second.resource_version, second.continue_token) == ("7", "")


async def test_the_content_type_decides(tmp_path: Path) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=IN_JSON.page(schema_pods.Pod, {}, [a_pod("x", 5)]), content_type=JSON)

    async with source(tmp_path, answer) as pods:
        assert [item.name for item in (await pods.page("")).items] == ["x"]


async def test_a_watch_begins_at_a_version_and_asks_for_bookmarks(tmp_path: Path) -> None:
    asked: list[dict[str, str]] = []
    events = [
        IN_PROTOBUF.event("ADDED", schema_pods.Pod, a_pod("x", 8)),
        IN_PROTOBUF.event("BOOKMARK", schema_pods.Pod, a_pod("", 9))
        + IN_PROTOBUF.event("DELETED", schema_pods.Pod, a_pod("x", 10)),
    ]

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append({**request.query, "accept": request.headers["Accept"]})
        return await Streamed(events).answer(request, f"{PROTOBUF};stream=watch")

    async with source(tmp_path, answer) as pods, pods.watch("7") as batches:
        found = [[(event.type, event.resource_version) for event in batch] async for batch in batches]
    assert found == [[("ADDED", "8")], [("BOOKMARK", "9"), ("DELETED", "10")]]
    seconds = int(asked[0].pop("timeoutSeconds"))
    assert 300 <= seconds <= 600
    assert asked == [
        {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": "7",
            "accept": f"{PROTOBUF};stream=watch,{JSON}",
        }
    ]


async def test_of_what_comes_thick_and_fast_several_are_read_at_a_time(tmp_path: Path) -> None:
    versions = [str(version) for version in range(8, 58)]

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": f"{PROTOBUF};stream=watch"})
        await response.prepare(request)
        for version in versions:
            await response.write(IN_PROTOBUF.event("MODIFIED", schema_pods.Pod, a_pod("x", int(version))))
            await asyncio.sleep(0.001)
        return response

    batches = list[list[str]]()
    async with source(tmp_path, answer, awaited=False) as pods, pods.watch("7") as told:
        async for batch in told:
            batches.append([event.resource_version for event in batch])
    assert [version for batch in batches for version in batch] == versions
    assert len(batches) <= len(versions) / 2


class Connection:
    """A connection that is its own transport and notes what it is told."""

    def __init__(self) -> None:
        self.said = list[str]()

    @property
    def transport(self) -> "Connection":
        return self

    def pause_reading(self) -> None:
        self.said.append("pause")

    def is_closing(self) -> bool:
        return False

    def resume_reading(self) -> None:
        self.said.append("resume")


@pytest.mark.parametrize(
    ("read_at", "awaited", "paused"),
    [
        ((1.0,), True, 0),
        ((1.0, 1.1, 1.2), True, 0),
        ((1.0, 1.001, 1.006, 1.1), True, 1),
        ((1.0, 1.001, 1.002), True, 2),
        ((1.0, 1.015, 1.03), True, 0),
        ((1.0, 1.015, 1.03), False, 2),
        ((1.0, 1.1, 1.2), False, 0),
    ],
)
async def test_only_what_comes_soon_after_another_has_to_wait(
    read_at: tuple[float, ...], awaited: bool, paused: int
) -> None:
    connection = Connection()
    times = iter([time for at in read_at for time in (at, at)])
    response = SimpleNamespace(connection=connection)
    pace = Pace(response, lambda: awaited, clock=lambda: next(times))  # type: ignore[arg-type]
    for _ in read_at:
        await pace.keep(1_000)
    assert connection.said == ["pause", "resume"] * paused


async def test_a_watch_that_brings_more_than_can_be_read_at_a_time_does_not_wait() -> None:
    """What is left would be read later than it comes, and more is left each time."""
    connection = Connection()
    response = SimpleNamespace(connection=connection)
    pace = Pace(response, lambda: False, clock=lambda: 1.0)  # type: ignore[arg-type]
    for size in (1_000, 100_000, 100_000):
        await pace.keep(size)
    assert not connection.said
    await pace.keep(1_000)
    assert connection.said == ["pause", "resume"]


async def test_a_connection_that_breaks_amid_a_watch_is_an_error_after_its_events(tmp_path: Path) -> None:
    event = IN_JSON.event("ADDED", schema_pods.Pod, a_pod("x", 8))

    async def answer(request: web.Request) -> web.StreamResponse:
        return await Streamed([event, event[:20], b""]).answer(request, JSON)

    seen: list[str] = []
    async with source(tmp_path, answer) as pods:
        with pytest.raises(UpstreamError, match="GET /api/v1/pods"):
            await follow(pods, seen)
    assert seen == ["8"]


@pytest.mark.parametrize("status", [410, 200])
async def test_an_expiry_is_told_by_status_and_by_event(tmp_path: Path, status: int) -> None:
    event = IN_JSON.event("ERROR", schema.Status, {"code": 410, "reason": "Expired", "message": "too old"})

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, body=event, content_type=JSON)

    async with source(tmp_path, answer) as pods:
        with pytest.raises(UpstreamExpired):
            await follow(pods, [])


class KubeApiserver:
    """Lists and streams pods, in protobuf where that is accepted; a watch lasts until its client goes."""

    def __init__(self) -> None:
        self.listed: list[Document] = []
        self.accepted: list[str] = []
        self._log: list[tuple[int, str, Document]] = []
        self._changed = asyncio.Condition()

    async def change(self, type_: str, pod: Document) -> None:
        async with self._changed:
            self._log.append((int(pod["metadata"]["resource_version"]), type_, pod))
            self._changed.notify_all()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        accept = request.headers["Accept"].split(",")[0]
        encoding = IN_PROTOBUF if accept.startswith(PROTOBUF) else IN_JSON
        self.accepted.append(f"{'watch' if 'watch' in request.query else 'list'} {accept}")
        if "watch" not in request.query:
            body = encoding.page(schema_pods.Pod, {"resource_version": "7"}, self.listed)
            return web.Response(body=stored(body), headers={"Content-Type": encoding.content_type})
        response = web.StreamResponse(headers={"Content-Type": encoding.content_type})
        await response.prepare(request)
        seen = int(request.query["resourceVersion"])
        while True:
            async with self._changed:
                while not (news := [entry for entry in self._log if entry[0] > seen]):
                    await self._changed.wait()
            for version, type_, pod in news:
                await response.write(stored(encoding.event(type_, schema_pods.Pod, pod)))
                seen = version


def stored(body: bytes) -> bytes:
    """Protobuf hands on as it is what JSON replaces."""
    return body.replace(b"NODE", b"n\xff\xfed") if b"k8s\x00" in body else body


async def eventually(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - what holds is not told by any event
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def reflecting(directory: Path, server: KubeApiserver) -> AsyncIterator[tuple[Store, Reflector[Object]]]:
    store = Store(Kinds((POD,)))

    async def sleep(_: float) -> None:
        await asyncio.sleep(0.01)

    async with source(directory, server.answer) as pods:
        reflector = Reflector(pods, KindCache(store, POD), sleep=sleep)
        running = asyncio.create_task(reflector.run())
        try:
            yield store, reflector
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running


async def test_text_that_is_not_utf8_does_not_stop_a_list(tmp_path: Path) -> None:
    """Anybody who may create a pod can put such text into it."""
    server = KubeApiserver()
    server.listed = [a_pod("good", 3), BAD_POD]
    async with reflecting(tmp_path, server) as (store, reflector):
        await eventually(lambda: reflector.progress.phase is Phase.WATCHING)
        assert sorted(item.name for item in store.objects(POD)) == ["bad", "good"]
    assert server.accepted == [f"list {PROTOBUF}", f"list {JSON}", f"watch {JSON}"]


async def test_text_that_is_not_utf8_does_not_stop_a_watch(tmp_path: Path) -> None:
    server = KubeApiserver()
    async with reflecting(tmp_path, server) as (store, reflector):
        await eventually(lambda: reflector.progress.phase is Phase.WATCHING)
        await server.change("ADDED", a_pod("good", 8))
        await eventually(lambda: store.count(POD) == 1)
        await server.change("ADDED", BAD_POD)
        await eventually(lambda: store.count(POD) == 2)
    assert server.accepted == [f"list {PROTOBUF}", f"watch {PROTOBUF};stream=watch", f"watch {JSON}"]


async def test_the_first_list_of_one_that_may_lag_is_what_kube_apiserver_has_at_hand(tmp_path: Path) -> None:
    asked: list[dict[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append({**request.query})
        if len(asked) == 1:
            raise web.HTTPGatewayTimeout
        return web.Response(body=IN_PROTOBUF.page(schema_pods.Pod, {}, [a_pod("x", 5)]), content_type=PROTOBUF)

    async with source(tmp_path, answer, may_lag=True) as pods:
        with pytest.raises(UpstreamError):
            await pods.page("")
        await pods.page("")
    assert asked == [{"limit": "500", "resourceVersion": "0"}, {"limit": "500"}]


async def test_of_json_pages_are_asked_for_at_once(tmp_path: Path) -> None:
    asked: list[dict[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append({**request.query})
        return web.Response(body=b'{"items":[]}', content_type=JSON)

    async with serving(answer) as server, reaching(tmp_path, server) as client:
        decoder = Decoder(POD, Compactor(), judge=lambda _: None)
        await ObjectSource(client, POD.list_path, decoder, may_lag=True).page("")
    assert asked == [{"limit": "500"}]


async def test_nobody_is_asked_to_compress(tmp_path: Path) -> None:
    accepted: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        accepted.append(request.headers["Accept-Encoding"])
        return web.Response(body=IN_PROTOBUF.page(schema_pods.Pod, {}, []), content_type=PROTOBUF)

    async with source(tmp_path, answer) as pods:
        await pods.page("")
    assert accepted == ["identity"]


async def test_a_list_is_read_in_whatever_pieces_it_comes(tmp_path: Path) -> None:
    body = IN_PROTOBUF.page(schema_pods.Pod, {"resource_version": "7"}, [a_pod(f"x{n}", n) for n in range(1, 6)])
    pieces = [body[start : start + 50] for start in range(0, len(body), 50)]

    async def answer(request: web.Request) -> web.StreamResponse:
        return await Streamed(pieces).answer(request, PROTOBUF)

    async with source(tmp_path, answer) as pods:
        page = await pods.page("")
    assert ([item.name for item in page.items], page.resource_version) == (["x1", "x2", "x3", "x4", "x5"], "7")


async def test_a_list_that_breaks_off_is_an_error(tmp_path: Path) -> None:
    body = IN_PROTOBUF.page(schema_pods.Pod, {"resource_version": "7"}, [a_pod("x", 5), a_pod("y", 6)])

    async def answer(request: web.Request) -> web.StreamResponse:
        return await Streamed([body[:-60], b""]).answer(request, PROTOBUF)

    async with source(tmp_path, answer) as pods:
        with pytest.raises(UpstreamError, match="GET /api/v1/pods"):
            await pods.page("")
