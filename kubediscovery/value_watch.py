"""Watches of what typed handlers give: an object's value is asked for again when something in its tree has changed.

Nothing waits for a slow reader here: what happens meanwhile is in the journal, and whoever is further behind than that
lists again.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from weakref import WeakValueDictionary

from kubediscovery.broadcast import Past
from kubediscovery.effects import Affected, affected_by, in_order
from kubediscovery.errors import Expired
from kubediscovery.identity import User
from kubediscovery.journal import Journal
from kubediscovery.kinds import Kind
from kubediscovery.meta import ObjectMeta
from kubediscovery.negotiation import Representation
from kubediscovery.objects import EventType, Object
from kubediscovery.options import Options, Terms
from kubediscovery.shared_values import SharedValues, Told
from kubediscovery.sight import Sight
from kubediscovery.store import Store
from kubediscovery.values import Nothing, Value
from kubediscovery.watching import INITIAL_EVENTS_END, Batch, Watching

# Seconds from a change to its telling: what changes at about the same time is told together.
SOON = 0.02
# Values that are asked for before those that there are are sent.
_AT_ONCE = 32


class Changes:
    """Wakes all who watch values when anything in the store changes, and says for all at once what that touched."""

    def __init__(self, store: Store, journal: Journal, past: Past | None) -> None:
        self.store = store
        self.journal = journal
        self._past = past
        self._watches: set[ValueWatch] = set()
        self._shared: WeakValueDictionary[tuple[Sight, bytes], SharedValues] = WeakValueDictionary()
        # What the changes from a position on to the end touched, for who sees some kinds.
        self._touched: dict[tuple[int, frozenset[Kind]], Mapping[str, Affected]] = {}
        self._touched_until = journal.end
        store.observe(self)

    def add(self, watch: "ValueWatch") -> None:
        """Wake it from now on."""
        self._watches.add(watch)

    def drop(self, watch: "ValueWatch") -> None:
        """Wake it no more."""
        self._watches.discard(watch)

    def shared(self, sight: Sight, query: bytes, make: Callable[[], SharedValues]) -> SharedValues:
        """The values of all who have this sight and this query, as long as there is anybody who has."""
        found = self._shared.get((sight, query))
        if found is None:
            found = self._shared[sight, query] = make()
        return found

    def changed(self, before: Object | None, after: Object | None, version: int) -> None:
        """Something came, changed or went."""
        del before, after, version
        for watch in self._watches:
            watch.wake()

    def reset(self) -> None:
        """What is known of the kinds has changed, so that every value may be another."""
        for watch in list(self._watches):
            watch.ended(Expired("what is known of the cluster has changed, list again"))

    async def since(self, version: int) -> int:
        """Where in the journal somebody goes on who knows all up to ``version``.

        Raises :class:`Expired` where nobody knows that.
        """
        if self._past is not None:
            await self._past.reach(version)
        return self.journal.position(version)

    def touched(self, position: int, visible: frozenset[Kind]) -> Mapping[str, Affected]:
        """What was touched from a position of the journal on, by UID, in the order of :func:`in_order`.

        Raises :class:`Expired` where that is forgotten.
        """
        if self._touched_until != self.journal.end:
            self._touched_until = self.journal.end
            self._touched.clear()
        found = self._touched.get((position, visible))
        if found is None:
            affected = affected_by(self.store, self.journal.since(position), visible)
            found = self._touched[position, visible] = {
                each.last.uid: each for each in in_order(self.store, affected.values())
            }
        return found


@dataclass(frozen=True, slots=True)
class Watched:
    """What a watch is about: the objects of a kind, in a namespace or in all, of one name or all, and the selectors.

    ``visible`` are the kinds through which a change shows in what is above it; ``related`` that anything may.
    """

    kind: Kind
    namespace: str | None
    name: str
    options: Options
    visible: frozenset[Kind]
    related: bool

    def includes(self, item: Object) -> bool:
        """Whether the object is one of those."""
        if item.kind != self.kind or self.namespace not in (None, item.namespace) or self.name not in ("", item.name):
            return False
        labels, fields = self.options.labels, self.options.fields
        return (not labels.terms or labels.matches(dict(item.labels))) and (
            not fields.terms or fields.matches({"metadata.name": item.name, "metadata.namespace": item.namespace})
        )


class ValueWatch(Watching):
    """A watch of values, which it shares with others who see the same; ``user`` is who watches."""

    gathering = SOON

    def __init__(
        self,
        changes: Changes,
        watched: Watched,
        values: SharedValues,
        user: User,
        representation: Representation,
        terms: Terms,
        review: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(representation, terms, review)
        self._changes = changes
        self._watched = watched
        self._values = values
        self._user = user
        # Of what was shown the last value; nothing of what was there before.
        self._shown: dict[str, Told | None] = {}
        # What may have another value, with the version of that, and the position in the journal of what made it.
        self._due: dict[str, tuple[int, int]] = {}
        self._position = changes.journal.end

    def wake(self) -> None:
        """There may be something to tell."""
        self._wake.set()

    async def _open(self) -> AsyncGenerator[Batch, None]:
        self._changes.add(self)
        terms, journal = self._terms, self._changes.journal
        missed = (
            await self._changes.since(terms.since) if terms.since is not None and not terms.initial else journal.end
        )
        version, self._position = journal.issue(), journal.end
        if not terms.initial:
            self._shown = dict.fromkeys(item.uid for item in self._present())
            self._touch(missed)
        self._due |= {item.uid: (0, self._position) for item in self._present()} if terms.initial else {}
        batch: Batch = []
        while self._due:
            batch += await self._some()
            if batch and self._due:
                yield batch
                batch = []
                await self._review_in_time()
        if terms.initial and terms.marks_end:
            batch.append(self._bookmark(version, INITIAL_EVENTS_END))
        if batch:
            yield batch

    def _told_up_to(self) -> int:
        return self._changes.journal.issue()

    async def _take(self) -> Batch:
        position, self._position = self._position, self._changes.journal.end
        self._touch(position)
        batch = await self._some()
        self._behind = bool(self._due)
        if self._behind:
            self._wake.set()
        return batch

    def _marker(self, metadata: ObjectMeta, *, columns: bool) -> object:
        return self._values.form.bookmark(metadata, self._representation, columns=columns)

    def _leave(self) -> None:
        self._changes.drop(self)

    def _touch(self, position: int) -> None:
        """Note what is watched and may have another value since a position."""
        if position == self._changes.journal.end:
            return
        touched, watched = self._changes.touched(position, self._watched.visible), self._watched
        for uid, affected in touched.items():
            if affected.last.kind == watched.kind:
                if affected.came and self._shown.get(uid, ()) is None:
                    del self._shown[uid]
                if affected.item is None and uid not in self._shown and watched.includes(affected.last):
                    # Whoever goes on from before it went has it still.
                    self._shown[uid] = Told(Value(affected.last, Nothing()), position)
                self._add(uid, affected.went or affected.version, position + affected.place + 1)
        if watched.related:
            newest = max(change.version for change in self._changes.journal.since(position))
            for uid in self._all():
                if uid not in touched:
                    self._add(uid, newest, self._changes.journal.end)

    def _add(self, uid: str, version: int, position: int) -> None:
        # The last of its changes says when it is told.
        self._due.pop(uid, None)
        self._due[uid] = version, position

    async def _some(self) -> Batch:
        """The events of the first that are due."""
        batch: Batch = []
        for uid in list(islice(self._due, _AT_ONCE)):
            batch += await self._renewed(uid, *self._due.pop(uid))
        return batch

    def _all(self) -> Iterable[str]:
        return dict.fromkeys((*self._shown, *(item.uid for item in self._present())))

    def _present(self) -> Iterator[Object]:
        store, watched = self._changes.store, self._watched
        return filter(watched.includes, list(store.objects(watched.kind, watched.namespace)))

    async def _renewed(self, uid: str, version: int, position: int) -> Batch:
        """The event of an object whose value is another one now, if it is."""
        item = self._changes.store.get(uid)
        if item is None:
            self._values.forget(uid, self._user)
        if item is None or not self._watched.includes(item):
            return self._gone(uid, version)
        told = await self._values.ask(uid, self._user, position)
        if told.value is None:
            return self._gone(uid, version)
        known, before = uid in self._shown, self._shown.get(uid)
        if before is not None and before.digest == told.digest:
            return []
        self._shown[uid] = told
        return [self._line(EventType.MODIFIED if known else EventType.ADDED, told, told.value, version)]

    def _gone(self, uid: str, version: int) -> Batch:
        if uid not in self._shown:
            return []
        before, item = self._shown.pop(uid), self._changes.store.get(uid)
        if before is None and item is not None:
            before = Told(Value(item, Nothing()), 0)
        if before is None or before.value is None:
            return []
        return [self._line(EventType.DELETED, before, before.value, version)]

    def _line(self, type_: EventType, told: Told, value: Value, version: int) -> bytes:
        columns, self._columns = self._columns, False
        shown = value._replace(version=version)
        return self._values.line(type_, shown, told.digest, self._representation, columns=columns)
