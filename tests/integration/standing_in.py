"""What may stand where the server should: a port that takes connections and answers nothing, or garbage."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from types import TracebackType
from typing import Self


class StandIn:
    """Listens where the server did; ``answer`` goes to whoever has sent a request's head, over TLS with a context.

    Without an answer nothing is read and nothing is sent, and the connections stay open.
    """

    def __init__(self, port: int, answer: bytes | None = None, context: ssl.SSLContext | None = None) -> None:
        self._answer = answer
        self._context = context
        self._listening = socket.create_server(("127.0.0.1", port), backlog=100)
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self._open.append(connection)
                if self._answer is not None:
                    threading.Thread(target=self._speak, args=(connection,), daemon=True).start()

    def _speak(self, connection: socket.socket) -> None:
        assert self._answer is not None
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.enter_context(connection)
            if self._context is not None:
                connection = stack.enter_context(self._context.wrap_socket(connection, server_side=True))
            head = b""
            while b"\r\n\r\n" not in head:
                received = connection.recv(65_536)
                if not received:
                    return
                head += received
            connection.sendall(self._answer)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A thread that waits in accept() is woken by shutdown() alone.
        self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for held in (self._listening, *self._open):
            held.close()


def http_answer(status: str, body: bytes, content_type: str = "application/json") -> bytes:
    """A whole HTTP/1.1 response, after which the connection ends."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
    return head.encode() + b"\r\n" + body
