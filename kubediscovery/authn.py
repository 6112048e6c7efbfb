"""Delegated authentication: who sent a request.

The order and the rules are those of ``k8s.io/apiserver, pkg/authentication/authenticatorfactory/delegating.go``: the
front proxy's headers, the client certificate, the bearer token, the token of a WebSocket, else anonymous. The first
credential that is good decides; if one was offered and none is good the answer is 401, never anonymous.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from cachetools import LRUCache

from kubediscovery.errors import Unauthorized, UpstreamError
from kubediscovery.identity import Headers, RequestHeaders, User
from kubediscovery.reviews import TIMEOUT_SECONDS, Reviewer, Sleep, Timer
from kubediscovery.tokens import Tokens, bearer_token, websocket_token
from kubediscovery.trust import Authorities

_CLIENT_CA = "client-ca-file"
_FRONT_PROXY_CA = "requestheader-client-ca-file"
_USERNAME_HEADERS = "requestheader-username-headers"
# Users of the front proxy that are remembered, so that one with thousands of groups exists once, not once a request.
_USERS = 256


class Authenticator:
    """Tells who sent a request; knows nobody until :meth:`configure` was called."""

    def __init__(
        self,
        reviewer: Reviewer,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        timer: Timer = time.monotonic,
        sleep: Sleep = asyncio.sleep,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self._clock = clock
        self._timer = timer
        self._tokens = Tokens(reviewer, timer=timer, sleep=sleep, timeout=timeout)
        self._clients: Authorities | None = None
        self._proxies: Authorities | None = None
        self._front_proxy: _FrontProxy | None = None
        self._problems: tuple[str, ...] = ("ConfigMap kube-system/extension-apiserver-authentication is not read yet",)

    def configure(self, data: Mapping[str, str]) -> None:
        """Take the ``data`` of ConfigMap kube-system/extension-apiserver-authentication, at each of its changes.

        An authority that cannot be parsed leaves the last good one in force, as in k8s.io/apiserver. One that is absent
        or empty is believed no longer, because taking it away is how an operator withdraws it (k8s.io/apiserver keeps
        it until the next restart). Malformed lists turn the front proxy off: an unreadable list of allowed names must
        not become the empty one, which allows every name.
        """
        problems: list[str] = []
        self._clients = self._authorities(data, _CLIENT_CA, self._clients, problems)
        self._proxies = self._authorities(data, _FRONT_PROXY_CA, self._proxies, problems)
        try:
            names = RequestHeaders.from_config_map(data)
        except ValueError as error:
            problems.append(str(error))
            names = RequestHeaders()
        else:
            problems.extend(
                f"{key} is missing: start kube-apiserver with --{key}"
                for key, present in ((_FRONT_PROXY_CA, self._proxies), (_USERNAME_HEADERS, names.username))
                if not present
            )
        self._front_proxy = _FrontProxy(self._proxies, names) if self._proxies and names.username else None
        self._problems = tuple(problems)

    def _authorities(
        self, data: Mapping[str, str], key: str, last: Authorities | None, problems: list[str]
    ) -> Authorities | None:
        pem = data.get(key, "")
        if not pem.strip():
            return None
        if last is not None and last.source == pem:
            return last
        try:
            return Authorities(pem, clock=self._clock, timer=self._timer)
        except ValueError:
            problems.append(f"{key} holds no usable PEM certificates")
            return last

    @property
    def configured(self) -> bool:
        """Whether requests that come through kube-apiserver can be believed."""
        return self._front_proxy is not None

    @property
    def problem(self) -> str:
        """What is wrong with the ConfigMap, in words for an operator; empty if nothing is."""
        return "; ".join(self._problems)

    @property
    def ca_bundle(self) -> str:
        """All authorities that may stand behind a client certificate, PEM, for the TLS listener; empty if none."""
        return "".join(authorities.pem for authorities in (self._clients, self._proxies) if authorities)

    async def authenticate(self, headers: Headers, peer_certificate: bytes | None) -> User | None:
        """Tell who sent a request with these headers over a connection with this client certificate (DER).

        ``None`` is somebody without any credential, whom Kubernetes calls anonymous.

        Raises :class:`Unauthorized` if a credential was offered and none is good. Whom the request asks to act as is
        for :mod:`kubediscovery.impersonation`.
        """
        user = self._certified_user(headers, peer_certificate) if peer_certificate is not None else None
        if user is not None:
            return user
        offered, failure = peer_certificate is not None, None
        for read in (bearer_token, websocket_token):
            token = read(headers)
            if token is None:
                continue
            offered = True
            try:
                user = await self._tokens.user(token)
            except UpstreamError as error:
                failure = error
            if user is not None:
                return user
        if offered:
            raise Unauthorized from failure
        return None

    def _certified_user(self, headers: Headers, der: bytes) -> User | None:
        user = self._front_proxy.user(headers, der) if self._front_proxy is not None else None
        if user is None and self._clients is not None:
            certificate = self._clients.verified(der)
            user = certificate.user if certificate is not None else None
        return user


class _FrontProxy:
    """The users that kube-apiserver's aggregator vouches for, proved by its own certificate."""

    def __init__(self, authorities: Authorities, names: RequestHeaders) -> None:
        self._authorities = authorities
        self._names = names
        self._users: LRUCache[tuple[tuple[bytes, bytes], ...], User | None] = LRUCache(_USERS)

    def user(self, headers: Headers, der: bytes) -> User | None:
        """The user that the headers name, ``None`` if they name none or the certificate is not the front proxy's."""
        certificate = self._authorities.verified(der)
        allowed = self._names.allowed_names
        if certificate is None or (allowed and certificate.common_name not in allowed):
            return None
        lines = self._names.lines(headers)
        try:
            return self._users[lines]
        except KeyError:
            user = self._users[lines] = self._read(lines)
            return user

    def _read(self, lines: Headers) -> User | None:
        try:
            return self._names.user(lines)
        except UnicodeDecodeError as error:
            raise Unauthorized from error
