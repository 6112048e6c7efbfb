"""What the cluster itself keeps of former versions: ReplicaSets of Deployments, ControllerRevisions of others.

They hold the pods' template alone, a ReplicaSet as it is (with a hash among the labels), a ControllerRevision as a
patch (k8s.io/kubernetes, ``deployment/util``, ``statefulset`` and ``daemon`` of ``pkg/controller``).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct

from kubediscovery.client import Client
from kubediscovery.errors import UpstreamError
from kubediscovery.json_decoder import at_any_depth
from kubediscovery.kinds import BUILT_IN_KINDS, Kind
from kubediscovery.objects import Object
from kubediscovery.selectors import Selector
from kubediscovery.sightings import CHANGE_CAUSE, ORIGIN, Sighting, digest_of, encoded, glimpse, sighting, without_noise
from kubediscovery.versions import Origin, Version

T = TypeVar("T")

_KINDS = {(kind.group, kind.kind): kind for kind in BUILT_IN_KINDS}
_REPLICA_SET, _REVISION = _KINDS["apps", "ReplicaSet"], _KINDS["apps", "ControllerRevision"]
_SOURCES: Mapping[tuple[str, str], Kind] = {
    ("apps", "Deployment"): _REPLICA_SET,
    ("apps", "StatefulSet"): _REVISION,
    ("apps", "DaemonSet"): _REVISION,
}
_SECRET = ("", "Secret")
_NUMBER, _FORMER = "deployment.kubernetes.io/revision", "deployment.kubernetes.io/revision-history"
_HASH = "pod-template-hash"
_TEXTS = {"in": "{key} in ({values})", "notin": "{key} notin ({values})", "exists": "{key}", "absent": "!{key}"}
# More revisions than Kubernetes keeps of anything that nobody has tuned, in so many requests.
_PAGE, _MOST_PAGES = 100, 5
_SECONDS = 10.0
# Numbers that are read of one ReplicaSet: each is a rollback to it.
_MOST_NUMBERS = 100


class _Owner(Struct):
    uid: str = ""
    controller: bool | None = None


class _Metadata(Struct, rename="camel"):
    annotations: dict[str, str] | None = None
    owner_references: list[_Owner] | None = None


class _Spec(Struct):
    template: Raw = Raw(b"{}")


class _Data(Struct):
    spec: _Spec | None = None


class _Revision(Struct, rename="camel"):
    metadata: _Metadata
    spec: _Spec | None = None
    data: _Data | None = None
    revision: int = 0


class _ListMetadata(Struct, frozen=True):
    token: str = msgspec.field(default="", name="continue")


class _List(Struct):
    items: list[Raw] | None = None
    metadata: _ListMetadata = _ListMetadata()


def revisions_kind(kind: Kind) -> Kind | None:
    """Of which kind the revisions of such objects are; None for kinds that have none."""
    return _SOURCES.get((kind.group, kind.kind))


async def present(client: Client, item: Object) -> Sighting | None:
    """The object as it is now; None for one that is gone, and for Secrets. Raises :class:`UpstreamError`."""
    if (item.kind.group, item.kind.kind) == _SECRET:
        return None
    path, query = _path(item.kind, item.namespace), {"fieldSelector": f"metadata.name={item.name}"}
    found, _ = await _page(client, path, query, lambda documents: [*_present(documents, item.uid)])
    return found[0] if found else None


def _present(documents: Iterable[Raw], uid: str) -> Iterator[Sighting]:
    for document in documents:
        seen = glimpse(document)
        if seen.uid == uid:
            yield sighting(seen, Origin.PRESENT)


async def revisions(client: Client, item: Object) -> list[Version]:
    """What its revisions keep; nothing for kinds without any. Raises :class:`UpstreamError`."""
    kind = revisions_kind(item.kind)
    if kind is None:
        return []
    query = {"limit": str(_PAGE)}
    if item.selector is not None and (text := selector_text(item.selector)):
        query["labelSelector"] = text
    found: list[Version] = []
    for _ in range(_MOST_PAGES):
        path = _path(kind, item.namespace)
        read, token = await _page(client, path, query, lambda documents: [*_versions(documents, item.uid)])
        found += read
        if not token:
            break
        query["continue"] = token
    return found


def selector_text(selector: Selector) -> str:
    """The selector in Kubernetes's syntax."""
    return ",".join(
        _TEXTS[found.operator].format(key=found.key, values=",".join(sorted(found.values)))
        for found in selector.requirements
        if found.operator in _TEXTS
    )


def _path(kind: Kind, namespace: str) -> str:
    prefix, _, resource = kind.list_path.rpartition("/")
    return f"{prefix}/namespaces/{namespace}/{resource}" if namespace else kind.list_path


async def _page(
    client: Client, path: str, query: Mapping[str, str], read: Callable[[Iterable[Raw]], list[T]]
) -> tuple[list[T], str]:
    """What is read of a page, and the token of the next."""
    headers = {"Accept": "application/json"}
    async with client.open("GET", path, query=query, headers=headers, timeout=_SECONDS) as response:
        body = await response.read()
    try:
        found = at_any_depth(_decoded, body)
        return read(found.items or ()), found.metadata.token
    except (ValueError, RecursionError) as error:
        raise UpstreamError(f"GET {path}: the answer cannot be decoded: {error}") from error


def _decoded(body: bytes) -> _List:
    return msgspec.json.decode(body, type=_List)


def _versions(documents: Iterable[Raw], uid: str) -> Iterator[Version]:
    for document in documents:
        revision = msgspec.json.decode(document, type=_Revision)
        owners = revision.metadata.owner_references or ()
        spec = revision.spec or (revision.data.spec if revision.data is not None else None)
        if spec is not None and any(owner.uid == uid and owner.controller for owner in owners):
            yield from _numbered(revision, spec, glimpse(document).created)


def _numbered(revision: _Revision, spec: _Spec, created: float) -> Iterator[Version]:
    """One for each number that it has had; the time of the first alone is known."""
    content = {"spec": {"template": _template(spec.template)}}
    digest = digest_of(encoded(content))
    annotations = revision.metadata.annotations or {}
    former, newest = annotations.get(_FORMER, ""), annotations.get(_NUMBER, str(revision.revision))
    texts = [*former.split(",")[-_MOST_NUMBERS:], newest]
    numbers = sorted({int(text) for text in texts if text.isascii() and text.isdecimal() and len(text) < 19} - {0})
    for number in numbers:
        yield Version(
            content,
            digest,
            ORIGIN[Origin.REVISION],
            revision=number,
            time=created if number == numbers[0] else 0.0,
            cause=annotations.get(CHANGE_CAUSE, "") if number == numbers[-1] else "",
            partial=True,
        )


def _template(raw: Raw) -> object:
    template = without_noise(raw)
    if isinstance(template, dict):
        template.pop("$patch", None)
        metadata = template.get("metadata")
        if isinstance(metadata, dict) and isinstance(metadata.get("labels"), dict):
            metadata["labels"].pop(_HASH, None)
    return template
