"""The index of roots; that it finds all of them and no others is a law in test_store."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from kubediscovery.objects import Object
from kubediscovery.roots import Children, Roots, each, with_child, without_child
from tests.objects import DEPLOYMENT, POD, REPLICA_SET, filled, make, owner_of

WEB = make(DEPLOYMENT, "web")
SET = make(REPLICA_SET, "web-1", owners=[WEB])
PODS = [make(POD, f"web-1-{number}", owners=[SET]) for number in range(100)]


def candidates(roots: Roots) -> list[str]:
    return [item.name for item in (*roots.free(None), *roots.misled(None))]


def test_what_is_owned_is_not_looked_at() -> None:
    store = filled([*PODS, SET, WEB])
    assert candidates(store._ownership._roots) == ["web"]
    assert list(store._ownership._roots.free("elsewhere")) == []


def test_whose_owner_is_not_here_is_looked_at_until_it_comes() -> None:
    store = filled([WEB, *PODS[:2]])
    assert sorted(candidates(store._ownership._roots)) == ["web", "web-1-0", "web-1-1"]
    store.put(SET)
    assert candidates(store._ownership._roots) == ["web"]
    store.remove(SET)
    store.remove(PODS[0])
    assert sorted(candidates(store._ownership._roots)) == ["web", "web-1-1"]
    store.put(structs.replace(PODS[1], owners=(), resource_version=300))
    assert sorted(candidates(store._ownership._roots)) == ["web", "web-1-1"]


def test_who_names_an_owner_of_another_namespace_is_looked_at_whoever_comes_first() -> None:
    elsewhere = make(POD, "stray", "elsewhere", owners=[owner_of(WEB)])
    for objects in ([WEB, elsewhere], [elsewhere, WEB]):
        assert sorted(candidates(filled(objects)._ownership._roots)) == ["stray", "web"]


@given(st.lists(st.integers(0, 40), max_size=120))
def test_children_are_those_that_came_and_did_not_go(toggled: list[int]) -> None:
    children: Children | None = None
    expected: dict[str, Object] = {}
    for number in toggled:
        child = PODS[number]
        if child.uid in expected and number % 2:
            del expected[child.uid]
            assert children is not None
            children = without_child(children, child.uid)
        else:
            is_new = child.uid not in expected
            expected[child.uid] = child if is_new else structs.replace(child, generation=2)
            children = with_child(children, expected[child.uid], is_new=is_new)
        assert sorted(each(children), key=str) == sorted(expected.values(), key=str)
    assert expected or children is None
