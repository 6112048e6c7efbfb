"""One kind of the store, as its reflector writes it."""

from collections.abc import Callable

from kubediscovery.kinds import Kind
from kubediscovery.objects import Object, version_number
from kubediscovery.store import Coverage, Store


class KindCache:
    """The five methods by which a reflector keeps one kind of the store.

    ``ripen`` gives for each object the one that is put in its place: see :mod:`kubediscovery.ripening`.
    """

    def __init__(self, store: Store, kind: Kind, ripen: Callable[[Object], Object] | None = None) -> None:
        self._store = store
        self._kind = kind
        self._ripen = ripen or _as_it_is

    def replace(self, items: list[Object], resource_version: str) -> None:
        """See :meth:`Store.replace`."""
        self._store.replace(self._kind, map(self._ripen, items), version_number(resource_version))

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
