"""Pods of protobuf, several times quicker than by the schema alone: of a cluster's objects most are pods.

What makes it quick is not to look at what has been seen before. Siblings have the same labels and owners, a spec that
differs by the node alone, and mostly the same status: these are compared as bytes, in C, and read once. So labels,
owners and times are left as the bytes that they arrive in, and what the schema does not name of spec and status (names
of token volumes, addresses, times) is dropped before they are compared. What is read at last is read by
:mod:`kubediscovery.pod_states`, as of any other encoding, and the objects are equal to those of
:mod:`kubediscovery.compact`.
"""

import sys
from collections.abc import Callable, Hashable
from functools import cache
from hashlib import blake2b
from typing import Any, NamedTuple, TypeVar

from google.protobuf.message import Message

from kubediscovery import schema, schema_pods
from kubediscovery.compact import owner_of, release_of
from kubediscovery.kinds import Kind
from kubediscovery.objects import Labels, Object, Owner, PodState, Reference, version_number
from kubediscovery.pod_states import Plan, plan_of, state_of
from kubediscovery.protobuf import Messages
from kubediscovery.sharing import Sharing, make_room

# What is remembered at most of each, and the longest of them in bytes. Changes come of one workload after another: who
# forgets one before its turn comes again reads all of it for each restart of a container.
MOST, LONGEST = 4_096, 8_192
# Bytes of the digests that stand for what is compared: nobody finds two texts of one digest.
_DIGEST = 16
# What each pod has for itself, beside its node, and what some have.
_OWN, _RARE = ("name", "uid", "resource_version", "creation_timestamp"), ("deletion_timestamp", "annotations")
_RELEASE = b"meta.helm.sh/"

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class _Messages(NamedTuple):
    pod: type[Message]
    entry: type[Message]
    owner: type[Message]
    time: type[Message]


@cache
def _messages() -> _Messages:
    """Derived with the first pod: the server listens before that."""
    schemas = (schema_pods.SealedPod, schema_pods.MapEntry, schema.OwnerReference, schema.Time)
    messages = Messages(*schemas)
    return _Messages(*map(messages.message_class, schemas))


class _Likeness(NamedTuple):
    """What siblings have in common, whatever becomes of them."""

    labels: Labels
    owners: tuple[Owner, ...]
    references: tuple[Reference, ...]
    plan: Plan


class QuickPods:
    """Makes a pod of its message; raises what protobuf raises for what is none."""

    def __init__(self, kind: Kind, sharing: Sharing) -> None:
        self._kind = kind
        self._sharing = sharing
        self._messages = _messages()
        self._parse: Callable[[bytes], Any] = self._messages.pod.FromString
        self._times: dict[bytes, int] = {}
        # By digests of what is not a pod's own: of metadata and spec, and of these with the status.
        self._likenesses: dict[bytes, _Likeness] = {}
        self._known: dict[bytes, tuple[_Likeness, PodState]] = {}

    def read(self, message: bytes) -> Object:
        """The pod that a message describes."""
        pod = self._parse(message)
        pod.DiscardUnknownFields()
        metadata, spec = pod.metadata, pod.spec
        node, name, uid, version = spec.node_name, metadata.name, metadata.uid, metadata.resource_version
        created, deleted = metadata.creation_timestamp, metadata.deletion_timestamp
        release = self._release(metadata.annotations) if metadata.annotations else ""
        spec.ClearField("node_name")
        clear = metadata.ClearField
        for field in _OWN:
            clear(field)
        if deleted or metadata.annotations:
            for field in _RARE:
                clear(field)
        # The order of maps is mostly the same: where it is not, more is read.
        content = pod.SerializePartialToString()
        digest = blake2b(content, digest_size=_DIGEST).digest()
        alike, state = self._known.get(digest) or self._unknown(pod, digest, len(content))
        # By position, which takes half of the time.
        return Object(
            self._kind,
            sys.intern(metadata.namespace),
            name,
            uid,
            version_number(version),
            metadata.generation,
            self._times.get(created) or self._time(created),
            bool(deleted) and self._time(deleted) != 0,
            alike.labels,
            alike.owners,
            state,
            alike.references,
            None,
            release,
            None,
            sys.intern(node),
        )

    def _unknown(self, pod: Any, digest: bytes, length: int) -> tuple[_Likeness, PodState]:
        """What is read of one that is like none before, without what is its own."""
        alike = self._likeness(pod.metadata, pod.spec)
        found = alike, self._sharing.share(state_of(pod.status, alike.plan, self._sharing))
        _remember(self._known, digest, found, length)
        return found

    def _likeness(self, metadata: Any, spec: Any) -> _Likeness:
        said = metadata.SerializePartialToString()
        content = b"%d %b%b" % (len(said), said, spec.SerializePartialToString())
        digest = blake2b(content, digest_size=_DIGEST).digest()
        found = self._likenesses.get(digest)
        if found is None:
            share, plan = self._sharing.share, plan_of(spec)
            found = _Likeness(
                share(tuple(sorted(self._entries(metadata.labels).items()))),
                share(tuple(owner_of(self._open("owner", owner)) for owner in metadata.owner_references)),
                share(plan.references),
                plan,
            )
            _remember(self._likenesses, digest, found, len(content))
        return found

    def _time(self, time: bytes) -> int:
        found: int = self._open("time", time).seconds
        _remember(self._times, time, found, len(time))
        return found

    def _release(self, annotations: Any) -> str:
        if not any(_RELEASE in entry for entry in annotations):
            return ""
        return sys.intern(release_of(self._entries(annotations)))

    def _entries(self, entries: Any) -> dict[str, str]:
        opened = (self._open("entry", entry) for entry in entries)
        return {sys.intern(entry.key): sys.intern(entry.value) for entry in opened}

    def _open(self, what: str, content: bytes) -> Any:
        message: Callable[[bytes], Any] = getattr(self._messages, what).FromString
        return message(content)


def _remember(known: dict[K, V], key: K, value: V, length: int) -> None:
    if length <= LONGEST:
        make_room(known, MOST)
        known[key] = value
