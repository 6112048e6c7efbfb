"""The listening side: TLS with client certificates, on uvicorn; :mod:`kubediscovery.connection` is each connection."""

import asyncio
import contextlib
import math
import os
import socket
import ssl
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from kubediscovery.asgi import Config, Server, WebSockets
from kubediscovery.config import REQUEST_SECONDS
from kubediscovery.connection import ARRIVAL_SECONDS, CertifiedProtocol
from kubediscovery.errors import StartupError
from kubediscovery.landing import Landing

# The aggregator keeps idle connections for 90 s: closing them sooner would race its next request.
KEEP_ALIVE = 120
BACKLOG = 1024
# Seconds for the last words of a connection over TLS, which need the other side.
_FAREWELL_SECONDS = 5.0


class _Handshake(ssl.SSLObject):
    """Counts those that fail, in the context that they belong to."""

    def do_handshake(self) -> None:
        """Go on with the handshake; raises ``ssl.SSLError``."""
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError:
            if isinstance(self.context, _Context):
                self.context.failed += 1
            raise


class _Context(ssl.SSLContext):
    sslobject_class = _Handshake
    failed = 0


class ServingTls:
    """The listener's TLS context; what it trusts and serves can be renewed while it is in use.

    The handshake accepts a certificate of any of the authorities, or none; which of them stands behind it, and
    whether that one still counts, is proved again for each request (:mod:`kubediscovery.trust`). So a connection stays
    open when an authority goes, and is refused at its next request; the handshake goes on accepting it, because a
    context can forget nobody.

    A certificate of anybody else ends the handshake, where k8s.io/apiserver answers 401: Python's ssl knows no way to
    ask for a certificate and leave the verdict to the application (no verify callback, only CERT_OPTIONAL). While
    nobody is trusted yet certificates are therefore not asked for at all, rather than refused in the handshake.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        self.context = _Context(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        # A session resumed from before certificates were asked for would never be asked for one.
        self.context.num_tickets = 0
        self._files = (certificate, key)
        self._trusted: set[str] = set()
        self._loaded = self._written()
        self.load_certificate()

    def renew(self) -> bool:
        """Load the certificate and key again if their files have changed, and tell whether; costs two ``stat``.

        Raises ``OSError`` and ``ssl.SSLError`` for files that are missing or no pair, as they may be while they are
        written: the former pair stays in use and the next call tries again. Open connections are not touched.
        """
        written = self._written()
        if written == self._loaded:
            return False
        self.load_certificate()
        self._loaded = written
        return True

    @property
    def failed_handshakes(self) -> int:
        """How many there were, without those that somebody gave up."""
        return self.context.failed

    def load_certificate(self) -> None:
        """Read the certificate and key files; raises ``OSError`` and ``ssl.SSLError``, and serves the former on."""
        # A context whose certificate and key do not match can shake no hand any more: try on another one first.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*self._files)
        self.context.load_cert_chain(*self._files)

    def trust(self, authorities: str) -> None:
        """Accept client certificates of these authorities too (PEM), and ask for certificates from now on."""
        if authorities.strip() and authorities not in self._trusted:
            self._trusted.add(authorities)
            self.context.load_verify_locations(cadata=authorities)
            self.context.verify_mode = ssl.CERT_OPTIONAL

    def _written(self) -> list[tuple[int, int, int]]:
        # A kubelet swaps a link, and the new file may be as old and as long as the one before.
        return [(found.st_ino, found.st_mtime_ns, found.st_size) for found in map(Path.stat, self._files)]


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


class Listener(Server):
    """uvicorn, told when to end by whoever runs it rather than by signals of its own.

    ``drain_seconds`` bounds how long it then finishes what is under way: as long as one request may take.
    """

    def __init__(self, app: ASGIApp, tls: ServingTls | None, *, drain_seconds: float = REQUEST_SECONDS) -> None:
        config = Config(
            app,
            http=CertifiedProtocol,
            ws=WebSockets,
            # Nothing that a client says on a watch is read.
            ws_max_size=64 * 1024,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=math.ceil(drain_seconds),
            ssl_context_factory=(lambda *_: tls.context) if tls else None,
        )
        super().__init__(config)
        self._landing = Landing()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, as uvicorn does, but not for ever to who is silent in or after its handshake."""
        await self.lifespan.startup()
        loop, tls = asyncio.get_running_loop(), self.config.ssl
        self.servers = [
            await loop.create_server(
                self._connection,
                sock=listening,
                ssl=tls,
                ssl_handshake_timeout=ARRIVAL_SECONDS if tls else None,
                ssl_shutdown_timeout=_FAREWELL_SECONDS if tls else None,
            )
            for listening in sockets or ()
        ]
        self.started = True

    def close(self) -> None:
        """Take no new connection; :meth:`serve` then ends when what is under way has."""
        self.should_exit = True
        for server in getattr(self, "servers", ()):
            server.close()

    def abort(self) -> None:
        """End all connections without regard to what they were about."""
        self.close()
        self.force_exit = True
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    def _connection(self) -> asyncio.BaseProtocol:
        return self._landing.protocol(CertifiedProtocol(self.config, self.server_state, self.lifespan.state))

    def install_signal_handlers(self) -> None:
        """Leave signals to the process."""

    def capture_signals(self) -> Any:
        """Leave signals to the process."""
        return contextlib.nullcontext()
