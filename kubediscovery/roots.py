"""Which objects may be roots: an index, so that a list need not look through a whole cluster for its roots.

Nearly all objects of a cluster are pods, and are owned. What nobody owns is kept by namespace; of what is owned only
that is looked at whose owner is not here, or may not own it.
"""

from collections.abc import Collection, Iterator, Mapping
from itertools import chain

from kubediscovery.objects import Object


def may_own(owner: Object, child: Object) -> bool:
    """Whether a reference is valid: owners are of the child's namespace or of none.

    The garbage collector treats any other as absent (kubernetes.io, "Owners and Dependents"), and so do trees.
    """
    return not owner.kind.namespaced or owner.namespace == child.namespace


# What an owner has: one child, several, or many by their UIDs. A tuple of ten takes 200 bytes less than a dict of them.
Children = Object | tuple[Object, ...] | dict[str, Object]
# Children that are looked through for one of them.
_SEVERAL = 16


def each(children: Children | None) -> Collection[Object]:
    """The children, each once."""
    if children is None:
        return ()
    if isinstance(children, tuple):
        return children
    return children.values() if isinstance(children, dict) else (children,)


def with_child(children: Children | None, child: Object, *, is_new: bool) -> Children:
    """The children with this one, in the place of that with its UID; none has it where the child ``is_new``."""
    if children is None:
        return child
    if isinstance(children, dict):
        children[child.uid] = child
        return children
    former = each(children)
    if not is_new and any(held.uid == child.uid for held in former):
        replaced = tuple(child if held.uid == child.uid else held for held in former)
        return replaced if len(replaced) > 1 else child
    if len(former) < _SEVERAL:
        return (*former, child)
    return {held.uid: held for held in (*former, child)}


def without_child(children: Children, uid: str) -> Children | None:
    """The children but for one; None for no others."""
    if isinstance(children, dict):
        children.pop(uid, None)
        return children or None
    left = tuple(held for held in each(children) if held.uid != uid)
    return left if len(left) > 1 else next(iter(left), None)


class Roots:
    """The index of one store, whose objects by UID, and children by the UIDs of owners here and gone, it reads."""

    def __init__(self, by_uid: Mapping[str, Object], children: Mapping[str, Children]) -> None:
        self._by_uid = by_uid
        self._children = children
        # By namespace the UIDs of objects of workload kinds that name no owner.
        self._free: dict[str, dict[str, None]] = {}
        # UIDs of owners that are named and not here, and of children that name one who may not own them.
        self._absent: dict[str, None] = {}
        self._misled: dict[str, None] = {}

    def link(self, item: Object) -> None:
        """An object is there which was not, or had other owners: it and its children are in their places already."""
        if item.kind.workload and not item.owners:
            self._free.setdefault(item.namespace, {})[item.uid] = None
        for reference in item.owners:
            owner = self._by_uid.get(reference.uid)
            if owner is None:
                self._absent[reference.uid] = None
            elif not may_own(owner, item):
                self._misled[item.uid] = None
        if item.uid in self._children:
            self._absent.pop(item.uid, None)
            misled = [child.uid for child in each(self._children[item.uid]) if not may_own(item, child)]
            self._misled.update(dict.fromkeys(misled))

    def unlink(self, item: Object) -> None:
        """An object is gone, or about to have other owners: it is in its place no more."""
        free = self._free.get(item.namespace)
        if free is not None and free.pop(item.uid, _UNKNOWN) is None and not free:
            del self._free[item.namespace]
        self._misled.pop(item.uid, None)
        for reference in item.owners:
            if reference.uid not in self._children:
                self._absent.pop(reference.uid, None)
        if item.uid in self._children and item.uid not in self._by_uid:
            self._absent[item.uid] = None

    def free(self, namespace: str | None) -> Iterator[Object]:
        """The objects of workload kinds, of a namespace or of all of them, that name no owner."""
        places = [self._free.get(namespace, {})] if namespace is not None else self._free.values()
        return map(self._by_uid.__getitem__, chain.from_iterable(places))

    def misled(self, namespace: str | None) -> Iterator[Object]:
        """Those of all kinds that name an owner who is not here, or may not own them, each once: some are roots."""
        owned = [child.uid for absent in self._absent for child in each(self._children.get(absent))]
        for uid in dict.fromkeys((*owned, *self._misled)):
            item = self._by_uid[uid]
            if namespace in (None, item.namespace):
                yield item


_UNKNOWN = object()
