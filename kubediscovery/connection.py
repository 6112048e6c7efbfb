"""One connection of the listener: uvicorn's protocol, with bounds on what it may ask for and for how long.

uvicorn tells an application nothing of the client's certificate, so :class:`CertifiedProtocol` puts it where requests
carry their connection's state. It also reads a head of any size for any time; the bounds are those of
``k8s.io/apiserver, pkg/server/secure_serving.go``, and 3 MiB for a body (``pkg/server/config.go``).
"""

import asyncio
import ssl
from typing import Any, Final
from urllib.parse import unquote

import httptools

from kubediscovery.asgi import (
    STATUS_LINE,
    Config,
    HTTPScope,
    HttpToolsProtocol,
    RequestResponseCycle,
    ServerState,
)
from kubediscovery.cycle import Cycle
from kubediscovery.errors import BadRequest, EntityTooLarge, HeadersTooLarge, StatusError
from kubediscovery.joined_writes import JoinedWrites
from kubediscovery.negotiation import PLAIN, Representation
from kubediscovery.responses import error_response

# Seconds for a request to arrive as a whole, from the connection's or its own first byte.
ARRIVAL_SECONDS = 32.0
HEAD_BYTES = 1 << 20
# A head of a million one-letter lines would take fifty times its size to hold; 2,000 groups are 2,000 lines.
HEAD_LINES = 10_000
BODY_BYTES = 3 << 20
# What may come with the end of a head or body in one read of the transport.
_READ_BYTES = 1 << 18
# Bytes that wait for the reader before whoever writes has to wait too; a hundred slow readers hold that many of them.
_UNSENT_BYTES = 1 << 14
# Seconds in which what still comes is read and dropped: closing at once can take the answer from its reader (net/http).
_LINGER_SECONDS = 0.5


class CertifiedProtocol(HttpToolsProtocol):
    """Adds ``state["peer_certificate"]``, the client's certificate as DER or None, and ``state["abort"]``.

    The latter ends the connection without regard to what was not sent yet. ``state["certificate_asked"]`` is false
    where the client could show no certificate, because nobody was trusted yet; such a connection ends with its first
    answer, so that the client shows its certificate on the next one.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        # Looked at before the handshake begins: one that is under way when somebody comes to be trusted asks for none.
        self._asked = config.ssl is None or config.ssl.verify_mode is not ssl.CERT_NONE
        self._in_head = True
        self._arriving = False
        self._received = 0
        self._ended = False
        self._refusal: StatusError = _UNREADABLE
        self._timer: asyncio.TimerHandle | None = None
        self._idle_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Read the certificate once a connection, after the handshake."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=_UNSENT_BYTES)
        tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        certificate = tls.getpeercert(binary_form=True) if tls is not None else None
        state = {"peer_certificate": certificate, "certificate_asked": self._asked, "abort": transport.abort}
        self.app_state = {**self.app_state, **state}
        self._wait_for_arrival()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more arrives."""
        self._stop_waiting()
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, within bounds."""
        if self._ended:
            return
        self._received += len(data)
        if self._received > (HEAD_BYTES if self._in_head else BODY_BYTES) + _READ_BYTES:
            self._answer_with(_LONG_HEAD if self._in_head else _LONG_BODY)
            return
        super().data_received(data)
        if self._arriving and self._in_head and len(self.headers) > HEAD_LINES:
            self._answer_with(_LONG_HEAD)
        elif self._arriving or not self._is_answering():
            self._wait_for_arrival()
        elif self._timer is not None:
            self._stop_waiting()

    def on_message_begin(self) -> None:
        """A request's first byte."""
        self._arriving = True
        self.url, self.headers, self.expect_100_continue = b"", [], False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a line of the head; those behind a body say nothing, least of all who asks.

        The parser gives both alike, and a front proxy takes X-Remote-* out of a user's headers only.
        """
        if self._in_head:
            name = name.lower()
            if name == b"expect" and value.lower() == b"100-continue":
                self.expect_100_continue = True
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Begin with the request; what is raised here ends in :meth:`send_400_response`."""
        if self._received > HEAD_BYTES or len(self.headers) > HEAD_LINES:
            self._check_head()
        # The parser has refused what is no number, or is there twice.
        length = next((value for name, value in self.headers if name == b"content-length"), b"0")
        if int(length) > BODY_BYTES:
            self._refuse(_LONG_BODY)
        self.scope = self._scope()
        if not (self.parser.should_upgrade() and self._should_upgrade()):
            self._begin()
        self._in_head = False
        self._received = 0

    def on_message_complete(self) -> None:
        """The request has arrived as a whole; what comes next is the head of another one."""
        self._arriving = False
        self._in_head = True
        self._received = 0
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Another protocol takes over, with bounds of its own."""
        self._end()
        self.transport = JoinedWrites(self.transport, self.loop)  # type: ignore[assignment]
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        """Answer a request that the parser or a bound refused; the name is uvicorn's own."""
        del msg
        self._answer_with(self._refusal)

    def on_response_complete(self) -> None:
        """Go on with the next request, or be idle.

        uvicorn sets a timer after each answer and takes it back at the next request; here one stays as it is.
        """
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
            return
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self._look_for_idleness)

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = None

    def _look_for_idleness(self) -> None:
        self.timeout_keep_alive_task = None
        if self._idle_since is None:
            return
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self.timeout_keep_alive_task = self.loop.call_later(left, self._look_for_idleness)
        else:
            self.timeout_keep_alive_handler()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that was idle for too long; what its client never read is dropped with it."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.transport.close()

    def _scope(self) -> HTTPScope:
        target = httptools.parse_url(self.url)
        return {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": self.parser.get_http_version(),
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme or "http",
            "method": self.parser.get_method().decode("ascii"),
            "root_path": self.root_path,
            "path": unquote(target.path.decode("ascii")),
            "raw_path": target.path,
            "query_string": target.query or b"",
            "headers": self.headers,
            "state": self.app_state.copy(),
        }

    def _begin(self) -> None:
        """What uvicorn does at the end of a head, with a cycle of our own."""
        is_next = not self._is_answering()
        self.cycle = Cycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=self._asked and self.scope["http_version"] != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        if is_next:
            self._start_asgi_task(self.cycle, self.app)
        else:
            # It comes before the former one is answered, and has to wait for its turn.
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def _check_head(self) -> None:
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > HEAD_BYTES or len(self.headers) > HEAD_LINES:
            self._refuse(_LONG_HEAD)

    def _refuse(self, error: StatusError) -> None:
        self._refusal = error
        raise error

    def _answer_with(self, error: StatusError) -> None:
        self._end()
        if not self._in_head or self._is_answering():
            # It would be taken for the answer to another request, or come amid one that has begun.
            self.transport.close()
            return
        response = error_response(error, Representation(PLAIN, pretty=True))
        headers = b"".join(b"%b: %b\r\n" % line for line in response.raw_headers)
        head = STATUS_LINE[response.status_code] + headers + b"connection: close\r\n\r\n"
        self.transport.write(head + bytes(response.body))
        self._timer = self.loop.call_later(_LINGER_SECONDS, self.timeout_keep_alive_handler)

    def _is_answering(self) -> bool:
        # uvicorn has none before the first request, and does not say so.
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _end(self) -> None:
        """Parse nothing more."""
        self._ended = True
        self._stop_waiting()

    def _wait_for_arrival(self) -> None:
        if self._timer is None and not self._ended:
            self._timer = self.loop.call_later(ARRIVAL_SECONDS, self._is_late)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _is_late(self) -> None:
        self._timer = None
        if self.flow.read_paused:
            # It is this side that does not read.
            self._wait_for_arrival()
        else:
            # Without a word, as Go's net/http.
            self.timeout_keep_alive_handler()


_UNREADABLE: Final = BadRequest("the request could not be understood as HTTP/1.1")
_LONG_HEAD: Final = HeadersTooLarge(f"the request's head is too large: limit is {HEAD_BYTES} bytes, {HEAD_LINES} lines")
_LONG_BODY: Final = EntityTooLarge(f"Request entity too large: limit is {BODY_BYTES}")
