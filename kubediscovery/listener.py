"""The listening side: TLS with client certificates, on uvicorn.

uvicorn tells an application nothing of the client's certificate, so :class:`CertifiedProtocol` puts it where requests
carry their connection's state.
"""

import asyncio
import contextlib
import os
import socket
import ssl
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from kubediscovery.errors import StartupError

# The aggregator keeps idle connections for 90 s: closing them sooner would race its next request.
KEEP_ALIVE = 120
BACKLOG = 1024


class JoinedWrites:
    """A transport that sends what is written in one go as one: uvicorn writes a response's head and body apart.

    Over TLS each write is a record of its own, which the other side has to read on its own.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Send the data when the present callback has returned."""
        if not self._held:
            self._loop.call_soon(self._flush)
        self._held.append(data)

    def close(self) -> None:
        """Send what is held, then close."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._held:
            held, self._held = self._held, []
            self._transport.write(b"".join(held))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class CertifiedProtocol(HttpToolsProtocol):
    """Adds ``state["peer_certificate"]``: the client's certificate as DER, None where it showed none."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Read the certificate once a connection, after the handshake."""
        super().connection_made(transport)
        self.transport = JoinedWrites(transport, self.loop)  # type: ignore[assignment]
        tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        certificate = tls.getpeercert(binary_form=True) if tls is not None else None
        self.app_state = {**self.app_state, "peer_certificate": certificate}


class ServingTls:
    """The listener's TLS context; what it trusts and serves can be renewed while it is in use.

    The handshake accepts a certificate of any of the authorities, or none; which of them stands behind it, and
    whether that one still counts, is proved again for each request (:mod:`kubediscovery.trust`).
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.verify_mode = ssl.CERT_OPTIONAL
        self._certificate = certificate
        self._key = key
        self._trusted: set[str] = set()
        self.load_certificate()

    def load_certificate(self) -> None:
        """Read the certificate and key files; raises ``OSError`` and ``ssl.SSLError``, and serves the former on."""
        # A context whose certificate and key do not match can shake no hand any more: try on another one first.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self._certificate, self._key)
        self.context.load_cert_chain(self._certificate, self._key)

    def trust(self, authorities: str) -> None:
        """Accept client certificates of these authorities too (PEM)."""
        if authorities.strip() and authorities not in self._trusted:
            self._trusted.add(authorities)
            self.context.load_verify_locations(cadata=authorities)


def bind(address: str, port: int) -> socket.socket:
    """A listening socket; raises :class:`StartupError` in one line where the address cannot be had."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # "::" means IPv4 too, as it does to Go.
    both = family == socket.AF_INET6 and socket.has_dualstack_ipv6()
    try:
        return socket.create_server((address, port), family=family, backlog=BACKLOG, dualstack_ipv6=both)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error
        raise StartupError(f"cannot listen on {address}:{port}: {reason}") from error


class Listener(uvicorn.Server):
    """uvicorn, told when to end by whoever runs it rather than by signals of its own."""

    def __init__(self, app: ASGIApp, tls: ServingTls | None) -> None:
        config = uvicorn.Config(
            app,
            http=CertifiedProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=30,
            ssl_context_factory=(lambda *_: tls.context) if tls else None,
        )
        super().__init__(config)

    def install_signal_handlers(self) -> None:
        """Leave signals to the process."""

    def capture_signals(self) -> Any:
        """Leave signals to the process."""
        return contextlib.nullcontext()
