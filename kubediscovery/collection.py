"""What the garbage collector would take with an object.

The rules are those of kubernetes, ``pkg/controller/garbagecollector/garbagecollector.go`` (``isDangling``,
``classifyReferences``, ``attemptToDeleteItem``).
"""

from kubediscovery.growth import Growth, Limb, grow
from kubediscovery.nodes import controls, node_of, order
from kubediscovery.objects import Object, Owner
from kubediscovery.sight import Sight
from kubediscovery.store import Store, may_own
from kubediscovery.upward import tracked_kind


def collected_with(store: Store, root: Object, sight: Sight, levels: int) -> Growth:
    """What would go if ``root`` were deleted, in the background or the foreground, as far as it may be seen.

    That is each dependent all of whose owners are absent, being deleted, or collected themselves. An owner in another
    namespace is absent, and so is one of another kind or name than the reference says; one of a kind that may not be
    seen, or of which nothing is known, counts as there. A cluster-scoped object with an owner in a namespace is never
    collected.
    """
    collected = _collected(store, root, sight)

    def below(owner: Object) -> list[Limb]:
        children = sorted((child for child in store.children(owner) if child.uid in collected), key=order)
        return [Limb(child, node_of(child, controller=controls(owner, child))) for child in children]

    return grow(root, below, levels)


def _collected(store: Store, root: Object, sight: Sight) -> set[str]:
    found = {root.uid}
    fresh = [root]
    while fresh:
        for child in store.children(fresh.pop()):
            if child.uid not in found and sight.sees(child) and _is_left_alone(store, child, found, sight):
                found.add(child.uid)
                fresh.append(child)
    return found


def _is_left_alone(store: Store, child: Object, collected: set[str], sight: Sight) -> bool:
    """Whether no owner keeps the child once those are gone."""
    return not any(_keeps(store, reference, child, collected, sight) for reference in child.owners)


def _keeps(store: Store, reference: Owner, child: Object, collected: set[str], sight: Sight) -> bool:
    owner = store.get(reference.uid)
    if owner is not None and owner.uid not in collected and not (sight.sees(owner) and _is_meant(reference, owner)):
        owner = None
    if owner is not None:
        if not may_own(owner, child):
            # The collector gives up on an object without a namespace whose owner has one.
            return not child.kind.namespaced
        return owner.uid not in collected and not owner.deleting
    kind = tracked_kind(store, sight, reference, child)
    return kind is None or (kind.namespaced and not child.kind.namespaced)


def _is_meant(reference: Owner, owner: Object) -> bool:
    """The collector looks an owner up by kind and name, and compares its UID."""
    group = reference.api_version.rpartition("/")[0]
    return (group, reference.kind, reference.name) == (owner.kind.group, owner.kind.kind, owner.name)
