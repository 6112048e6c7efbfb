"""Trees that are kept: always equal to a tree built anew."""

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from kubediscovery.drawing import Drawing
from kubediscovery.forest import KEPT_OBJECTS, Forest
from kubediscovery.kinds import BUILT_IN_KINDS, Kind
from kubediscovery.objects import Object
from kubediscovery.sight import Sight
from kubediscovery.store import Store
from kubediscovery.tree import build_tree
from tests.objects import DEPLOYMENT, KINDS, POD, REPLICA_SET, filled, make, owner_of, seeing
from tests.relating import ALL as ALL_RELATIONS
from tests.relating import CONFIG, EVERYBODY, event, graphs, pod, refers, sights, stored

ALL = frozenset(BUILT_IN_KINDS)
WEB = make(DEPLOYMENT, "web")
SET = make(REPLICA_SET, "web-1", owners=[WEB])
PODS = [make(POD, f"web-1-{letter}", owners=[SET]) for letter in "abc"]


def test_a_tree_is_kept_while_nothing_in_it_changes() -> None:
    store = filled([WEB, SET, *PODS])
    forest = Forest(store)
    first = forest.tree(WEB, seeing(ALL))
    store.put(make(DEPLOYMENT, "other"))
    assert forest.tree(WEB, seeing(ALL)) is first


def test_what_one_caller_may_see_is_not_served_to_another() -> None:
    forest = Forest(filled([WEB, SET, *PODS]))
    assert forest.tree(WEB, seeing(ALL)).pods == 3
    assert forest.tree(WEB, seeing(ALL - {POD})).pods == 0
    assert forest.tree(WEB, seeing(ALL)).pods == 3


@given(st.data())
def test_after_any_changes_a_kept_tree_equals_one_built_anew(data: st.DataObject) -> None:
    store = filled([WEB, SET, *PODS])
    forest, version = Forest(store), 200
    for _ in range(data.draw(st.integers(1, 8))):
        version += 1
        changed = structs.replace(data.draw(st.sampled_from([WEB, SET, *PODS])), resource_version=version)
        owner = data.draw(st.sampled_from([WEB, SET, *PODS]))
        change(data.draw(st.sampled_from(["put", "remove", "move"])), store, changed, owner)
        visible: frozenset[Kind] = data.draw(st.sampled_from([ALL, ALL - {POD}, ALL - {REPLICA_SET}]))
        root = store.find(DEPLOYMENT, "shop", "web")
        if root is not None:
            assert forest.tree(root, seeing(visible)) == build_tree(store, root, seeing(visible))


@given(graphs(), st.lists(st.tuples(sights(), st.sampled_from([ALL_RELATIONS, ALL_RELATIONS - {"event"}]))), st.data())
@settings(max_examples=100, deadline=None)
def test_what_trees_share_is_as_if_built_anew(
    objects: list[Object], looks: list[tuple[Sight, frozenset[str]]], data: st.DataObject
) -> None:
    """Whoever looks, whatever is drawn, and whatever has changed since."""
    store = stored([*objects, *(event(f"e{number}", item) for number, item in enumerate(objects[:3]))])
    forest = Forest(store)
    for version, (sight, relations) in enumerate(looks, start=200):
        drawing = Drawing(relations=relations)
        for root in objects:
            held = store.get(root.uid)
            if held is not None:
                assert forest.tree(held, sight, drawing) == build_tree(store, held, sight, drawing)
        changed = data.draw(st.sampled_from(objects))
        store.put(structs.replace(changed, resource_version=version, deleting=data.draw(st.booleans())))


def test_events_at_what_trees_share_are_for_who_asked_for_them() -> None:
    config = make(CONFIG, "settings")
    pods = [pod(name, refers("configMap", config)) for name in ("one", "two")]
    forest = Forest(stored([config, *pods, event("e", config)]))
    relations = frozenset(("configMap", "event"))
    for root, asked in zip(pods, (relations, relations - {"event"}), strict=True):
        (found,) = forest.tree(root, EVERYBODY, Drawing(relations=asked)).root.related
        assert bool(found.events) is ("event" in asked)


def change(how: str, store: Store, item: Object, owner: Object) -> None:
    if how == "remove":
        store.remove(item)
    elif how == "put":
        store.put(item)
    else:
        store.put(structs.replace(item, owners=(owner_of(owner),)))


def test_a_tree_too_large_to_keep_is_still_answered() -> None:
    pods = [make(POD, f"p{number}", owners=[WEB]) for number in range(KEPT_OBJECTS)]
    forest = Forest(filled([WEB, *pods], KINDS))
    assert forest.tree(WEB, seeing(ALL)).pods == KEPT_OBJECTS
    assert forest.tree(WEB, seeing(ALL)).pods == KEPT_OBJECTS


def test_a_tree_drawn_otherwise_is_kept_until_anything_changes() -> None:
    store = filled([WEB, SET, *PODS])
    forest, drawing = Forest(store), Drawing(depth=1)
    first = forest.tree(WEB, seeing(ALL), drawing)
    assert forest.tree(WEB, seeing(ALL), drawing) is first
    assert [node.children for node in first.root.children] == [[]]
    assert forest.tree(WEB, seeing(ALL), Drawing(depth=2)) != first
    assert forest.tree(WEB, seeing(ALL - {POD}), drawing).pods == 0
    store.put(make(DEPLOYMENT, "other"))
    assert forest.tree(WEB, seeing(ALL), drawing) is not first
    assert forest.tree(WEB, seeing(ALL), drawing) == first


def test_what_is_seen_in_one_namespace_is_not_served_to_who_sees_another() -> None:
    forest = Forest(filled([WEB, SET, *PODS]))
    assert forest.tree(WEB, Sight("shop", ALL)).pods == 3
    assert forest.tree(WEB, Sight("other", ALL)).pods == 0
    assert forest.tree(WEB, Sight("other", ALL, ALL)).pods == 3
