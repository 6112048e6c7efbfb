"""One kind of the store, as its reflector writes it."""

from collections.abc import Callable

from kubediscovery.kinds import Kind
from kubediscovery.objects import Object, version_number
from kubediscovery.store import Coverage, Store
from kubediscovery.turns import Turn

# Seconds for which a list of a whole cluster keeps requests waiting at a time.
TURN = 0.002


class KindCache:
    """The five methods by which a reflector keeps one kind of the store.

    ``ripen`` gives for each object the one that is put in its place: see :mod:`kubediscovery.ripening`.
    """

    def __init__(self, store: Store, kind: Kind, ripen: Callable[[Object], Object] | None = None) -> None:
        self._store = store
        self._kind = kind
        self._ripen = ripen or _as_it_is

    def held(self, items: list[Object]) -> list[Object]:
        """These objects, as the values that are held where these are equal: a long list then takes no memory twice."""
        return [*map(self._store.held, items)] if self._store.count(self._kind) else items

    async def replace(self, items: list[Object], resource_version: str) -> None:
        """See :meth:`Store.replace`; here it is many changes, as if a watch had brought them.

        What is gone goes first, as a name may be somebody else's now. The list is emptied meanwhile: giving up all of
        it at once would keep requests waiting.
        """
        version, turn = version_number(resource_version), Turn(TURN)
        if self._store.count(self._kind):
            await self._keep_only(items, version, turn)
        items.reverse()
        while items:
            self.put(items.pop())
            if turn.is_over:
                await turn.pass_on()
        self._store.complete(self._kind, version)

    async def _keep_only(self, items: list[Object], version: int, turn: Turn) -> None:
        """Remove what is not among these. By namespace, as a set of all of them would take long to grow, and to go."""
        listed: dict[str, set[str]] = {}
        for item in items:
            listed.setdefault(item.namespace, set()).add(item.uid)
            if turn.is_over:
                await turn.pass_on()
        for namespace in self._store.namespaces(self._kind):
            uids = listed.pop(namespace, set())
            for held in [held for held in self._store.objects(self._kind, namespace) if held.uid not in uids]:
                self._store.remove(held, version)
                if turn.is_over:
                    await turn.pass_on()
            # Also where nothing is gone, all of it was looked through.
            if turn.is_over:
                await turn.pass_on()

    def put(self, item: Object) -> None:
        """See :meth:`Store.put`."""
        self._store.put(self._ripen(item))

    def remove(self, item: Object) -> None:
        """See :meth:`Store.remove`."""
        self._store.remove(item)

    def advance(self, resource_version: str) -> None:
        """See :meth:`Store.advance`."""
        self._store.advance(self._kind, version_number(resource_version))

    def omit(self, reason: str) -> None:
        """See :meth:`Store.omit`."""
        self._store.omit(self._kind, Coverage(reason))


def _as_it_is(item: Object) -> Object:
    return item
