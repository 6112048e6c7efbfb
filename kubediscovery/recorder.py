"""The versions of objects that went by, in a bounded part of the memory.

What is in the way goes in this order: of an object that has too many versions its oldest; of all objects together what
was followed by something newer, the longest ago first; and only then what objects are like now.
"""

import heapq
from collections.abc import Callable, Sequence
from itertools import count

from msgspec import structs

from kubediscovery.kinds import Kind
from kubediscovery.sightings import Sighting

# What a version costs beside its compressed document: the values, their places in tables, and the texts in them.
OVERHEAD = 500


class Recorder:
    """Keeps ``most_versions`` of an object, and ``most_bytes`` in all; documents of more than ``largest`` bytes never.

    ``told`` is told of every version that is new. All of it happens on one thread.
    """

    def __init__(
        self,
        *,
        most_bytes: int,
        most_versions: int,
        largest: int,
        told: Callable[[Sighting], None] = lambda _: None,
    ) -> None:
        self._most_bytes, self._most_versions, self._largest = most_bytes, most_versions, largest
        self._told = told
        # By UID: the versions in their order; of each kind what objects are like now.
        self._versions: dict[str, tuple[Sighting, ...]] = {}
        self._marks: dict[Kind, dict[str, int]] = {}
        # When a version was followed by another one, and which; some of them may be gone.
        self._former: list[tuple[float, int, Sighting]] = []
        self._numbers = count()
        self.held = self.bytes = self.dropped = self.too_large = 0

    def marks(self, kind: Kind) -> dict[str, int]:
        """By UID, the marks of the objects of a kind that are there: a document with another one may be a new version.

        Who watches the kind writes them.
        """
        return self._marks.setdefault(kind, {})

    def record(self, found: Sighting) -> bool:
        """Keep a version; gives whether it is one that was not known."""
        if found.size > self._largest:
            self.too_large += 1
            return False
        versions = [*self._versions.get(found.uid, ())]
        same = next((place for place, held in enumerate(versions) if _is_same(held, found)), None)
        if same is not None:
            versions[same] = _joined(versions[same], found)
            self._versions[found.uid] = tuple(versions)
            self._supersede(versions, same)
            return False
        place = len([held for held in versions if _order(held) <= _order(found)])
        if _is_neighbour(versions, place, found):
            return False
        versions.insert(place, found)
        self._versions[found.uid] = tuple(versions)
        self._count(found, 1)
        self._supersede(versions, place)
        if len(versions) > self._most_versions:
            self._drop(versions[0])
        while self.bytes > self._most_bytes and self.held:
            self._drop_one()
        self._told(found)
        return True

    def versions(self, uid: str) -> list[Sighting]:
        """What is kept of an object, the oldest first."""
        return [*self._versions.get(uid, ())]

    def is_there(self, uid: str) -> bool:
        """Whether the object was seen and is not deleted; asked on any thread."""
        return any(uid in marks for marks in list(self._marks.values()))

    def _supersede(self, versions: Sequence[Sighting], place: int) -> None:
        """Note that the version before has been followed, and so has this one where it is not the newest."""
        for former in (place - 1, place):
            if 0 <= former < len(versions) - 1:
                heapq.heappush(self._former, (versions[former + 1].seen, next(self._numbers), versions[former]))
        if len(self._former) > 2 * self.held + 100:
            self._former = [entry for entry in self._former if self._holds(entry[2])]
            heapq.heapify(self._former)

    def _drop_one(self) -> None:
        while self._former:
            _, _, former = heapq.heappop(self._former)
            if self._holds(former):
                self._drop(former)
                return
        self._drop(next(iter(self._versions.values()))[0])

    def _holds(self, version: Sighting) -> bool:
        return any(held is version for held in self._versions.get(version.uid, ()))

    def _drop(self, version: Sighting) -> None:
        left = tuple(held for held in self._versions[version.uid] if held is not version)
        if left:
            self._versions[version.uid] = left
        else:
            del self._versions[version.uid]
        self._count(version, -1)
        self.dropped += 1

    def _count(self, version: Sighting, sign: int) -> None:
        self.held += sign
        self.bytes += sign * (len(version.blob) + OVERHEAD)


def _order(version: Sighting) -> tuple[int, int]:
    return version.generation, version.resource_version


def _is_same(held: Sighting, found: Sighting) -> bool:
    """Of kinds without a generation the resource version alone tells when something was so."""
    if held.digest != found.digest:
        return False
    return held.generation == found.generation if held.generation else held.resource_version == found.resource_version


def _is_neighbour(versions: list[Sighting], place: int, found: Sighting) -> bool:
    """Whether the version before it is the same already."""
    return place > 0 and versions[place - 1].digest == found.digest


def _joined(held: Sighting, found: Sighting) -> Sighting:
    earlier = [time for time in (held.seen, found.seen) if time]
    return structs.replace(
        held,
        seen=min(earlier, default=0.0),
        resource_version=min(held.resource_version, found.resource_version),
        manager=held.manager or found.manager,
        origins=held.origins | found.origins,
    )
