"""``serve --manage-apiservice``: the APIServices are there while a replica is ready, and no longer.

An APIService whose server is away holds back the deletion of namespaces in the whole cluster. So the last replica that
stops in an orderly way takes them away, and the first that is ready puts them back as they were: a copy of each is kept
in the Lease of :mod:`kubediscovery.presence`, renewed whenever somebody (a user, cert-manager) changed it.

Two rules make it right whoever starts and stops at the same time. A replica changes the Lease before it looks at the
APIService; and whoever changes the APIService looks at the Lease again afterwards, so that the last change of all
agrees with it. A replica that died without goodbye counts until its time in the Lease is up; where the last one does,
nobody is left to take them away.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from kubediscovery.api import GroupVersion
from kubediscovery.config import DEFAULT_GROUP
from kubediscovery.errors import UpstreamConflict, UpstreamError, UpstreamForbidden, UpstreamNotFound
from kubediscovery.presence import RENEW_SECONDS, REQUEST_SECONDS, KubeApiserver, Presence, SharedLease, utc_now
from kubediscovery.workload import NAME, Manifest, marks_of

logger = logging.getLogger(__name__)

LEAVE_SECONDS = 10.0
RETRY_SECONDS = 1.0
# Somebody who undoes each change must not keep this replica busy.
_PASSES = 10
_READY_POLL = 0.1
_PATH = "/apis/apiregistration.k8s.io/v1/apiservices"
_ANNOUNCED = f"{DEFAULT_GROUP}/ready-at"


class ApiService:
    """One APIService that is managed: where it is, and which one counts as that of the product in the namespace."""

    def __init__(self, api: GroupVersion, namespace: str, product: str = NAME) -> None:
        self.name = f"{api.version}.{api.group}"
        self.path = f"{_PATH}/{self.name}"
        self._expected = {"group": api.group, "version": api.version}
        self._service = {"namespace": namespace, "name": product}
        self._marks = marks_of(product)

    def is_managed(self, found: Manifest) -> bool:
        """Whether it is an installation's, by its labels, and leads to the Service of this one."""
        spec = found["spec"]
        labels = found["metadata"].get("labels") or {}
        service = spec.get("service") or {}
        return (
            labels.items() >= self._marks.items()
            and spec.items() >= self._expected.items()
            and service.items() >= self._service.items()
        )

    def copy_of(self, found: Manifest) -> str:
        """What is to be put back, as text: all that people and programs wrote, nothing that kube-apiserver did."""
        metadata = found["metadata"]
        annotations = {name: text for name, text in (metadata.get("annotations") or {}).items() if name != _ANNOUNCED}
        kept = {"name": self.name, "labels": metadata.get("labels") or {}, "annotations": annotations}
        return msgspec.json.encode({"metadata": kept, "spec": found["spec"]}, order="sorted").decode()

    def of_copy(self, copy: str) -> Manifest | None:
        """The manifest; None for a text that is none, or one of another APIService than this one."""
        try:
            kept = msgspec.json.decode(copy, type=_Copy)
        except (ValueError, RecursionError):
            return None
        metadata = {"name": self.name, "labels": kept.metadata.labels, "annotations": kept.metadata.annotations}
        manifest = {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": metadata,
            "spec": kept.spec,
        }
        # Who may write the Lease shall not choose which API of the cluster leads where.
        return manifest if self.is_managed(manifest) else None


class _Metadata(msgspec.Struct):
    labels: dict[str, str]
    annotations: dict[str, str]


class _Copy(msgspec.Struct):
    metadata: _Metadata
    spec: dict[str, Any]


class ApiServiceKeeper:
    """One replica's part: it runs beside the server, and leaves when that is about to stop."""

    def __init__(
        self,
        api: KubeApiserver,
        api_services: Sequence[ApiService],
        lease: SharedLease,
        *,
        replica: str,
        is_ready: Callable[[], bool],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._lease = lease
        self._kept = [_Kept(api, each, lease) for each in api_services]
        self._replica = replica
        self._is_ready = is_ready
        self._sleep = sleep
        self._turn = asyncio.Lock()
        self._has_left = False

    async def run(self) -> None:
        """Join as soon as the replica is ready, then renew and look after the APIServices; raises for no failure."""
        while not self._is_ready():
            await self._sleep(_READY_POLL)
        while not self._has_left:
            await self._sleep(RENEW_SECONDS if await self._renew() else RETRY_SECONDS)

    async def leave(self) -> None:
        """Say goodbye, and take the APIServices away where nobody else is there; gives up after 10 s.

        It is the first thing to do on the way out, while the server still answers: nobody is sent to one that does not,
        and what comes later may be cut short by a SIGKILL. Requests and watches under way go on without an APIService.
        """
        try:
            async with asyncio.timeout(LEAVE_SECONDS), self._turn:
                self._has_left = True
                while not await self._attempt(lambda: self._lease.change(lambda there: there.left(self._replica))):
                    await self._sleep(RETRY_SECONDS)
        except TimeoutError:
            for kept in self._kept:
                kept.say("kube-apiserver was not told that this replica stops")

    async def _renew(self) -> bool:
        async with self._turn:
            return self._has_left or await self._attempt(lambda: self._lease.renew(self._replica))

    async def _attempt(self, change: Callable[[], Awaitable[Presence | None]]) -> bool:
        """Change the Lease and make the APIServices as it says; False for what is worth another try."""
        try:
            there = await change()
            for _ in range(_PASSES):
                if not any([await kept.settle(there) for kept in self._kept]):
                    return True
                there = await self._lease.read()
        except UpstreamError as error:
            is_refused = isinstance(error, UpstreamForbidden)
            for kept in self._kept:
                kept.say("it cannot be managed%s: %s", "" if is_refused else " at the moment", error)
            return is_refused
        for kept in self._kept:
            kept.say("it was changed by somebody else again and again")
        return False


class _Kept:
    """One of the APIServices, and what this replica has done to it."""

    def __init__(self, api: KubeApiserver, api_service: ApiService, lease: SharedLease) -> None:
        self._api = api
        self._api_service = api_service
        self._lease = lease
        self._is_announced = False
        self._made = ""
        self._said = ""

    async def settle(self, there: Presence | None) -> bool:
        """Do what the Lease asks for; whether the APIService was changed, and the Lease has to be looked at again."""
        if there is None:
            self.say("there is no Lease %s: it is left alone", self._lease.path)
        try:
            return await self._settle(there)
        except UpstreamForbidden as error:
            # The others may be managed all the same.
            self.say("it cannot be managed: %s", error)
            return False

    async def _settle(self, there: Presence | None) -> bool:
        found = await self._read()
        if there is None:
            # Somebody took the Lease away to end this (uninstall): so does what this replica put back meanwhile.
            return found is not None and found["metadata"]["uid"] == self._made and await self._delete(found)
        if found is None:
            return bool(there.replicas) and await self._put_back(there)
        if not self._api_service.is_managed(found):
            if there.replicas:
                self.say("it is somebody else's, and left alone")
            return False
        there = await self._remember(found, there)
        if there is None or not there.replicas:
            return there is None or await self._delete(found)
        await self._announce(found)
        return False

    async def _read(self) -> Manifest | None:
        try:
            found: Manifest = await self._api.request("GET", self._api_service.path, timeout=REQUEST_SECONDS)
        except UpstreamNotFound:
            return None
        return found

    async def _remember(self, found: Manifest, there: Presence) -> Presence | None:
        copy = self._api_service.copy_of(found)
        name = self._api_service.name
        if copy == there.api_services.get(name):
            return there
        return await self._lease.change(lambda there: there.remembering(name, copy))

    async def _put_back(self, there: Presence) -> bool:
        manifest = self._api_service.of_copy(there.api_services.get(self._api_service.name, ""))
        if manifest is None:
            self.say("it is gone and there is no copy of it: run `kubediscovery install --manage-apiservice` again")
            return False
        try:
            made = await self._api.request("POST", _PATH, body=manifest, timeout=REQUEST_SECONDS)
        except UpstreamConflict:
            return True
        self._made = made["metadata"]["uid"]
        self._is_announced = True
        logger.info("APIService %s: put back", self._api_service.name)
        return True

    async def _announce(self, found: Manifest) -> None:
        """Once, where kube-apiserver takes the server for unavailable: any change makes it look again at once.

        Otherwise it looks at growing intervals of up to 30 s (kube-aggregator, pkg/controllers/status/remote).
        """
        if not self._is_announced and not _is_available(found):
            note = {"uid": found["metadata"]["uid"], "annotations": {_ANNOUNCED: utc_now().isoformat()}}
            merge = "application/merge-patch+json"
            body = {"metadata": note}
            await self._api.request(
                "PATCH", self._api_service.path, body=body, content_type=merge, timeout=REQUEST_SECONDS
            )
        self._is_announced = True

    async def _delete(self, found: Manifest) -> bool:
        """Delete exactly what was read: neither one that was edited since then nor one that came after it."""
        metadata = found["metadata"]
        options = {"preconditions": {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}}
        try:
            await self._api.request("DELETE", self._api_service.path, body=options, timeout=REQUEST_SECONDS)
        except (UpstreamConflict, UpstreamNotFound):
            return True
        logger.info("APIService %s: taken away, no replica is left", self._api_service.name)
        return True

    def say(self, text: str, *arguments: object) -> None:
        """Warn, once until something else is to be said."""
        said = text % arguments
        if said != self._said:
            self._said = said
            logger.warning("APIService %s: %s", self._api_service.name, said)


def _is_available(found: Manifest) -> bool:
    conditions = (found.get("status") or {}).get("conditions") or ()
    return any(condition["type"] == "Available" and condition["status"] == "True" for condition in conditions)
