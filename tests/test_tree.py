"""Trees of made-up graphs, held against a slow and obvious reference."""

from collections.abc import Callable, Iterator, Mapping

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.health import Health, assess, worst
from kubediscovery.kinds import Kind
from kubediscovery.objects import Object, PodState
from kubediscovery.store import Store
from kubediscovery.tree import MAX_DEPTH, Node, Tree, build_tree, timestamp
from tests.objects import (
    CRON_JOB,
    DEPLOYMENT,
    FLEET,
    JOB,
    POD,
    REPLICA_SET,
    REVISION,
    RUNNING_POD,
    STATEFUL_SET,
    filled,
    make,
    owner_of,
)

Sees = Callable[[Object], bool]
KINDS = (DEPLOYMENT, REPLICA_SET, STATEFUL_SET, JOB, POD)


def everything(_: Object) -> bool:
    return True


def tree_of(root: Object, *others: Object, sees: Sees = everything) -> Tree:
    return build_tree(filled((root, *others)), root, sees)


def nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from nodes(child)


def edges(node: Node) -> set[tuple[str, str]]:
    return {(parent.uid, child.uid) for parent in nodes(node) for child in parent.children}


def reference_edges(objects: Mapping[str, Object], root: Object, sees: Sees) -> set[tuple[str, str]]:
    """All edges between what can be reached from the root through what may be seen."""
    reached, edges, before = {root.uid}, set[tuple[str, str]](), -1
    while len(edges) != before:
        before = len(edges)
        for child in objects.values():
            for owner in child.owners:
                if owner.uid in reached and sees(child) and objects[owner.uid].namespace == child.namespace:
                    edges.add((owner.uid, child.uid))
        reached |= {child for _, child in edges}
    return edges


@st.composite
def graphs(draw: st.DrawFn) -> list[Object]:
    """Objects whose owners are any of them: trees, diamonds, cycles, and references across namespaces."""
    size = draw(st.integers(1, 12))
    numbers = st.integers(0, size - 1)
    bare = [
        make(draw(st.sampled_from(KINDS)), f"o{number}", draw(st.sampled_from(("a", "a", "b"))))
        for number in range(size)
    ]
    return [
        msgspec.structs.replace(
            item, owners=tuple(owner_of(bare[number]) for number in draw(st.lists(numbers, max_size=3, unique=True)))
        )
        for item in bare
    ]


@given(graphs(), st.sets(st.sampled_from(KINDS)))
def test_a_tree_has_the_edges_of_the_slow_reference(objects: list[Object], hidden: set[Kind]) -> None:
    store, root = filled(objects), objects[0]
    by_uid = {item.uid: item for item in objects}

    def sees(item: Object) -> bool:
        return item.kind not in hidden

    tree = build_tree(store, root, sees)
    expected = reference_edges(by_uid, root, sees)
    assert edges(tree.root) == expected
    # Each edge once: what a shared object owns is not repeated under every owner.
    assert len(list(nodes(tree.root))) == 1 + len(expected)


@given(graphs(), st.sets(st.sampled_from(KINDS)))
def test_nothing_of_what_is_hidden_leaves_a_trace(objects: list[Object], hidden: set[Kind]) -> None:
    """The tree equals the tree of a cluster in which the hidden objects do not exist."""
    root = objects[0]
    visible = [item for item in objects if item is root or item.kind not in hidden]
    assert build_tree(filled(objects), root, lambda item: item.kind not in hidden) == build_tree(
        filled(visible), root, lambda item: item.kind not in hidden
    )


@given(graphs())
def test_what_holds_of_all_of_it_is_counted_once_an_object(objects: list[Object]) -> None:
    root, by_uid = objects[0], {item.uid: item for item in objects}
    tree = build_tree(filled(objects), root, everything)
    reached = [by_uid[uid] for uid in {node.uid for node in nodes(tree.root)}]
    pods = [item.state for item in reached if isinstance(item.state, PodState)]
    assert (tree.pods, tree.ready_pods) == (len(pods), sum(pod.is_ready for pod in pods))
    assert tree.health is worst(assess(item).health for item in reached)
    assert tree.version == max(item.resource_version for item in reached)


@given(graphs(), st.data())
def test_the_order_of_events_does_not_matter(objects: list[Object], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(objects))
    assert build_tree(filled(objects), objects[0], everything) == build_tree(filled(shuffled), objects[0], everything)


def test_children_are_sorted_by_kind_namespace_and_name() -> None:
    root = make(FLEET, "fleet")
    children = [
        make(kind, name, namespace, owners=[root]) for kind in (POD, JOB) for namespace in "ba" for name in "zy"
    ]
    found = tree_of(root, *children).root.children
    keys = [(node.kind, node.namespace, node.name) for node in found]
    assert keys == sorted(keys)
    assert len(keys) == 8


def test_a_cycle_ends() -> None:
    a, b = make(DEPLOYMENT, "a"), make(REPLICA_SET, "b")
    a = msgspec.structs.replace(a, owners=(owner_of(b),))
    b = msgspec.structs.replace(b, owners=(owner_of(a),))
    tree = tree_of(a, b)
    assert [node.name for node in nodes(tree.root)] == ["a", "b", "a"]


def test_an_object_that_owns_itself_ends_too() -> None:
    a = make(DEPLOYMENT, "a")
    a = msgspec.structs.replace(a, owners=(owner_of(a),))
    assert [node.name for node in nodes(tree_of(a).root)] == ["a", "a"]


def test_an_object_with_two_owners_stands_under_both_and_says_which_controls_it() -> None:
    root = make(DEPLOYMENT, "root")
    left, right = (make(REPLICA_SET, name, owners=[root]) for name in ("left", "right"))
    shared = make(POD, "shared", owners=[owner_of(left, controller=True), owner_of(right, controller=False)])
    tree = tree_of(root, left, right, shared)
    assert [(child.name, [(pod.name, pod.controller) for pod in child.children]) for child in tree.root.children] == [
        ("left", [("shared", True)]),
        ("right", [("shared", False)]),
    ]
    assert tree.pods == 1


def test_a_ladder_of_shared_owners_stays_small() -> None:
    """Forty steps of two objects, each owned by both above: 2^40 paths, 157 edges."""
    root = make(DEPLOYMENT, "root")
    rungs = [[root]]
    for step in range(40):
        rungs.append([make(JOB, f"{step}-{side}", owners=rungs[-1]) for side in "ab"])
    tree = tree_of(root, *(item for rung in rungs[1:] for item in rung))
    assert len(list(nodes(tree.root))) == 1 + 2 + 39 * 4


@pytest.mark.parametrize("length", [MAX_DEPTH, MAX_DEPTH + 1, 1_000])
def test_a_long_chain_is_cut_and_says_so(length: int) -> None:
    chain = [make(DEPLOYMENT, "o0")]
    for number in range(1, length):
        chain.append(make(JOB, f"o{number}", owners=[chain[-1]]))
    tree = tree_of(*chain)
    assert len(list(nodes(tree.root))) == min(length, MAX_DEPTH)
    assert tree.cut == (frozenset() if length == MAX_DEPTH else {JOB})
    assert msgspec.json.decode(msgspec.json.encode(tree.root))["name"] == "o0"


def test_what_was_cut_deep_down_is_whole_where_it_appears_higher_up() -> None:
    root = make(DEPLOYMENT, "a-root")
    chain = [root]
    for number in range(1, MAX_DEPTH - 1):
        chain.append(make(JOB, f"a{number}", owners=[chain[-1]]))
    shared = make(STATEFUL_SET, "shared", owners=[chain[-1], root])
    leaf = make(POD, "leaf", owners=[shared])
    tree = tree_of(*chain, shared, leaf)
    higher = next(node for node in tree.root.children if node.name == "shared")
    assert [node.name for node in higher.children] == ["leaf"]


def test_a_hidden_middle_hides_what_is_below_it() -> None:
    root = make(DEPLOYMENT, "web")
    replica_set = make(REPLICA_SET, "web-1", owners=[root])
    pod = make(POD, "web-1-x", owners=[replica_set])
    tree = tree_of(root, replica_set, pod, sees=lambda item: item.kind != REPLICA_SET)
    assert [node.name for node in nodes(tree.root)] == ["web"]
    assert (tree.pods, tree.version) == (0, root.resource_version)


@pytest.mark.parametrize(
    ("kind", "ready", "info"),
    [
        (DEPLOYMENT, "2/2", {"images": ["nginx:1.27"]}),
        (REPLICA_SET, "2/2", {"images": ["nginx:1.27"]}),
        (JOB, "0/1", {"images": ["nginx:1.27"]}),
        (CRON_JOB, None, {"images": ["nginx:1.27"]}),
        (REVISION, None, {"revision": "1"}),
        (POD, "1/1", {"images": ["nginx:1.27"], "restarts": 0, "node": "n1"}),
        (FLEET, None, None),
    ],
)
def test_a_node_shows_what_its_kind_has(kind: Kind, ready: str | None, info: object) -> None:
    node = msgspec.json.decode(msgspec.json.encode(tree_of(make(kind, "x")).root))
    assert (node.get("ready"), node.get("info")) == (ready, info)
    assert node["health"] in set(Health)
    assert "children" not in node
    assert "controller" not in node


def test_a_pod_that_is_not_scheduled_has_no_node() -> None:
    info = tree_of(make(POD, "x", state=msgspec.structs.replace(RUNNING_POD, node=""))).root.info
    assert msgspec.to_builtins(info) == {"images": ("nginx:1.27",), "restarts": 0}


def test_times_are_those_of_kubernetes() -> None:
    assert timestamp(1_700_000_000) == "2023-11-14T22:13:20Z"
    assert timestamp(0) is None


def test_the_store_is_not_changed() -> None:
    root = make(DEPLOYMENT, "web")
    store: Store = filled([root, make(POD, "x", owners=[root])])
    assert build_tree(store, root, everything) == build_tree(store, root, everything)
