"""Replicas that manage an APIService, on a kube-apiserver in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from kubediscovery.api import GroupVersion
from kubediscovery.apiservice import ApiService, ApiServiceKeeper
from kubediscovery.presence import SharedLease
from tests.versioned import (
    API_SERVICE,
    LEASE,
    Document,
    VersionedKubeApiserver,
    installed_api_service,
    installed_lease,
)

GROUP, NAMESPACE = "kubediscovery.cloudark.io", "kubediscovery"
MANAGED = ApiService(GroupVersion(GROUP, "v1"), NAMESPACE)


async def for_ever(_: float) -> None:
    await asyncio.Event().wait()


@dataclass
class Cluster:
    """A cluster with an installation, its clock, and the replicas that run."""

    api: VersionedKubeApiserver = field(default_factory=VersionedKubeApiserver)
    now: datetime = datetime(2026, 1, 2, tzinfo=UTC)
    managed: list[ApiService] = field(default_factory=lambda: [MANAGED])
    keepers: dict[str, ApiServiceKeeper] = field(default_factory=dict)
    tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.api.put(LEASE, installed_lease())
        self.api.put(API_SERVICE, installed_api_service())

    def keeper(self, name: str, sleep: Callable[[float], Awaitable[None]] = for_ever) -> ApiServiceKeeper:
        lease = SharedLease(self.api, NAMESPACE, "kubediscovery", clock=lambda: self.now)
        return ApiServiceKeeper(self.api, self.managed, lease, replica=name, is_ready=lambda: True, sleep=sleep)

    def begin(self, name: str) -> None:
        """Start a replica, which is ready at once."""
        self.keepers[name] = self.keeper(name)
        self.tasks[name] = asyncio.create_task(self.keepers[name].run())

    async def start(self, name: str) -> None:
        self.begin(name)
        await asyncio.sleep(0.001)

    async def end(self, name: str) -> None:
        """Stop a replica in an orderly way."""
        await self.keepers.pop(name).leave()
        await cancelled(self.tasks.pop(name))

    async def crash(self, name: str) -> None:
        del self.keepers[name]
        await cancelled(self.tasks.pop(name))

    async def close(self) -> None:
        for task in self.tasks.values():
            await cancelled(task)

    def found(self) -> Document:
        """The APIService, which has to be there."""
        return self.api.objects[API_SERVICE]

    def there(self) -> Document | None:
        return self.api.objects.get(API_SERVICE)


async def cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
