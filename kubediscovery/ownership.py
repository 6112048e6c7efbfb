"""Who owns whom: children by their owners' UIDs, what owners lost, and which objects may be roots."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from kubediscovery.kinds import Kind
from kubediscovery.objects import Object
from kubediscovery.roots import Children, Roots, each, may_own, with_child, without_child

_NOTHING_LOST: Mapping[Kind, int] = MappingProxyType({})


class Ownership:
    """The index of one store, whose objects by UID it reads."""

    def __init__(self, by_uid: Mapping[str, Object]) -> None:
        self._by_uid = by_uid
        # Kept also for owners that are not here: a child may arrive before its owner.
        self._children: dict[str, Children] = {}
        # By the UID of an owner that is here: the version at which it last lost a child of a kind.
        self._losses: dict[str, dict[Kind, int]] = {}
        self._roots = Roots(by_uid, self._children)

    def owners(self, child: Object) -> list[Object]:
        """The tracked objects that own ``child``, each once, in the order of its references."""
        found = (self._by_uid.get(uid) for uid in dict.fromkeys(owner.uid for owner in child.owners))
        return [owner for owner in found if owner is not None and may_own(owner, child)]

    def children(self, owner: Object) -> list[Object]:
        """The tracked objects that ``owner`` owns, each once, in no order."""
        indexed = self._children.get(owner.uid)
        if indexed is None:
            return []
        if not owner.kind.namespaced:
            return [*each(indexed)]
        # As may_own has it, without a call for each child.
        namespace = owner.namespace
        return [child for child in each(indexed) if child.namespace == namespace]

    def losses(self, owner: Object) -> Mapping[Kind, int]:
        """The resource versions at which ``owner`` last lost a child, by the child's kind."""
        return self._losses.get(owner.uid, _NOTHING_LOST)

    def is_leaf(self, item: Object) -> bool:
        """Whether nothing names the object as an owner, or has since the object came."""
        return item.uid not in self._children and item.uid not in self._losses

    def is_root(self, item: Object) -> bool:
        """Whether the object is of a workload kind and no tracked object owns it."""
        if not item.kind.workload:
            return False
        found = map(self._by_uid.get, [owner.uid for owner in item.owners])
        return not any(owner is not None and may_own(owner, item) for owner in found)

    def roots(self, namespace: str | None) -> Iterator[Object]:
        """The objects of workload kinds that no tracked object owns, in no order; not to be held across an await."""
        yield from self._roots.free(namespace)
        yield from filter(self.is_root, self._roots.misled(namespace))

    def link(self, known: Object | None, item: Object) -> None:
        """An object has come, or is in the place of ``known``; with other owners that was unlinked before."""
        children = self._children
        # Who names an owner twice is its child once.
        is_new = known is None and len(item.owners) == 1
        for owner in item.owners:
            children[owner.uid] = with_child(children.get(owner.uid), item, is_new=is_new)
        if known is None or known.owners != item.owners:
            self._roots.link(item)

    def unlink(self, child: Object, version: int) -> None:
        """An object is gone from the objects by UID at this version, or about to have other owners."""
        for owner in child.owners:
            siblings = self._children.get(owner.uid)
            left = without_child(siblings, child.uid) if siblings is not None else None
            if left is None:
                self._children.pop(owner.uid, None)
            else:
                self._children[owner.uid] = left
            held = self._by_uid.get(owner.uid)
            if held is not None and may_own(held, child):
                self._losses.setdefault(owner.uid, {})[child.kind] = version
        self._roots.unlink(child)

    def forget_losses_of(self, owner: Object) -> None:
        """An owner is gone."""
        self._losses.pop(owner.uid, None)

    def forget_losses(self, kind: Kind) -> None:
        """Nothing is known of a kind any more."""
        for lost in self._losses.values():
            lost.pop(kind, None)
