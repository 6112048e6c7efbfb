"""One request and its response: uvicorn's cycle, which sends a response's head together with its body.

Over TLS each write is a record of its own, which takes a call of the kernel here and has to be read on its own there.
"""

from collections.abc import Sequence

from kubediscovery.asgi import STATUS_LINE, ASGISendEvent, RequestResponseCycle

# Responses that have no body, and need not say so (RFC 9110, section 6.4.1).
_BODILESS = frozenset((204, 304))


class Cycle(RequestResponseCycle):
    """Holds the head until the body begins, but not that of a body of unknown length, which may be long in coming."""

    _head = b""

    async def send(self, message: ASGISendEvent) -> None:
        """Send the next part; raises ``RuntimeError`` for one that must not come now."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if message["type"] == "http.response.start" and not self.response_started:
            self.response_started, self.waiting_for_100_continue = True, False
            self._head = self._written(message["status"], [*self.default_headers, *message.get("headers", ())])
            if self.chunked_encoding:
                self._send_body(b"", more=True)
        elif message["type"] == "http.response.body" and self.response_started and not self.response_complete:
            self._send_body(message.get("body", b""), more=message.get("more_body", False))
        else:
            raise RuntimeError(f"ASGI message {message['type']} must not come now")

    def _written(self, status: int, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
        for name, value in headers:
            if name == b"content-length":
                self.chunked_encoding, self.expected_content_length = False, int(value)
        lines = [STATUS_LINE[status], *(b"%b: %b\r\n" % line for line in headers)]
        if self.chunked_encoding is None and self.scope["method"] != "HEAD" and status not in _BODILESS:
            self.chunked_encoding = True
            lines.append(b"transfer-encoding: chunked\r\n")
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        lines.append(b"\r\n")
        head = b"".join(lines)
        # Within a line each of these is dangerous (RFC 9110, section 5.5), and counting is the quickest look.
        if head.count(b"\n") != len(lines) or head.count(b"\r") != len(lines) or b"\0" in head:
            raise RuntimeError("a header holds a line end")
        return head

    def _send_body(self, body: bytes, *, more: bool) -> None:
        head, self._head = self._head, b""
        if self.scope["method"] == "HEAD":
            self.expected_content_length, body = 0, b""
        elif self.chunked_encoding:
            chunk = (b"%x\r\n" % len(body), body, b"\r\n") if body else ()
            body = b"".join((*chunk, b"" if more else b"0\r\n\r\n"))
        else:
            self.expected_content_length -= len(body)
        if self.expected_content_length < 0 or (self.expected_content_length and not more):
            raise RuntimeError("the body is not as long as Content-Length says")
        if head or body:
            self.transport.write(head + body)
        if not more:
            self.response_complete = True
            self.message_event.set()
            if not self.keep_alive:
                self.transport.close()
            self.on_response()
