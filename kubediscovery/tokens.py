"""Bearer tokens, which kube-apiserver knows: TokenReview.

The rules are those of ``k8s.io/apiserver, pkg/authentication/request/bearertoken``,
``plugin/pkg/authenticator/token/webhook`` and ``pkg/authentication/token/cache``.
"""

import asyncio
import hmac
import secrets
import time
from collections.abc import Mapping

import msgspec

from kubediscovery.errors import UpstreamError
from kubediscovery.identity import Headers, User, authenticated_user
from kubediscovery.reviews import TIMEOUT_SECONDS, Reviewer, ReviewKind, Reviews, Sleep, Timer

_TOKEN_REVIEW = ReviewKind("authentication.k8s.io/v1", "TokenReview", "/apis/authentication.k8s.io/v1/tokenreviews")


def bearer_token(headers: Headers) -> bytes | None:
    """The token of the first Authorization header, or ``None``.

    As in Kubernetes, another scheme, and ``Bearer`` with no token right behind it, count as no credential at all.
    """
    value = next((value for name, value in headers if name == b"authorization"), b"").strip()
    scheme, *rest = value.split(b" ", 2)
    return (rest[0] or None) if rest and scheme.lower() == b"bearer" else None


class Tokens:
    """Whom tokens belong to. What is remembered of a token is an HMAC under a key that never leaves the process."""

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
        try:
            text = token.decode()
        except UnicodeDecodeError:
            return None
        question = hmac.digest(self._key, token, "sha256")
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
