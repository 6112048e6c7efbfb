"""A server on loopback in the place of kube-apiserver, and clients of it by kubeconfig."""

import asyncio
import base64
import contextlib
import ssl
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

from kubediscovery.certs import CertificateAuthority, Usage
from kubediscovery.client import Client

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Document = dict[str, Any]

CA = CertificateAuthority.create("kubernetes")


def kubeconfig(
    server: str = "https://127.0.0.1:6443", *, cluster: Document | None = None, user: Document | None = None
) -> Document:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "main",
        "contexts": [{"name": "main", "context": {"cluster": "here", "user": "me"}}],
        "clusters": [{"name": "here", "cluster": {"server": server, **(cluster or {})}}],
        "users": [{"name": "me", "user": user or {}}],
    }


def write(directory: Path, document: object) -> str:
    path = directory / "kubeconfig"
    if isinstance(document, bytes):
        path.write_bytes(document)
    else:
        path.write_text(yaml.safe_dump(document))
    return str(path)


def encoded(pem: bytes) -> str:
    return base64.b64encode(pem).decode()


def server_context(*, names: tuple[str, ...] = (), client_ca: CertificateAuthority | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    pair = CA.issue("server", dns_names=names, ip_addresses=() if names else ("127.0.0.1",), usages=[Usage.SERVER])
    load_pair(context, pair.certificate + pair.key)
    if client_ca is not None:
        context.load_verify_locations(cadata=client_ca.certificate.decode())
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def load_pair(context: ssl.SSLContext, pem: bytes) -> None:
    """The ssl module reads key pairs from files only."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(pem)
        file.flush()
        context.load_cert_chain(file.name)


@contextlib.asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A server that answers everything with ``handler``; gives its URL."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        yield f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def speaking(answer: bytes, *, pause: float = 0, more: bytes = b"") -> AsyncIterator[str]:
    """A server that answers one request with exactly these bytes and closes, at the latest when the client does."""
    done = asyncio.Event()

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(reader.read(), pause)
            writer.write(more)
            writer.close()
            await writer.wait_closed()
        done.set()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await done.wait()


@contextlib.asynccontextmanager
async def connected(config: str) -> AsyncIterator[Client]:
    client = await Client.connect(config)
    try:
        yield client
    finally:
        await client.close()


def reaching(directory: Path, server: str, **config: Any) -> contextlib.AbstractAsyncContextManager[Client]:
    return connected(write(directory, kubeconfig(server, **config)))
