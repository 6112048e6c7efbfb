"""Compositions as a client gets them: of a cluster through kube-apiserver, with the rights of its user."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol
from urllib.parse import quote

import msgspec

from kubediscovery.addresses import Address, KindNames, Place, Selection, names_of
from kubediscovery.answers import Answer, Problem, read_answer, read_answers, read_problems
from kubediscovery.config import API_VERSION
from kubediscovery.discovered import DISCOVERY, discovered
from kubediscovery.errors import UpstreamError, UpstreamForbidden, UpstreamNotFound
from kubediscovery.kinds import BUILT_IN_KINDS, Kind
from kubediscovery.objects import version_number

# Seconds of a watch; then everything is asked for anew, so that nothing is missed for longer.
WATCH_SECONDS = 30
_JSON = "application/json"
_METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
_METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
# What the server says of a kind that it has no right to, and the status for what it has not seen yet.
_NO_RIGHT, _NOT_FRESH = "kubediscovery may not list", 504
_CHANGES = ("ADDED", "MODIFIED", "DELETED")
# Whose objects are looked at for how fresh an answer must be.
_WRITTEN = ("deployments.apps", "statefulsets.apps", "daemonsets.apps", "jobs.batch", "cronjobs.batch")


class Chunks(Protocol):
    """The body of an answer that goes on."""

    def iter_any(self) -> AsyncIterator[bytes]:
        """What has come, as it comes."""
        ...


class Response(Protocol):
    """An answer with a status of success."""

    @property
    def content(self) -> Chunks:
        """Its body, as it comes."""
        ...

    async def read(self) -> bytes:
        """Its body, whole."""
        ...


class Connection(Protocol):
    """What can be asked: :class:`kubediscovery.client.Client`."""

    def open(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str],
        timeout: float | None = None,
    ) -> AbstractAsyncContextManager[Response]:
        """The answer; raises :class:`UpstreamError` on entering where it is no success."""
        ...


class Change(NamedTuple):
    """What a watch tells: a composition as it is now, or that it is there no more."""

    answer: Answer
    gone: bool


class Source(Protocol):
    """Where compositions come from."""

    async def names(self) -> KindNames:
        """The kinds that there are; raises :class:`UpstreamError` where compositions cannot be asked for at all."""
        ...

    async def least_version(self, place: Place) -> int:
        """The resource version from which on an answer is about what was written before now; 0 where not known."""
        ...

    async def answers(self, place: Place, least_version: int) -> tuple[list[Answer], str]:
        """What there is in a place, nothing where the object does not exist, and a version to watch from."""
        ...

    def changes(self, place: Place, version: str) -> AsyncIterator[Change]:
        """What changes there from then on, for a while."""
        ...

    async def lint(self, namespace: str | None) -> tuple[Problem, ...]:
        """What is wrong with the owners in a namespace, or in all of them for None."""
        ...


class ClusterSource:
    """Compositions of a cluster in which kubediscovery is installed."""

    def __init__(self, connection: Connection, group: str) -> None:
        self._connection = connection
        self._group = group
        self._prefix = f"/apis/{group}/{API_VERSION}"

    async def names(self) -> KindNames:
        """The kinds that the cluster's own discovery names, with their short names; raises :class:`UpstreamError`."""
        try:
            await self._get(self._prefix)
        except UpstreamNotFound as error:
            raise UpstreamNotFound(
                f'the API {self._group}/{API_VERSION} is not served: "kubediscovery install --apply" installs it',
                code=error.code,
            ) from error
        except UpstreamError as error:
            if error.code == 503:
                words = f"kubectl get apiservice {API_VERSION}.{self._group} says why"
                raise UpstreamError(f"kubediscovery does not answer: {words}", code=error.code) from error
            raise
        documents = [await self._get(path, accept=DISCOVERY) for path in ("/api", "/apis")]
        found = [named for document in documents for named in discovered(document, self._group)]
        return KindNames(found) if found else names_of(BUILT_IN_KINDS)

    async def least_version(self, place: Place) -> int:
        """What kube-apiserver has now, as far as the user may see it."""
        if isinstance(place, Address):
            return max(await self._versions(place.object_path, _METADATA), default=0)
        kinds = [kind for kind in BUILT_IN_KINDS if kind.group_resource in _WRITTEN]
        query = {"labelSelector": place.labels} if place.labels else {}
        found = [await self._versions(_listed(kind, place), _METADATA_LIST, query) for kind in kinds]
        return max((version for versions in found for version in versions), default=0)

    async def answers(self, place: Place, least_version: int) -> tuple[list[Answer], str]:
        """Raises :class:`UpstreamError`."""
        query = {"resourceVersion": str(least_version)} if least_version else {}
        if isinstance(place, Selection):
            return read_answers(await self._get(self._prefix + place.path, {**query, **place.query}))
        try:
            answer = read_answer(await self._fresh(self._prefix + place.path, query))
        except UpstreamNotFound as error:
            if f'"{place.name}" not found' in str(error):
                return [], ""
            raise
        except UpstreamError as error:
            if _NO_RIGHT in str(error):
                words = f'"kubediscovery install --apply --kinds {place.kind.group_resource}" gives it the right'
                raise UpstreamForbidden(f"{error}: {words}", code=403) from error
            raise
        if not answer.root.api_version.startswith(f"{place.kind.group}/" if place.kind.group else "v"):
            raise UpstreamError(f"asked for {place.title}, was answered about a {answer.root.api_version}")
        return [answer], ""

    async def changes(self, place: Place, version: str) -> AsyncIterator[Change]:
        """The events of a watch; ends with it. Raises :class:`UpstreamError`."""
        query = {"timeoutSeconds": str(WATCH_SECONDS)}
        if isinstance(place, Selection):
            path = place.path
            query |= {"watch": "true", "resourceVersion": version, **place.query}
        else:
            path = f"/watch{place.path}"
        opened = self._connection.open(
            "GET", self._prefix + path, query=query, headers={"Accept": _JSON}, timeout=WATCH_SECONDS + 15
        )
        async with opened as response:
            rest = b""
            async for chunk in response.content.iter_any():
                *lines, rest = (rest + chunk).split(b"\n")
                for event in map(_event, lines):
                    if event.type == "ERROR":
                        return
                    if event.type in _CHANGES:
                        yield Change(read_answer(event.item), event.type == "DELETED")

    async def lint(self, namespace: str | None) -> tuple[Problem, ...]:
        """Raises :class:`UpstreamError`."""
        where = "" if namespace is None else f"/namespaces/{quote(namespace)}"
        return read_problems(await self._get(f"{self._prefix}{where}/lint"))

    async def _fresh(self, path: str, query: Mapping[str, str]) -> object:
        """The answer as fresh as asked for or, where that cannot be had, as it is: the verdict looks at its version."""
        try:
            return await self._get(path, query)
        except UpstreamError as error:
            if error.code != _NOT_FRESH:
                raise
        return await self._get(path)

    async def _get(self, path: str, query: Mapping[str, str] | None = None, accept: str = _JSON) -> object:
        async with self._connection.open("GET", path, query=query, headers={"Accept": accept}, timeout=30) as response:
            try:
                document: object = msgspec.json.decode(await response.read())
            except (ValueError, RecursionError) as error:
                raise UpstreamError(f"GET {path}: the answer is not JSON: {error}") from error
            return document

    async def _versions(self, path: str, accept: str, query: Mapping[str, str] | None = None) -> list[int]:
        """The versions of an object, or of those in a list: a list's own may be of a kind that nobody looks at."""
        try:
            found = msgspec.convert(await self._get(path, query, accept), _Written)
        except (UpstreamForbidden, UpstreamNotFound):
            return []
        except msgspec.ValidationError as error:
            raise UpstreamError(f"GET {path}: {error}") from error
        written = [found] if found.items is msgspec.UNSET else found.items or ()
        return [version_number(each.metadata.resource_version) for each in written]


class _Meta(msgspec.Struct, frozen=True, rename="camel"):
    resource_version: str = ""
    name: str = ""


class _Written(msgspec.Struct, frozen=True):
    """An object or a list of objects, by their metadata."""

    metadata: _Meta
    items: list["_Written"] | msgspec.UnsetType | None = msgspec.UNSET


class _Event(msgspec.Struct, frozen=True):
    type: str = ""
    item: object = msgspec.field(default=None, name="object")


def _event(line: bytes) -> _Event:
    try:
        return msgspec.json.decode(line, type=_Event) if line.strip() else _Event()
    except (ValueError, RecursionError) as error:
        raise UpstreamError(f"a watch sent what is no event: {error}") from error


def _listed(kind: Kind, place: Selection) -> str:
    if place.namespace is None:
        return kind.list_path
    prefix, _, resource = kind.list_path.rpartition("/")
    return f"{prefix}/namespaces/{quote(place.namespace)}/{resource}"
