"""Which replicas there are: a Lease (coordination.k8s.io/v1) that they share.

It is one object, written only over the version that was read. So joining, renewing and leaving follow one another in
an order that all replicas agree on, and the right to it can be limited to its name. As a node (pkg/kubelet/kubelet.go)
a replica renews every 10 s and counts as gone after 40 s without.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Protocol, TypeVar

import msgspec

from kubediscovery.config import DEFAULT_GROUP
from kubediscovery.errors import UpstreamConflict, UpstreamNotFound

RENEW_SECONDS = 10.0
LEASE_SECONDS = 40
# kube-apiserver answers these within milliseconds, or it is not there.
REQUEST_SECONDS = 5.0

_REPLICAS = f"{DEFAULT_GROUP}/replicas"
_API_SERVICES = f"{DEFAULT_GROUP}/apiservices"
_ATTEMPTS = 10
# metav1.MicroTime takes exactly six digits.
_MICRO_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"

T = TypeVar("T")

Document = dict[str, Any]
_Times = dict[str, Annotated[datetime, msgspec.Meta(tz=True)]]


class KubeApiserver(Protocol):
    """What is needed of the client."""

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        content_type: str = "application/json",
        timeout: float = 30,
    ) -> Any:
        """Ask once; the answer's JSON, decoded. Raises UpstreamError or the subclass of its status."""


def lease_name(product: str) -> str:
    """What the Lease of a product's replicas is called."""
    return f"{product}-replicas"


def utc_now() -> datetime:
    """The time of this machine."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Presence:
    """What the Lease says: when each replica that is still there renewed, and by its name a copy of each APIService."""

    replicas: Mapping[str, datetime] = field(default_factory=dict)
    api_services: Mapping[str, str] = field(default_factory=dict)

    def joined(self, replica: str, now: datetime) -> "Presence":
        """The replica is there, as of now."""
        return replace(self, replicas={**self.replicas, replica: now})

    def left(self, replica: str) -> "Presence":
        """The replica is not there any more."""
        return replace(self, replicas={name: seen for name, seen in self.replicas.items() if name != replica})

    def remembering(self, name: str, copy: str) -> "Presence":
        """This is the APIService as it was last seen."""
        return replace(self, api_services={**self.api_services, name: copy})


class SharedLease:
    """The Lease of a product's replicas in a namespace; nothing is kept of it between two calls.

    Every call gives None where there is no Lease, and raises :class:`UpstreamError` for anything else that prevents it.
    """

    def __init__(
        self, api: KubeApiserver, namespace: str, product: str, *, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._api = api
        self._clock = clock
        self.path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{lease_name(product)}"

    async def read(self) -> Presence | None:
        """What it says now; kube-apiserver reads it from etcd, not from a cache."""
        found = await self._read()
        return None if found is None else self._presence(found)

    async def renew(self, replica: str) -> Presence | None:
        """Note that the replica is there."""
        return await self.change(lambda presence: presence.joined(replica, self._clock()))

    async def change(self, change: Callable[[Presence], Presence]) -> Presence | None:
        """Write what ``change`` makes of what it says, again from the start where somebody else was faster."""
        for _ in range(_ATTEMPTS):
            found = await self._read()
            if found is None:
                return None
            before = self._presence(found)
            after = change(before)
            if after == before:
                return after
            try:
                await self._api.request("PUT", self.path, body=_with(found, after), timeout=REQUEST_SECONDS)
            except UpstreamNotFound:
                return None
            except UpstreamConflict:
                continue
            return after
        raise UpstreamConflict(f"{self.path}: somebody else changed it {_ATTEMPTS} times in a row", code=409)

    async def _read(self) -> Document | None:
        try:
            found: Document = await self._api.request("GET", self.path, timeout=REQUEST_SECONDS)
        except UpstreamNotFound:
            return None
        return found

    def _presence(self, lease: Document) -> Presence:
        annotations = lease["metadata"].get("annotations") or {}
        # Of what cannot be read: whoever is there notes it again within RENEW_SECONDS.
        seen = _decoded(annotations.get(_REPLICAS, "{}"), _Times)
        now, longest = self._clock(), timedelta(seconds=LEASE_SECONDS)
        # A clock that is far ahead must not make a replica immortal.
        replicas = {name: when for name, when in seen.items() if abs(now - when) <= longest}
        return Presence(replicas, _decoded(annotations.get(_API_SERVICES, "{}"), dict[str, str]))


def _decoded(text: str, form: type[dict[str, T]]) -> dict[str, T]:
    try:
        return msgspec.json.decode(text, type=form)
    except (ValueError, RecursionError):
        return {}


def _with(lease: Document, presence: Presence) -> Document:
    """The Lease that says this; ``kubectl get lease`` shows the holders."""
    notes = {
        _REPLICAS: msgspec.json.encode(presence.replicas, order="sorted").decode(),
        _API_SERVICES: msgspec.json.encode(presence.api_services, order="sorted").decode(),
    }
    metadata = lease["metadata"]
    spec: Document = {"leaseDurationSeconds": LEASE_SECONDS}
    if presence.replicas:
        spec["holderIdentity"] = ", ".join(sorted(presence.replicas))
        spec["renewTime"] = max(presence.replicas.values()).astimezone(UTC).strftime(_MICRO_TIME)
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {**metadata, "annotations": {**(metadata.get("annotations") or {}), **notes}},
        "spec": spec,
    }
