"""All relations that users declare, as they are now: of the configuration, and of the definitions in the cluster."""

from collections.abc import Iterable, Mapping

from kubediscovery.declared import DeclaredRelation, Reader, readers, rules
from kubediscovery.declaring import declared_by
from kubediscovery.kinds import Kind
from kubediscovery.objects import Object
from kubediscovery.relations import Relations
from kubediscovery.store import Coverage, Store

_DEFINITION = ("apiextensions.k8s.io", "CustomResourceDefinition")


class Declarations:
    """Observes the store: definitions declare by annotations, and a relation holds while both its kinds are tracked.

    The rules of those that hold are put beside those of the store's links.
    """

    def __init__(self, store: Store, configured: Iterable[DeclaredRelation] = ()) -> None:
        self._store = store
        self._configured = tuple(configured)
        self._coverage: Coverage | None = None
        self._is_stale = True
        self._version = -1
        self._relations: tuple[DeclaredRelation, ...] = ()
        self._readers: Mapping[Kind, Reader] = {}
        store.observe(self)

    def reader_of(self, kind: Kind) -> Reader | None:
        """What is to be read of the kind's objects beside what is read of all."""
        self.renew()
        return self._readers.get(kind)

    def changed(self, before: Object | None, after: Object | None, version: int) -> None:
        """See :class:`kubediscovery.store.Observer`."""
        del version
        item = after or before
        if item is not None and (item.kind.group, item.kind.kind) == _DEFINITION:
            self._is_stale |= _declared(before) != _declared(after)

    def reset(self) -> None:
        """What the definitions are may have become known."""
        kind = self._store.kinds.by_group_kind(*_DEFINITION)
        coverage = self._store.coverage(kind) if kind is not None else None
        self._is_stale |= coverage is not self._coverage
        self._coverage = coverage

    def renew(self) -> None:
        """Put the rules of the relations that hold now beside those of the store's links."""
        kinds = self._store.kinds
        if not self._is_stale and self._version == kinds.version:
            return
        if self._is_stale:
            kind = kinds.by_group_kind(*_DEFINITION)
            definitions = sorted(self._store.objects(kind), key=_name) if kind is not None else []
            declared = (relation for definition in definitions for relation in declared_by(definition))
            self._relations = (*self._configured, *declared)
        self._is_stale, self._version = False, kinds.version
        self._readers = readers(self._relations, kinds)
        self._store.links.relations = Relations(rules(self._relations, kinds))


def _declared(definition: Object | None) -> tuple[DeclaredRelation, ...]:
    return declared_by(definition) if definition is not None else ()


def _name(definition: Object) -> str:
    return definition.name
