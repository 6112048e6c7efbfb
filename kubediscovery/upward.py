"""The directions against the way of ownership: who made an object, who uses it, and what it uses."""

from collections.abc import Iterable, Iterator

from kubediscovery.edges import Edge, Edges
from kubediscovery.growth import Growth, Limb, grow
from kubediscovery.health import Health
from kubediscovery.kinds import Kind
from kubediscovery.leaves import Leaves
from kubediscovery.nodes import Node, node_of
from kubediscovery.objects import Object, Owner
from kubediscovery.relations import EVENT, OWNER, RELEASE
from kubediscovery.sight import Sight
from kubediscovery.store import Coverage, Store, may_own

NOT_FOUND, ELSEWHERE = "OwnerNotFound", "OwnerInAnotherNamespace"
_SAID = {
    NOT_FOUND: "there is no such object",
    ELSEWHERE: "an owner is of the namespace of what it owns, or of none: the garbage collector takes this for absent",
}

# Relations whose target has what its source gives: the rights of a ServiceAccount.
_GIVING = frozenset(("subject",))


def owners_of(store: Store, root: Object, sight: Sight, levels: int) -> Growth:
    """Who made an object: its owners, theirs, up to those that have none.

    An owner that cannot be one stands there as Missing, with no more than the reference says of it. Nothing is said of
    owners whose kind may not be seen, or of which nothing is known.
    """
    owners = _Owners(store, sight)
    return grow(root, lambda item: _sorted(owners.limbs(item, missing=True)), levels)


def users_of(store: Store, root: Object, sight: Sight, relations: frozenset[str], levels: int) -> Growth:
    """Who uses an object: what some relations lead to it from, and what owns those, up to its roots.

    From what uses it the way goes on through relations of use alone (a Secret, the ServiceAccount that has it, the
    pods of that): what scales, serves or guards a user is none.
    """
    owners, edges = _Owners(store, sight), Edges(store, sight)
    wanted = (relations or store.links.relations.names) - {EVENT, RELEASE}
    onward = wanted - store.links.relations.attached

    def below(item: Object) -> list[Limb]:
        found = edges.leading_to(item, wanted if item is root else onward)
        limbs = [Limb(edge.item, node_of(edge.item, relation=edge.relation, incoming=True)) for edge in found]
        return _sorted(limbs if item is root else [*limbs, *owners.limbs(item, missing=False)])

    return grow(root, below, levels)


def uses_of(store: Store, root: Object, sight: Sight, relations: frozenset[str], levels: int) -> Growth:
    """What an object uses: its owners, what some relations lead to from it, and what these use, as far as it goes.

    It is what kube-lineage's ``--dependencies`` follows (github.com/tohjustin/kube-lineage, ``internal/graph``), where
    a ServiceAccount depends on the bindings that give it its rights, and an Event on what it is about.
    """
    owners, edges, leaves = _Owners(store, sight), Edges(store, sight), Leaves()
    wanted = (relations or store.links.relations.names) - {RELEASE}
    found: dict[str, tuple[list[Limb], list[Edge], list[Edge]]] = {}

    def used(item: Object) -> tuple[list[Limb], list[Edge], list[Edge]]:
        if item.uid not in found:
            leading, given = edges.leading_from(item, wanted - _GIVING), edges.leading_to(item, wanted & _GIVING)
            found[item.uid] = list(owners.limbs(item, missing=False)), leading, given
        return found[item.uid]

    def limb(edge: Edge, *, incoming: bool) -> Limb:
        # What uses nothing is one node wherever it stands: thousands of pods have the same account.
        if not incoming and not any(used(edge.item)):
            return Limb(edge.item, leaves.leaf(edge.item, edge.relation)[1])
        return Limb(edge.item, node_of(edge.item, relation=edge.relation, incoming=incoming or None))

    def below(item: Object) -> list[Limb]:
        above, leading, given = used(item)
        limbs = [*above, *(limb(edge, incoming=False) for edge in leading)]
        return _sorted([*limbs, *(limb(edge, incoming=True) for edge in given)])

    return grow(root, below, levels)


class _Owners:
    """The owners of objects, as somebody sees them."""

    def __init__(self, store: Store, sight: Sight) -> None:
        self._store = store
        self._sight = sight

    def limbs(self, child: Object, *, missing: bool) -> Iterator[Limb]:
        """Its owners, each once; those that cannot be where ``missing`` asks for them."""
        references = dict.fromkeys(reference.uid for reference in child.owners)
        for uid in references:
            same = [reference for reference in child.owners if reference.uid == uid]
            controller = any(reference.controller for reference in same)
            owner = self._store.get(uid)
            if owner is not None and not self._sight.sees(owner):
                owner = None
            if owner is not None and may_own(owner, child):
                yield Limb(owner, node_of(owner, controller=controller, relation=OWNER, incoming=True))
            elif missing:
                reason = ELSEWHERE if owner is not None else NOT_FOUND
                kind = tracked_kind(self._store, self._sight, same[0], child)
                if kind is not None:
                    yield Limb(None, _missing(same[0], kind, child, reason, controller=controller))


def tracked_kind(store: Store, sight: Sight, reference: Owner, child: Object) -> Kind | None:
    """The kind of an owner, if all objects of it that could own the child are known here and may be seen."""
    group = reference.api_version.rpartition("/")[0]
    kind = store.kinds.by_group_kind(group, reference.kind)
    if kind is None or store.coverage(kind) is not Coverage.COMPLETE:
        return None
    is_near = sight.namespace is None or not kind.namespaced or child.namespace in ("", sight.namespace)
    return kind if kind in (sight.kinds if is_near else sight.beyond(child.namespace)) else None


def _missing(reference: Owner, kind: Kind, child: Object, reason: str, *, controller: bool) -> Node:
    return Node(
        api_version=kind.api_version,
        kind=kind.kind,
        namespace=child.namespace if kind.namespaced else "",
        name=reference.name,
        uid=reference.uid,
        resource_version="",
        health=Health.MISSING,
        reason=reason,
        message=_SAID[reason],
        controller=controller,
        relation=OWNER,
        incoming=True,
    )


def _sorted(limbs: Iterable[Limb]) -> list[Limb]:
    return sorted(limbs, key=_place)


def _place(limb: Limb) -> tuple[str, ...]:
    node = limb.node
    return node.relation, node.kind, node.namespace, node.name, node.api_version, node.uid
