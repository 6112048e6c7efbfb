"""An object of which a document came by, as what is kept of it: what somebody wrote, compressed.

Left out are the status, what kube-apiserver itself keeps in the metadata, ``managedFields`` first of all, and the notes
that kubectl and controllers make in annotations (pkg/controller/deployment/util). Nothing is ever made of a Secret.
"""

import hashlib
import sys
import zlib
from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec import Raw, Struct

from kubediscovery.json_decoder import DEEPEST, at_any_depth, shallow
from kubediscovery.objects import version_number
from kubediscovery.versions import Origin, Version

NOISE = frozenset((
    "kubectl.kubernetes.io/last-applied-configuration",
    "deployment.kubernetes.io/revision",
    "deployment.kubernetes.io/revision-history",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "deprecated.daemonset.template.generation",
    "deprecated.deployment.rollback.to",
))  # fmt: skip
CHANGE_CAUSE = "kubernetes.io/change-cause"
_LEFT_OUT = frozenset(("apiVersion", "kind", "metadata", "status"))
# One set for all that have come from there.
ORIGIN: Mapping[Origin, frozenset[Origin]] = {origin: frozenset((origin,)) for origin in Origin}
# Level 6 makes a Deployment of 6 KB a tenth of that in 0.1 ms; more takes longer for nothing.
_LEVEL = 6
# As much of a hash as an int of two of Python's digits has, which takes 16 bytes less than one of three.
_MARK = (1 << 60) - 1


class Sighting(Struct, frozen=True, gc=False):
    """What is kept of a version of an object: ``blob`` is its document, as compressed JSON of ``size`` bytes.

    ``seen`` is when it was written, in seconds since 1970, as far as that is known. ``like`` is another document, of
    which the blob says only where it differs (RFC 1950, a preset dictionary); empty for none.
    """

    uid: str
    namespace: str
    name: str
    generation: int
    resource_version: int
    seen: float
    manager: str
    origins: frozenset[Origin]
    digest: bytes
    blob: bytes
    size: int
    like: bytes = b""

    @property
    def body(self) -> bytes:
        """The document, as JSON."""
        return zlib.decompressobj(zdict=self.like).decompress(self.blob)

    @property
    def whole(self) -> bytes:
        """The blob as it can be read without anything else."""
        return zlib.compress(self.body, _LEVEL) if self.like else self.blob

    def version(self) -> Version:
        """With its document read."""
        document = msgspec.json.decode(self.body, type=dict[str, object])
        return Version(
            document=document,
            digest=self.digest,
            origins=self.origins,
            generation=self.generation,
            resource_version=self.resource_version,
            time=self.seen,
            manager=self.manager,
            cause=_cause(document),
        )


def _cause(document: Mapping[str, object]) -> str:
    metadata = document.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    cause = annotations.get(CHANGE_CAUSE) if isinstance(annotations, dict) else None
    return cause if isinstance(cause, str) else ""


class _Manager(Struct, gc=False):
    manager: str = ""
    time: str = ""
    subresource: str = ""


class _Metadata(Struct, rename="camel"):
    uid: str = ""
    name: str = ""
    namespace: str = ""
    generation: int = 0
    resource_version: str = ""
    creation_timestamp: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    managed_fields: list[_Manager] | None = None


# Made here, for threads: two that are the first to read a struct find what msgspec has half made of it, and crash.
_METADATA = msgspec.json.Decoder(_Metadata)


class Glimpse(Struct, gc=False):
    """A document of which the metadata alone was read, which tells whether the rest is worth it."""

    metadata: _Metadata
    parts: dict[str, Raw]

    @property
    def uid(self) -> str:
        """Whose it is."""
        return self.metadata.uid

    @property
    def created(self) -> float:
        """When it was made, 0 where that is not said."""
        return _seconds(self.metadata.creation_timestamp or "")

    @property
    def is_whole(self) -> bool:
        """Whether it is an object, and not what an answer makes of one: a Status, a Table, metadata alone."""
        head = [bytes(self.parts.get(name, b"")) for name in ("kind", "apiVersion")]
        return head[0] != b'"Status"' and not head[1].startswith(b'"meta.k8s.io/')

    @property
    def mark(self) -> int:
        """Another one where something may have been written; without a generation all of it is looked at."""
        metadata = self.metadata
        labels, annotations = metadata.labels or {}, metadata.annotations or {}
        noted = frozenset((name, value) for name, value in annotations.items() if name not in NOISE)
        rest = () if metadata.generation else tuple(map(bytes, _written(self.parts).values()))
        return hash((metadata.uid, metadata.generation, frozenset(labels.items()), noted, rest)) & _MARK


def glimpse(document: bytes | Raw) -> Glimpse:
    """Read a document's metadata; raises ``ValueError`` for what is no object of Kubernetes."""
    parts = at_any_depth(_parts, bytes(document))
    return Glimpse(_METADATA.decode(parts.get("metadata", b"{}")), parts)


def _parts(document: bytes) -> dict[str, Raw]:
    return msgspec.json.decode(document, type=dict[str, Raw])


def sighting(found: Glimpse, origin: Origin, *, now: float = 0.0, like: bytes = b"") -> Sighting:
    """What is kept of it; ``now`` is when it was written, without it the time that its managers have noted.

    Where it is much ``like`` another document, it takes a tenth of what it would take by itself.
    """
    metadata, intern = found.metadata, sys.intern
    body = encoded(_document(found))
    noted, manager = _last_written(metadata)
    # The caches hold the same names, and every version has them.
    return Sighting(
        uid=intern(metadata.uid),
        namespace=intern(metadata.namespace),
        name=intern(metadata.name),
        generation=metadata.generation,
        resource_version=version_number(metadata.resource_version),
        # What was never changed is as old as the object.
        seen=now or noted or (found.created if metadata.generation == 1 else 0.0),
        manager=intern(manager) if not now or abs(now - noted) < 5 else "",
        origins=ORIGIN[origin],
        digest=digest_of(body),
        blob=_compressed(body, like),
        size=len(body),
        like=like,
    )


def _compressed(body: bytes, like: bytes) -> bytes:
    compressor = zlib.compressobj(_LEVEL, zdict=like)
    return compressor.compress(body) + compressor.flush()


def encoded(document: Mapping[str, object]) -> bytes:
    """JSON that is the same for the same document."""
    return msgspec.json.encode(document, order="deterministic")


def digest_of(body: bytes) -> bytes:
    """What tells whether two documents are the same."""
    return hashlib.blake2b(body, digest_size=16).digest()


def _document(found: Glimpse) -> dict[str, object]:
    metadata = found.metadata
    annotations = {name: value for name, value in (metadata.annotations or {}).items() if name not in NOISE}
    kept = {"labels": metadata.labels or {}, "annotations": annotations}
    named = {name: values for name, values in kept.items() if values}
    rest = {name: without_noise(raw) for name, raw in _written(found.parts).items()}
    return {**({"metadata": named} if named else {}), **rest}


def without_noise(raw: Raw) -> object:
    """A part of a document; kube-apiservers of former times wrote that a template was never created."""
    value = msgspec.json.decode(_bounded(raw))
    for template in (value, value.get("template")) if isinstance(value, dict) else ():
        metadata = template.get("metadata") if isinstance(template, dict) else None
        if isinstance(metadata, dict) and metadata.get("creationTimestamp", 0) is None:
            del metadata["creationTimestamp"]
    return value


def _written(parts: Mapping[str, Raw]) -> dict[str, Raw]:
    return {name: raw for name, raw in parts.items() if name not in _LEFT_OUT}


def _bounded(raw: Raw) -> bytes:
    """Without what is nested deeper than anybody can compare; hardly ever there are enough brackets to look."""
    body = bytes(raw)
    return shallow(body) if body.count(b"{") + body.count(b"[") > DEEPEST else body


def _last_written(metadata: _Metadata) -> tuple[float, str]:
    """When somebody last wrote something else than the status, and who; 0 where nobody noted it."""
    noted = [
        (_seconds(each.time), each.manager) for each in metadata.managed_fields or () if each.subresource != "status"
    ]
    return max(noted, default=(0.0, ""))


def _seconds(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp() if text else 0.0
    except ValueError:
        return 0.0
