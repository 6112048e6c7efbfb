"""The whole HTTP side over a small cluster: only kube-apiserver's answers to reviews are made up."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import unquote

import httpx
from msgspec import structs
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kubediscovery.api import ApiGroup
from kubediscovery.app import create_app
from kubediscovery.authn import Authenticator
from kubediscovery.authz import Authorizer
from kubediscovery.built_in_registry import built_in_registry
from kubediscovery.certs import CertificateAuthority, Usage
from kubediscovery.client import Client
from kubediscovery.journal import Journal
from kubediscovery.kinds import Kind, Kinds
from kubediscovery.metrics import Metrics
from kubediscovery.objects import MetadataState, Object, State, WorkloadState
from kubediscovery.readiness import Check, Readiness
from kubediscovery.registry import Registry
from kubediscovery.services import Services
from kubediscovery.store import Store
from tests import objects
from tests.objects import (
    CRON_JOB,
    DAEMON_SET,
    DEPLOYMENT,
    FLEET,
    JOB,
    OTHER_DEPLOYMENT,
    POD,
    REPLICA_SET,
    REVISION,
    STATEFUL_SET,
    filled,
)
from tests.reviewing import Answer, FakeReviewer, Time, der

# Seconds that a test watches for; what there is comes at once.
STAYS = 0.02

GROUP = "kubediscovery.cloudark.io"
PREFIX = f"/apis/{GROUP}/v1"

KINDS = tuple(objects.KINDS)
CREATED = 1_700_000_000
NEWEST = 900

Header = tuple[str, str]


def workload(desired: int = 2, ready: int = 2, revision: str = "") -> WorkloadState:
    return structs.replace(
        objects.WORKLOAD,
        desired=desired,
        replicas=desired,
        updated=desired,
        ready=ready,
        available=ready,
        revision=revision,
    )


_STATES: Mapping[Kind, State] = {DEPLOYMENT: workload(revision="3"), REPLICA_SET: workload(revision="3")}


def make(
    kind: Kind,
    name: str,
    namespace: str = "shop",
    *,
    owner: Object | None = None,
    labels: Mapping[str, str] | None = None,
    version: int = 100,
    created: int = CREATED,
    state: State | None = None,
) -> Object:
    """An object whose UID says what it is."""
    return objects.make(
        kind,
        name,
        namespace,
        owners=[owner] if owner else (),
        labels=tuple(sorted((labels or {}).items())),
        resource_version=version,
        created=created,
        state=state or _STATES.get(kind) or objects.STATES.get(kind, MetadataState()),
    )


def cluster() -> list[Object]:
    """Trees in several namespaces, with names that paths could be misread over."""
    web = make(DEPLOYMENT, "web", labels={"app": "web", "tier": "front"}, version=110)
    replica_set = make(REPLICA_SET, "web-1", owner=web, version=120)
    db = make(STATEFUL_SET, "db", labels={"app": "db"})
    tick = make(CRON_JOB, "tick")
    job = make(JOB, "tick-1", owner=tick)
    hidden = make(DEPLOYMENT, "web", "vault", labels={"app": "hidden"})
    fleet = make(FLEET, "north")
    return [
        web,
        replica_set,
        make(POD, "web-1-a", owner=replica_set, version=130),
        make(POD, "web-1-b", owner=replica_set, version=125),
        db,
        make(REVISION, "db-1", owner=db),
        make(POD, "db-0", owner=db),
        tick,
        job,
        make(POD, "tick-1-a", owner=job),
        make(DAEMON_SET, "agent", "kube-system"),
        make(POD, "lonely"),
        hidden,
        make(POD, "hidden-pod", "vault", owner=hidden),
        fleet,
        make(POD, "on-north", "vault", owner=fleet),
        make(OTHER_DEPLOYMENT, "web"),
        *(make(DEPLOYMENT, name, name) for name in ("namespaces", "watch", "compositions", "status", "apis")),
    ]


@dataclass(frozen=True)
class Authorities:
    """The two authorities of a cluster, and the front proxy's certificate (DER)."""

    proxies: CertificateAuthority
    clients: CertificateAuthority
    proxy: bytes

    def client(self, name: str) -> bytes:
        return der(self.clients.issue(name, usages=[Usage.CLIENT]))


@cache
def authorities() -> Authorities:
    proxies = CertificateAuthority.create("front-proxy-ca")
    proxy = der(proxies.issue("front-proxy-client", usages=[Usage.CLIENT]))
    return Authorities(proxies, CertificateAuthority.create("kubernetes"), proxy)


def config_map() -> dict[str, str]:
    """ConfigMap kube-system/extension-apiserver-authentication."""
    return {
        "client-ca-file": authorities().clients.certificate.decode(),
        "requestheader-client-ca-file": authorities().proxies.certificate.decode(),
        "requestheader-username-headers": '["X-Remote-User"]',
        "requestheader-group-headers": '["X-Remote-Group"]',
        "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
        "requestheader-allowed-names": '["front-proxy-client"]',
    }


@dataclass
class Rights:
    """Who may what: "admin" everything, others what was granted. ``failure`` is raised instead of any answer."""

    granted: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    failure: Exception | None = None

    def grant(self, user: str, **wanted: str) -> None:
        """Allow what has these attributes, whatever its others are; ``resource`` may be ``parent/subresource``."""
        resource, _, subresource = wanted.get("resource", "").partition("/")
        if resource:
            wanted |= {"resource": resource, "subresource": subresource}
        self.granted.setdefault(user, []).append(wanted)

    def answer(self, spec: dict[str, Any]) -> Answer:
        if self.failure is not None:
            return self.failure
        if "token" in spec:
            known = spec["token"] == "good"
            return {"authenticated": known, **({"user": {"username": "token-user"}} if known else {})}
        asked = attributes_of(spec)
        granted = self.granted.get(spec["user"], [])
        allowed = any(all(asked.get(name, "") == value for name, value in wanted.items()) for wanted in granted)
        return {"allowed": allowed or spec["user"] == "admin"}


def attributes_of(spec: Mapping[str, Any]) -> dict[str, str]:
    """What a SubjectAccessReview asks for, of whichever form."""
    found: dict[str, str] = spec.get("resourceAttributes") or spec["nonResourceAttributes"]
    return found


class Serving:
    """The application over a store, with callers as the front proxy names them."""

    def __init__(
        self,
        items: Sequence[Object] | None = None,
        *,
        store: Store | None = None,
        registries: Sequence[Registry] = (),
        client: Client | None = None,
    ) -> None:
        kinds = Kinds(KINDS)
        self.store = store or filled(cluster() if items is None else items, kinds)
        self.time = Time()
        self.rights = Rights()
        self.reviewer = FakeReviewer(self.rights.answer)
        self.authenticator = Authenticator(self.reviewer, timer=self.time.timer, sleep=self.time.sleep)
        self.authenticator.configure(config_map())
        self.metrics = Metrics()
        self.checks: list[Check] = []
        self.readiness = Readiness(lambda: self.checks)
        authorizer = Authorizer(self.reviewer, timer=self.time.timer, sleep=self.time.sleep)
        self.services = Services(
            ApiGroup(GROUP, "v1", self.store.kinds),
            self.store,
            Journal(self.store),
            self.authenticator,
            authorizer,
            self.readiness,
            self.metrics,
            client=client,
            registries=(built_in_registry(GROUP), *registries),
        )
        self.app = create_app(self.services)

    async def get(
        self,
        target: str | bytes,
        *,
        user: str | None = "admin",
        groups: Sequence[str] = (),
        headers: Sequence[Header] = (),
        method: str = "GET",
        content: bytes = b"",
        stays: float = STAYS,
    ) -> httpx.Response:
        """The answer to a caller whom the front proxy vouches for, or to nobody for ``None``."""
        vouched = [("X-Remote-User", user), *(("X-Remote-Group", group) for group in groups)] if user else []
        certificate = authorities().proxy if user else None
        return await self.send(
            target,
            headers=[*vouched, *headers],
            method=method,
            certificate=certificate,
            content=content,
            stays=stays,
        )

    async def send(
        self,
        target: str | bytes,
        *,
        headers: Sequence[Header | tuple[bytes, bytes]] = (),
        method: str = "GET",
        certificate: bytes | None = None,
        content: bytes = b"",
        stays: float = STAYS,
    ) -> httpx.Response:
        """The answer to a request with exactly this target, over a connection with this client certificate."""
        raw = target.encode() if isinstance(target, str) else target
        transport = httpx.ASGITransport(_Connection(self.app, raw, certificate, stays))
        async with httpx.AsyncClient(transport=transport, base_url="https://server") as client:
            client.headers.clear()
            encoded = [(_bytes(name), _bytes(value)) for name, value in headers]
            return await client.request(method, "/", headers=encoded, content=content)

    @property
    def reviewed(self) -> list[dict[str, str]]:
        """What was asked of kube-apiserver about the request itself and its children, in order."""
        return [attributes_of(spec) for spec in self.reviewer.specs if "token" not in spec]


@dataclass(frozen=True)
class _Connection:
    """Puts into the scope what the listener puts there; no client has touched the request's target before.

    Who watches leaves after ``stays`` seconds.
    """

    app: ASGIApp
    target: bytes
    certificate: bytes | None
    stays: float

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw_path, _, query = self.target.partition(b"?")
        path = unquote(raw_path.decode("latin-1"))
        state = {"peer_certificate": self.certificate}
        left = asyncio.Event()
        body = [await receive()]
        while body[0].get("more_body"):
            body.insert(0, await receive())

        async def receive_until_left() -> Message:
            if body:
                return body.pop()
            await left.wait()
            return {"type": "http.disconnect"}

        async def send_and_leave(message: Message) -> None:
            if message["type"] == "http.response.start" and not is_negotiated(message):
                asyncio.get_running_loop().call_later(self.stays, left.set)
            await send(message)

        await self.app(
            {**scope, "raw_path": raw_path, "path": path, "query_string": query, "state": state},
            receive_until_left,
            send_and_leave,
        )


def is_negotiated(message: Message) -> bool:
    """Whether an answer is one that ends by itself, rather than a watch: a long list has no length either."""
    return any(name in (b"content-length", b"vary") for name, _ in message["headers"])


def documents(answer: httpx.Response) -> list[Any]:
    """The JSON of an answer: one document, or one for each event of a watch."""
    if answer.headers.get("content-type") != "application/json":
        return []
    ends = "content-length" in answer.headers or "vary" in answer.headers
    return [answer.json()] if ends else [*map(json.loads, answer.text.splitlines())]


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text
