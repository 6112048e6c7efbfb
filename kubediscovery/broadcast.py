"""Changes in the store, as events for all open watches.

What changes at about the same time is told together: the first change is waited after for some milliseconds, and under
load for some times what the telling took of the processor, so that it never takes the whole of it. What is more than
can be told in a turn is told in several.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from kubediscovery.composition import composition_name
from kubediscovery.compositions import Compositions
from kubediscovery.effects import Affected, affected_by, in_order
from kubediscovery.errors import Expired, StatusError
from kubediscovery.journal import Change, Journal
from kubediscovery.kinds import Kind
from kubediscovery.objects import Object
from kubediscovery.sight import Sight
from kubediscovery.store import Store
from kubediscovery.turns import TURN, Turns
from kubediscovery.views import Selection, View, WatchEvent, needs_tree, roots_of

# Seconds from a change to its telling, at least and at most; between them, so many times what the last one took.
SHORTEST, LONGEST, SHARE = 0.001, 0.1, 3
# Changes that are told together before the time is looked at, and the part of a turn after which another one follows
# where there is more to tell: it must not fall behind what comes.
_AT_ONCE, _REST = 25, 1 / 3


class Past(Protocol):
    """Who knows what happened before the journal begins."""

    async def reach(self, version: int) -> None:
        """Lengthen the journal back to a version, if that can be done."""
        ...


Told = Callable[[list[WatchEvent]], None]
Ended = Callable[[StatusError], None]


class Listener(Protocol):
    """Who is told of a view's events, and of the end, by calls that return at once."""

    @property
    def told(self) -> Told:
        """Takes events."""
        ...

    @property
    def ended(self) -> Ended:
        """Takes the error that was the end."""
        ...


@dataclass(eq=False, slots=True)
class Subscriber:
    """A listener made of two functions."""

    told: Told
    ended: Ended


@dataclass(slots=True)
class _Audience:
    """The views of all who may see the same kinds; those that can show only one composition are found by its name."""

    several: list[View] = field(default_factory=list)
    by_name: dict[tuple[str, str], list[View]] = field(default_factory=dict)

    def views(self, item: Object) -> Iterable[View]:
        return (*self.by_name.get((item.namespace, composition_name(item)), ()), *self.several)

    def among(self, view: View) -> list[View]:
        """The list that the view belongs into."""
        return self.several if view.one_name is None else self.by_name.setdefault(view.one_name, [])

    def drop(self, view: View) -> None:
        self.among(view).remove(view)
        if view.one_name is not None and not self.by_name[view.one_name]:
            del self.by_name[view.one_name]


class Broadcaster:
    """Observes the store; everything happens on the event loop, between two awaits."""

    def __init__(
        self,
        store: Store,
        compositions: Compositions,
        journal: Journal,
        past: Past | None = None,
        turns: Turns | None = None,
    ) -> None:
        #: Whose turns long work for watches has.
        self.turns = turns or Turns()
        self._store = store
        self._compositions = compositions
        self.journal = journal
        self._past = past
        self._told = journal.end
        self._timer: asyncio.TimerHandle | None = None
        self._took = 0.0
        self._subscribers: dict[View, set[Listener]] = {}
        self._views: dict[tuple[Selection, Sight], View] = {}
        self._audiences: dict[frozenset[Kind], _Audience] = {}
        # Which change a view has shown of an object, where others are still to be told: it showed what these made, too.
        self._shown: dict[tuple[View, str], int] = {}
        store.observe(self)

    @property
    def watches(self) -> int:
        """How many are told."""
        return sum(map(len, self._subscribers.values()))

    def looks(self, selection: Selection, sight: Sight) -> Iterator[object]:
        """The looks at trees that :meth:`subscribe` would take at once, so that they are at hand by then."""
        if not needs_tree(selection) or (selection, sight) in self._views:
            return
        for root in roots_of(self._store, selection):
            held = self._store.get(root.uid)
            yield held and self._compositions.fields(held, sight, selection.drawing)

    def subscribe(self, selection: Selection, sight: Sight, subscriber: Listener) -> View:
        """Tell the subscriber of all that changes in the view from now on."""
        self._tell_all()
        view = self._views.get((selection, sight))
        if view is None:
            view = View(self._store, self._compositions, selection, sight)
            self._views[selection, sight] = view
            self._subscribers[view] = set()
            self._audiences.setdefault(sight.kinds, _Audience()).among(view).append(view)
        self._subscribers[view].add(subscriber)
        return view

    def unsubscribe(self, view: View, subscriber: Listener) -> None:
        """Tell the subscriber nothing more."""
        subscribers = self._subscribers.get(view)
        if subscribers is None:
            return
        subscribers.discard(subscriber)
        if not subscribers:
            self._drop(view)

    def told(self) -> int:
        """Tell what is to be told, and give the version up to which all was."""
        self._tell_all()
        return self.journal.issue()

    async def changes_since(self, version: int) -> Sequence[Change]:
        """What somebody has missed who knows all up to ``version``; raises :class:`Expired` where nobody knows that."""
        if self._past is not None:
            await self._past.reach(version)
        return self.journal.since(self.journal.position(version))

    def changed(self, before: Object | None, after: Object | None, version: int) -> None:
        """Tell of it soon."""
        del before, after, version
        if self._timer is None and self._views:
            delay = min(max(SHORTEST, SHARE * self._took), LONGEST)
            self._timer = asyncio.get_running_loop().call_later(delay, self._tell)

    def reset(self) -> None:
        """All watches end: what is known of the kinds has changed, so that every tree may be another."""
        self.end(Expired("what is known of the cluster has changed, list again"))

    def end(self, error: StatusError) -> None:
        """End all watches."""
        subscribers = [found for several in self._subscribers.values() for found in several]
        for view in list(self._subscribers):
            self._drop(view)
        for subscriber in subscribers:
            subscriber.ended(error)

    def _drop(self, view: View) -> None:
        del self._subscribers[view], self._views[view.selection, view.sight]
        audience = self._audiences[view.sight.kinds]
        audience.drop(view)
        if not audience.several and not audience.by_name:
            del self._audiences[view.sight.kinds]

    def _tell(self) -> None:
        """Tell what can be told in a turn, and the rest after a pause."""
        self._timer = None
        if not self._views:
            self._told = self.journal.end
        started, worked = time.perf_counter(), time.thread_time()
        while self._told != self.journal.end and time.perf_counter() - started < TURN:
            self._tell_some(_AT_ONCE)
        self._forget_shown()
        self._took = time.thread_time() - worked
        if self._told != self.journal.end and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._took * _REST, self._tell)

    def _tell_all(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._views:
            self._told = self.journal.end
        while self._told != self.journal.end:
            self._tell_some(_AT_ONCE)
        self._forget_shown()

    def _forget_shown(self) -> None:
        if self._shown:
            told = self._told
            self._shown = {shown: end for shown, end in self._shown.items() if end > told}

    def _tell_some(self, most: int) -> None:
        position = self._told
        try:
            changes = self.journal.since(position, most)
        except Expired as error:
            self._told = self.journal.end
            self.end(error)
            return
        self._told = position + len(changes)
        events: dict[View, list[WatchEvent]] = {}
        for visible, audience in self._audiences.items():
            for affected in in_order(self._store, affected_by(self._store, changes, visible).values()):
                self._show(affected, position + affected.place, audience, events)
        for view, found in events.items():
            for subscriber in list(self._subscribers.get(view, ())):
                subscriber.told(found)

    def _show(self, affected: Affected, place: int, audience: _Audience, events: dict[View, list[WatchEvent]]) -> None:
        end = self.journal.end
        for view in audience.views(affected.last):
            shown = (view, affected.last.uid)
            if self._shown.get(shown, 0) > place:
                continue
            event = view.event(affected)
            if event is not None:
                events.setdefault(view, []).append(event)
            if self._told != end:
                self._shown[shown] = end
