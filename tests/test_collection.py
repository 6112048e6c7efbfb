"""What the garbage collector would take, against one that collects until nothing is left to do."""

import pytest
from hypothesis import given, settings
from msgspec import structs

from kubediscovery.drawing import Direction, Drawing
from kubediscovery.objects import Object, Owner
from kubediscovery.sight import Sight
from kubediscovery.store import Coverage, may_own
from kubediscovery.tree import build_tree
from tests.objects import DEPLOYMENT, FLEET, POD, REPLICA_SET, make, owner_of
from tests.relating import EVERYBODY, graphs, sights, stored, walk

COLLECTED = Drawing(direction=Direction.COLLECTED)

WEB, OTHER = make(DEPLOYMENT, "web"), make(DEPLOYMENT, "other")
SET = make(REPLICA_SET, "web-1", owners=[WEB])
ONE = make(POD, "web-1-a", owners=[SET])


def collected(objects: list[Object], root: Object, sight: Sight = EVERYBODY) -> set[str]:
    return {node.name for node in walk(build_tree(stored(objects), root, sight, COLLECTED).root)} - {root.name}


@given(graphs())
@settings(max_examples=300, deadline=None)
def test_it_is_what_a_collector_would_take(objects: list[Object]) -> None:
    assert collected(objects, objects[0]) == taken(objects, objects[0])


def taken(objects: list[Object], root: Object) -> set[str]:
    gone, by_uid = {root.uid}, {item.uid: item for item in objects}

    def holds(reference: Owner, child: Object) -> bool:
        owner = by_uid.get(reference.uid)
        if owner is None:
            return not child.kind.namespaced
        if not may_own(owner, child):
            return not child.kind.namespaced
        return owner.uid not in gone and not owner.deleting

    def is_dependent(item: Object) -> bool:
        owners = [by_uid[reference.uid] for reference in item.owners if reference.uid in gone]
        return any(may_own(owner, item) for owner in owners)

    while True:
        more = {
            item.uid
            for item in objects
            if item.uid not in gone and is_dependent(item) and not any(holds(owner, item) for owner in item.owners)
        }
        if not more:
            return {by_uid[uid].name for uid in gone} - {root.name}
        gone |= more


@given(graphs(), sights())
@settings(max_examples=200, deadline=None)
def test_who_sees_less_is_never_told_of_more(objects: list[Object], sight: Sight) -> None:
    root = objects[0]
    assert collected(objects, root, sight) <= collected(objects, root)


def test_all_below_goes_with_it() -> None:
    assert collected([WEB, SET, ONE], WEB) == {"web-1", "web-1-a"}


def test_another_owner_keeps_what_it_owns() -> None:
    shared = make(POD, "shared", owners=[SET, owner_of(OTHER, controller=False)])
    assert collected([WEB, OTHER, SET, shared], WEB) == {"web-1"}


@pytest.mark.parametrize("gone", [True, False])
def test_another_owner_that_is_absent_or_going_keeps_nothing(gone: bool) -> None:
    shared = make(POD, "shared", owners=[SET, OTHER])
    others = [] if gone else [make(DEPLOYMENT, "other", deleting=True)]
    assert collected([WEB, SET, shared, *others], WEB) == {"web-1", "shared"}


@pytest.mark.parametrize("change", [{"name": "renamed"}, {"kind": "ReplicaSet"}])
def test_another_owner_s_uid_under_another_name_or_kind_keeps_nothing(change: dict[str, str]) -> None:
    mismatch = structs.replace(owner_of(OTHER, controller=False), **change)
    shared = make(POD, "shared", owners=[SET, mismatch])
    assert collected([WEB, OTHER, SET, shared], WEB) == {"web-1", "shared"}
    # Nothing is known of a kind that nobody serves: the collector goes on trying.
    strange = make(POD, "shared", owners=[SET, structs.replace(mismatch, kind="Flower")])
    assert collected([WEB, OTHER, SET, strange], WEB) == {"web-1"}


def test_both_owners_may_be_collected() -> None:
    sets = [SET, make(REPLICA_SET, "web-2", owners=[WEB])]
    assert collected([WEB, *sets, make(POD, "p", owners=sets)], WEB) == {"web-1", "web-2", "p"}


def test_an_owner_in_another_namespace_keeps_nothing() -> None:
    far = make(DEPLOYMENT, "far", "other")
    assert collected([WEB, far, make(POD, "p", owners=[WEB, far])], WEB) == {"p"}


def test_a_cluster_scoped_object_with_an_owner_in_a_namespace_is_never_collected() -> None:
    fleet = make(FLEET, "fleet")
    for owner in (WEB, make(DEPLOYMENT, "gone")):
        assert collected([fleet, WEB, make(FLEET, "below", owners=[fleet, owner])], fleet) == set()


def test_a_cycle_that_something_keeps_stays() -> None:
    first = make(REPLICA_SET, "a", owners=[WEB, make(REPLICA_SET, "b")])
    second = make(REPLICA_SET, "b", owners=[first])
    assert collected([WEB, first, second], WEB) == set()


def test_an_owner_that_may_not_be_seen_counts_as_there() -> None:
    shared = make(POD, "shared", owners=[SET, OTHER])
    sight = Sight(None, EVERYBODY.kinds - {DEPLOYMENT})
    for objects in ([WEB, SET, shared], [WEB, OTHER, SET, shared]):
        assert collected(objects, SET, sight) == set()


def test_an_owner_of_a_kind_that_is_not_known_counts_as_there() -> None:
    fleet = make(FLEET, "fleet")
    store = stored([WEB, fleet, make(POD, "p", owners=[WEB, fleet])])
    store.omit(FLEET, Coverage.FORBIDDEN)
    assert not build_tree(store, WEB, EVERYBODY, COLLECTED).root.children
