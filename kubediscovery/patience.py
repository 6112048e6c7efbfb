"""A get that waits: answered once a composition is as somebody wants it, and otherwise when the time is over.

It is a request like any other to kube-apiserver, which ends it after a minute, so that it ends before that.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from kubediscovery.broadcast import Broadcaster, Subscriber
from kubediscovery.composition import Composition
from kubediscovery.compositions import Target
from kubediscovery.drawing import Drawing
from kubediscovery.kinds import Kinds
from kubediscovery.objects import EventType
from kubediscovery.reviews import REVIEW_MAX_AGE
from kubediscovery.selectors import EVERYTHING, Requirement, Selector
from kubediscovery.sight import Sight
from kubediscovery.views import Selection, WatchEvent
from kubediscovery.wish import Wish


@dataclass(frozen=True, slots=True)
class Asking:
    """What is asked for, and by whom.

    ``answer`` gives the composition as somebody with this sight sees it, and raises what there is instead. ``review``
    asks once more what may be seen, and raises where the request itself may not be any more. ``drawing`` is what is
    drawn of it. ``left`` returns when nobody waits for the answer any longer.
    """

    wish: Wish
    answer: Callable[[Sight], Composition]
    review: Callable[[], Awaitable[Sight]]
    drawing: Drawing
    left: Callable[[], Awaitable[None]]


class Granted(NamedTuple):
    """The composition as it is now, and whether it is in one of the states that were wished for."""

    composition: Composition
    reached: bool


class Patience:
    """Waits without asking again and again: it is told of changes as watches are."""

    def __init__(self, broadcaster: Broadcaster, kinds: Kinds) -> None:
        self._broadcaster = broadcaster
        self._kinds = kinds

    async def wait(self, asking: Asking, sight: Sight) -> Granted:
        """The answer, with rights that were reviewed just before; raises what ``asking`` raises.

        Nothing that is not there at the beginning is waited for, and whatever goes meanwhile is not found.
        """
        now = asyncio.get_running_loop().time
        reviewed, is_fresh = now(), True
        left = asyncio.ensure_future(asking.left())
        try:
            async with _Until(now() + asking.wish.seconds, left) as until:
                while True:
                    composition = asking.answer(sight)
                    is_granted = _is_granted(asking.wish, composition)
                    if not is_granted and not until.is_over:
                        await self._change(asking, composition, sight, until)
                        is_fresh = now() - reviewed < REVIEW_MAX_AGE
                    elif is_fresh or left.done():
                        return Granted(composition, is_granted)
                    else:
                        sight, reviewed, is_fresh = await asking.review(), now(), True
        finally:
            left.cancel()

    async def _change(self, asking: Asking, composition: Composition, sight: Sight, until: "_Until") -> None:
        """Return when it may be as wanted, or may be gone; at the latest when the time is over."""

        def told(events: list[WatchEvent]) -> None:
            if any(event.type is EventType.DELETED or _is_granted(asking.wish, event.composition) for event in events):
                until.wake.set()

        subscriber = Subscriber(told, lambda _: until.wake.set())
        view = self._broadcaster.subscribe(self._selection(composition, asking.drawing), sight, subscriber)
        try:
            await until.wake.wait()
            until.wake.clear()
        finally:
            self._broadcaster.unsubscribe(view, subscriber)

    def _selection(self, composition: Composition, drawing: Drawing) -> Selection:
        """The one composition, also where it is that of no root."""
        root, name = composition.root, composition.metadata.name
        kind = self._kinds.by_api_version(root.api_version, root.kind)
        named = Selector((Requirement("metadata.name", "in", frozenset((name,))),))
        return Selection(Target(kind, composition.metadata.namespace), EVERYTHING, named, drawing)


async def gone(receive: Callable[[], Awaitable[Mapping[str, Any]]], draining: asyncio.Event) -> None:
    """Return when the caller has hung up, or when this process is to end and takes nothing new."""
    ending = asyncio.create_task(draining.wait())
    hearing = asyncio.create_task(_hung_up(receive))
    try:
        await asyncio.wait((ending, hearing), return_when=asyncio.FIRST_COMPLETED)
    finally:
        ending.cancel()
        hearing.cancel()


async def _hung_up(receive: Callable[[], Awaitable[Mapping[str, Any]]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class _Until:
    """The end of the waiting: a time, or that nobody waits any longer; either sets ``wake``."""

    def __init__(self, when: float, left: "asyncio.Future[None]") -> None:
        self.wake = asyncio.Event()
        self._when = when
        self._left = left

    @property
    def is_over(self) -> bool:
        """Whether it has come."""
        return self._left.done() or asyncio.get_running_loop().time() >= self._when

    async def __aenter__(self) -> "_Until":
        self._timer = asyncio.get_running_loop().call_at(self._when, self.wake.set)
        self._left.add_done_callback(self._wake)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._timer.cancel()
        self._left.remove_done_callback(self._wake)

    def _wake(self, _: object) -> None:
        self.wake.set()


def _is_granted(wish: Wish, composition: Composition) -> bool:
    return wish.is_granted(composition.status.rollout, composition.status.health)
