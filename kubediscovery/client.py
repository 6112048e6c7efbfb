"""The connection to kube-apiserver, over kubernetes_asyncio's configuration and HTTP transport.

Its models are not used: they decode a hundred times slower than :mod:`kubediscovery.decoding`.
"""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
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
from kubediscovery.transport import ApiClient, ConfigException, Configuration, load_incluster_config, load_kube_config

_ERRORS: Mapping[int, type[UpstreamError]] = {
    403: UpstreamForbidden,
    404: UpstreamNotFound,
    409: UpstreamConflict,
    410: UpstreamExpired,
}


class Client:
    """Requests to kube-apiserver as this process's own identity; one pool of connections."""

    def __init__(self, api_client: ApiClient) -> None:
        self._api_client = api_client
        self._host = (api_client.configuration.host or "").rstrip("/")

    @classmethod
    async def connect(cls, kubeconfig: str | None) -> "Client":
        """A client from ``kubeconfig``, else from the pod's service account, else from the default kubeconfig.

        Nothing is sent yet. Raises :class:`ConfigurationError` that names the file and what is wrong with it.
        """
        configuration = Configuration()
        # As many as reflectors watch, and reviews beside them.
        configuration.connection_pool_maxsize = 100
        source = kubeconfig or default_kubeconfig()
        try:
            if kubeconfig is None and "KUBERNETES_SERVICE_HOST" in os.environ:
                source = "the pod's service account"
                load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
            else:
                _check_readable(source)
                await load_kube_config(source, client_configuration=configuration, persist_config=False)
            return cls(ApiClient(configuration))
        except (ConfigException, OSError, ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError) as error:
            raise ConfigurationError(f"kubeconfig {source}: {_one_line(error)}") from error

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
        timeout: float = 30,
    ) -> Any:
        """Ask once; the answer's JSON, decoded. Raises :class:`UpstreamError` or the subclass of its status."""
        data = None if body is None else msgspec.json.encode(body)
        headers = {"Accept": "application/json", "Content-Type": content_type}
        async with self.open(method, path, query=query, data=data, headers=headers, timeout=timeout) as response:
            try:
                return msgspec.json.decode(await response.read())
            except msgspec.DecodeError as error:
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
        url = self._host + path
        sent = {"User-Agent": f"kubediscovery/{__version__}", **headers}
        try:
            await self._api_client.update_params_for_auth(sent, [], ["BearerToken"])
            async with self._session.request(
                method,
                url,
                params=query,
                data=data,
                headers=sent,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=timeout, sock_connect=10, sock_read=silence),
                **self._transport_options(),
            ) as response:
                if not response.ok or response.status >= 300:
                    raise await _error_of(response, f"{method} {path}")
                yield response
        except (aiohttp.ClientError, TimeoutError, OSError, ConfigException) as error:
            raise UpstreamError(f"{method} {path}: {_one_line(error)}") from error

    @property
    def _session(self) -> aiohttp.ClientSession:
        session: aiohttp.ClientSession = self._api_client.rest_client.pool_manager
        return session

    def _transport_options(self) -> dict[str, Any]:
        rest = self._api_client.rest_client
        options = {"proxy": rest.proxy, "proxy_headers": rest.proxy_headers, "server_hostname": rest.server_hostname}
        return {name: value for name, value in options.items() if value}


async def _error_of(response: aiohttp.ClientResponse, what: str) -> UpstreamError:
    body = await response.content.read(65_536)
    try:
        message = msgspec.json.decode(body, type=_StatusMessage).message
    except msgspec.DecodeError:
        message = ""
    try:
        retry_after = float(response.headers.get("Retry-After", ""))
    except ValueError:
        retry_after = None
    error = _ERRORS.get(response.status, UpstreamError)
    text = message or f"HTTP {response.status} {response.reason or ''}".rstrip()
    return error(f"{what}: {text}", code=response.status, retry_after=retry_after)


class _StatusMessage(msgspec.Struct):
    message: str = ""


def _check_readable(kubeconfig: str) -> None:
    paths = [Path(path).expanduser() for path in kubeconfig.split(os.pathsep) if path]
    existing = [path for path in paths if path.exists()]
    if not existing:
        raise ConfigurationError(f"kubeconfig {kubeconfig}: no such file")
    for path in existing:
        if not isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict):
            raise ConfigurationError(f"kubeconfig {path}: not a YAML mapping")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
