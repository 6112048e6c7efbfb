"""What is kept of trees holds: nothing is found once anything in the tree has changed, and nothing more is dropped."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from kubediscovery.kept import Kept, Shelf
from kubediscovery.kinds import BUILT_IN_KINDS
from kubediscovery.objects import Object
from kubediscovery.store import Coverage
from kubediscovery.tree import build_tree
from tests.objects import DEPLOYMENT, POD, REPLICA_SET, filled, make, owner_of, seeing

ALL = seeing(BUILT_IN_KINDS)
WEB, OTHER = make(DEPLOYMENT, "web"), make(DEPLOYMENT, "other")
SET = make(REPLICA_SET, "web-1", owners=[WEB])
PODS = [make(POD, f"web-1-{letter}", owners=[SET]) for letter in "abc"]
OBJECTS = [WEB, OTHER, SET, *PODS]


def changed(item: Object, version: int) -> Object:
    return structs.replace(item, resource_version=version)


def test_what_is_kept_goes_with_a_change_anywhere_below_and_with_no_other() -> None:
    for item in OBJECTS:
        store = filled(OBJECTS)
        shelf: Shelf[str] = Kept(store).shelf(10)
        shelf.keep(WEB, "key", "tree", 1)
        store.put(changed(item, 200))
        assert (shelf.get(WEB, "key") is None) is (item is not OTHER)


def test_what_is_kept_goes_when_something_leaves_or_comes() -> None:
    store = filled(OBJECTS)
    shelf: Shelf[str] = Kept(store).shelf(10)
    changes: tuple[Callable[[], None], ...] = (
        lambda: store.remove(PODS[0]),
        lambda: store.put(make(POD, "fresh", owners=[SET])),
        lambda: store.put(structs.replace(PODS[1], owners=(owner_of(OTHER),), resource_version=300)),
        lambda: store.remove(SET),
        lambda: store.omit(POD, Coverage.FORBIDDEN),
    )
    for change in changes:
        shelf.keep(WEB, "key", "tree", 1)
        assert shelf.get(WEB, "key") == "tree"
        change()
        assert shelf.get(WEB, "key") is None
        assert shelf.size == 0


def test_nothing_is_kept_of_what_the_store_does_not_have() -> None:
    store = filled(OBJECTS)
    shelf: Shelf[str] = Kept(store).shelf(10)
    shelf.keep(changed(WEB, 300), "key", "of another state", 1)
    store.remove(OTHER)
    shelf.keep(OTHER, "key", "of what is gone", 1)
    assert len(shelf) == 0


def test_what_was_kept_first_goes_first_and_is_told() -> None:
    roots = [make(DEPLOYMENT, name) for name in "abc"]
    dropped: list[str] = []
    shelf: Shelf[str] = Kept(filled(roots)).shelf(
        10, lambda root, key, value: dropped.append(f"{root.name} {key} {value}")
    )
    for root in roots:
        shelf.keep(root, "key", root.name.upper(), 4)
    assert [shelf.get(root, "key") for root in roots] == [None, "B", "C"]
    assert (dropped, shelf.size) == (["a key A"], 8)
    shelf.keep(roots[1], "key", "again", 5)
    assert (shelf.get(roots[1], "key"), shelf.size) == ("again", 9)
    shelf.keep(roots[2], "key", "too much", 11)
    assert shelf.get(roots[2], "key") == "C"
    shelf.keep(roots[2], "other key", "D", 1)
    assert (shelf.get(roots[2], "key"), shelf.get(roots[2], "other key")) == ("C", "D")


@given(st.data())
def test_what_is_found_is_as_if_made_anew(data: st.DataObject) -> None:
    store = filled(OBJECTS)
    shelf: Shelf[object] = Kept(store).shelf(1_000)
    for version in range(200, 200 + data.draw(st.integers(1, 8))):
        for root in (WEB, OTHER, SET):
            held = store.get(root.uid)
            if held is None:
                continue
            tree = shelf.get(held, "tree")
            if tree is None:
                shelf.keep(held, "tree", build_tree(store, held, ALL), 1)
            else:
                assert tree == build_tree(store, held, ALL)
        item = changed(data.draw(st.sampled_from(OBJECTS)), version)
        owners = (owner_of(data.draw(st.sampled_from(OBJECTS))),)
        how = data.draw(st.sampled_from(["put", "remove", "move"]))
        if how == "remove":
            store.remove(item)
        else:
            store.put(item if how == "put" else structs.replace(item, owners=owners))
