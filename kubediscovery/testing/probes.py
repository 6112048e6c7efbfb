"""Small questions to etcd and kube-apiserver, to know when they are up."""

from __future__ import annotations

import http.client
import json
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status (0: nobody answered) and a body."""

    status: int
    body: bytes

    def json(self) -> Any:
        """Decode the body."""
        return json.loads(self.body)


def ask(url: str, *, context: ssl.SSLContext | None = None, body: object = None) -> Answer:
    """Send a GET, or with a body a POST of it as JSON."""
    parts = urlsplit(url)
    where, port = str(parts.hostname), parts.port
    connection = (
        http.client.HTTPSConnection(where, port, timeout=_SECONDS, context=context)
        if parts.scheme == "https"
        else http.client.HTTPConnection(where, port, timeout=_SECONDS)
    )
    try:
        content = None if body is None else json.dumps(body).encode()
        connection.request("GET" if content is None else "POST", f"{parts.path}?{parts.query}", content)
        response = connection.getresponse()
        return Answer(response.status, response.read())
    except (OSError, http.client.HTTPException):
        return Answer(0, b"")
    finally:
        connection.close()


def client_context(certificate_authority: bytes, pair: Path) -> ssl.SSLContext:
    """Make a TLS context that trusts that authority alone and shows the certificate in ``<pair>.crt`` and ``.key``."""
    context = ssl.create_default_context(cadata=certificate_authority.decode())
    context.load_cert_chain(pair.with_suffix(".crt"), pair.with_suffix(".key"))
    return context
