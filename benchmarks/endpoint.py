"""Where a measured server listens, and asking it directly, over one connection that stays open."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.figures import WrongAnswerError
from kubediscovery.serving_certificate import CA_FILE

_SECONDS = 120.0
_CHUNK_BYTES = 1 << 18
# Below what Linux, macOS and RFC 6335 use for outgoing connections.
_SERVER_PORTS = (20_000, 29_999)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A port of this machine, the folder of the certificate that is served there, and the API group."""

    port: int
    directory: Path
    group: str

    @property
    def url(self) -> str:
        """The URL, under a name that the certificate holds."""
        return f"https://localhost:{self.port}"

    @property
    def authority(self) -> Path:
        """The file of the CA."""
        return self.directory / CA_FILE

    def tree_path(self, namespace: str, deployment: str) -> str:
        """The path of one Deployment's tree."""
        return f"/apis/{self.group}/v1/namespaces/{namespace}/deployments/{deployment}/compositions"

    @property
    def is_listening(self) -> bool:
        """Whether the port takes connections."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@dataclass(frozen=True, slots=True)
class Synced:
    """How a server filled its caches.

    Seconds from the start of the process, and of reading alone; CPU seconds of all that; objects held, by resource.
    """

    since_start: float
    reading: float
    cpu: float
    counts: dict[str, int]


class Connection:
    """One connection to an endpoint, kept open; leaving its block closes it."""

    def __init__(self, endpoint: Endpoint, context: ssl.SSLContext, headers: Mapping[str, str] | None = None) -> None:
        """``context`` trusts the endpoint's CA and may show a client certificate; each request has the headers."""
        self._endpoint = endpoint
        self._headers = dict(headers or {})
        # One block for all answers: asking the system for one at a time would count as the server's.
        self._landing = memoryview(bytearray(_CHUNK_BYTES))
        self._connection = http.client.HTTPSConnection("localhost", endpoint.port, timeout=_SECONDS, context=context)

    def status(self, path: str) -> int:
        """GET a path for its status alone; `WrongAnswerError` for none, here and below."""
        return self._get(path)[0]

    def text(self, path: str) -> str:
        """GET a path; `WrongAnswerError` for any other status than 200."""
        status, body = self._get(path)
        if status != 200:
            raise WrongAnswerError(
                f"GET {self._endpoint.url}{path}: {status} {body[:200].decode(errors='replace').strip()}"
            )
        return body.decode()

    def tree(self, namespace: str, deployment: str) -> Any:
        """GET one Deployment's tree, decoded; `WrongAnswerError` where there is none."""
        return json.loads(self.text(self._endpoint.tree_path(namespace, deployment)))

    def time(self, path: str) -> tuple[float, float, int]:
        """GET a path, read it and keep nothing: seconds until the first bytes, until the last, and how many there were.

        `WrongAnswerError` for any other status than 200.
        """
        started, length = time.perf_counter(), 0
        try:
            self._connection.request("GET", path, headers=self._headers)
            response = self._connection.getresponse()
            first = time.perf_counter() - started
            while read := response.readinto(self._landing):
                length += read
        except (OSError, http.client.HTTPException) as error:
            raise WrongAnswerError(f"GET {self._endpoint.url}{path}: {error}") from error
        if response.status != 200:
            raise WrongAnswerError(f"GET {self._endpoint.url}{path}: {response.status}")
        return first, time.perf_counter() - started, length

    def _get(self, path: str) -> tuple[int, bytes]:
        try:
            self._connection.request("GET", path, headers=self._headers)
            response = self._connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            raise WrongAnswerError(f"GET {self._endpoint.url}{path}: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()


def free_port() -> int:
    """Find a port that is free, and stays so.

    The kernel would name one of those that it also gives to outgoing connections: a server that is started again and
    again on it would sometimes find it taken.
    """
    while True:
        port = random.randint(*_SERVER_PORTS)  # noqa: S311 - no secret
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
