"""What the framework for subresources costs a request, beside a route of Starlette that does the same."""

from __future__ import annotations

import gc
import time
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message

from benchmarks.context import Context
from benchmarks.figures import AtMostTimes, Figure, Result, WrongAnswerError
from benchmarks.percentiles import median
from kubediscovery.api import ApiGroup
from kubediscovery.app import create_app
from kubediscovery.authz import Authorizer
from kubediscovery.framework import Registry, Struct, SubresourceRequest
from kubediscovery.identity import User
from kubediscovery.journal import Journal
from kubediscovery.kinds import BUILT_IN_KINDS, Kinds
from kubediscovery.metrics import Metrics
from kubediscovery.objects import MetadataState, Object
from kubediscovery.readiness import Readiness
from kubediscovery.services import Services
from kubediscovery.store import Store

_GROUP = "benchmarks.example.org"
_PATH = "/namespaces/shop/deployments/web/label"
_ROUNDS, _REQUESTS = 15, 2_000
# What both have to answer with, beside whatever else.
_VALUE = b'"value":"web"'
# Microseconds.
_TARGET = 50.0


class Label(Struct, frozen=True):
    """What is answered."""

    value: str


def framework(context: Context) -> Result:
    """Both are called as ASGI applications in one process: sockets and TLS would cost both the same, and hide it."""
    store = _store()
    bare, own = uvloop.run(_compare(_bare(store), _own(store)))
    context.say(f"bare {bare:.1f} us, framework {own:.1f} us")
    return Result(
        title="The framework for subresources",
        notes=(
            "One object's label, looked up in the caches and answered as JSON, by an async function of three lines.",
            "The route of Starlette authenticates nobody, reviews nothing, and gives no metadata, ETag or metrics.",
            f"Called as ASGI applications: medians of {_ROUNDS} rounds of {_REQUESTS} requests to each in turn.",
            "The user is one whose reviews are kept. What is counted is processor time.",
        ),
        figures=(
            Figure(
                name="What the framework adds to a request",
                unit="µs",
                own=own - bare,
                peer_name="the target",
                peer=_TARGET,
                target=AtMostTimes(1),
            ),
            Figure(name="A request", unit="µs", own=own, peer_name="a bare route of Starlette", peer=bare, target=None),
        ),
    )


def _store() -> Store:
    store = Store(Kinds())
    kind = BUILT_IN_KINDS[0]
    web = Object(
        kind=kind,
        namespace="shop",
        name="web",
        uid="uid",
        resource_version=1,
        generation=1,
        created=1_700_000_000,
        deleting=False,
        labels=(("app", "web"),),
        owners=(),
        state=MetadataState(),
    )
    for each in BUILT_IN_KINDS:
        store.replace(each, [web] if each is kind else [], 1)
    return store


def _bare(store: Store) -> ASGIApp:
    kind = BUILT_IN_KINDS[0]

    async def label(request: Request) -> Response:
        item = store.find(kind, request.path_params["namespace"], request.path_params["name"])
        value = dict(item.labels)["app"] if item is not None else ""
        return Response(msgspec.json.encode(Label(value)), media_type="application/json")

    return Starlette(routes=[Route("/apis/benchmarks/namespaces/{namespace}/deployments/{name}/label", label)])


def _own(store: Store) -> ASGIApp:
    registry = Registry(group=_GROUP, version="v1")

    @registry.subresource("label", on="deployments.apps", returns=Label)
    async def label(request: SubresourceRequest) -> Label:
        return Label(dict(request.parent.labels)["app"])

    services = Services(
        ApiGroup("kubediscovery.cloudark.io", "v1", store.kinds),
        store,
        Journal(store),
        _Anybody(),
        Authorizer(_Allowing()),
        Readiness(lambda: ()),
        Metrics(),
        registries=(registry,),
    )
    return create_app(services)


class _Anybody:
    """Authentication that costs nothing: what it costs is measured elsewhere."""

    _user = User("reader", groups=("system:authenticated",))

    async def authenticate(self, headers: object, peer_certificate: bytes | None) -> User:
        del headers, peer_certificate
        return self._user


class _Allowing:
    """A kube-apiserver that allows everything."""

    async def create(self, path: str, body: object) -> MutableMapping[str, object]:
        del path, body
        return {"status": {"allowed": True}}


async def _compare(bare: ASGIApp, own: ASGIApp) -> tuple[float, float]:
    """Microseconds for a request to each."""
    asked = (
        _asking(bare, f"/apis/benchmarks{_PATH}"),
        _asking(own, f"/apis/{_GROUP}/v1{_PATH}"),
    )
    rounds: tuple[list[float], list[float]] = ([], [])
    for ask in asked:
        await _round(ask)
    for _ in range(_ROUNDS):
        for ask, found in zip(asked, rounds, strict=True):
            found.append(await _round(ask))
    return median(rounds[0]), median(rounds[1])


async def _round(ask: Callable[[], Awaitable[None]]) -> float:
    gc.collect()
    started = time.process_time()
    for _ in range(_REQUESTS):
        await ask()
    return (time.process_time() - started) / _REQUESTS * 1e6


def _asking(app: ASGIApp, path: str) -> Callable[[], Awaitable[None]]:
    headers = [(b"accept", b"application/json"), (b"user-agent", b"benchmarks"), (b"host", b"localhost")]

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        if message.get("status", 200) != 200:
            raise AssertionError(f"{path}: {message} at {datetime.now(UTC)}")
        if message["type"] == "http.response.body" and _VALUE not in message["body"]:
            raise WrongAnswerError(f"{path} is answered with {message['body'].decode()}")

    async def ask() -> None:
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "https",
            "root_path": "",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": headers,
            "client": None,
            "server": None,
            "state": {},
        }
        await app(scope, receive, send)

    return ask
