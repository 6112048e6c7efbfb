"""Bearer tokens, which kube-apiserver knows: TokenReview.

The rules are those of ``k8s.io/apiserver, pkg/authentication/request/bearertoken`` and ``request/websocket``,
``plugin/pkg/authenticator/token/webhook`` and ``pkg/authentication/token/cache``.
"""

import asyncio
import base64
import hashlib
import re
import secrets
import time
from collections.abc import Iterator, Mapping

import msgspec

from kubediscovery.errors import Unauthorized, UpstreamError
from kubediscovery.identity import Headers, User, authenticated_user
from kubediscovery.reviews import TIMEOUT_SECONDS, Reviewer, ReviewKind, Reviews, Sleep, Timer

_TOKEN_REVIEW = ReviewKind("authentication.k8s.io/v1", "TokenReview", "/apis/authentication.k8s.io/v1/tokenreviews")
_TOKEN_PROTOCOL = b"base64url.bearer.authorization.k8s.io."
# Base64 for URLs (RFC 4648, section 5) without padding; a length of 4n + 1 can be no encoding.
_BASE64URL = re.compile(rb"(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2,3})?")


def bearer_token(headers: Headers) -> bytes | None:
    """The token of the first Authorization header, or ``None``.

    As in Kubernetes, another scheme, and ``Bearer`` with no token right behind it, count as no credential at all.
    """
    for name, value in headers:
        if name == b"authorization":
            scheme, *rest = value.strip().split(b" ", 2)
            return (rest[0] or None) if rest and scheme.lower() == b"bearer" else None
    return None


def websocket_token(headers: Headers) -> bytes | None:
    """The token that a browser's WebSocket offers as a subprotocol, because it can set no header; ``None`` for none.

    It is ``base64url.bearer.authorization.k8s.io.<token in unpadded base64url>``, in a WebSocket's handshake alone and
    beside at least one other subprotocol, which the answer can name (``request/websocket/protocol.go``).

    Raises :class:`Unauthorized` for two such entries, for another encoding and where there is no other subprotocol.
    """
    if not _is_websocket(headers):
        return None
    encoded = [entry[len(_TOKEN_PROTOCOL) :] for entry in _offered(headers) if entry.startswith(_TOKEN_PROTOCOL)]
    if not encoded:
        return None
    if len(encoded) > 1 or not _BASE64URL.fullmatch(encoded[0]):
        raise Unauthorized
    token = base64.urlsafe_b64decode(encoded[0] + b"=" * (-len(encoded[0]) % 4))
    if token and not websocket_protocols(headers):
        raise Unauthorized
    return token or None


def websocket_protocols(headers: Headers) -> tuple[str, ...]:
    """The subprotocols that a WebSocket offers, in its order; the one that is a token is none, and never named again.

    What is not ASCII is left out: no subprotocol is (RFC 6455, section 4.1).
    """
    offered = (entry for entry in _offered(headers) if not entry.startswith(_TOKEN_PROTOCOL))
    return tuple(entry.decode() for entry in offered if entry.isascii())


def _offered(headers: Headers) -> Iterator[bytes]:
    # Several lines mean what one with all their entries means (RFC 6455, section 11.3.4).
    for name, value in headers:
        if name == b"sec-websocket-protocol":
            yield from filter(None, (entry.strip(b" \t") for entry in value.split(b",")))


def _is_websocket(headers: Headers) -> bool:
    upgrade = next((value for name, value in headers if name == b"upgrade"), b"")
    connection = [value.lower() for name, value in headers if name == b"connection"]
    return upgrade.strip(b" \t").lower() == b"websocket" and any(b"upgrade" in value for value in connection)


class Tokens:
    """Whom tokens belong to. What is remembered of a token is a hash under a key that never leaves the process."""

    def __init__(
        self,
        reviewer: Reviewer,
        *,
        timer: Timer = time.monotonic,
        sleep: Sleep = asyncio.sleep,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self._key = secrets.token_bytes(32)
        self._reviews: Reviews[bytes, User | None] = Reviews(
            reviewer, _TOKEN_REVIEW, _read, timer=timer, sleep=sleep, timeout=timeout
        )

    async def user(self, token: bytes) -> User | None:
        """The user that the token belongs to, ``None`` if it is a bad one; :class:`UpstreamError` if nobody knows."""
        # A message authentication code by itself (RFC 7693), in a fifth of an HMAC's time.
        question = hashlib.blake2b(token, key=self._key, digest_size=32).digest()
        try:
            return self._reviews.known(question)
        except KeyError:
            pass
        try:
            text = token.decode()
        except UnicodeDecodeError:
            return None
        return await self._reviews.verdict(question, lambda: {"token": text})


class _UserInfo(msgspec.Struct):
    username: str = ""
    uid: str = ""
    groups: list[str] | None = None
    extra: dict[str, list[str]] | None = None


class _Status(msgspec.Struct):
    authenticated: bool = False
    user: _UserInfo = msgspec.field(default_factory=_UserInfo)
    error: str = ""


def _read(answer: Mapping[str, object]) -> User | None:
    try:
        status = msgspec.convert(answer, _Status)
    except msgspec.ValidationError as error:
        raise UpstreamError(f"TokenReview: the answer cannot be understood: {error}") from error
    if status.error:
        raise UpstreamError(f"TokenReview: {status.error}")
    if not status.authenticated:
        return None
    user = status.user
    if not user.username:
        raise UpstreamError("TokenReview: the answer names no user")
    return authenticated_user(user.username, user.uid, user.groups or (), user.extra or {})
