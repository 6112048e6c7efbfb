"""Requests for a WebSocket, which are GET requests with one more header, as the rest of the application reads them."""

from starlette.types import Message, Scope, Send

WEBSOCKET = "websocket"
# An answer that is no WebSocket is sent as the refusal of one (ASGI, extension websocket.http.response).
_REFUSING = {
    "http.response.start": "websocket.http.response.start",
    "http.response.body": "websocket.http.response.body",
}


def is_upgrade(scope: Scope) -> bool:
    """Whether the scope, as it came or as :func:`as_get` made it, is of a WebSocket."""
    return bool(scope["type"] == WEBSOCKET or scope.get("upgrade") == WEBSOCKET)


def as_get(scope: Scope) -> Scope:
    """The scope of the GET request that asks for the WebSocket."""
    # uvicorn takes this one out of the headers, and a token may be in it.
    offered = [(b"sec-websocket-protocol", each.encode("latin-1")) for each in scope["subprotocols"]]
    return {
        **scope,
        "type": "http",
        "method": "GET",
        "upgrade": WEBSOCKET,
        "headers": [*scope["headers"], *offered],
    }


class Refusing:
    """Sends a WebSocket's messages as they are, and any other answer as the refusal of one."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def __call__(self, message: Message) -> None:
        """Send the next part."""
        await self._send({**message, "type": _REFUSING.get(message["type"], message["type"])})
