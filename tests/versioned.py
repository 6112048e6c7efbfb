"""A kube-apiserver in memory that keeps versions: conflicts, preconditions, and requests that wait for their turn."""

from __future__ import annotations

import asyncio
import copy
import itertools
from collections.abc import Mapping
from typing import Any

from kubediscovery.errors import UpstreamConflict, UpstreamError, UpstreamForbidden, UpstreamNotFound
from kubediscovery.manifests import Installation, api_services
from kubediscovery.presence import lease_name
from kubediscovery.workload import LABELS

API_SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"
API_SERVICE = f"{API_SERVICES}/v1.kubediscovery.cloudark.io"
LEASE_NAME = lease_name("kubediscovery")
LEASE = f"/apis/coordination.k8s.io/v1/namespaces/kubediscovery/leases/{LEASE_NAME}"

Document = dict[str, Any]


class VersionedKubeApiserver:
    """Objects by path. ``refused`` are methods with paths that are forbidden; ``is_away`` means that nobody answers."""

    def __init__(self) -> None:
        self.objects: dict[str, Document] = {}
        self.requests: list[tuple[str, str]] = []
        self.refused: set[tuple[str, str]] = set()
        self.is_away = False
        self._numbers = itertools.count(1)

    def put(self, path: str, document: Mapping[str, Any]) -> Document:
        """Write an object whatever is there, as somebody else would."""
        made: Document = copy.deepcopy(dict(document))
        before = self.objects.get(path, {}).get("metadata", {})
        number = str(next(self._numbers))
        made["metadata"] = {"uid": f"uid-{number}", **made["metadata"], "resourceVersion": number}
        made["metadata"]["uid"] = before.get("uid", made["metadata"]["uid"])
        self.objects[path] = made
        return made

    async def request(
        self, method: str, path: str, *, body: Any = None, content_type: str = "application/json", timeout: float = 30
    ) -> Any:
        """Do it at once, and give a copy of the outcome."""
        assert timeout <= 5, "a request of a replica must not hold up its end"
        self.requests.append((method, path))
        if self.is_away:
            raise UpstreamError(f"{method} {path}: connection refused")
        if (method, path) in self.refused:
            raise UpstreamForbidden(f"{method} {path}: forbidden", code=403)
        return copy.deepcopy(self._answer(method, path, body, content_type))

    def _answer(self, method: str, path: str, body: Any, content_type: str) -> Document:
        if method == "POST":
            return self._create(f"{path}/{body['metadata']['name']}", body)
        found = self.objects.get(path)
        if found is None:
            raise UpstreamNotFound(f"{path} not found", code=404)
        if method == "PUT":
            _agree(found, body["metadata"])
            return self.put(path, body)
        if method == "PATCH":
            assert content_type == "application/merge-patch+json"
            return self.put(path, _merged(found, body))
        if method == "DELETE":
            _agree(found, body["preconditions"])
            del self.objects[path]
        return found

    def _create(self, path: str, body: Document) -> Document:
        if path in self.objects:
            raise UpstreamConflict(f"{path} already exists", code=409)
        assert not {"uid", "resourceVersion"} & body["metadata"].keys()
        return self.put(path, body)


class SteppedKubeApiserver(VersionedKubeApiserver):
    """Each request waits until the test lets it happen, so that every order of them can be tried."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: dict[asyncio.Task[Any] | None, asyncio.Future[None]] = {}

    async def request(self, method: str, path: str, **options: Any) -> Any:
        """Do it when it is let; a task has one at a time."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting[asyncio.current_task()] = turn
        await turn
        return await super().request(method, path, **options)

    async def waiting(self) -> list[asyncio.Task[Any] | None]:
        """Whose requests wait, once all that can go on has gone on; who came first is first."""
        for _ in range(5):
            await asyncio.sleep(0)
        self._waiting = {task: turn for task, turn in self._waiting.items() if not turn.done()}
        return [*self._waiting]

    def let(self, task: asyncio.Task[Any] | None) -> None:
        """Let a task's request happen."""
        self._waiting.pop(task).set_result(None)


def _agree(found: Document, wanted: Mapping[str, str]) -> None:
    for name in ("uid", "resourceVersion"):
        if wanted.get(name, found["metadata"][name]) != found["metadata"][name]:
            raise UpstreamConflict(f"the {name} is another", code=409)


def _merged(found: Document, patch: Document) -> Document:
    """RFC 7396, as far as nothing is taken away."""
    changed = {
        name: _merged(found[name], value) if isinstance(value, dict) and name in found else value
        for name, value in patch.items()
    }
    return {**found, **changed}


def installed_lease() -> Document:
    """The Lease as ``install --manage-apiservice`` makes it."""
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": LEASE_NAME, "namespace": "kubediscovery", "labels": LABELS},
        "spec": {"leaseDurationSeconds": 40},
    }


def installed_api_service() -> Document:
    """The APIService as ``install`` makes it."""
    (made,) = api_services(Installation(), {"caBundle": "Q0E="})
    return made
