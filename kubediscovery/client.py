"""The connection to kube-apiserver, over kubernetes_asyncio's configuration and HTTP transport.

Its models are not used: they decode a hundred times slower than :mod:`kubediscovery.decoding`.
"""

import binascii
import errno
import os
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import msgspec
import yaml

from kubediscovery import __version__
from kubediscovery.config import default_kubeconfig
from kubediscovery.errors import (
    ConfigurationError,
    UpstreamConflict,
    UpstreamError,
    UpstreamExpired,
    UpstreamForbidden,
    UpstreamNotFound,
)
from kubediscovery.landing import Landing
from kubediscovery.resumption import resuming
from kubediscovery.transport import (
    ApiClient,
    ConfigException,
    Configuration,
    aiohttp,
    load_incluster_config,
    load_kube_config,
)

_ERRORS: Mapping[int, type[UpstreamError]] = {
    403: UpstreamForbidden,
    404: UpstreamNotFound,
    409: UpstreamConflict,
    410: UpstreamExpired,
}
# What kubernetes_asyncio and the ssl module raise over a kubeconfig, and how a user would put it; the first row counts.
_FAULTS: tuple[tuple[type[Exception], str], ...] = (
    (ConfigException, ""),
    (binascii.Error, "certificate or key data is not base64: "),
    (ssl.SSLError, "a certificate or key cannot be used: "),
    (yaml.YAMLError, "not YAML: "),
    (UnicodeError, "not UTF-8 text: "),
    (OSError, ""),
    (ValueError, ""),
    (RuntimeError, ""),
    (TypeError, "a field is missing or has the wrong type: "),
    (KeyError, "a field is missing or has the wrong type: "),
    (AttributeError, "a field is missing or has the wrong type: "),
    (AssertionError, "a field is missing or has the wrong type: "),
)
_LONGEST_ERROR_BODY = 65_536
# Bytes that are read ahead of a connection, as kubernetes_asyncio has it.
_READ_BUFFER = 2**21
_SERVICE_ACCOUNT_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class Client:
    """Requests to kube-apiserver as this process's own identity; one pool of connections.

    ``namespace`` is the one that requests of its user are about where nothing else is said, as for kubectl.
    """

    def __init__(self, api_client: ApiClient, namespace: str = "") -> None:
        self._api_client = api_client
        self.namespace = namespace or "default"
        self._host = (api_client.configuration.host or "").rstrip("/")
        rest = api_client.rest_client
        self._tls = resuming(rest.pool_manager.connector)
        rest.pool_manager = self._session = _lean_session(rest.pool_manager)
        self._landing = Landing()
        options = {
            "proxy": rest.proxy or _proxy_of_environment(self._host),
            "proxy_headers": rest.proxy_headers,
            "server_hostname": rest.server_hostname,
        }
        self._options = {name: value for name, value in options.items() if value}

    @classmethod
    async def connect(cls, kubeconfig: str | None, *, context: str | None = None) -> "Client":
        """A client from ``kubeconfig``, else from the pod's service account, else from the default kubeconfig.

        Of a kubeconfig it is the given context's, else the current one's.

        Nothing is sent yet. Raises :class:`ConfigurationError` that names the file and what is wrong with it.
        """
        configuration = Configuration()
        # No bound: each watch has a connection of its own, and hundreds of kinds must not keep reviews waiting.
        configuration.connection_pool_maxsize = 0
        source = "the default kubeconfig"
        try:
            if kubeconfig is None and "KUBERNETES_SERVICE_HOST" in os.environ:
                source = "the pod's service account"
                load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
                namespace = _own_namespace()
            else:
                path = kubeconfig or default_kubeconfig()
                source = f"kubeconfig {path}"
                _check_readable(path)
                namespace = await _load(path, context, configuration)
            return cls(ApiClient(configuration), namespace)
        except tuple(fault for fault, _ in _FAULTS) as error:
            words = next(words for fault, words in _FAULTS if isinstance(error, fault))
            raise ConfigurationError(f"{source}: {words}{_one_line(error)}") from error

    @property
    def host(self) -> str:
        """The URL of kube-apiserver."""
        return self._host

    async def close(self) -> None:
        """End all connections."""
        await self._api_client.close()

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        timeout: float = 30,
    ) -> Any:
        """Ask once; the answer's JSON, decoded. Raises :class:`UpstreamError` or the subclass of its status."""
        data = None if body is None else msgspec.json.encode(body)
        headers = {"Accept": accept, "Content-Type": content_type}
        async with self.open(method, path, query=query, data=data, headers=headers, timeout=timeout) as response:
            answer = await response.read()
            try:
                return msgspec.json.decode(answer)
            except (ValueError, RecursionError) as error:
                raise UpstreamError(f"{method} {path}: the answer is not JSON: {error}") from error

    async def create(self, path: str, body: Mapping[str, object]) -> Mapping[str, object]:
        """POST a review; raises :class:`UpstreamError` also for an answer that is not a JSON object."""
        answer = await self.request("POST", path, body=body, timeout=10)
        if not isinstance(answer, dict):
            raise UpstreamError(f"POST {path}: the answer is not a JSON object")
        return answer

    @asynccontextmanager
    async def open(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        data: bytes | None = None,
        headers: Mapping[str, str],
        timeout: float | None = None,
        silence: float | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer as it comes, while its status is a success.

        ``timeout`` bounds the whole exchange, ``silence`` the wait for the next bytes, both in seconds.
        """
        limits = aiohttp.ClientTimeout(total=timeout, sock_connect=10, sock_read=silence)
        try:
            async with await self._send(method, path, headers, params=query, data=data, timeout=limits) as response:
                if not response.ok or response.status >= 300:
                    raise await _error_of(response, f"{method} {path}")
                self._land(response.connection)
                yield response
        except (aiohttp.ClientError, TimeoutError, OSError, ConfigException) as error:
            raise UpstreamError(f"{method} {path}: {_one_line(error)}", broken=_has_broken(error)) from error

    def _land(self, connection: aiohttp.connector.Connection | None) -> None:
        # There is none any more where all of a short answer came with its head.
        if connection is not None and connection.transport is not None:
            self._landing.take(connection.transport)
            if self._tls is not None:
                self._tls.keep(connection.transport.get_extra_info("ssl_object"))

    async def _send(self, method: str, path: str, headers: Mapping[str, str], **options: Any) -> aiohttp.ClientResponse:
        sent = {"User-Agent": f"kubediscovery/{__version__}", **headers}
        await self._api_client.update_params_for_auth(sent, [], ["BearerToken"])
        if "authorization" in sent:
            # A token file may end with a line end, as for client-go (transport/token_source.go).
            sent["authorization"] = sent["authorization"].strip()
        options |= self._options
        try:
            return await self._session.request(
                method, self._host + path, headers=sent, allow_redirects=False, **options
            )
        except ValueError as error:
            # Headers that cannot be sent.
            raise UpstreamError(f"{method} {path}: {_one_line(error)}") from error


def _lean_session(session: aiohttp.ClientSession) -> aiohttp.ClientSession:
    """One with the same connections that looks for nothing in a file or the environment at each request.

    A ~/.netrc is of no use: like client-go, nothing but the kubeconfig says who this process is.
    """
    connector = session.connector
    session.detach()
    return aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), read_bufsize=_READ_BUFFER, trust_env=False
    )


def _proxy_of_environment(host: str) -> str | None:
    """What HTTPS_PROXY and NO_PROXY say, as for client-go."""
    parts = urlsplit(host)
    return None if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme)


def _has_broken(error: Exception) -> bool:
    # What Go says in one way (utilnet.IsConnectionReset), aiohttp says in two.
    reset = isinstance(error, OSError) and error.errno in (errno.ECONNRESET, errno.EPIPE)
    return reset or isinstance(error, aiohttp.ServerDisconnectedError | ConnectionResetError)


async def _error_of(response: aiohttp.ClientResponse, what: str) -> UpstreamError:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > _LONGEST_ERROR_BODY:
            break
    try:
        message = _one_line(msgspec.json.decode(body, type=_StatusMessage).message)
    except (ValueError, RecursionError):
        message = ""
    seconds = response.headers.get("Retry-After", "")
    retry_after = float(seconds) if seconds.isascii() and seconds.isdecimal() else None
    error = _ERRORS.get(response.status, UpstreamError)
    text = message or f"HTTP {response.status} {response.reason or ''}".rstrip()
    return error(f"{what}: {text}", code=response.status, retry_after=retry_after)


class _StatusMessage(msgspec.Struct):
    message: str = ""


async def _load(kubeconfig: str, context: str | None, configuration: Configuration) -> str:
    """The context's namespace, empty where it has none.

    Raises also for what would only fail with the first request: no server, a token that no header can hold.
    """
    loader = await load_kube_config(kubeconfig, context, configuration, persist_config=False)
    server = urlsplit(configuration.host)
    if server.scheme not in ("https", "http") or not server.hostname:
        raise ValueError(f'the cluster\'s server must be an https:// URL, not "{configuration.host}"')
    if not configuration.api_key.get("BearerToken", "").strip().isprintable():
        raise ValueError("the token has a line end or another control character in it")
    current: Mapping[str, Mapping[str, str]] = loader.current_context or {}
    return current.get("context", {}).get("namespace") or ""


def _own_namespace() -> str:
    return _SERVICE_ACCOUNT_NAMESPACE.read_text().strip() if _SERVICE_ACCOUNT_NAMESPACE.exists() else ""


def _check_readable(kubeconfig: str) -> None:
    paths = [Path(path).expanduser() for path in kubeconfig.split(os.pathsep) if path]
    existing = [path for path in paths if path.exists()]
    if not existing:
        raise ConfigurationError(f"kubeconfig {kubeconfig}: no such file")
    for path in existing:
        if not isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict):
            raise ConfigurationError(f"kubeconfig {path}: not a YAML mapping")


def _one_line(said: BaseException | str) -> str:
    return " ".join(str(said).split()) or ("" if isinstance(said, str) else type(said).__name__)
