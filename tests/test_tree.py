"""Trees against a slow reference on any graph of owners, and the graphs that a hostile user would make."""

from collections import Counter
from collections.abc import Collection, Iterator
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from kubediscovery.drawing import DEFAULT, MAX_DEPTH, Drawing
from kubediscovery.health import Health, assess, worst
from kubediscovery.kinds import Kind
from kubediscovery.nodes import Info, Node, node_of, timestamp
from kubediscovery.objects import Condition, MetadataState, Object, Owner, PodState, RevisionState, State
from kubediscovery.sight import Sight
from kubediscovery.store import Store
from kubediscovery.tree import Tree, build_tree
from tests.objects import (
    CRON_JOB,
    DAEMON_SET,
    DEPLOYMENT,
    FLEET,
    JOB,
    KINDS,
    OTHER_DEPLOYMENT,
    POD,
    REPLICA_SET,
    REVISION,
    RUNNING_JOB,
    RUNNING_POD,
    STATEFUL_SET,
    WAITING_CRON_JOB,
    WORKLOAD,
    filled,
    make,
    owner_of,
)

Graph = list[Object]


EVERYTHING = Sight(None, frozenset(KINDS), all=True)


def tree_of(objects: Collection[Object], root: Object, sight: Sight = EVERYTHING, drawing: Drawing = DEFAULT) -> Tree:
    return build_tree(filled(objects), root, sight, drawing)


def without(*hidden: Kind) -> Sight:
    return Sight(None, frozenset(KINDS) - frozenset(hidden))


def nodes(node: Node) -> Iterator[Node]:
    """In the order of the document."""
    yield node
    for child in node.children:
        yield from nodes(child)


def edges(node: Node) -> Iterator[tuple[str, str]]:
    for found in nodes(node):
        yield from ((found.uid, child.uid) for child in found.children)


# The reference


def owned(objects: Graph, owner: Object, sight: Sight) -> Graph:
    return [
        item
        for item in objects
        if owner.uid in {reference.uid for reference in item.owners}
        and (not owner.kind.namespaced or owner.namespace == item.namespace)
        and sight.sees(item)
    ]


def reachable(objects: Graph, root: Object, sight: Sight) -> Graph:
    found, fresh = [root], [root]
    while fresh:
        fresh = [child for owner in fresh for child in owned(objects, owner, sight) if child not in found]
        fresh = list({item.uid: item for item in fresh}.values())
        found += fresh
    return found


# Graphs


STATES: list[State] = [
    structs.replace(WORKLOAD, conditions=(Condition("Progressing", "False", "ProgressDeadlineExceeded", "late"),)),
    structs.replace(WORKLOAD, paused=True),
    RUNNING_POD,
    structs.replace(RUNNING_POD, is_ready=False, phase="Pending"),
    RevisionState(3),
]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Up to eight objects with any owners among them: chains, diamonds, cycles, owners in other namespaces."""
    count = draw(st.integers(1, 8))
    placed = [
        make(
            draw(st.sampled_from([DEPLOYMENT, REPLICA_SET, POD, FLEET, OTHER_DEPLOYMENT])),
            f"name-{number}-",
            draw(st.sampled_from(["a", "a", "b"])),
            uid=f"uid-{number}-",
            resource_version=draw(st.integers(1, 99)),
            state=draw(st.sampled_from(STATES)),
        )
        for number in range(count)
    ]
    return [
        structs.replace(
            item, owners=tuple(owner_of(owner) for owner in draw(st.lists(st.sampled_from(placed), max_size=3)))
        )
        for item in placed
    ]


@given(graphs(), st.sets(st.sampled_from([DEPLOYMENT, REPLICA_SET, POD, FLEET, OTHER_DEPLOYMENT])))
@settings(max_examples=300)
def test_a_tree_is_what_can_be_reached_and_seen(objects: Graph, hidden: set[Kind]) -> None:
    sight = without(*hidden)
    store = filled(objects)
    for root in objects:
        tree = build_tree(store, root, sight)
        found = reachable(objects, root, sight)
        assert {node.uid for node in nodes(tree.root)} == {item.uid for item in found}
        wanted = {(owner.uid, child.uid) for owner in found for child in owned(objects, owner, sight)}
        assert Counter(edges(tree.root)) == Counter(dict.fromkeys(wanted, 1))
        assert tree.version == max(item.resource_version for item in found)
        assert tree.health == worst(assess(item).health for item in found)
        pods = [item.state for item in found if isinstance(item.state, PodState)]
        assert (tree.pods, tree.ready_pods) == (len(pods), sum(pod.is_ready for pod in pods))
        assert tree.cut == frozenset()
        _assert_expanded_where_first(tree, objects, sight)
        _assert_sorted(tree)
        _assert_silent_about(tree, [item for item in objects if item not in found])


def _assert_expanded_where_first(tree: Tree, objects: Graph, sight: Sight) -> None:
    by_uid = {item.uid: item for item in objects}
    met: set[str] = set()
    for node in nodes(tree.root):
        wanted = [] if node.uid in met else owned(objects, by_uid[node.uid], sight)
        assert {child.uid for child in node.children} == {item.uid for item in wanted}
        met.add(node.uid)


def _assert_sorted(tree: Tree) -> None:
    for node in nodes(tree.root):
        order = [(child.kind, child.namespace, child.name) for child in node.children]
        assert order == sorted(order)


def _assert_silent_about(tree: Tree, others: Graph) -> None:
    said = msgspec.json.encode(tree.root).decode()
    assert not [item.name for item in others if item.name in said or item.uid in said]


@given(graphs(), st.sets(st.sampled_from([DEPLOYMENT, REPLICA_SET, POD, FLEET, OTHER_DEPLOYMENT])))
def test_nothing_of_what_is_hidden_leaves_a_trace(objects: Graph, hidden: set[Kind]) -> None:
    """The tree equals that of a cluster in which what is hidden does not exist."""

    sight = without(*hidden)
    root = objects[0]
    visible = [item for item in objects if item is root or sight.sees(item)]
    assert tree_of(objects, root, sight) == tree_of(visible, root, sight)


@given(graphs(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_show(objects: Graph, random: Random) -> None:
    before = filled(objects)
    shuffled = list(objects)
    random.shuffle(shuffled)
    after = Store(before.kinds)
    for item in shuffled:
        after.put(item)
    for root in objects:
        first, second = (build_tree(store, root, EVERYTHING) for store in (before, after))
        assert msgspec.json.encode(first.root) == msgspec.json.encode(second.root)


def test_children_are_sorted_by_kind_namespace_and_name() -> None:
    fleet = make(FLEET, "fleet")
    children = [
        make(kind, name, namespace, owners=[fleet]) for kind in (POD, JOB) for namespace in "ba" for name in "zy"
    ]
    found = [(node.kind, node.namespace, node.name) for node in tree_of([fleet, *children], fleet).root.children]
    assert found == sorted(found)
    assert len(found) == 8


def test_kinds_of_the_same_name_stand_in_a_fixed_order() -> None:
    fleet = make(FLEET, "fleet")
    twins = [make(OTHER_DEPLOYMENT, "web", owners=[fleet]), make(DEPLOYMENT, "web", owners=[fleet])]
    for objects in ([fleet, *twins], [fleet, *twins[::-1]]):
        store = Store(filled([]).kinds)
        for item in objects:
            store.put(item)
        children = build_tree(store, fleet, EVERYTHING).root.children
        assert [child.api_version for child in children] == ["apps/v1", "example.com/v1"]


# Graphs that grow


def test_a_ladder_of_shared_owners_stays_small() -> None:
    """Each of 40 levels has two objects that both objects of the level above own: 2^40 paths lead down."""
    levels: list[list[Object]] = [[make(DEPLOYMENT, "root")]]
    for level in range(40):
        levels.append([make(REPLICA_SET, f"l{level}-{side}", owners=levels[-1]) for side in "ab"])
    tree = tree_of([item for level in levels for item in level], levels[0][0])
    assert len(list(nodes(tree.root))) == 1 + 2 + 39 * 4
    assert len({node.uid for node in nodes(tree.root)}) == 81
    assert tree.cut == frozenset()


def test_a_complete_graph_has_each_edge_once() -> None:
    names = [f"n{number:02}" for number in range(30)]
    references = [owner_of(make(DEPLOYMENT, name)) for name in names]
    objects = [make(DEPLOYMENT, name, owners=references) for name in names]
    tree = tree_of(objects, objects[0])
    assert len(list(nodes(tree.root))) == 1 + 30 * 30
    msgspec.json.encode(tree.root)


def chain(length: int) -> Graph:
    objects = [make(DEPLOYMENT, "n0")]
    for number in range(1, length):
        kind = POD if number == length - 1 else REPLICA_SET
        objects.append(make(kind, f"n{number}", owners=[objects[-1]]))
    return objects


def test_a_chain_of_a_thousand_is_cut_and_can_be_written() -> None:
    objects = chain(1000)
    tree = tree_of(objects, objects[0])
    assert [node.name for node in nodes(tree.root)] == [f"n{number}" for number in range(MAX_DEPTH)]
    assert tree.cut == {REPLICA_SET}
    assert msgspec.json.decode(msgspec.json.encode(tree.root))["name"] == "n0"


@pytest.mark.parametrize(("length", "cut"), [(MAX_DEPTH - 1, set()), (MAX_DEPTH, set()), (MAX_DEPTH + 1, {POD})])
def test_a_chain_is_cut_at_the_limit(length: int, cut: set[Kind]) -> None:
    objects = chain(length)
    tree = tree_of(objects, objects[0])
    assert len(list(nodes(tree.root))) == min(length, MAX_DEPTH)
    assert tree.cut == cut


def test_what_is_cut_and_may_not_be_seen_is_not_said() -> None:
    objects = chain(MAX_DEPTH + 1)
    assert tree_of(objects, objects[0], without(POD)).cut == frozenset()


def test_what_also_stands_higher_up_is_not_cut() -> None:
    objects = chain(MAX_DEPTH + 1)
    objects[-1] = structs.replace(objects[-1], owners=(*objects[-1].owners, owner_of(objects[0])))
    tree = tree_of(objects, objects[0])
    assert objects[-1].name in {node.name for node in nodes(tree.root)}
    assert tree.cut == frozenset()


def test_what_was_cut_deep_down_is_whole_where_it_appears_higher_up() -> None:
    objects = chain(MAX_DEPTH)[:-1]
    shared = make(STATEFUL_SET, "shared", owners=[objects[-1], objects[0]])
    tree = tree_of([*objects, shared, make(POD, "leaf", owners=[shared])], objects[0])
    higher = next(node for node in tree.root.children if node.name == "shared")
    assert [node.name for node in higher.children] == ["leaf"]
    assert tree.cut == frozenset()


def test_an_object_that_owns_itself_is_below_itself_once() -> None:
    loop = make(DEPLOYMENT, "loop", owners=[make(DEPLOYMENT, "loop")])
    tree = tree_of([loop], loop)
    assert [node.uid for node in nodes(tree.root)] == [loop.uid] * 2
    assert tree.root.children[0].children == []


def test_a_cycle_is_cut_where_it_closes() -> None:
    first = make(DEPLOYMENT, "a", owners=[make(REPLICA_SET, "b")])
    second = make(REPLICA_SET, "b", owners=[first])
    tree = tree_of([first, second], first)
    assert [node.name for node in nodes(tree.root)] == ["a", "b", "a"]


# Nodes


def test_a_child_says_whether_its_parent_controls_it() -> None:
    first, second = make(DEPLOYMENT, "a"), make(DEPLOYMENT, "b")
    shared = make(REPLICA_SET, "c", owners=[owner_of(first), owner_of(second, controller=False)])
    for root, controller in ((first, True), (second, False)):
        tree = tree_of([first, second, shared], root)
        assert (tree.root.controller, tree.root.children[0].controller) == (None, controller)
    twice = make(REPLICA_SET, "c", owners=[owner_of(first, controller=False), owner_of(first)])
    assert tree_of([first, twice], first).root.children[0].controller is True


def test_a_pod_under_several_owners_is_counted_once() -> None:
    web = make(DEPLOYMENT, "web")
    sets = [make(REPLICA_SET, f"web-{number}", owners=[web]) for number in range(2)]
    tree = tree_of([web, *sets, make(POD, "p", owners=sets)], web)
    assert len(list(nodes(tree.root))) == 5
    assert (tree.pods, tree.ready_pods) == (1, 1)


@pytest.mark.parametrize(
    ("kind", "state", "ready", "info"),
    [
        (DEPLOYMENT, structs.replace(WORKLOAD, revision="3"), "2/2", {"revision": "3", "images": ["nginx:1.27"]}),
        (REPLICA_SET, structs.replace(WORKLOAD, ready=1), "1/2", {"images": ["nginx:1.27"]}),
        (
            STATEFUL_SET,
            structs.replace(WORKLOAD, revision="db-1"),
            "2/2",
            {"revision": "db-1", "images": ["nginx:1.27"]},
        ),
        (DAEMON_SET, structs.replace(WORKLOAD, desired=0, ready=0), "0/0", {"images": ["nginx:1.27"]}),
        (REVISION, RevisionState(7), None, {"revision": "7"}),
        (JOB, structs.replace(RUNNING_JOB, completions=3, succeeded=1), "1/3", {"images": ["nginx:1.27"]}),
        (JOB, structs.replace(RUNNING_JOB, completions=0), "0/1", {"images": ["nginx:1.27"]}),
        (CRON_JOB, WAITING_CRON_JOB, None, {"images": ["nginx:1.27"]}),
        (POD, RUNNING_POD, "1/1", {"images": ["nginx:1.27"], "restarts": 0, "node": "n1"}),
        (POD, structs.replace(RUNNING_POD, restarts=4), "1/1", {"images": ["nginx:1.27"], "restarts": 4, "node": "n1"}),
        (
            POD,
            structs.replace(RUNNING_POD, image_ids=("nginx@sha256:1",)),
            "1/1",
            {"images": ["nginx:1.27"], "imageIDs": ["nginx@sha256:1"], "restarts": 0, "node": "n1"},
        ),
        (FLEET, MetadataState(), None, None),
    ],
)
def test_a_node_has_what_its_kind_has(kind: Kind, state: State, ready: str | None, info: dict[str, Any] | None) -> None:
    written = msgspec.json.decode(msgspec.json.encode(node_of(make(kind, "x", state=state))))
    assert written.get("ready") == ready
    assert written.get("info") == info
    assert "controller" not in written


def test_a_node_is_written_as_the_contract_has_it() -> None:
    state = structs.replace(RUNNING_POD, is_ready=False, phase="Pending", reason="Because", message="of that")
    item = make(POD, "p", uid="u", resource_version=12, state=state, owners=[Owner("v1", "X", "x", "y", False)])
    assert msgspec.json.decode(msgspec.json.encode(node_of(item, controller=False))) == {
        "apiVersion": "v1",
        "kind": "Pod",
        "namespace": "shop",
        "name": "p",
        "uid": "u",
        "resourceVersion": "12",
        "creationTimestamp": "2023-11-14T22:13:20Z",
        "ready": "1/1",
        "health": "Progressing",
        "reason": "Because",
        "message": "of that",
        "info": {"images": ["nginx:1.27"], "restarts": 0, "node": "n1"},
        "controller": False,
    }


def test_a_cluster_scoped_node_has_no_namespace() -> None:
    assert "namespace" not in msgspec.json.decode(msgspec.json.encode(node_of(make(FLEET, "x"))))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, None),
        (1, "1970-01-01T00:00:01Z"),
        (1_767_225_600, "2026-01-01T00:00:00Z"),
        (253_402_300_799, "9999-12-31T23:59:59Z"),
    ],
)
def test_times_are_written_as_kubernetes_does(seconds: int, text: str | None) -> None:
    assert timestamp(seconds) == text


def test_the_health_of_a_tree_is_the_worst_in_it() -> None:
    web = make(DEPLOYMENT, "web")
    late = make(REPLICA_SET, "web-1", owners=[web], state=STATES[0])
    assert tree_of([web, late], web).health is Health.DEGRADED
    assert tree_of([web, late], web, without(REPLICA_SET)).health is Health.HEALTHY


def test_empty_info_is_still_said() -> None:
    """A kind that has images says so of an object without any."""
    assert node_of(make(DEPLOYMENT, "x", state=structs.replace(WORKLOAD, images=()))).info == Info(images=())


def test_the_version_of_a_tree_moves_when_something_leaves_it() -> None:
    web = make(DEPLOYMENT, "web", resource_version=10)
    gone = make(REPLICA_SET, "web-1", owners=[web], resource_version=11)
    store = filled([web, gone, make(REPLICA_SET, "web-2", owners=[web], resource_version=30)])
    store.remove(gone, 40)
    assert build_tree(store, web, EVERYTHING).version == 40
    assert build_tree(store, web, without(REPLICA_SET)).version == 10


def test_a_child_that_changes_its_owner_moves_both_versions() -> None:
    one, other = (make(DEPLOYMENT, name, resource_version=10) for name in ("one", "other"))
    child = make(REPLICA_SET, "x", owners=[one], resource_version=11)
    store = filled([one, other, child])
    store.put(structs.replace(child, owners=(owner_of(other),), resource_version=20))
    assert [build_tree(store, root, EVERYTHING).version for root in (one, other)] == [20, 20]
