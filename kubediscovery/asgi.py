"""The parts of uvicorn that are used: its protocol of HTTP/1.1, and its server, which are told what to do by code.

Importing uvicorn imports its command line, and with it multiprocessing, half a megabyte for nothing here; a protocol
of WebSockets costs as much. Both are put off until somebody calls for them.
"""

import asyncio
import importlib
from typing import Any

from kubediscovery.startup import put_off

with put_off("uvicorn.main", "Server", "main", "run"):
    from uvicorn._types import ASGISendEvent, HTTPScope
    from uvicorn.config import Config
    from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
    from uvicorn.server import Server, ServerState

__all__ = [
    "STATUS_LINE",
    "ASGISendEvent",
    "Config",
    "HTTPScope",
    "HttpToolsProtocol",
    "RequestResponseCycle",
    "Server",
    "ServerState",
    "WebSockets",
]


class WebSockets(asyncio.Protocol):
    """Stands for uvicorn's protocol of WebSockets: whoever makes one gets one of these."""

    def __new__(cls, *arguments: Any, **named: Any) -> Any:
        """Imported with the first connection that asks for it."""
        return importlib.import_module("uvicorn.protocols.websockets.wsproto_impl").WSProtocol(*arguments, **named)
