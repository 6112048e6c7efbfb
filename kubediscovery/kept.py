"""What was made of trees, kept for as long as nothing in them changes.

A change of an object is one of the trees of all that own it, and of no others. What is kept of these is dropped while
the change happens, which takes a microsecond: whatever is found here holds, and finding it takes no look at a tree.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, NamedTuple, TypeVar

from kubediscovery.objects import Object
from kubediscovery.store import Store

V = TypeVar("V")


class _Value(NamedTuple, Generic[V]):
    """A value, the very root that it was made of, and its size."""

    value: V
    root: Object
    size: int


def _forget(root: Object, key: Hashable, value: object) -> None:
    del root, key, value


class Shelf(Generic[V]):
    """Values by the root of a tree and a key; what was kept first of a tree goes first when it comes to too much.

    ``key`` has to tell apart whatever the value depends on beside the tree: above all what somebody may see.
    """

    def __init__(self, store: Store, most: int, dropped: Callable[[Object, Hashable, V], None] = _forget) -> None:
        self._store = store
        self._most = most
        self._dropped = dropped
        self._values: OrderedDict[str, dict[Hashable, _Value[V]]] = OrderedDict()
        #: Of all values together, in the units of :meth:`keep`.
        self.size = 0

    def __len__(self) -> int:
        return len(self._values)

    def get(self, root: Object, key: Hashable) -> V | None:
        """What is kept of this very root."""
        values = self._values.get(root.uid)
        found = values.get(key) if values is not None else None
        return found.value if found is not None and found.root is root else None

    def keep(self, root: Object, key: Hashable, value: V, size: int) -> None:
        """Keep a value that was made of what the store has now; nothing is kept of what is in no store, or too much."""
        if size > self._most or self._store.get(root.uid) is not root:
            return
        values = self._values.setdefault(root.uid, {})
        former = values.get(key)
        values[key] = _Value(value, root, size)
        self.size += size - (former.size if former is not None else 0)
        while self.size > self._most:
            _, oldest = self._values.popitem(last=False)
            for name, (content, of, length) in oldest.items():
                self.size -= length
                self._dropped(of, name, content)

    def drop(self, uid: str) -> None:
        """Keep nothing of this root any longer."""
        values = self._values.pop(uid, None)
        if values is not None:
            self.size -= sum([found.size for found in values.values()])

    def clear(self) -> None:
        """Keep nothing."""
        self._values.clear()
        self.size = 0


class Kept:
    """Observes a store for all shelves that it has given out."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._shelves: list[Shelf[object]] = []
        store.observe(self)

    def shelf(self, most: int, dropped: Callable[[Object, Hashable, V], None] = _forget) -> Shelf[V]:
        """A shelf for values of so much size; ``dropped`` is told of those that had to go though they hold."""
        made = Shelf(self._store, most, dropped)
        self._shelves.append(made)  # type: ignore[arg-type]
        return made

    def changed(self, before: Object | None, after: Object | None, version: int) -> None:
        """Drop what was made of any tree that the object is in, or was."""
        del version
        shelves = [shelf for shelf in self._shelves if len(shelf)]
        if not shelves:
            return
        for uid in self._above(before, after):
            for shelf in shelves:
                shelf.drop(uid)

    def reset(self) -> None:
        """Drop all: a kind has become known, or unknown."""
        for shelf in self._shelves:
            shelf.clear()

    def _above(self, *states: Object | None) -> set[str]:
        """The UIDs of the object and of all that own it, directly or through others, were they valid owners or not."""
        known = self._store.get
        found = {state.uid for state in states if state is not None}
        owners = [reference.uid for state in states if state is not None for reference in state.owners]
        while owners:
            uid = owners.pop()
            if uid not in found:
                found.add(uid)
                owner = known(uid)
                if owner is not None:
                    owners += [reference.uid for reference in owner.owners]
        return found
