"""The kinds that a cluster serves, as kube-apiserver's discovery tells them.

One document has all resources of all groups (k8s.io/api, apidiscovery/v2; served from Kubernetes 1.30 on), and with its
ETag asking again costs next to nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from kubediscovery.built_in import classified
from kubediscovery.client import Client
from kubediscovery.errors import UpstreamError
from kubediscovery.kinds import BUILT_IN_KINDS, Kind

_AS = "as=APIGroupDiscoveryList"
_ACCEPT = f"application/json;g=apidiscovery.k8s.io;v=v2;{_AS},application/json"
# The core group comes first, as everywhere.
PATHS = ("/api", "/apis")
_TIMEOUT = 30.0
_NOT_MODIFIED = 304
_FOLLOWED = frozenset(("list", "watch"))
_STALE = "Stale"


class _Message(msgspec.Struct, frozen=True, rename="camel"):
    """A part of the document; what is not named here is not looked at."""


class _ResponseKind(_Message, frozen=True):
    kind: str = ""


class _Resource(_Message, frozen=True):
    resource: str
    response_kind: _ResponseKind | None = None
    scope: str = ""
    singular_resource: str = ""
    verbs: tuple[str, ...] = ()


class _Version(_Message, frozen=True):
    version: str
    freshness: str = ""
    resources: tuple[_Resource, ...] = ()


class _Metadata(_Message, frozen=True):
    name: str = ""


class _Group(_Message, frozen=True):
    metadata: _Metadata = _Metadata()
    versions: tuple[_Version, ...] = ()


class _Groups(_Message, frozen=True):
    items: tuple[_Group, ...] = ()


class Requests(Protocol):
    """Who asks once."""

    async def request(self, method: str, path: str, *, accept: str = ...) -> Any:
        """The answer's JSON, decoded. Raises :class:`UpstreamError`."""


_DOCUMENT = msgspec.json.Decoder(_Groups)


class Catalogue:
    """What discovery said last; an answer that cannot be read leaves that as it is."""

    def __init__(self, client: Client, own_group: str) -> None:
        self._client = client
        self._own_group = own_group
        self._etags: dict[str, str] = {}
        self._groups: dict[str, tuple[_Group, ...]] = {}
        #: The kinds that can be listed and watched; before the first answer those that every cluster has.
        self.kinds: tuple[Kind, ...] = BUILT_IN_KINDS

    async def look(self) -> None:
        """Ask again. Raises :class:`UpstreamError` where there is no answer that can be read."""
        is_new = [await self._read(path) for path in PATHS]
        if any(is_new):
            groups = [group for path in PATHS for group in self._groups[path]]
            self.kinds = tuple(_kinds_of(groups, self._own_group, self.kinds))

    async def _read(self, path: str) -> bool:
        """Whether the document is another one than before."""
        headers = {"Accept": _ACCEPT}
        if path in self._etags:
            headers["If-None-Match"] = self._etags[path]
        try:
            async with self._client.open("GET", path, headers=headers, timeout=_TIMEOUT) as response:
                self._groups[path] = _decoded(path, await response.read(), response.headers)
                self._etags[path] = response.headers.get("ETag", "")
        except UpstreamError as error:
            if error.code == _NOT_MODIFIED and path in self._groups:
                return False
            raise
        return True


async def kinds_served(client: Requests) -> tuple[Kind, ...]:
    """All kinds that can be listed and watched, read once. Raises :class:`UpstreamError`."""
    answers = [await client.request("GET", path, accept=_ACCEPT) for path in PATHS]
    try:
        groups = [group for answer in answers for group in msgspec.convert(answer, _Groups).items]
    except ValueError as error:
        raise UpstreamError(f"discovery cannot be decoded: {error}") from error
    return tuple(_kinds_of(groups, "", ()))


def _decoded(path: str, body: bytes, headers: Mapping[str, str]) -> tuple[_Group, ...]:
    if _AS not in headers.get("Content-Type", ""):
        raise UpstreamError(f"GET {path}: the answer is no aggregated discovery, which Kubernetes has from 1.30 on")
    try:
        return _DOCUMENT.decode(body).items
    except (ValueError, RecursionError) as error:
        raise UpstreamError(f"GET {path}: discovery cannot be decoded: {error}") from error


def _kinds_of(groups: Iterable[_Group], own_group: str, former: Sequence[Kind]) -> Iterator[Kind]:
    """Each kind once; those that have rules of their own come first, the others as kubectl resolves plurals."""
    yield from BUILT_IN_KINDS
    seen = {(kind.group, kind.resource) for kind in BUILT_IN_KINDS}
    for group in groups:
        if group.metadata.name == own_group:
            continue
        for kind in _of_group(group, former):
            if (kind.group, kind.resource) not in seen:
                seen.add((kind.group, kind.resource))
                yield kind


def _of_group(group: _Group, former: Sequence[Kind]) -> Iterator[Kind]:
    """The kinds of all versions, the preferred one first.

    A version is stale while the server that it is of does not answer: what it served it will serve again.
    """
    name, stale = group.metadata.name, set[str]()
    for version in group.versions:
        if version.freshness == _STALE:
            stale.add(version.version)
        for found in version.resources:
            kind = found.response_kind.kind if found.response_kind is not None else ""
            if kind and found.verbs and _FOLLOWED.issubset(found.verbs):
                singular = found.singular_resource or kind.lower()
                is_namespaced = found.scope == "Namespaced"
                yield classified(Kind(name, version.version, found.resource, kind, singular, is_namespaced))
    yield from (kind for kind in former if kind.group == name and kind.version in stale)
