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
from typing import Any, NamedTuple, TypeVar

from google.protobuf.message import Message

from kubediscovery import schema, schema_pods
from kubediscovery.compact import owner_of, release_of
from kubediscovery.kinds import Kind
from kubediscovery.objects import Labels, Object, Owner, PodState, Reference, version_number
from kubediscovery.pod_states import POD
from kubediscovery.protobuf import Messages
from kubediscovery.sharing import Sharing

# What is remembered at most of each, and the longest of them in bytes: siblings come one after another.
MOST, LONGEST = 512, 8_192
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


class QuickPods:
    """Makes a pod of its message; raises what protobuf raises for what is none."""

    def __init__(self, kind: Kind, sharing: Sharing) -> None:
        self._kind = kind
        self._sharing = sharing
        self._messages = _messages()
        self._labels: dict[tuple[bytes, ...], Labels] = {}
        self._owners: dict[tuple[bytes, ...], tuple[Owner, ...]] = {}
        self._times: dict[bytes, int] = {}
        # By the bytes of spec and status, both without what siblings differ in.
        self._states: dict[tuple[bytes, bytes], tuple[PodState, tuple[Reference, ...]]] = {}

    def read(self, message: bytes) -> Object:
        """The pod that a message describes."""
        pod: Any = self._messages.pod.FromString(message)
        pod.DiscardUnknownFields()
        metadata, spec = pod.metadata, pod.spec
        node = spec.node_name
        if node:
            spec.ClearField("node_name")
        state, references = self._state(pod, spec)
        labels, owners = tuple(metadata.labels), tuple(metadata.owner_references)
        deleted, annotations = metadata.deletion_timestamp, metadata.annotations
        created = metadata.creation_timestamp
        # By position, which takes half of the time.
        return Object(
            self._kind,
            sys.intern(metadata.namespace),
            metadata.name,
            metadata.uid,
            version_number(metadata.resource_version),
            metadata.generation,
            self._times.get(created) or self._time(created),
            bool(deleted) and self._time(deleted) != 0,
            self._labels.get(labels) or self._read_labels(labels),
            self._owners.get(owners) or self._read_owners(owners),
            state,
            references,
            None,
            self._release(annotations) if annotations else "",
            None,
            sys.intern(node),
        )

    def _state(self, pod: Any, spec: Any) -> tuple[PodState, tuple[Reference, ...]]:
        key = spec.SerializePartialToString(deterministic=True), pod.status.SerializePartialToString(deterministic=True)
        found = self._states.get(key)
        if found is None:
            reading = POD.read(pod, self._sharing)
            if not isinstance(reading.state, PodState):
                raise TypeError("pods have the state of pods")
            found = self._sharing.share(reading.state), self._sharing.share(reading.references)
            if len(key[0]) + len(key[1]) <= LONGEST:
                _remember(self._states, key, found)
        return found

    def _read_labels(self, entries: tuple[bytes, ...]) -> Labels:
        found = self._sharing.share(tuple(sorted(self._entries(entries).items())))
        return _remember(self._labels, entries, found) if sum(map(len, entries)) <= LONGEST else found

    def _read_owners(self, references: tuple[bytes, ...]) -> tuple[Owner, ...]:
        found = self._sharing.share(tuple(owner_of(self._open("owner", reference)) for reference in references))
        return _remember(self._owners, references, found) if sum(map(len, references)) <= LONGEST else found

    def _time(self, time: bytes) -> int:
        found: int = self._open("time", time).seconds
        return _remember(self._times, time, found)

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


def _remember(known: dict[K, V], key: K, value: V) -> V:
    if len(known) >= MOST:
        known.clear()
    known[key] = value
    return value
