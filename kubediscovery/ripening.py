"""Marks pods for which no node was found in time: what the clock says is put into them, so that health needs none.

kstatus gives a pod 15 seconds from its creation (pkg/kstatus/status/core.go, ScheduleWindow).
"""

import asyncio
import time
from collections.abc import Callable

from msgspec import structs

from kubediscovery.health_pods import is_unschedulable
from kubediscovery.objects import Object, PodState
from kubediscovery.store import Store

#: Seconds from a pod's creation.
WINDOW = 15

Later = Callable[[float, Callable[[], None]], object]


def ripened(item: Object, now: float) -> Object:
    """The object as it is ``now``, in seconds since 1970: a copy where it is a pod that is overdue."""
    if _remaining(item, now) > 0 or not _is_awaited(item):
        return item
    return structs.replace(item, state=structs.replace(item.state, overdue=True))


class Ripening:
    """Every object that is put into the store passes here first, and one that is too young is looked at again."""

    def __init__(self, store: Store, *, clock: Callable[[], float] = time.time, later: Later | None = None) -> None:
        self._store = store
        self._clock = clock
        self._later = later or _on_the_loop
        # One look a pod is enough: its creation never changes.
        self._awaited: set[str] = set()

    def ripen(self, item: Object) -> Object:
        """The object to put in its place, see :func:`ripened`."""
        if not _is_awaited(item):
            return item
        now = self._clock()
        remaining = _remaining(item, now)
        if remaining > 0 and item.uid not in self._awaited:
            self._awaited.add(item.uid)
            self._later(remaining, lambda: self._look(item.uid))
        return ripened(item, now)

    def _look(self, uid: str) -> None:
        self._awaited.discard(uid)
        held = self._store.get(uid)
        if held is not None:
            self._store.put(self.ripen(held))


def _is_awaited(item: Object) -> bool:
    state = item.state
    return isinstance(state, PodState) and not state.overdue and not item.deleting and is_unschedulable(state)


def _remaining(item: Object, now: float) -> float:
    return item.created + WINDOW - now


def _on_the_loop(delay: float, call: Callable[[], None]) -> object:
    return asyncio.get_running_loop().call_later(delay, call)
