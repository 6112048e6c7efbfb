"""Deployments, ReplicaSets and Pods as kube-apiserver sends them, in any number: made when they are asked for.

What one workload looked like in a real kube-apiserver is in ``templates/``. All that tells two of them apart has the
same length in each, so that an object is its template with other words in it, and a list as long as it is counted.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks.filled import Load
from benchmarks.wire import fields, with_field

_TEMPLATES = Path(__file__).parent / "templates"
#: Versions have so many digits; the first list is of this one.
FIRST_VERSION = 1_000_000_000
_METADATA, _UID, _VERSION = 1, 5, 6
_ANY_VERSION = b"__VERSION_"
# The words of the workload that was recorded, number 50 of 20 namespaces.
_WORDS = (
    rb"(?P<name>service-00050)",
    rb"(?P<namespace>team-010)",
    rb"(?P<hash>026c540a50)",
    rb"(?P<deployment>%s)",
    rb"(?P<replicaset>%s)",
    rb"(?P<pod>%s)",
    rb"(?P<suffix>(?<=-)0ceb0)",
    rb"(?P<node>node-007)",
    rb"(?P<version>" + _ANY_VERSION + rb")",
)


class Pattern:
    """The template of a kind, cut where words can be put in."""

    def __init__(self, template: bytes, words: re.Pattern[bytes]) -> None:
        self._parts: list[bytes] = []
        self._names: list[str] = []
        end = 0
        for found in words.finditer(template):
            self._parts.append(template[end : found.start()])
            self._names.append(str(found.lastgroup))
            end = found.end()
        self._parts.append(template[end:])
        self.length = len(template)

    def fill(self, words: Mapping[str, bytes]) -> bytes:
        """The object with these words; each is as long as that of the template."""
        made = bytearray(self._parts[0])
        for name, part in zip(self._names, self._parts[1:], strict=True):
            made += words[name]
            made += part
        return bytes(made)


@dataclass(frozen=True)
class SyntheticObjects:
    """A cluster that holds the load: Deployment and Pod numbers count from 0."""

    load: Load

    @cached_property
    def patterns(self) -> Mapping[str, Pattern]:
        """By the plural."""
        templates = {path.stem: path.read_bytes() for path in _TEMPLATES.glob("*.pb")}
        uids = [_metadata(templates[plural])[_UID] for plural in ("deployments", "replicasets", "pods")]
        remaining = iter(uids)
        words = re.compile(b"|".join(word % next(remaining) if b"%s" in word else word for word in _WORDS))
        return {plural: Pattern(_with_any_version(template), words) for plural, template in templates.items()}

    def count(self, plural: str) -> int:
        """How many there are; 0 of all other kinds."""
        return {"pods": self.load.deployments * self.load.pods}.get(plural, self.load.deployments * (plural in _OWNERS))

    def all(self, plural: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The objects of a kind, as they are in the first list."""
        for number in range(start, self.count(plural) if end is None else end):
            yield self.object(plural, number, FIRST_VERSION - 1)

    def object(self, plural: str, number: int, version: int) -> bytes:
        """One object at a version."""
        deployment = number // self.load.pods if plural == "pods" else number
        namespace, name = self.load.deployment(deployment)
        words = {
            "name": name.encode(),
            "namespace": namespace.encode(),
            "hash": hashlib.sha256(name.encode()).hexdigest()[:10].encode(),
            "deployment": _uid(1, deployment),
            "replicaset": _uid(2, deployment),
            "pod": _uid(3, number),
            "suffix": b"%05x" % (number % self.load.pods),
            "node": b"node-%03d" % (number % 100),
            "version": b"%010d" % version,
        }
        return self.patterns[plural].fill(words)


_OWNERS = frozenset(("deployments", "replicasets"))


def _uid(kind: int, number: int) -> bytes:
    return b"%08x-%04x-4000-8000-000000000000" % (number, kind)


def _metadata(item: bytes) -> dict[int, bytes]:
    found = {number: content for number, content, _ in fields(item)}[_METADATA]
    return {number: content for number, content, _ in fields(found)}


def _with_any_version(item: bytes) -> bytes:
    metadata = next(content for number, content, _ in fields(item) if number == _METADATA)
    return with_field(item, _METADATA, with_field(metadata, _VERSION, _ANY_VERSION))
