"""Requests to kube-apiserver that change nothing: what a handler does in a dry run, kube-apiserver does in one too."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from kubediscovery.client import Client

if TYPE_CHECKING:
    from kubediscovery.transport import aiohttp

_READING = ("GET", "HEAD", "OPTIONS")
_DRY_RUN = {"dryRun": "All"}


class Rehearsal(Client):
    """The same client, for which everything that would change something is a dry run.

    Defaults, validation and admission happen as ever, and nothing is kept (kubernetes.io, "Dry-run").
    """

    def __init__(self, client: Client) -> None:
        # Not another one: its connections are the client's.
        self._client = client
        self.namespace = client.namespace

    @property
    def host(self) -> str:
        """The URL of kube-apiserver."""
        return self._client.host

    async def close(self) -> None:
        """Nothing: the client goes on."""

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
    ) -> AsyncIterator["aiohttp.ClientResponse"]:
        """See :meth:`Client.open`."""
        asked = query if method.upper() in _READING else {**(query or {}), **_DRY_RUN}
        async with self._client.open(
            method, path, query=asked, data=data, headers=headers, timeout=timeout, silence=silence
        ) as response:
            yield response
