"""Changes, many a second: Deployments that are edited and relabelled, pods that come and go."""

from __future__ import annotations

import http.client
import json
import threading
import time
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from kubediscovery.testing.controlplane import ControlPlane
from kubediscovery.testing.credentials import ADMINISTRATOR
from kubediscovery.testing.probes import client_context

_WORKERS = 4
_NAMES = 20
_POD = {"spec": {"containers": [{"name": "main", "image": "nginx:1"}], "terminationGracePeriodSeconds": 0}}


class Load:
    """Runs in the block that it is the context of; ``changes`` counts those that were made, four of five by an edit.

    The namespace must have the Deployments of `names`.
    """

    def __init__(self, cluster: ControlPlane, namespace: str, *, per_second: float) -> None:
        self._server = urlsplit(cluster.server)
        self._context = client_context(cluster.ca, cluster.directory / "pki" / ADMINISTRATOR)
        self._namespace = namespace
        self._every = _WORKERS / per_second
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(number,), daemon=True) for number in range(_WORKERS)]
        self._made = [0] * _WORKERS
        self.refused: list[str] = []

    @property
    def changes(self) -> int:
        """How many there were so far."""
        return sum(self._made)

    @staticmethod
    def names() -> list[str]:
        """The Deployments that are edited."""
        return [f"edited-{number}" for number in range(_NAMES)]

    def _work(self, worker: int) -> None:
        connection = http.client.HTTPSConnection(
            str(self._server.hostname), self._server.port, timeout=10, context=self._context
        )
        due = time.monotonic()
        while not self._ended.is_set():
            number = self._made[worker]
            method, path, body = self._step(worker, number)
            content_type = "application/merge-patch+json" if method == "PATCH" else "application/json"
            connection.request(method, path, json.dumps(body), {"Content-Type": content_type})
            answer = connection.getresponse()
            told = answer.read()
            if answer.status >= 300:
                self.refused.append(f"{method} {path}: {answer.status} {told[:200]!r}")
            self._made[worker] += 1
            due += self._every
            self._ended.wait(max(0, due - time.monotonic()))
        connection.close()

    def _step(self, worker: int, number: int) -> tuple[str, str, object]:
        if number % 5 == 4:
            pods = f"/api/v1/namespaces/{self._namespace}/pods"
            name = f"passing-{worker}-{number // 10}"
            if number % 10 == 9:
                return "DELETE", f"{pods}/{name}", {"gracePeriodSeconds": 0}
            return "POST", pods, {**_POD, "metadata": {"name": name, "labels": {"app": "passing"}}}
        name = self.names()[(number * _WORKERS + worker) % _NAMES]
        labels = {"app": ("web", "other")[number % 2], "number": str(number)}
        path = f"/apis/apps/v1/namespaces/{self._namespace}/deployments/{name}"
        return "PATCH", path, {"metadata": {"labels": labels}}

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()
