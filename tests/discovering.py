"""What discovery says, and sources of kinds that say what a test wants."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from kubediscovery.errors import UpstreamError, UpstreamExpired
from kubediscovery.kinds import BUILT_IN_KINDS, Kind
from kubediscovery.objects import Event, Object, Page

KAFKA = Kind("example.org", "v1", "kafkas", "Kafka", "kafka", workload=True, custom=True)
SECRET = Kind("", "v1", "secrets", "Secret", "secret")
DEFINITION = Kind(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", "customresourcedefinition",
    namespaced=False,
)  # fmt: skip
CLUSTER_ROLE = Kind("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", "clusterrole", namespaced=False)
ALL = ("create", "get", "list", "watch")


def resource(kind: Kind, verbs: Iterable[str] = ALL, **fields: Any) -> dict[str, Any]:
    return {
        "resource": kind.resource,
        "responseKind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": list(verbs),
        **fields,
    }


def version(name: str, *resources: dict[str, Any], freshness: str = "Current") -> dict[str, Any]:
    return {"version": name, "resources": list(resources), "freshness": freshness}


def group(name: str, *versions: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": name} if name else {}, "versions": list(versions)}


@dataclass
class FakeCatalogue:
    """Serves what a test says, from a later look on something else, or fails."""

    kinds: tuple[Kind, ...] = BUILT_IN_KINDS
    served: tuple[Kind, ...] = BUILT_IN_KINDS
    failure: UpstreamError | None = None
    looks: int = 0
    later: dict[int, tuple[Kind, ...]] = field(default_factory=dict)

    async def look(self) -> None:
        self.looks += 1
        self.served = self.later.get(self.looks, self.served)
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
        self.kinds = self.served


@dataclass
class FakeSource:
    """A kind whose lists succeed at once, fail, or hang; a watch stays open until it is ``expired``."""

    kind: Kind
    failure: UpstreamError | None = None
    hangs: bool = False
    items: list[Object] = field(default_factory=list)
    lists: int = 0
    watches: int = 0
    expired: asyncio.Event = field(default_factory=asyncio.Event)

    async def page(self, continue_token: str) -> Page[Object]:
        self.lists += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.failure is not None:
            raise self.failure
        return Page(self.items, "7", "")

    @contextlib.asynccontextmanager
    async def watch(
        self, resource_version: str, *, seconds: int | None = None
    ) -> AsyncIterator[AsyncIterator[list[Event[Object]]]]:
        self.watches += 1
        try:
            yield self._events()
        finally:
            self.watches -= 1

    async def _events(self) -> AsyncIterator[list[Event[Object]]]:
        while not self.expired.is_set():
            await self.expired.wait()
            yield []
        raise UpstreamExpired("too old resource version", code=410)


class FakeSources:
    """A source for each kind that is asked for, the last one of a kind by its name."""

    def __init__(self, **failures: UpstreamError) -> None:
        self.failures = failures
        self.hanging: set[str] = set()
        self.made: dict[Kind, FakeSource] = {}

    def __call__(self, kind: Kind) -> FakeSource:
        source = FakeSource(kind, self.failures.get(kind.resource), kind.resource in self.hanging)
        self.made[kind] = source
        return source

    def watched(self) -> Iterator[Kind]:
        return (kind for kind, source in self.made.items() if source.watches)
