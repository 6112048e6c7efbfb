"""The directions owners, users and uses: on any graph as an obvious reading has them, and case by case."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from kubediscovery.drawing import DEFAULT, MAX_DEPTH, Direction, Drawing, KindFilter
from kubediscovery.nodes import Node
from kubediscovery.objects import Object, Owner
from kubediscovery.relations import Relations
from kubediscovery.selectors import EVERYTHING
from kubediscovery.sight import Sight
from kubediscovery.store import Coverage, may_own
from kubediscovery.tree import Tree, build_tree
from tests.objects import DEPLOYMENT, FLEET, POD, REPLICA_SET, make, owner_of
from tests.relating import (
    ACCOUNT,
    ALL,
    BINDING,
    CLAIM,
    CLUSTER_ROLE,
    CONFIG,
    DRIVER,
    EVERYBODY,
    INGRESS,
    NODE,
    RELATED_KINDS,
    ROLE,
    SECRET,
    SERVICE,
    SLICE,
    STORAGE_CLASS,
    VOLUME,
    event,
    graphs,
    lines,
    pod,
    refers,
    sights,
    stored,
    walk,
)

OWNERS, USERS = Drawing(direction=Direction.OWNERS), Drawing(direction=Direction.USERS)
USES = Drawing(direction=Direction.USES)

WEB = make(DEPLOYMENT, "web")
SET = make(REPLICA_SET, "web-1", owners=[WEB])
ONE = make(POD, "web-1-a", owners=[SET])


def up(objects: list[Object], root: Object, sight: Sight = EVERYBODY, drawing: Drawing = OWNERS) -> Tree:
    return build_tree(stored(objects), root, sight, drawing)


def chain(node: Node) -> list[str]:
    return [found.name for found in walk(node)]


# The obvious reading

Edge = tuple[str, str, str]


def edges(node: Node) -> list[Edge]:
    """What leads from one object to another: who is missing has no version."""
    return [
        (found.uid, child.relation, child.uid)
        for found in walk(node)
        for child in found.children
        if child.resource_version
    ]


def reached(wanted: set[Edge], root: Object) -> set[Edge]:
    """The edges that a way from the root comes to."""
    places, found = {root.uid}, set[Edge]()
    while fresh := {edge for edge in wanted - found if edge[0] in places}:
        found |= fresh
        places |= {edge[2] for edge in fresh}
    return found


def owner_edges(objects: list[Object], sight: Sight) -> set[Edge]:
    return {
        (child.uid, "owner", owner.uid)
        for child in objects
        for owner in objects
        if owner.uid in {reference.uid for reference in child.owners} and may_own(owner, child) and sight.sees(owner)
    }


@given(graphs(), sights())
@settings(max_examples=200, deadline=None)
def test_owners_are_what_an_obvious_reading_finds(objects: list[Object], sight: Sight) -> None:
    root = objects[0]
    found = edges(up(objects, root, sight).root)
    assert sorted(found) == sorted(reached(owner_edges(objects, sight), root))


@given(graphs(), sights(), st.sampled_from([frozenset[str](), ALL, frozenset(("claim", "volume", "endpoints"))]))
@settings(max_examples=200, deadline=None)
def test_users_are_what_an_obvious_reading_finds(
    objects: list[Object], sight: Sight, relations: frozenset[str]
) -> None:
    attached, root = Relations().attached, objects[0]
    known = [item for item in objects if item is root or sight.sees(item)]
    visible = {item.uid for item in objects if sight.sees(item)}
    used = {
        (line.below, line.relation, line.above)
        for line in lines(known)
        if line.relation in (relations or ALL)
        and line.above in visible
        and (line.below == root.uid or line.relation not in attached)
    }
    owned = {edge for edge in owner_edges(known, sight) if edge[0] != root.uid}
    found = edges(up(objects, root, sight, Drawing(direction=Direction.USERS, relations=relations)).root)
    assert sorted(found) == sorted(reached(used | owned, root))


@given(graphs(), sights(), st.sampled_from([frozenset[str](), ALL, frozenset(("claim", "volume", "subject"))]))
@settings(max_examples=200, deadline=None)
def test_what_is_used_is_what_an_obvious_reading_finds(
    objects: list[Object], sight: Sight, relations: frozenset[str]
) -> None:
    root = objects[0]
    visible = {item.uid for item in objects if sight.sees(item)}
    wanted = [line for line in lines(objects) if line.relation in (relations or ALL)]
    used = {(line.above, line.relation, line.below) for line in wanted if line.relation != "subject"}
    used |= {(line.below, line.relation, line.above) for line in wanted if line.relation == "subject"}
    seen = {edge for edge in used if edge[2] in visible} | owner_edges(objects, sight)
    found = edges(up(objects, root, sight, Drawing(direction=Direction.USES, relations=relations)).root)
    assert sorted(found) == sorted(reached(seen, root))


# Owners


def test_the_chain_goes_up_to_the_root() -> None:
    tree = up([WEB, SET, ONE], ONE)
    assert chain(tree.root) == ["web-1-a", "web-1", "web"]
    (parent,) = tree.root.children
    assert (parent.relation, parent.incoming, parent.controller) == ("owner", True, True)
    assert [item.name for item in tree.members] == ["web-1-a", "web-1", "web"]


def test_a_plain_owner_is_told_from_the_controller() -> None:
    other = make(DEPLOYMENT, "a")
    shared = make(REPLICA_SET, "s", owners=[owner_of(WEB), owner_of(other, controller=False)])
    found = up([WEB, other, shared], shared).root.children
    assert [(node.name, node.controller) for node in found] == [("a", False), ("web", True)]


def test_an_owner_that_is_not_there_is_missing() -> None:
    tree = up([SET], SET)
    (node,) = tree.root.children
    assert (node.kind, node.name, node.namespace, node.uid) == ("Deployment", "web", "shop", WEB.uid)
    assert (node.health, node.reason, node.api_version) == ("Missing", "OwnerNotFound", "apps/v1")
    assert (tree.health, tree.members) == ("Missing", (SET,))


def test_an_owner_in_another_namespace_is_missing_and_nothing_is_said_of_it() -> None:
    far = make(DEPLOYMENT, "far", "other", labels=(("colour", "red"),), resource_version=77_777)
    child = make(REPLICA_SET, "s", owners=[Owner("apps/v1", "Deployment", "as-the-child-says", far.uid, True)])
    (node,) = up([far, child], child).root.children
    assert (node.health, node.reason) == ("Missing", "OwnerInAnotherNamespace")
    assert (node.name, node.namespace, node.resource_version) == ("as-the-child-says", "shop", "")
    assert not node.children


def test_who_may_not_list_the_other_namespace_learns_nothing_of_it() -> None:
    far = make(DEPLOYMENT, "far", "other")
    child = make(REPLICA_SET, "s", owners=[far])
    sight = Sight("shop", EVERYBODY.kinds)
    assert up([far, child], child, sight) == up([child], child, sight)


def test_an_owner_of_a_hidden_kind_is_not_said_to_be_missing() -> None:
    sight = Sight(None, EVERYBODY.kinds - {DEPLOYMENT})
    for objects in ([WEB, SET], [SET]):
        assert not up(objects, SET, sight).root.children


@pytest.mark.parametrize("coverage", [Coverage.FORBIDDEN, Coverage.NOT_FOUND])
def test_of_a_kind_that_is_not_known_nothing_is_missing(coverage: Coverage) -> None:
    store = stored([SET])
    store.omit(DEPLOYMENT, coverage)
    assert not build_tree(store, SET, EVERYBODY, OWNERS).root.children


def test_an_owner_of_an_unknown_kind_is_not_said_to_be_missing() -> None:
    child = make(POD, "p", owners=[Owner("strange.example.org/v1", "Strange", "x", "y", True)])
    assert not up([child], child).root.children


def test_a_cluster_scoped_owner_has_no_namespace() -> None:
    fleet = make(FLEET, "fleet")
    child = make(POD, "p", owners=[fleet])
    assert up([fleet, child], child).root.children[0].namespace == ""
    assert up([child], child).root.children[0].namespace == ""


def test_owners_in_a_cycle_end_where_it_closes() -> None:
    first = make(DEPLOYMENT, "a", owners=[make(REPLICA_SET, "b")])
    second = make(REPLICA_SET, "b", owners=[first])
    assert chain(up([first, second], first).root) == ["a", "b", "a"]


def test_a_long_chain_of_owners_is_cut() -> None:
    objects = [make(DEPLOYMENT, "n0")]
    for number in range(1, MAX_DEPTH + 5):
        objects.append(make(REPLICA_SET, f"n{number}", owners=[objects[-1]]))
    tree = up(objects, objects[-1])
    assert len(chain(tree.root)) == MAX_DEPTH
    assert tree.cut == {REPLICA_SET}


def test_depth_limits_what_is_drawn_and_not_what_is_said() -> None:
    tree = up([SET, ONE], ONE, drawing=structs.replace(OWNERS, depth=1))
    assert chain(tree.root) == ["web-1-a", "web-1"]
    assert (tree.health, tree.cut) == ("Missing", frozenset())


# Users


def test_who_uses_a_config_map_is_told_up_to_the_roots() -> None:
    config = make(CONFIG, "c")
    one = structs.replace(ONE, references=(refers("configMap", config),))
    tree = up([WEB, SET, one, config], config, drawing=USERS)
    assert chain(tree.root) == ["c", "web-1-a", "web-1", "web"]
    assert [node.relation for node in walk(tree.root)] == ["", "configMap", "owner", "owner"]


def test_who_uses_a_secret_by_its_account_is_told() -> None:
    secret = make(SECRET, "s")
    account = make(ACCOUNT, "robot", references=(refers("tokenSecret", secret),))
    assert chain(up([secret, account, pod("p", refers("serviceAccount", account))], secret, drawing=USERS).root) == [
        "s",
        "robot",
        "p",
    ]


def test_what_serves_a_user_is_no_user() -> None:
    machine, service = make(NODE, "n7"), make(SERVICE, "shop")
    one = pod("p", node="n7")
    ends = make(SLICE, "shop-1", references=(refers("endpoints", service), refers("endpoints", one)))
    objects = [machine, service, one, ends]
    assert chain(up(objects, machine, drawing=USERS).root) == ["n7", "p"]
    assert chain(up(objects, one, drawing=USERS).root) == ["p", "shop-1"]


def test_who_uses_a_service_includes_what_stands_before_it() -> None:
    service = make(SERVICE, "shop")
    front = make(INGRESS, "in", references=(refers("ingress", service),))
    assert chain(up([service, front], service, drawing=USERS).root) == ["shop", "in"]


def test_the_root_has_no_owners_among_its_users() -> None:
    assert chain(up([WEB, SET, ONE], ONE, drawing=USERS).root) == ["web-1-a"]


# What is used


def storage() -> tuple[Object, ...]:
    """A pod, its claim, the volume of that, and what stores it."""
    driver = make(DRIVER, "csi.example.org", "")
    disks = make(STORAGE_CLASS, "disks", "", references=(refers("csiDriver", driver),))
    volume = make(VOLUME, "pv", "", references=(refers("storageClass", disks), refers("csiDriver", driver)))
    claim = make(CLAIM, "data", references=(refers("volume", volume), refers("storageClass", disks)))
    return pod("p", refers("claim", claim), owners=[SET]), claim, volume, disks, driver


def test_what_a_pod_uses_is_followed_to_the_end() -> None:
    one, *stored_in = storage()
    tree = up([WEB, SET, one, *stored_in], one, drawing=USES)
    assert chain(tree.root) == [
        "p",
        "data",
        "disks",
        "csi.example.org",
        "pv",
        "csi.example.org",
        "disks",
        "web-1",
        "web",
    ]
    assert [(node.name, node.relation, node.incoming) for node in tree.root.children] == [
        ("data", "claim", None),
        ("web-1", "owner", True),
    ]
    assert tree.root.related == []
    assert chain(up([SET, one, *stored_in], one, drawing=structs.replace(USES, depth=1)).root) == ["p", "data", "web-1"]


def test_what_is_hidden_leads_nowhere() -> None:
    one, *stored_in = storage()
    sight = Sight("default", frozenset(RELATED_KINDS) - {CLAIM, REPLICA_SET})
    assert chain(up([WEB, SET, one, *stored_in], one, sight, USES).root) == ["p"]


def test_an_account_uses_the_bindings_that_give_it_its_rights() -> None:
    account, role = make(ACCOUNT, "robot"), make(ROLE, "reader")
    binding = make(BINDING, "robots", references=(refers("subject", account), refers("role", role)))
    one = pod("p", refers("serviceAccount", account))
    objects = [account, role, binding, one]
    tree = up(objects, one, drawing=USES)
    assert chain(tree.root) == ["p", "robot", "robots", "reader"]
    assert [node.incoming for node in walk(tree.root)] == [None, None, True, None]
    assert chain(up(objects, binding, drawing=USES).root) == ["robots", "reader"]


def test_an_event_uses_what_it_is_about() -> None:
    told = event("e", ONE)
    assert chain(up([SET, ONE, told], told, drawing=USES).root) == ["e", "web-1-a", "web-1"]
    assert chain(up([SET, ONE, told], ONE, drawing=USES).root) == ["web-1-a", "web-1"]


def test_circles_of_use_end_where_they_close() -> None:
    first, second = make(CLUSTER_ROLE, "a", ""), make(CLUSTER_ROLE, "b", "")
    first = structs.replace(first, selector=EVERYTHING)
    second = structs.replace(second, selector=EVERYTHING)
    assert chain(up([first, second], first, drawing=USES).root) == ["a", "a", "b", "a", "b"]


def test_what_uses_nothing_is_one_node_wherever_it_stands() -> None:
    account = make(ACCOUNT, "robot")
    pods = [pod(f"p{number}", refers("serviceAccount", account), owners=[SET]) for number in range(3)]
    ends = make(SLICE, "ends", references=tuple(refers("endpoints", found) for found in pods))
    tree = up([account, *pods, ends], ends, drawing=USES)
    assert len({id(node) for node in walk(tree.root) if node.name == "robot"}) == 1
    assert chain(tree.root).count("robot") == 3
    kept = up([account, *pods, ends], ends, drawing=structs.replace(USES, kinds=KindFilter(("pod",))))
    assert chain(kept.root) == ["ends", "p0", "p1", "p2"]


def test_every_kind_of_the_tests_is_tracked() -> None:
    assert len(set(RELATED_KINDS)) == len(list(RELATED_KINDS))
    assert DEFAULT.depth == MAX_DEPTH
