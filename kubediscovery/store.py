"""The caches: objects by kind, name and UID, and children by their owners' UIDs.

All of it is synchronous and does no I/O: between two awaits nobody sees half a change. Reflectors write through
:class:`kubediscovery.cache.KindCache`, one a kind; everybody else reads.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from kubediscovery.kinds import Kind, Kinds
from kubediscovery.links import Links
from kubediscovery.objects import Object
from kubediscovery.ownership import Ownership
from kubediscovery.roots import may_own
from kubediscovery.tables import Coverage, Table

__all__ = ["Coverage", "Observer", "Store", "may_own"]


class Observer(Protocol):
    """Who is told of every change after the first list of a kind, while it happens; must not write to the store."""

    def changed(self, before: Object | None, after: Object | None, version: int) -> None:
        """An object came, changed or went; ``version`` is the resource version of that change."""
        ...

    def reset(self) -> None:
        """A kind has become known, or unknown: nothing that was said of the trees need hold."""
        ...


class Store:
    """Objects of all tracked kinds, with the ownership index."""

    def __init__(self, kinds: Kinds) -> None:
        #: The kinds that are followed; change them with :meth:`follow`.
        self.kinds = kinds
        #: The kinds of which there ever was an object, and one with an owner: no other can be below a root.
        self.seen: frozenset[Kind] = frozenset()
        self.owned: frozenset[Kind] = frozenset()
        #: Grows with every change of an object, and of what is known of a kind; while it stays, so does every answer.
        self.generation = 0
        #: Grows whenever a kind has become known, or unknown.
        self.era = 0
        #: Who names, selects and tells of whom.
        self.links = Links()
        self._observers: list[Observer] = []
        self._tables = {kind: Table() for kind in kinds}
        self._pending = dict.fromkeys(kinds)
        self._by_uid: dict[str, Object] = {}
        self._ownership = Ownership(self._by_uid)

    @property
    def version(self) -> int:
        """The highest resource version seen of any kind."""
        return max((table.version for table in self._tables.values()), default=0)

    @property
    def pending(self) -> list[Kind]:
        """The kinds whose first list has not come yet, those left out that came later than the others."""
        return list(self._pending)

    @property
    def omitted(self) -> Mapping[Kind, Coverage]:
        """The kinds of which nothing is known, with the reason."""
        return {kind: table.coverage for kind, table in self._tables.items() if table.coverage.omits}

    def count(self, kind: Kind) -> int:
        """How many objects of the kind there are."""
        table = self._tables.get(kind)
        return table.count if table is not None else 0

    def coverage(self, kind: Kind) -> Coverage:
        """What is known of the kind."""
        table = self._tables.get(kind)
        return table.coverage if table is not None else Coverage.NOT_FOUND

    def follow(self, kinds: Iterable[Kind]) -> None:
        """Track exactly these kinds from now on: what is held of others is dropped.

        While the first lists are awaited those of new kinds are too; later nobody waits for them.
        """
        wanted = dict.fromkeys(kinds)
        is_filled = bool(self._tables) and not self._pending
        gone = [kind for kind in self._tables if kind not in wanted]
        for kind in gone:
            self._drop(kind)
        for kind in wanted:
            if kind not in self._tables:
                self._tables[kind] = Table(came_late=is_filled)
                if not is_filled:
                    self._pending[kind] = None
        self.kinds.become(wanted)
        self.generation += 1
        self.era += 1

    def observe(self, observer: Observer) -> None:
        """Tell the observer of every change from now on."""
        self._observers.append(observer)

    def get(self, uid: str) -> Object | None:
        """The object with this UID."""
        return self._by_uid.get(uid)

    def held(self, item: Object) -> Object:
        """The value that is held of an object where it is equal to this one, else this one."""
        known = self._by_uid.get(item.uid)
        return known if known is not None and _is_same(known, item) else item

    def find(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """The object of this name; cluster-scoped objects have the empty namespace."""
        table = self._tables.get(kind)
        return table.namespaces.get(namespace, {}).get(name) if table is not None else None

    def objects(self, kind: Kind, namespace: str | None = None) -> Iterator[Object]:
        """The objects of a kind, of one namespace or of all; not to be held across an await."""
        table = self._tables.get(kind)
        return table.objects(namespace) if table is not None else iter(())

    def namespaces(self, kind: Kind) -> list[str]:
        """The namespaces that have objects of a kind."""
        table = self._tables.get(kind)
        return list(table.namespaces) if table is not None else []

    def owners(self, child: Object) -> list[Object]:
        """See :meth:`Ownership.owners`."""
        return self._ownership.owners(child)

    def children(self, owner: Object) -> list[Object]:
        """See :meth:`Ownership.children`."""
        return self._ownership.children(owner)

    def losses(self, owner: Object) -> Mapping[Kind, int]:
        """See :meth:`Ownership.losses`."""
        return self._ownership.losses(owner)

    def is_leaf(self, item: Object) -> bool:
        """See :meth:`Ownership.is_leaf`."""
        return self._ownership.is_leaf(item)

    def is_root(self, item: Object) -> bool:
        """See :meth:`Ownership.is_root`."""
        return self._ownership.is_root(item)

    def roots(self, namespace: str | None = None) -> Iterator[Object]:
        """See :meth:`Ownership.roots`; without a namespace those of all."""
        return self._ownership.roots(namespace)

    def replace(self, kind: Kind, objects: Iterable[Object], version: int) -> None:
        """These are all objects of the kind: what else was held is dropped."""
        table = self._tables.get(kind)
        if table is None:
            return
        fresh = {item.uid: item for item in objects}
        for stale in [held for held in table.objects(None) if held.uid not in fresh]:
            self.remove(stale, version)
        for item in fresh.values():
            self.put(item)
        self.complete(kind, version)

    def complete(self, kind: Kind, version: int) -> None:
        """All objects of the kind are here as they are at this version, and no others."""
        table = self._tables.get(kind)
        if table is None:
            return
        former, table.coverage = table.coverage, Coverage.COMPLETE
        self._pending.pop(kind, None)
        self.advance(kind, version)
        if former is Coverage.PENDING and table.came_late:
            self._renew()
        elif former is not Coverage.COMPLETE:
            self._reset()

    def put(self, item: Object) -> None:
        """Add the object, or put it in the place of those with its UID or its name."""
        if item.kind not in self._tables:
            return
        known = self._by_uid.get(item.uid)
        if known is not None and _is_same(known, item):
            return
        if known is not None and _place(known) != _place(item):
            # Never so in a cluster; files may say anything.
            self.remove(known)
            known = None
        self.generation += 1
        namesake = self.find(item.kind, item.namespace, item.name)
        if namesake is not None and namesake.uid != item.uid:
            # Recreated under the same name: the deletion of the former was missed or is still to come.
            self.remove(namesake, item.resource_version)
        table = self._tables[item.kind]
        if known is None:
            table.count += 1
        elif known.owners != item.owners:
            self._ownership.unlink(known, item.resource_version)
        table.namespaces.setdefault(item.namespace, {})[item.name] = item
        self._by_uid[item.uid] = item
        self._ownership.link(known, item)
        self.links.change(known, item, item.resource_version)
        if item.kind not in self.seen:
            self.seen |= {item.kind}
        if item.owners and item.kind not in self.owned:
            self.owned |= {item.kind}
        self._tell(table, known, item, item.resource_version)

    def remove(self, item: Object, version: int = 0) -> None:
        """Drop the object with this UID; one that took its name since stays.

        ``version`` is that of the deletion, where it is not the item's own.
        """
        held = self._by_uid.pop(item.uid, None)
        if held is None:
            return
        self.generation += 1
        version = max(version, item.resource_version)
        table = self._tables[held.kind]
        table.discard(held)
        self._ownership.forget_losses_of(held)
        self._ownership.unlink(held, version)
        self.links.change(held, None, version)
        self._tell(table, held, None, version)

    def advance(self, kind: Kind, version: int) -> None:
        """Everything of the kind up to this version has been seen."""
        table = self._tables.get(kind)
        if table is None:
            return
        table.version = max(table.version, version)

    def omit(self, kind: Kind, coverage: Coverage) -> None:
        """Nothing can be known of the kind any more; stale objects are not kept."""
        table = self._tables.get(kind)
        if table is None or table.coverage is coverage:
            return
        former, table.coverage = table.coverage, coverage
        self._pending.pop(kind, None)
        for held in list(table.objects(None)):
            self.remove(held)
        self._ownership.forget_losses(kind)
        if former is Coverage.PENDING and table.came_late:
            self._renew()
        else:
            self._reset()

    def _drop(self, kind: Kind) -> None:
        """Forget a kind; that its objects are gone is told as of any other."""
        for held in list(self._tables[kind].objects(None)):
            self.remove(held)
        del self._tables[kind]
        self._pending.pop(kind, None)
        self.seen -= {kind}
        self.owned -= {kind}

    def _tell(self, table: Table, before: Object | None, after: Object | None, version: int) -> None:
        if table.coverage is Coverage.COMPLETE or table.came_late:
            for observer in self._observers:
                observer.changed(before, after, version)

    def _renew(self) -> None:
        """What is said of the kinds beside the trees is no longer so."""
        self.era += 1
        self.generation += 1

    def _reset(self) -> None:
        self._renew()
        for observer in self._observers:
            observer.reset()


def _is_same(known: Object, item: Object) -> bool:
    return known is item or (known.resource_version == item.resource_version and known == item)


def _place(item: Object) -> tuple[Kind, str, str]:
    return item.kind, item.namespace, item.name
