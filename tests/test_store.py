"""The store against a slow and obvious model of it, and the cases that ownership is known to go wrong in."""

from collections.abc import Iterable, Set
from dataclasses import dataclass, field
from itertools import permutations, product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from kubediscovery.cache import KindCache
from kubediscovery.kinds import Kind, Kinds
from kubediscovery.objects import Object, Owner
from kubediscovery.store import Coverage, Store, may_own
from tests.objects import DEPLOYMENT, FLEET, KINDS, POD, REPLICA_SET, REVISION, filled, make, owner_of


@dataclass
class Model:
    """A list of objects: slow, and plainly right."""

    items: list[Object] = field(default_factory=list)

    def put(self, item: Object) -> None:
        self.items = [held for held in self.items if held.uid != item.uid and place(held) != place(item)] + [item]

    def remove(self, item: Object) -> None:
        self.items = [held for held in self.items if held.uid != item.uid]

    def replace(self, kind: Kind, items: Iterable[Object]) -> None:
        self.items = [held for held in self.items if held.kind != kind]
        for item in items:
            self.put(item)

    def children(self, owner: Object) -> set[str]:
        return {item.uid for item in self.items if any(self._means(ref, owner, item) for ref in item.owners)}

    def owners(self, child: Object) -> set[str]:
        return {held.uid for held in self.items if any(self._means(ref, held, child) for ref in child.owners)}

    def roots(self) -> set[str]:
        return {item.uid for item in self.items if item.kind.workload and not self.owners(item)}

    @staticmethod
    def _means(reference: Owner, owner: Object, child: Object) -> bool:
        return reference.uid == owner.uid and owner.namespace in ("", child.namespace)


def place(item: Object) -> tuple[Kind, str, str]:
    return item.kind, item.namespace, item.name


def uids(items: Iterable[Object]) -> set[str]:
    found = [item.uid for item in items]
    assert len(found) == len(set(found))
    return set(found)


def assert_same(store: Store, model: Model, known: Iterable[Object]) -> None:
    for kind in KINDS:
        of_kind = [item for item in model.items if item.kind == kind]
        assert store.count(kind) == len(of_kind)
        for namespace in (None, "", "a", "b"):
            wanted = {item.uid for item in of_kind if namespace in (None, item.namespace)}
            assert uids(store.objects(kind, namespace)) == wanted
    for item in model.items:
        assert store.find(item.kind, item.namespace, item.name) == item
    for item in known:
        assert uids(store.children(item)) == model.children(item)
        assert uids(store.owners(item)) == model.owners(item)
    assert uids(store.roots()) == model.roots()
    for namespace in ("", "a"):
        roots = {item.uid for item in model.items if item.namespace == namespace} & model.roots()
        assert uids(store.roots(namespace)) == roots


def assert_empty(store: Store) -> None:
    """Nothing is left in any index."""
    assert store._by_uid == {}
    assert store._ownership._children == {}
    assert all(not table.namespaces and not table.count for table in store._tables.values())


UIDS = [f"u{number}" for number in range(6)]
OBJECTS = st.builds(
    lambda kind, namespace, name, uid, owners, version: make(
        kind,
        name,
        namespace,
        uid=uid,
        owners=[Owner("v1", "Any", "any", owner, controller=False) for owner in owners],
        resource_version=version,
    ),
    st.sampled_from([DEPLOYMENT, POD, FLEET, REVISION]),
    st.sampled_from(["a", "b"]),
    st.sampled_from(["x", "y", "z"]),
    st.sampled_from(UIDS),
    st.lists(st.sampled_from(UIDS), max_size=3),
    st.integers(1, 3),
)
STEPS = st.one_of(
    st.tuples(st.just("put"), OBJECTS),
    st.tuples(st.just("put"), OBJECTS),
    st.tuples(st.just("remove"), OBJECTS),
    st.tuples(st.just("replace"), st.lists(OBJECTS, max_size=4)),
)


@given(st.lists(STEPS, max_size=20))
@settings(max_examples=200)
def test_whatever_happens_the_store_is_what_the_model_is(steps: list[tuple[str, Object | list[Object]]]) -> None:
    store, model, known = Store(KINDS), Model(), dict[str, Object]()
    for step, subject in steps:
        items = subject if isinstance(subject, list) else [subject]
        known |= {item.uid: item for item in items}
        if isinstance(subject, list):
            kind = items[0].kind if items else POD
            items = list({item.uid: item for item in items if item.kind == kind}.values())
            store.replace(kind, items, 0)
            model.replace(kind, items)
        elif step == "put":
            store.put(subject)
            model.put(subject)
        else:
            store.remove(subject)
            model.remove(subject)
        assert_same(store, model, known.values())
    for item in list(model.items):
        store.remove(item)
    assert_empty(store)


def deep() -> list[Object]:
    """Deployment, ReplicaSet, two Pods."""
    web = make(DEPLOYMENT, "web")
    replica_set = make(REPLICA_SET, "web-1", owners=[web])
    return [web, replica_set, *(make(POD, f"web-1-{letter}", owners=[replica_set]) for letter in "ab")]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_the_order_of_arrival_does_not_matter(order: tuple[int, ...]) -> None:
    web, replica_set, *pods = objects = deep()
    store = Store(KINDS)
    for place_in_order in order:
        store.put(objects[place_in_order])
    assert list(store.children(web)) == [replica_set]
    assert uids(store.children(replica_set)) == uids(pods)
    assert [uids(store.owners(pod)) for pod in pods] == [{replica_set.uid}] * 2
    assert list(store.roots()) == [web]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_nothing_is_left_whatever_goes_first(order: tuple[int, ...]) -> None:
    objects = deep()
    store = filled(objects)
    for place_in_order in order:
        store.remove(objects[place_in_order])
    assert_empty(store)
    assert list(store.roots()) == []


def test_without_its_owner_a_child_is_a_root_and_with_it_none() -> None:
    web, replica_set, *_ = deep()
    store = Store(KINDS)
    store.put(replica_set)
    assert list(store.roots()) == [replica_set]
    store.put(web)
    assert list(store.roots()) == [web]
    store.remove(web)
    assert list(store.roots()) == [replica_set]


def test_an_owner_recreated_under_its_name_does_not_inherit() -> None:
    web, replica_set, *_ = deep()
    store = filled(deep())
    again = make(DEPLOYMENT, "web", uid="another")
    store.put(again)
    assert store.find(DEPLOYMENT, "shop", "web") is again
    assert list(store.children(again)) == []
    assert store.owners(replica_set) == []
    assert store.count(DEPLOYMENT) == 1
    # The deletion of the former comes late.
    store.remove(web)
    assert store.find(DEPLOYMENT, "shop", "web") is again
    assert store.count(DEPLOYMENT) == 1


def test_a_relist_replaces_a_recreated_owner() -> None:
    store = filled(deep())
    again = make(DEPLOYMENT, "web", uid="another")
    store.replace(DEPLOYMENT, [again], 950)
    assert [item.uid for item in store.objects(DEPLOYMENT)] == ["another"]
    assert {item.kind for item in store.roots()} == {DEPLOYMENT, REPLICA_SET}


def test_owners_are_followed_when_they_change() -> None:
    first, second = make(REPLICA_SET, "one"), make(REPLICA_SET, "two")
    store = filled([first, second, make(POD, "p", owners=[first])])
    adopted = make(POD, "p", owners=[second])
    store.put(adopted)
    assert (list(store.children(first)), list(store.children(second))) == ([], [adopted])
    orphan = make(POD, "p")
    store.put(orphan)
    assert (list(store.children(second)), list(store.roots())) == ([], [first, second, orphan])


def test_several_owners_have_the_same_child() -> None:
    first, second = make(REPLICA_SET, "one"), make(DEPLOYMENT, "two")
    shared = make(POD, "p", owners=[first, second])
    store = filled([first, second, shared])
    assert list(store.children(first)) == list(store.children(second)) == [shared]
    assert store.owners(shared) == [first, second]
    store.remove(first)
    assert store.owners(shared) == [second]


def test_an_owner_named_twice_is_one_owner() -> None:
    web = make(DEPLOYMENT, "web")
    child = make(REPLICA_SET, "web-1", owners=[owner_of(web), owner_of(web, controller=False)])
    store = filled([web, child])
    assert store.owners(child) == [web]
    assert list(store.children(web)) == [child]
    store.remove(child)
    store.remove(web)
    assert_empty(store)


def test_an_object_may_own_itself() -> None:
    loop = make(DEPLOYMENT, "loop")
    loop = make(DEPLOYMENT, "loop", owners=[loop])
    store = filled([loop])
    assert list(store.children(loop)) == store.owners(loop) == [loop]
    assert list(store.roots()) == []
    store.remove(loop)
    assert_empty(store)


def test_a_cycle_has_no_root() -> None:
    names = ["a", "b", "c"]
    objects = [make(DEPLOYMENT, name, owners=[make(DEPLOYMENT, names[index - 1])]) for index, name in enumerate(names)]
    store = filled(objects)
    assert list(store.roots()) == []
    store.remove(objects[1])
    assert [root.name for root in store.roots()] == ["c"]


@pytest.mark.parametrize(
    ("owner", "child", "valid"),
    [
        (make(DEPLOYMENT, "o", "a"), make(POD, "c", "a"), True),
        (make(DEPLOYMENT, "o", "a"), make(POD, "c", "b"), False),
        (make(FLEET, "o"), make(POD, "c", "a"), True),
        (make(FLEET, "o"), make(FLEET, "c"), True),
        (make(DEPLOYMENT, "o", "a"), make(FLEET, "c"), False),
    ],
)
def test_references_to_another_namespace_count_for_nothing(owner: Object, child: Object, valid: bool) -> None:
    child = make(child.kind, child.name, child.namespace, owners=[owner])
    store = filled([owner, child])
    assert may_own(owner, child) is valid
    assert list(store.children(owner)) == ([child] if valid else [])
    assert store.owners(child) == ([owner] if valid else [])
    assert (child in store.roots()) is (not valid)


def test_the_same_name_in_other_places_is_another_object() -> None:
    places = list(product((DEPLOYMENT, REPLICA_SET), ("a", "b")))
    objects = [make(kind, "same", namespace) for kind, namespace in places]
    store = filled(objects)
    assert [store.find(kind, namespace, "same") for kind, namespace in places] == objects
    assert store.find(DEPLOYMENT, "c", "same") is None
    assert store.find(DEPLOYMENT, "", "same") is None
    assert list(store.objects(DEPLOYMENT, "a")) == objects[:1]


def test_files_may_give_one_uid_to_several_objects() -> None:
    store = filled([make(DEPLOYMENT, "a", uid="same"), make(POD, "b", uid="same"), make(POD, "c", uid="same")])
    assert [store.count(kind) for kind in (DEPLOYMENT, POD)] == [0, 1]
    assert [item.name for item in store.objects(POD)] == ["c"]
    store.remove(make(POD, "c", uid="same"))
    assert_empty(store)


def test_removing_what_is_not_there_is_nothing() -> None:
    store = filled(deep())
    store.remove(make(POD, "unknown"))
    assert [store.count(kind) for kind in (DEPLOYMENT, REPLICA_SET, POD)] == [1, 1, 2]


# What is known of a kind


def coverages(store: Store) -> Set[tuple[Kind, Coverage]]:
    return {(kind, store.coverage(kind)) for kind in store.kinds}


def test_at_first_everything_is_waited_for() -> None:
    store = Store(KINDS)
    assert store.pending == list(KINDS)
    assert store.omitted == {}
    assert store.version == 0
    store.put(make(POD, "early"))
    assert store.pending == list(KINDS)


def test_a_list_ends_the_waiting_also_an_empty_one() -> None:
    store = Store(Kinds((DEPLOYMENT, POD)))
    store.replace(POD, [], 7)
    assert store.pending == [DEPLOYMENT]
    assert store.version == 7
    assert coverages(store) == {(DEPLOYMENT, Coverage.PENDING), (POD, Coverage.COMPLETE)}


def test_an_omitted_kind_is_empty_and_named_until_it_is_listed_again() -> None:
    web, replica_set, *pods = deep()
    store = filled(deep())
    store.omit(REPLICA_SET, Coverage.FORBIDDEN)
    assert store.omitted == {REPLICA_SET: Coverage.FORBIDDEN}
    assert store.pending == []
    assert store.count(REPLICA_SET) == 0
    assert list(store.children(web)) == []
    assert uids(store.roots()) == uids([web, *pods])
    store.replace(REPLICA_SET, [replica_set], 950)
    assert store.omitted == {}
    assert list(store.roots()) == [web]


def test_omitting_everything_leaves_nothing() -> None:
    store = filled(deep())
    for kind in KINDS:
        store.omit(kind, Coverage.NOT_FOUND)
    assert_empty(store)
    assert store.version == 900
    assert set(store.omitted.values()) == {Coverage.NOT_FOUND}


def test_a_refusal_is_no_version() -> None:
    store = Store(KINDS)
    store.omit(POD, Coverage.FORBIDDEN)
    assert store.version == 0


def test_versions_never_go_back() -> None:
    store = Store(KINDS)
    for kind, version in ((POD, 5), (DEPLOYMENT, 9), (POD, 7), (POD, 3)):
        store.advance(kind, version)
    assert store.version == 9
    store.replace(DEPLOYMENT, [], 2)
    store.omit(DEPLOYMENT, Coverage.FORBIDDEN)
    assert store.version == 9


async def test_a_kinds_cache_writes_to_its_kind() -> None:
    store = Store(Kinds((DEPLOYMENT, POD)))
    cache = KindCache(store, POD)
    pod = make(POD, "p")
    await cache.replace([pod], "12")
    assert (store.count(POD), store.version, store.pending) == (1, 12, [DEPLOYMENT])
    cache.remove(pod)
    cache.put(make(POD, "q"))
    cache.advance("15")
    assert ([item.name for item in store.objects(POD)], store.version) == (["q"], 15)
    cache.omit("NotFound")
    assert (store.count(POD), store.omitted) == (0, {POD: Coverage.NOT_FOUND})


@pytest.mark.parametrize("version", ["", "abc", "-1", "1.5", "9" * 5000])
async def test_a_version_that_is_no_number_moves_nothing(version: str) -> None:
    store = filled([])
    KindCache(store, POD).advance(version)
    await KindCache(store, POD).replace([], version)
    assert store.version == 900


def test_a_big_store_is_right_too() -> None:
    random = Random(1)  # noqa: S311 - an order that is the same in every run
    owners = [make(REPLICA_SET, f"r{number}") for number in range(50)]
    pods = [make(POD, f"p{number}", owners=[owners[number % 50]]) for number in range(2_000)]
    arrivals = [*owners, *pods]
    random.shuffle(arrivals)
    store = Store(KINDS)
    for item in arrivals:
        store.put(item)
    assert all(len(list(store.children(owner))) == 40 for owner in owners)
    assert uids(store.roots()) == uids(owners)
    random.shuffle(arrivals)
    for item in arrivals:
        store.remove(item)
    assert_empty(store)


class Notes:
    """An observer that writes down what it is told."""

    def __init__(self, store: Store) -> None:
        self.told: list[tuple[str, str, int]] = []
        self.resets = 0
        store.observe(self)

    def changed(self, before: Object | None, after: Object | None, version: int) -> None:
        how = "changed" if before and after else "came" if after else "went"
        item = after or before
        assert item is not None
        self.told.append((how, item.name, version))

    def reset(self) -> None:
        self.resets += 1


def test_observers_are_told_what_changes_after_the_first_list() -> None:
    store = Store(KINDS)
    notes = Notes(store)
    a, b = (make(DEPLOYMENT, name, "a", resource_version=5) for name in ("a", "b"))
    store.replace(DEPLOYMENT, [a, b], 7)
    assert notes.told == []
    store.put(structs.replace(a, resource_version=8))
    store.put(make(DEPLOYMENT, "c", "a", resource_version=9))
    store.remove(structs.replace(b, resource_version=10))
    assert notes.told == [("changed", "a", 8), ("came", "c", 9), ("went", "b", 10)]


def test_a_second_list_tells_only_what_differs() -> None:
    store = Store(KINDS)
    a, b = (make(DEPLOYMENT, name, "a", resource_version=5) for name in ("a", "b"))
    store.replace(DEPLOYMENT, [a, b], 7)
    notes = Notes(store)
    store.replace(DEPLOYMENT, [structs.replace(a)], 20)
    assert notes.told == [("went", "b", 20)]


def test_one_recreated_under_its_name_is_told_as_gone_and_come() -> None:
    store = Store(KINDS)
    store.replace(DEPLOYMENT, [make(DEPLOYMENT, "a", "a", uid="1", resource_version=5)], 7)
    notes = Notes(store)
    store.put(make(DEPLOYMENT, "a", "a", uid="2", resource_version=9))
    assert notes.told == [("went", "a", 9), ("came", "a", 9)]


def test_a_kind_that_becomes_known_or_unknown_resets() -> None:
    store = Store(KINDS)
    store.replace(DEPLOYMENT, [], 7)
    notes = Notes(store)
    store.omit(POD, Coverage.FORBIDDEN)
    assert notes.resets == 1
    store.omit(POD, Coverage.FORBIDDEN)
    store.replace(DEPLOYMENT, [], 8)
    assert notes.resets == 1
    store.replace(POD, [make(POD, "p", "a")], 9)
    assert notes.resets == 2


KAFKA = Kind("example.org", "v1", "kafkas", "Kafka", "kafka", workload=True, custom=True)


def followed(*kinds: Kind) -> Store:
    """A store whose first kinds are known, and which was told to follow these too."""
    store = filled([], Kinds(KINDS))
    store.follow((*KINDS, *kinds))
    return store


def test_a_kind_that_comes_is_waited_for_only_while_others_are() -> None:
    store = Store(Kinds(KINDS))
    store.follow((*KINDS, KAFKA))
    assert KAFKA in store.pending
    assert store.kinds.by_resource("kafkas") == KAFKA
    assert followed(KAFKA).pending == []
    assert followed(KAFKA).coverage(KAFKA) is Coverage.PENDING


def test_what_a_late_kind_s_first_list_brings_is_told_and_nothing_is_reset() -> None:
    store = followed(KAFKA)
    notes, era = Notes(store), store.era
    store.replace(KAFKA, [make(KAFKA, "main", resource_version=5)], 9)
    assert (notes.told, notes.resets) == ([("came", "main", 5)], 0)
    assert store.era > era


def test_a_late_kind_that_cannot_be_listed_resets_nothing_until_it_was_known() -> None:
    store = followed(KAFKA)
    notes = Notes(store)
    store.omit(KAFKA, Coverage.UNAVAILABLE)
    assert notes.resets == 0
    assert store.omitted == {KAFKA: Coverage.UNAVAILABLE}


def test_what_is_held_of_a_kind_that_goes_is_told_as_gone_and_leaves_nothing() -> None:
    store = followed(KAFKA)
    main = make(KAFKA, "main", resource_version=5)
    below = make(DEPLOYMENT, "below", owners=[main], resource_version=6)
    store.replace(KAFKA, [main], 9)
    store.put(below)
    notes = Notes(store)
    store.follow(KINDS)
    assert (notes.told, notes.resets) == ([("went", "main", 5)], 0)
    assert store.is_root(below)
    assert (store.count(KAFKA), store.find(KAFKA, "shop", "main"), list(store.objects(KAFKA))) == (0, None, [])
    assert KAFKA not in store.seen
    assert store.coverage(KAFKA) is Coverage.NOT_FOUND


def test_what_comes_of_a_kind_that_has_gone_is_dropped() -> None:
    """Its reflector may say one more thing before it is stopped."""
    store = followed()
    generation = store.generation
    store.put(make(KAFKA, "main"))
    store.replace(KAFKA, [make(KAFKA, "main")], 9)
    store.advance(KAFKA, 99)
    store.omit(KAFKA, Coverage.FORBIDDEN)
    assert (store.generation, store.omitted) == (generation, {})


def test_it_is_known_of_which_kinds_there_was_one_and_one_with_an_owner() -> None:
    store = Store(Kinds(KINDS))
    web = make(DEPLOYMENT, "web")
    store.put(web)
    store.put(make(POD, "p", owners=[web]))
    assert store.seen == {DEPLOYMENT, POD}
    assert store.owned == {POD}
    store.remove(web)
    assert DEPLOYMENT in store.seen


def test_losses_end_with_their_owner() -> None:
    store = Store(KINDS)
    web = make(DEPLOYMENT, "web", "a", resource_version=1)
    child = make(POD, "p", "a", owners=[web], resource_version=2)
    store.put(web)
    store.put(child)
    store.remove(child, 9)
    assert store.losses(web) == {POD: 9}
    store.remove(web, 10)
    store.put(web)
    assert store.losses(web) == {}
