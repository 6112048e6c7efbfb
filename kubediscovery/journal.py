"""What changed lately, in the order in which it arrived, so that a watch can go on where another one ended.

Resource versions are kube-apiserver's own, and each kind arrives by a watch of its own: a version of one kind may
arrive before a lower one of another. A version that this process gave out therefore stands for the place in the journal
at which it was given out; one that another replica gave out stands for some seconds before it arrived here. Whoever
goes on may be told something twice, never nothing.
"""

import math
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

from kubediscovery.errors import Expired
from kubediscovery.kinds import Kind
from kubediscovery.objects import Object
from kubediscovery.store import Coverage, Store

# Changes that are kept at least, at some 200 bytes each.
CAPACITY = 20_000
# Seconds by which the watches of two kinds, here and on another replica, may be apart.
OVERLAP = 10.0
# The same in versions, for changes of which nobody knows when they arrived anywhere.
SLACK = 500


class Change(NamedTuple):
    """One change of one object.

    ``owners`` are the UIDs of its owners before and after. ``came`` says that it was not there before; ``before`` is
    its former state, where it went or where its owners or labels are others now. It is not ``certain`` where nobody
    knows whether they are.
    """

    version: int
    kind: Kind
    uid: str
    owners: tuple[str, ...]
    came: bool = False
    before: Object | None = None
    certain: bool = True


def change_between(before: Object | None, after: Object | None, version: int) -> Change:
    """The change from one state to another, of which one may be None."""
    states = [state for state in (after, before) if state is not None]
    owners = tuple(dict.fromkeys(owner.uid for state in states for owner in state.owners))
    is_like_before = before and after and before.owners == after.owners and before.labels == after.labels
    kind, uid = states[0].kind, states[0].uid
    return Change(version, kind, uid, owners, before is None, None if is_like_before else before)


class Journal:
    """Observes a store; positions count changes and are never given to anybody outside of the process.

    All changes after ``begin`` are here, and whoever has seen everything up to ``oldest`` can go on. It never reaches
    back beyond ``floor``, where other kinds were known.
    """

    def __init__(self, store: Store, *, capacity: int = CAPACITY, timer: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._capacity = capacity
        self._timer = timer
        self._start = 0
        # So many of the changes were read from history.
        self._earlier = 0
        self._changes: list[Change] = []
        # For each change when it arrived, and the highest version that had arrived by then.
        self._times: list[float] = []
        self._peaks: list[int] = []
        self._issued: dict[int, int] = {}
        self._began = not store.pending
        # All that arrived after this time is here.
        self._whole_since = -math.inf
        self.begin = self.oldest = store.version
        self.floor = 0
        store.observe(self)

    @property
    def known_kinds(self) -> list[Kind]:
        """The kinds whose changes are noted."""
        return [kind for kind in self._store.kinds if self._store.coverage(kind) is Coverage.COMPLETE]

    @property
    def end(self) -> int:
        """The position after the last change."""
        return self._start + len(self._changes)

    def changed(self, before: Object | None, after: Object | None, version: int) -> None:
        """Note one change."""
        self._changes.append(change_between(before, after, version))
        self._times.append(self._timer())
        self._peaks.append(max(version, self._peaks[-1]) if self._peaks else version)
        if len(self._changes) >= 2 * self._capacity:
            self._forget(self._capacity)

    def reset(self) -> None:
        """What changed before is of no use any more; while kinds become known for the first time, it can be read."""
        self._forget(len(self._changes))
        self._issued.clear()
        self._whole_since = self._timer()
        self.begin = self.oldest = max(self.oldest, self._store.version)
        if self._began:
            self.floor = self.oldest
        self._began = self._began or not self._store.pending

    def issue(self) -> int:
        """The version that whoever was told everything up to now may go on from."""
        version = self._store.version
        self._issued.setdefault(version, self.end)
        return version

    def since(self, position: int, most: int | None = None) -> Sequence[Change]:
        """The changes from a position on, at most so many; raises :class:`Expired` where some of them are forgotten."""
        if position < self._start:
            raise Expired("too many changes since, list again")
        first = position - self._start
        return self._changes[first : None if most is None else first + most]

    def covers(self, version: int) -> bool:
        """Whether all is here that somebody may have missed who has seen everything up to ``version``."""
        if version in self._issued:
            return self._issued[version] >= self._start
        arrival = self._arrival(version)
        return version >= self.oldest and (arrival is None or arrival - OVERLAP > self._whole_since)

    def position(self, version: int) -> int:
        """Where to go on for who has seen everything up to ``version``.

        Raises :class:`Expired`, in the words of k8s.io/apiserver (pkg/storage/cacher/watch_cache.go), for one that is
        older than what is kept.
        """
        if not self.covers(version):
            raise Expired(f"too old resource version: {version} ({max(self.oldest, version + 1)})")
        issued = self._issued.get(version)
        if issued is not None:
            return issued
        arrival = self._arrival(version)
        index = 0 if arrival is None else bisect_left(self._times, arrival - OVERLAP)
        if index <= self._earlier:
            index = bisect_right(self._peaks, version - SLACK, 0, self._earlier)
        return self._start + min(index, bisect_left(self._peaks, version))

    def prepend(self, changes: Iterable[Change], begin: int, oldest: int) -> None:
        """Add the changes after ``begin`` that this process was too young to see, in the order of their versions."""
        earlier = list(changes)
        self._changes[:0] = earlier
        self._times[:0] = [-math.inf] * len(earlier)
        self._peaks = list(accumulate((change.version for change in self._changes), max))
        self._start -= len(earlier)
        self._earlier += len(earlier)
        self._whole_since = -math.inf
        self.begin, self.oldest = min(self.begin, begin), min(self.oldest, oldest)

    def _arrival(self, version: int) -> float | None:
        """When a version first arrived; None where that was before this process began."""
        index = bisect_left(self._peaks, version)
        if index < self._earlier:
            return None
        return self._times[index] if index < len(self._times) else self._timer()

    def _forget(self, count: int) -> None:
        if not count:
            return
        peak = self._peaks[count - 1]
        if count <= self._earlier:
            self.oldest = max(self.oldest, peak + SLACK)
        else:
            self.oldest = max(self.oldest, peak)
            self._whole_since = self._times[count - 1]
        self.begin = max(self.begin, peak)
        self._earlier = max(0, self._earlier - count)
        self._start += count
        del self._changes[:count], self._times[:count], self._peaks[:count]
        # The present version may be given out again: it counts from the first time.
        present = self._store.version
        self._issued = {
            version: found for version, found in self._issued.items() if found >= self._start or version == present
        }
