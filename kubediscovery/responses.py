"""Answers as bytes: JSON, Tables, discovery documents, texts, and the one rendering of errors."""

from collections.abc import Iterable, Mapping

import msgspec
from starlette.responses import Response

from kubediscovery.discovery import Document
from kubediscovery.errors import MethodNotAllowed, StatusError
from kubediscovery.meta import status_of
from kubediscovery.negotiation import JSON

# Answers depend on the caller: no cache on the way may keep one (k8s.io/apiserver, filters/cachecontrol.go).
_PRIVATE = {"Cache-Control": "no-cache, private"}
_LONGEST_WARNING = 256


def json_response(
    content: object,
    *,
    code: int = 200,
    media_type: str = JSON,
    pretty: bool = False,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """``content`` encoded by msgspec."""
    body = msgspec.json.encode(content)
    if pretty:
        body = msgspec.json.format(body, indent=2) + b"\n"
    return Response(body, code, {**_PRIVATE, **(headers or {})}, media_type)


def text_response(text: str | bytes, *, code: int = 200, media_type: str = "text/plain; charset=utf-8") -> Response:
    """Plain text."""
    headers = {**_PRIVATE, "X-Content-Type-Options": "nosniff"}
    return Response(text, code, headers, media_type)


def document_response(document: Document, if_none_match: str) -> Response:
    """A discovery document, or 304 for who has it already; it is the same for every caller."""
    headers = {"ETag": document.etag, "Vary": "Accept", "Cache-Control": "public"}
    if document.etag in (tag.strip() for tag in if_none_match.split(",")):
        return Response(status_code=304, headers=headers)
    return Response(document.body, 200, headers, document.content_type)


def error_response(error: StatusError) -> Response:
    """The error as a ``Status``; in JSON whatever was asked for, as every client of Kubernetes reads it."""
    headers = {"X-Content-Type-Options": "nosniff"}
    if isinstance(error, MethodNotAllowed):
        # RFC 9110, section 15.5.6: nothing here is ever written.
        headers["Allow"] = "GET, HEAD"
    if error.retry_after:
        headers["Retry-After"] = str(error.retry_after)
    return json_response(status_of(error), code=error.code, headers=headers)


def require_reading(method: str) -> None:
    """Raise :class:`MethodNotAllowed` for a method that would write."""
    if method not in ("GET", "HEAD"):
        raise MethodNotAllowed(f"{method} is not supported here; accepted are GET and HEAD")


def warnings(texts: Iterable[str]) -> dict[str, str]:
    """A Warning header that kubectl prints to its user (RFC 7234, section 5.5); none for no texts."""
    quoted = ", ".join(f'299 - "{_header_safe(text)}"' for text in texts)
    return {"Warning": quoted} if quoted else {}


def _header_safe(text: str) -> str:
    printable = "".join(character if " " <= character <= "~" else "?" for character in text[:_LONGEST_WARNING])
    return printable.replace("\\", "\\\\").replace('"', '\\"')
