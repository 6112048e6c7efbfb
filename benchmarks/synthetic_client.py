"""What stands for the connection to kube-apiserver: lists and watches of a synthetic cluster, made as they are read.

It has the methods of `kubediscovery.client.Client`. Bytes are those of kube-apiserver, in protobuf, so that all that
reads them is measured; making them is a part of this process's processor time, at about 6 µs an object.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from benchmarks.synthetic_objects import FIRST_VERSION, SyntheticObjects
from benchmarks.wire import field, head
from kubediscovery.built_in import KUBERNETES_KINDS
from kubediscovery.kinds import Kind

PROTOBUF, JSON, MAGIC = "application/vnd.kubernetes.protobuf", "application/json", b"k8s\x00"
# What a read of a socket brings at most.
_CHUNK_BYTES = 1 << 18
_FRAMES = 50
_DISCOVERY = f"{JSON};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_TRUST = "/api/v1/namespaces/kube-system/configmaps"
_KINDS = {kind.list_path: kind for kind in KUBERNETES_KINDS}
# Numbers of fields (k8s.io/apimachinery, pkg/runtime, pkg/apis/meta/v1: generated.proto).
_RAW, _METADATA, _ITEM, _VERSION, _ANNOTATIONS, _STATUS_REASON, _STATUS_CODE = 2, 1, 2, 6, 12, 4, 6
_END_OF_LIST = "k8s.io/initial-events-end"


Json = dict[str, object]
_Sent = tuple[float, bytes]


class SyntheticResponse:
    """An answer: as much of aiohttp's as is read here."""

    status = 200
    ok = True
    connection = None

    def __init__(self, content_type: str, chunks: AsyncIterator[bytes]) -> None:
        self.headers = {"Content-Type": content_type}
        self.content = self
        self._chunks = chunks

    async def read(self) -> bytes:
        """All of it; others get their turn between two chunks, as while a socket is read."""
        return b"".join([chunk async for chunk in self._chunks])

    async def iter_any(self) -> AsyncIterator[bytes]:
        """As it comes."""
        async for chunk in self._chunks:
            yield chunk

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        """As it comes, in parts of at most so many bytes."""
        async for chunk in self._chunks:
            for start in range(0, len(chunk), size):
                yield chunk[start : start + size]

    async def readany(self) -> bytes:
        """What comes next; nothing at the end."""
        return await anext(self._chunks, b"")


class SyntheticClient:
    """kube-apiserver's side: ``trusted`` is the data of the ConfigMap that says whom to believe."""

    host = "https://synthetic.invalid"
    namespace = "default"

    def __init__(self, objects: SyntheticObjects, trusted: Mapping[str, str]) -> None:
        self._objects = objects
        self._trusted = trusted
        self._watches: dict[str, set[asyncio.Queue[_Sent]]] = {}
        self.version = FIRST_VERSION
        #: Seconds from when each frame was sent to when all of it had been dealt with and more was asked for.
        self.lags: list[float] = []
        self._dealt = asyncio.Event()
        #: Set whenever a watch of pods is opened: until then they are listed.
        self.watched = asyncio.Event()

    async def close(self) -> None:
        """Nothing is open."""

    async def create(self, path: str, body: Mapping[str, object]) -> Mapping[str, object]:
        """Reviews: everybody may do everything, and every token is one user's."""
        if path.endswith("/tokenreviews"):
            return {"status": {"authenticated": True, "user": {"username": "synthetic", "groups": ["synthetic"]}}}
        return {**body, "status": {"allowed": True}}

    async def request(self, method: str, path: str, **options: Any) -> Any:
        """Ask once; the answer's JSON, decoded."""
        if method == "POST":
            return await self.create(path, options.get("body") or {})
        async with self.open(method, path, headers={}) as response:
            return msgspec.json.decode(await response.read())

    @asynccontextmanager
    async def open(
        self, method: str, path: str, *, headers: Mapping[str, str], query: Mapping[str, str] | None = None, **_: Any
    ) -> AsyncIterator[SyntheticResponse]:
        """The answer as it comes."""
        del method
        asked = dict(query or {})
        if path in ("/api", "/apis"):
            yield SyntheticResponse(_DISCOVERY, _at_once(_discovery("" if path == "/api" else None)))
        elif path == _TRUST:
            yield self._trust(asked)
        elif PROTOBUF not in headers.get("Accept", "") or path not in _KINDS:
            yield SyntheticResponse(JSON, _never() if "watch" in asked else _at_once(_json_list([])))
        else:
            stream = self._watch(_KINDS[path], asked) if "watch" in asked else self._list(_KINDS[path], asked)
            yield SyntheticResponse(PROTOBUF, stream)

    def change(self, pod: int) -> int:
        """Send another version of a pod to all who watch; gives the version."""
        self.version += 1
        self._send("pods", _event("MODIFIED", "v1", "Pod", self._objects.object("pods", pod, self.version)))
        return self.version

    async def dealt_with(self, changes: int) -> None:
        """Wait until so many frames have been dealt with since ``lags`` was empty."""
        while len(self.lags) < changes:
            self._dealt.clear()
            await self._dealt.wait()

    def expire(self, plural: str) -> None:
        """End all watches of a kind as kube-apiserver does when what they would go on from is forgotten."""
        status = field(_STATUS_REASON, b"Expired") + bytes((_STATUS_CODE << 3,)) + b"\x9a\x03"
        self._send(plural, _event("ERROR", "v1", "Status", status))

    def _send(self, plural: str, frame: bytes) -> None:
        for queue in self._watches.get(plural, ()):
            queue.put_nowait((time.perf_counter(), frame))

    def _trust(self, asked: Mapping[str, str]) -> SyntheticResponse:
        name = "extension-apiserver-authentication"
        metadata = {"name": name, "namespace": "kube-system", "uid": "trust", "resourceVersion": str(self.version)}
        item: Json = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(self._trusted)}
        return SyntheticResponse(JSON, _never() if "watch" in asked else _at_once(_json_list([item])))

    async def _list(self, kind: Kind, asked: Mapping[str, str]) -> AsyncIterator[bytes]:
        """A page, or all of it without a limit; its length is known before the first object is made."""
        plural = _plural(kind)
        total, start = self._objects.count(plural), int(asked.get("continue") or 0)
        end = min(total, start + int(asked.get("limit") or total or 1))
        metadata = field(2, str(self.version).encode()) + field(3, str(end).encode() if end < total else b"")
        length = self._objects.patterns[plural].length if total else 0
        opening = field(_METADATA, metadata)
        before = MAGIC + field(1, field(1, kind.api_version.encode()) + field(2, f"{kind.kind}List".encode()))
        yield before + head(_RAW, len(opening) + (end - start) * (length + len(head(_ITEM, length)))) + opening
        made = self._objects.all(plural, start, end)
        async for chunk in _chunks(field(_ITEM, item) for item in made):
            yield chunk
        yield field(3, b"") + field(4, b"")

    async def _watch(self, kind: Kind, asked: Mapping[str, str]) -> AsyncIterator[bytes]:
        queue: asyncio.Queue[_Sent] = asyncio.Queue()
        watches = self._watches.setdefault(_plural(kind), set())
        watches.add(queue)
        try:
            if asked.get("sendInitialEvents") == "true":
                async for chunk in _chunks(self._initial(kind)):
                    yield chunk
            if kind.resource == "pods":
                self.watched.set()
            while True:
                sent = [await queue.get()]
                while not queue.empty() and len(sent) < _FRAMES:
                    sent.append(queue.get_nowait())
                yield b"".join(frame for _, frame in sent)
                now = time.perf_counter()
                self.lags += [now - at for at, _ in sent]
                self._dealt.set()
        finally:
            watches.discard(queue)

    def _initial(self, kind: Kind) -> Iterator[bytes]:
        """All objects as they are, and the bookmark that ends them (k8s.io/apiserver, pkg/storage/cacher)."""
        plural = _plural(kind)
        for item in self._objects.all(plural):
            yield _event("ADDED", kind.api_version, kind.kind, item)
        ended = field(_ANNOTATIONS, field(1, _END_OF_LIST.encode()) + field(2, b"true"))
        metadata = field(_VERSION, str(self.version).encode()) + ended
        yield _event("BOOKMARK", kind.api_version, kind.kind, field(_METADATA, metadata))


def _plural(kind: Kind) -> str:
    """The plural where it means the kind that there are objects of."""
    return kind.resource if kind.group in ("", "apps") else ""


def _event(type_: str, api_version: str, kind: str, item: bytes) -> bytes:
    """A frame of a watch: four bytes of length, a WatchEvent, and in it the object as it is stored."""
    named = field(1, field(1, api_version.encode()) + field(2, kind.encode()))
    raw = MAGIC + named + field(_RAW, item) + field(3, b"") + field(4, b"")
    event = field(1, type_.encode()) + field(2, field(1, raw))
    return len(event).to_bytes(4, "big") + event


async def _chunks(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    held, length = list[bytes](), 0
    for part in parts:
        held.append(part)
        length += len(part)
        if length >= _CHUNK_BYTES:
            yield b"".join(held)
            held, length = [], 0
            await asyncio.sleep(0)
    yield b"".join(held)


async def _at_once(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def _never() -> AsyncIterator[bytes]:
    await asyncio.Event().wait()
    yield b""


def _json_list(items: list[Json]) -> bytes:
    metadata = {"resourceVersion": str(FIRST_VERSION)}
    return msgspec.json.encode({"kind": "List", "apiVersion": "v1", "metadata": metadata, "items": items})


def _discovery(group: str | None) -> bytes:
    """The core group, or all others for None."""
    wanted: Callable[[Kind], bool] = (lambda kind: not kind.group) if group == "" else (lambda kind: bool(kind.group))
    groups: dict[str, dict[str, list[Json]]] = {}
    for kind in filter(wanted, KUBERNETES_KINDS):
        described: Json = {
            "resource": kind.resource,
            "responseKind": {"kind": kind.kind},
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "singularResource": kind.singular,
            "verbs": ["list", "watch"],
        }
        groups.setdefault(kind.group, {}).setdefault(kind.version, []).append(described)
    items = [
        {"metadata": {"name": name}, "versions": [{"version": v, "resources": r} for v, r in versions.items()]}
        for name, versions in groups.items()
    ]
    return msgspec.json.encode({"kind": "APIGroupDiscoveryList", "items": items})
