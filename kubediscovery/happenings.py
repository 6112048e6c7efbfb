"""What happened to the objects of the caches lately: which went, and which were changed in what somebody wants of them.

It is told by the store as it happens, and costs a short look at each change: what is new in a status is of no concern
here. When an object came it says itself.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from kubediscovery.field_paths import Path
from kubediscovery.objects import CronJobState, JobState, Labels, Object, WorkloadState

# What is kept, at some 200 bytes each beside the objects that are gone.
CAPACITY = 5_000
_Field = tuple[Path, object, object]


class Happened(StrEnum):
    """What happened to an object."""

    CREATED = "Created"
    CHANGED = "Changed"
    DELETED = "Deleted"


class Happening(NamedTuple):
    """What happened to an object, which is in its last state; ``time`` is in seconds since 1970.

    ``fields`` are paths with what was there before and is now, None for nothing: those alone that the caches have.
    """

    time: float
    what: Happened
    item: Object
    version: int
    fields: tuple[_Field, ...] = ()


class Happenings:
    """Observes a store: what may be in a tree, which is what has owners and what can be a root."""

    def __init__(self, *, capacity: int = CAPACITY, clock: Callable[[], float] = time.time) -> None:
        self._found: deque[Happening] = deque(maxlen=capacity)
        self._clock = clock
        self._began = clock()
        self._forgotten = 0.0

    @property
    def since(self) -> float:
        """From when on nothing is missing."""
        return max(self._began, self._forgotten)

    def changed(self, before: Object | None, after: Object | None, version: int) -> None:
        """See :class:`kubediscovery.store.Observer`."""
        if before is None or not (before.owners or before.kind.workload):
            return
        if after is None:
            self._add(Happening(self._clock(), Happened.DELETED, before, version))
        elif before.generation != after.generation or before.labels is not after.labels:
            fields = tuple(_fields(before, after))
            if fields or before.generation != after.generation:
                self._add(Happening(self._clock(), Happened.CHANGED, after, version, fields))

    def reset(self) -> None:
        """A kind has become known, or unknown: before now something may be missing."""
        self._began = self._clock()

    def after(self, moment: float) -> list[Happening]:
        """What happened since, in the order in which it was told."""
        return [found for found in self._found if found.time >= moment]

    def _add(self, found: Happening) -> None:
        if len(self._found) == self._found.maxlen:
            self._forgotten = max(self._forgotten, self._found[0].time)
        self._found.append(found)


def among(
    happened: Iterable[Happening], root: Object, children: Callable[[Object], Iterable[Object]]
) -> tuple[list[Object], list[Happening]]:
    """The objects of the tree below an object, those that are gone too, and what happened to them.

    In it is what is owned now, and what was owned when it went.
    """
    told = list(happened)
    gone: dict[str, list[Object]] = {}
    for found in told:
        for owner in found.item.owners if found.what is Happened.DELETED else ():
            gone.setdefault(owner.uid, []).append(found.item)
    members, stack = {root.uid: root}, [root]
    while stack:
        item = stack.pop()
        for child in (*children(item), *gone.get(item.uid, ())):
            if child.uid not in members:
                members[child.uid] = child
                stack.append(child)
    return list(members.values()), [found for found in told if found.item.uid in members]


def _fields(before: Object, after: Object) -> Iterator[_Field]:
    yield from _of_labels(before.labels, after.labels)
    former, present = dict(_written(before)), dict(_written(after))
    for name in former.keys() | present.keys():
        if former.get(name) != present.get(name):
            yield ("spec", name), former.get(name), present.get(name)


def _of_labels(before: Labels, after: Labels) -> Iterator[_Field]:
    if before is not after and before != after:
        former, present = dict(before), dict(after)
        for name in sorted(former.keys() | present.keys()):
            if former.get(name) != present.get(name):
                yield ("metadata", "labels", name), former.get(name), present.get(name)


def _written(item: Object) -> Iterator[tuple[str, object]]:
    """What of the state is not the status."""
    state = item.state
    if isinstance(state, WorkloadState) and item.kind.kind != "DaemonSet":
        yield "replicas", state.desired
    elif isinstance(state, JobState):
        yield "parallelism", state.parallelism
        yield "suspend", state.suspended
    elif isinstance(state, CronJobState):
        yield "schedule", state.schedule
        yield "suspend", state.suspended
