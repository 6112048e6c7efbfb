"""Answers with their headers: what was negotiated, discovery documents, texts, and the one rendering of errors."""

import asyncio
import contextlib
import hashlib
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec
from starlette.datastructures import Headers
from starlette.responses import Response

from kubediscovery.discovery import Document
from kubediscovery.errors import MethodNotAllowed, StatusError, Unauthorized
from kubediscovery.meta import status_of
from kubediscovery.negotiation import JSON, PLAIN, YAML, Representation
from kubediscovery.recent import Recent
from kubediscovery.representation import encode, written

# Answers depend on the caller: no cache on the way may keep one (k8s.io/apiserver, filters/cachecontrol.go).
PRIVATE = {"Cache-Control": "no-cache, private", "X-Content-Type-Options": "nosniff"}
NEGOTIATED = {"Vary": "Accept, Accept-Encoding"}
NOTHING_KNOWN: frozenset[str] = frozenset()
_RAW = Representation(PLAIN, pretty=True)
# writers.go: defaultGzipThresholdBytes and defaultGzipContentEncodingLevel.
_WORTH_COMPRESSING = 128 * 1024
_LEAST_EFFORT = 1
_GZIP = 16
# Bytes of JSON whose encoding, tag and compression take about a millisecond.
_AT_ONCE = {JSON: 128 * 1024, YAML: 8 * 1024}
_LONGEST_WARNING = 256
# Answers that are kept as they were sent, and the bytes of the longest: 8 MiB in all.
_KEPT, _LONGEST_KEPT = 512, 16 * 1024


class Renderer:
    """Writes answers in the form that was negotiated; what takes long is done beside the event loop.

    Above 128 KiB an answer is compressed for who takes gzip, as k8s.io/apiserver does
    (``pkg/endpoints/handlers/responsewriters/writers.go``). Every one has an entity tag over its own bytes, so that who
    asks again and again for what has not changed is answered 304. The tag is no proof of anything: the caller was
    authenticated, authorized and answered as ever before it is compared.
    """

    def __init__(self) -> None:
        # Writing YAML holds the interpreter: one at a time leaves the event loop its share.
        self._writing_yaml = asyncio.Semaphore()
        self._kept: Recent[tuple[int, Representation], _Kept] = Recent(_KEPT)

    async def answer(
        self,
        content: object,
        representation: Representation,
        *,
        known: frozenset[str] = NOTHING_KNOWN,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """``content`` as the representation has it, or 304 for who has just these bytes; text is sent as it is."""
        body = content.encode() if isinstance(content, str) else msgspec.json.encode(content)
        finished = await self._finish(body, representation, known)
        media_type = representation.media_type.encoding
        return _finished_response(finished, media_type, {**PRIVATE, **(headers or {})})

    async def lasting(
        self, content: object, representation: Representation, *, known: frozenset[str] = NOTHING_KNOWN
    ) -> Response:
        """The same of content that never changes, and may be asked for again: then it is not written again."""
        kept = self._kept.get((id(content), representation))
        # What this was once the identity of may be gone.
        if kept is None or kept.content is not content or known:
            response = await self.answer(content, representation, known=known)
            if not known and len(response.body) <= _LONGEST_KEPT:
                self._kept.keep((id(content), representation), _Kept(content, response))
            return response
        return kept.response

    async def document(
        self, document: Document, representation: Representation, *, known: frozenset[str] = NOTHING_KNOWN
    ) -> Response:
        """A discovery document, or 304 for who has it already; it is the same for every caller."""
        finished = await self._finish(document.body, representation, known, document.etag)
        media_type = document.content_type.replace(JSON, representation.media_type.encoding, 1)
        return _finished_response(finished, media_type, {**PRIVATE, "Cache-Control": "public"})

    async def _finish(
        self, body: bytes, representation: Representation, known: frozenset[str], etag: str = ""
    ) -> "_Finished":
        encoding = representation.media_type.encoding
        if len(body) <= _AT_ONCE.get(encoding, _AT_ONCE[JSON]):
            return _finish(body, representation, known, etag)
        async with self._writing_yaml if encoding == YAML else contextlib.nullcontext():
            return await asyncio.to_thread(_finish, body, representation, known, etag)


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    """An answer, and what it is the answer with."""

    content: object
    response: Response


@dataclass(frozen=True, slots=True)
class _Finished:
    """An answer's bytes; ``body`` is None where the caller has them."""

    body: bytes | None
    etag: str
    compressed: bool


def _finish(body: bytes, representation: Representation, known: frozenset[str], etag: str) -> _Finished:
    """Everything between the answer as JSON and what is sent; ``etag`` is that of the JSON where it is known."""
    finished = written(body, representation)
    if finished is not body or not etag:
        etag = f'"{hashlib.blake2b(finished, digest_size=20).hexdigest()}"'
    compressed = representation.gzip and len(finished) > _WORTH_COMPRESSING
    if compressed:
        # A strong tag names bytes, and these are others (RFC 9110, section 8.8.3.3).
        etag = f'{etag[:-1]}-gzip"'
    if etag in known or "*" in known:
        return _Finished(None, etag, compressed)
    return _Finished(
        zlib.compress(finished, _LEAST_EFFORT, zlib.MAX_WBITS | _GZIP) if compressed else finished, etag, compressed
    )


def known_tags(headers: Headers) -> frozenset[str]:
    """The entity tags in If-None-Match, without what marks weak ones: it plays no part (RFC 9110, section 13.1.2)."""
    given = ",".join(headers.getlist("if-none-match"))
    return frozenset(tag.strip().removeprefix("W/") for tag in given.split(",")) if given else NOTHING_KNOWN


def _finished_response(finished: _Finished, media_type: str, headers: Mapping[str, str]) -> Response:
    headers = {**headers, **NEGOTIATED, "ETag": finished.etag}
    if finished.body is None:
        return Response(status_code=304, headers=headers)
    if finished.compressed:
        headers["Content-Encoding"] = "gzip"
    return Response(finished.body, 200, headers, media_type)


def json_response(content: object) -> Response:
    """``content`` as indented JSON whatever was asked for (``responsewriters/writers.go``, WriteRawJSON)."""
    return Response(encode(content, _RAW), 200, PRIVATE, JSON)


def text_response(text: str | bytes, *, code: int = 200, media_type: str = "text/plain; charset=utf-8") -> Response:
    """Plain text."""
    return Response(text, code, PRIVATE, media_type)


def error_response(error: StatusError, representation: Representation) -> Response:
    """The error as a ``Status`` in the encoding that was asked for."""
    headers = {**PRIVATE, **NEGOTIATED}
    # RFC 9110, sections 15.5.2 and 15.5.6: how to prove who one is, and what can be done instead.
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, MethodNotAllowed):
        headers["Allow"] = ", ".join(error.allowed)
    if error.retry_after:
        headers["Retry-After"] = str(error.retry_after)
    media_type = representation.media_type.encoding
    return Response(encode(status_of(error), representation), error.code, headers, media_type)


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
