"""A whole kubediscovery server in a test: real HTTP over TLS on this machine, a fake cluster behind it."""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from kubediscovery.certs import CertificateAuthority
from kubediscovery.config import API_VERSION, DEFAULT_GROUP, ServeOptions
from kubediscovery.errors import StartupError
from kubediscovery.framing import Lines
from kubediscovery.lifetime import Signals
from kubediscovery.listener import bind
from kubediscovery.registry import Registry
from kubediscovery.server import serve
from kubediscovery.settings import Settings
from kubediscovery.testing.credentials import write_key_pair
from kubediscovery.testing.fake import FakeKubeApiserver
from kubediscovery.testing.fake_rights import MASTERS
from kubediscovery.transport import aiohttp

#: The user of a request that names none: a member of system:masters, who may everything.
ADMINISTRATOR = "admin"

_ADDRESS = "127.0.0.1"
_READY_SECONDS = 30.0
_POLL_SECONDS = 0.01
_COMPOSITIONS = f"/apis/{DEFAULT_GROUP}/{API_VERSION}/compositions"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: its status, its headers in lower case, its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    def json(self) -> Any:
        """The body's JSON; raises ``ValueError`` for what is none."""
        return msgspec.json.decode(self.body)


class TestServer:
    """A server of the built-in API and of registries, over a fake cluster with ``objects``; runs in ``async with``.

    Requests come as kube-apiserver forwards them: over TLS with the front proxy's certificate, which vouches for a user
    and groups. ``cluster`` is the fake cluster: change its objects and rights, or let it fail.
    """

    # pytest takes a class of this name for a test otherwise.
    __test__ = False

    def __init__(
        self,
        *registries: Registry,
        objects: Iterable[Mapping[str, Any]] = (),
        settings: Settings | None = None,
    ) -> None:
        self.cluster = FakeKubeApiserver(objects)
        self._registries = registries
        self._settings = settings
        self._signals = Signals()
        self.url = ""

    async def get(self, path: str, *, user: str = ADMINISTRATOR, groups: Sequence[str] = (), **headers: str) -> Answer:
        """GET a path; see :meth:`request`."""
        return await self.request("GET", path, user=user, groups=groups, headers=headers)

    async def post(
        self, path: str, body: object = None, *, user: str = ADMINISTRATOR, groups: Sequence[str] = ()
    ) -> Answer:
        """POST a body, JSON, to a path; see :meth:`request`."""
        return await self.request("POST", path, body=body, user=user, groups=groups)

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        user: str = ADMINISTRATOR,
        groups: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask as a user. A path without a slash before it is below the first registry's group and version.

        A body is written as JSON, of the ``Content-Type`` in the headers where there is one, as for a patch.
        """
        async with self._send(method, path, body, user, groups, headers or {}) as response:
            found = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, found, await response.read())

    @asynccontextmanager
    async def watch(
        self, path: str, *, user: str = ADMINISTRATOR, groups: Sequence[str] = ()
    ) -> AsyncIterator[AsyncIterator[Any]]:
        """The events of a watch as they come: documents with ``type`` and ``object``."""
        async with self._send("GET", path, None, user, groups, {}) as response:
            lines = Lines()
            yield (
                msgspec.json.decode(line) async for chunk in response.content.iter_any() for line in lines.feed(chunk)
            )

    async def put(self, *manifests: Mapping[str, Any]) -> None:
        """Change objects of the cluster, and return once the server has seen it."""
        await self.has_seen(self.cluster.put(*manifests))

    async def delete(self, api_version: str, kind: str, name: str, namespace: str = "default") -> None:
        """Take an object away, and return once the server has seen it."""
        await self.has_seen(self.cluster.delete(api_version, kind, name, namespace))

    async def has_seen(self, version: int) -> None:
        """Return once the server has seen a version of the cluster; raises ``TimeoutError`` after 3 seconds."""
        answer = await self.get(f"{_COMPOSITIONS}?limit=1&resourceVersion={version}")
        if answer.status != 200:
            raise TimeoutError(answer.text)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.cluster)
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kubediscovery-server-")))
            context = self._write_certificates(directory)
            listening = stack.enter_context(bind(_ADDRESS, 0))
            self.url = f"https://localhost:{listening.getsockname()[1]}"
            self._session = await stack.enter_async_context(
                aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context))
            )
            options = ServeOptions(
                kubeconfig=str(self.cluster.kubeconfig), bind_address=_ADDRESS, secure_port=0, cert_dir=directory
            )
            self._serving = asyncio.create_task(
                serve(
                    options,
                    self._settings,
                    registries=self._registries,
                    listening=listening,
                    signals=self._signals,
                )
            )
            stack.push_async_callback(self._stop)
            await self._wait_until_ready()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @asynccontextmanager
    async def _send(
        self, method: str, path: str, body: object, user: str, groups: Sequence[str], headers: Mapping[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        given = tuple(groups) or ((MASTERS,) if user == ADMINISTRATOR else ())
        sent = [("X-Remote-User", user), *(("X-Remote-Group", group) for group in given)]
        sent += [(name.replace("_", "-"), value) for name, value in headers.items()]
        data = None if body is None else msgspec.json.encode(body)
        if data is not None and "content-type" not in {name.lower() for name, _ in sent}:
            sent.append(("Content-Type", "application/json"))
        async with self._session.request(method, self._url_of(path), data=data, headers=sent) as response:
            yield response

    def _url_of(self, path: str) -> str:
        if path.startswith("/"):
            return self.url + path
        first = self._registries[0] if self._registries else None
        group, version = (first.group, first.version) if first is not None else (DEFAULT_GROUP, API_VERSION)
        return f"{self.url}/apis/{group}/{version}/{path}"

    def _write_certificates(self, directory: Path) -> ssl.SSLContext:
        authority = CertificateAuthority.create("kubediscovery-test-server")
        write_key_pair(directory / "tls", authority.issue("server", dns_names=["localhost"]))
        write_key_pair(directory / "front-proxy", self.cluster.front_proxy)
        context = ssl.create_default_context(cadata=authority.certificate.decode())
        context.load_cert_chain(directory / "front-proxy.crt", directory / "front-proxy.key")
        return context

    async def _wait_until_ready(self) -> None:
        told = ""
        try:
            async with asyncio.timeout(_READY_SECONDS):
                while not self._serving.done():
                    try:
                        answer = await self.get("/readyz?verbose")
                    except aiohttp.ClientError as error:
                        told = str(error)
                    else:
                        told = answer.text
                        if answer.status == 200:
                            return
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            raise StartupError(f"the server is not ready after {_READY_SECONDS:g} s: {told}") from None
        await self._serving
        raise StartupError("the server has ended before it was ready")

    async def _stop(self) -> None:
        if not self._serving.done():
            self._signals.end()
        await self._serving
