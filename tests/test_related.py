"""What hangs beside what is owned: on any graph as an obvious reading has it, and each relation by itself."""

from collections import deque
from dataclasses import dataclass, field
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from kubediscovery.drawing import DEFAULT, Direction, Drawing
from kubediscovery.nodes import Node
from kubediscovery.objects import Object, Reference
from kubediscovery.relations import Relations
from kubediscovery.selectors import EVERYTHING
from kubediscovery.sight import Sight
from kubediscovery.store import Store
from kubediscovery.tree import Tree, build_tree, owner_tree
from tests.objects import DEPLOYMENT, POD, REPLICA_SET, STATEFUL_SET, WORKLOAD, make
from tests.relating import (
    ACCOUNT,
    ALL,
    API_SERVICE,
    ATTACHMENT,
    AUTOSCALER,
    BINDING,
    BUDGET,
    CLAIM,
    CLUSTER_ROLE,
    CONFIG,
    DRIVER,
    EVERYBODY,
    GATEWAY,
    GATEWAY_CLASS,
    INGRESS,
    INGRESS_CLASS,
    NODE,
    POLICY,
    PRIORITY,
    ROLE,
    ROUTE,
    RUNTIME,
    SECRET,
    SERVICE,
    SLICE,
    STORAGE_CLASS,
    VOLUME,
    WEBHOOKS,
    event,
    graphs,
    is_empty,
    labels,
    lines,
    pod,
    refers,
    selects,
    sights,
    stored,
    walk,
)

EVERY_RELATION = Drawing(relations=ALL)


def drawn(objects: list[Object], root: Object, sight: Sight = EVERYBODY, drawing: Drawing = EVERY_RELATION) -> Tree:
    return build_tree(stored(objects), root, sight, drawing)


# Any graph


@dataclass
class Plain:
    """A node, as a test reads and writes it."""

    uid: str
    relation: str = ""
    incoming: bool | None = None
    children: "list[Plain]" = field(default_factory=list)
    related: "list[Plain]" = field(default_factory=list)


def plain(node: Node) -> Plain:
    below, beside = [plain(child) for child in node.children], [plain(other) for other in node.related]
    return Plain(node.uid, node.relation, node.incoming, below, beside)


def expected(objects: list[Object], root: Object, sight: Sight, relations: frozenset[str]) -> Plain:
    """The tree with its relations, one edge after the other, all of them looked through for each."""
    rules = Relations()
    known = {item.uid: item for item in objects if item is root or sight.sees(item)}
    edges, visible = lines(list(known.values())), {item.uid for item in objects if sight.sees(item)}
    top = plain(owner_tree(stored(objects), root, sight).root)
    followed = relations - {"event", "helm"}
    owned = list({place.uid: place for place in reversed(in_order(top))}.values())[::-1]
    queue = deque((place, followed, followed & rules.attached) for place in owned)
    beginnings = {place.uid for place in owned}
    gone_out, gone_back = {place.uid: followed for place in owned}, {place.uid for place in owned}

    def where(line: tuple[str, str]) -> tuple[str, ...]:
        item = known[line[1]]
        return (line[0], item.kind.kind, item.namespace, item.name, item.kind.group)

    while queue:
        place, forward, backward = queue.popleft()
        out = {(line.relation, line.below) for line in edges if line.above == place.uid and line.relation in forward}
        back = {(line.relation, line.above) for line in edges if line.below == place.uid and line.relation in backward}
        for relation, uid in sorted((line for line in out if line[1] in visible), key=where):
            onward = rules.then[relation] & followed - gone_out.get(uid, frozenset())
            gone_out[uid] = gone_out.get(uid, frozenset()) | onward
            place.related.append(Plain(uid, relation))
            queue.append((place.related[-1], onward, frozenset()))
        for relation, uid in sorted((line for line in back if line[1] in visible - beginnings), key=where):
            place.related.append(Plain(uid, relation, True))
            queue.append(
                (place.related[-1], frozenset(), frozenset() if uid in gone_back else followed & rules.attached)
            )
            gone_back.add(uid)
        place.related.sort(key=lambda found: (where((found.relation, found.uid)), bool(found.incoming)))
    return top


def in_order(place: Plain) -> list[Plain]:
    return [place, *(found for child in place.children for found in in_order(child))]


@given(graphs(), sights(), st.one_of(st.just(ALL), st.frozensets(st.sampled_from(sorted(ALL)))))
@settings(max_examples=300, deadline=None)
def test_a_tree_with_relations_is_what_an_obvious_reading_finds(
    objects: list[Object], sight: Sight, relations: frozenset[str]
) -> None:
    store, root = stored(objects), objects[0]
    found, owned = build_tree(store, root, sight, Drawing(relations=relations)), owner_tree(store, root, sight)
    assert plain(found.root) == expected(objects, root, sight, relations)
    assert (found.health, found.members, found.pods) == (owned.health, owned.members, owned.pods)


DRAWINGS = st.builds(
    Drawing,
    relations=st.one_of(st.just(ALL), st.just(frozenset[str]()), st.frozensets(st.sampled_from(sorted(ALL)))),
    direction=st.sampled_from(Direction),
    depth=st.sampled_from([1, 2, 3, DEFAULT.depth]),
    hide_inactive=st.booleans(),
)


@given(graphs(), sights(), DRAWINGS)
@settings(max_examples=300, deadline=None)
def test_nothing_of_what_is_hidden_leaves_a_trace(objects: list[Object], sight: Sight, drawing: Drawing) -> None:
    """The tree equals that of a cluster in which what is hidden does not exist."""
    root = objects[0]
    visible = [item for item in objects if item is root or sight.sees(item)]
    assert drawn(objects, root, sight, drawing) == drawn(visible, root, sight, drawing)


@given(graphs(), sights(), DRAWINGS, st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_the_order_of_arrival_does_not_show(
    objects: list[Object], sight: Sight, drawing: Drawing, random: Random
) -> None:
    shuffled = list(objects)
    random.shuffle(shuffled)
    first, second = (drawn(items, objects[0], sight, drawing).root for items in (objects, shuffled))
    assert msgspec.json.encode(first) == msgspec.json.encode(second)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_after_any_changes_the_index_is_that_of_a_new_store(data: st.DataObject) -> None:
    """Whatever came, changed and went before."""
    objects, others = data.draw(graphs()), data.draw(graphs())
    store = stored(objects)
    for item in others:
        change(store, item, data.draw(st.sampled_from(["put", "remove", "put and remove"])))
    left = [found for kind in store.kinds for found in store.objects(kind)]
    fresh = stored(left)
    for root in left:
        for drawing in (EVERY_RELATION, Drawing(direction=Direction.USERS)):
            one, other = (build_tree(found, root, EVERYBODY, drawing).root for found in (store, fresh))
            assert msgspec.json.encode(one) == msgspec.json.encode(other)
    for item in left:
        store.remove(item)
    assert is_empty(store.links)


def change(store: Store, item: Object, how: str) -> None:
    if "put" in how:
        store.put(item)
    if "remove" in how:
        held = store.get(item.uid)
        store.remove(held or item)


# Each relation

WEB = make(DEPLOYMENT, "web")
SET = make(REPLICA_SET, "web-1", owners=[WEB])
SHOP = make(SERVICE, "shop")
CLASS, CSI, DISK = make(STORAGE_CLASS, "fast"), make(DRIVER, "csi.example.com"), make(VOLUME, "pv-1")
MONEY, MACHINE, ROBOT = make(SECRET, "money"), make(NODE, "n7"), make(ACCOUNT, "robot")
ADMIN, PART = (
    make(CLUSTER_ROLE, "admin", selector=selects(part="admin")),
    make(CLUSTER_ROLE, "x", labels=labels(part="admin")),
)
DATA = make(CLAIM, "data-db-0", references=(refers("volume", DISK), refers("storageClass", CLASS)))
TEMPLATE = Reference("claimTemplate", "", "PersistentVolumeClaim", "data-db-")
FRONT, HOUSE = make(POD, "front", labels=labels(app="x")), make(GATEWAY, "house")

CASES: list[tuple[str, Object, list[Object]]] = [
    ("endpoints", SHOP, [make(SLICE, "shop-1", references=(refers("endpoints", SHOP),))]),
    ("endpoints", make(SLICE, "shop-1", references=(refers("endpoints", FRONT),)), [FRONT]),
    ("ingress", make(INGRESS, "in", references=(refers("ingress", SHOP),)), [SHOP]),
    ("ingressClass", make(INGRESS, "in", references=(Reference("ingressClass", INGRESS.group, "IngressClass", "c"),)),
     [make(INGRESS_CLASS, "c")]),
    ("tls", make(INGRESS, "in", references=(refers("tls", MONEY),)), [MONEY]),
    ("tls", make(GATEWAY, "g", references=(refers("tls", MONEY),)), [MONEY]),
    ("route", HOUSE, [make(ROUTE, "r", "other", references=(refers("route", HOUSE, "shop"),))]),
    ("route", make(ROUTE, "r", references=(refers("route", SHOP),)), [SHOP]),
    ("gatewayClass", make(GATEWAY, "g", references=(refers("gatewayClass", make(GATEWAY_CLASS, "c")),)),
     [make(GATEWAY_CLASS, "c")]),
    ("scale", make(AUTOSCALER, "hpa", references=(refers("scale", WEB),)), [WEB]),
    ("disruption", make(BUDGET, "b", selector=selects(app="x")), [FRONT]),
    ("networkPolicy", make(POLICY, "p", selector=EVERYTHING), [FRONT]),
    ("configMap", pod("p", refers("configMap", make(CONFIG, "c"))), [make(CONFIG, "c")]),
    ("secret", pod("p", refers("secret", MONEY)), [MONEY]),
    ("claim", pod("p", refers("claim", DATA)), [DATA]),
    ("serviceAccount", pod("p", refers("serviceAccount", ROBOT)), [ROBOT]),
    ("node", pod("p", node="n7"), [MACHINE]),
    ("priorityClass", pod("p", refers("priorityClass", make(PRIORITY, "high"))), [make(PRIORITY, "high")]),
    ("runtimeClass", pod("p", refers("runtimeClass", make(RUNTIME, "gvisor"))), [make(RUNTIME, "gvisor")]),
    ("csiDriver", pod("p", refers("csiDriver", CSI)), [CSI]),
    ("csiDriver", make(VOLUME, "v", references=(refers("csiDriver", CSI),)), [CSI]),
    ("csiDriver", make(STORAGE_CLASS, "s", references=(refers("csiDriver", CSI),)), [CSI]),
    ("volume", DATA, [DISK]),
    ("storageClass", DATA, [CLASS]),
    ("storageClass", make(VOLUME, "v", references=(refers("storageClass", CLASS),)), [CLASS]),
    ("attachment", make(ATTACHMENT, "a", references=(refers("attachment", DISK), refers("attachment", MACHINE))),
     [MACHINE, DISK]),
    ("claimTemplate", make(STATEFUL_SET, "db", references=(TEMPLATE,)), [DATA]),
    ("role", make(BINDING, "b", references=(refers("role", make(ROLE, "r")),)), [make(ROLE, "r")]),
    ("role", make(BINDING, "b", references=(refers("role", PART),)), [PART]),
    ("subject", make(BINDING, "b", references=(refers("subject", ROBOT, "shop"),)), [ROBOT]),
    ("aggregation", ADMIN, [PART]),
    ("webhook", make(WEBHOOKS, "w", references=(refers("webhook", SHOP, "shop"),)), [SHOP]),
    ("apiService", make(API_SERVICE, "v1.x", references=(refers("apiService", SHOP, "shop"),)), [SHOP]),
    ("tokenSecret", make(ACCOUNT, "a", references=(refers("tokenSecret", MONEY),)), [MONEY]),
    ("tokenSecret", ROBOT, [make(SECRET, "robot-token", references=(refers("tokenSecret", ROBOT),))]),
    ("helm", make(DEPLOYMENT, "x", release="shop/web"), [make(SERVICE, "x", release="shop/web")]),
]  # fmt: skip


@pytest.mark.parametrize(("relation", "source", "targets"), CASES)
def test_a_relation_leads_to_its_targets_alone(relation: str, source: Object, targets: list[Object]) -> None:
    strangers = [
        make(target.kind, f"{target.name}-0", target.namespace, uid="stranger", labels=labels(app="xx"))
        for target in targets
        if target.kind != POD
    ]
    objects = [source, *targets, *strangers]
    found = drawn(objects, source, drawing=Drawing(relations=frozenset((relation,)))).root.related
    assert [(node.relation, node.incoming, node.uid) for node in found] == [
        (relation, None, target.uid) for target in targets
    ]
    others = Drawing(relations=ALL - {relation})
    assert not {node.uid for node in walk(drawn(objects, source, drawing=others).root)} & {item.uid for item in targets}


@pytest.mark.parametrize(("relation", "source", "targets"), [case for case in CASES if case[0] in Relations().attached])
def test_what_is_attached_is_found_from_its_targets(relation: str, source: Object, targets: list[Object]) -> None:
    for target in targets:
        found = drawn([source, *targets], target, drawing=Drawing(relations=frozenset((relation,)))).root.related
        assert [(node.relation, node.incoming, node.uid) for node in found] == [(relation, True, source.uid)]


@pytest.mark.parametrize(("relation", "source", "targets"), [case for case in CASES if case[0] != "helm"])
def test_who_uses_an_object_is_found_by_any_relation(relation: str, source: Object, targets: list[Object]) -> None:
    for target in targets:
        for relations in (frozenset[str](), frozenset((relation,))):
            users = Drawing(direction=Direction.USERS, relations=relations)
            found = drawn([source, *targets], target, drawing=users).root.children
            assert [(node.relation, node.incoming, node.uid) for node in found] == [(relation, True, source.uid)]


def test_a_secret_that_an_account_lists_and_that_names_the_account_is_one_edge() -> None:
    token = make(SECRET, "token", references=(refers("tokenSecret", ROBOT),))
    account = structs.replace(ROBOT, references=(refers("tokenSecret", token),))
    only = frozenset(("tokenSecret",))
    root = drawn([account, token], account, drawing=Drawing(relations=only)).root
    assert [(node.incoming, node.name) for node in root.related] == [(None, "token")]
    users = drawn([account, token], token, drawing=Drawing(direction=Direction.USERS, relations=only)).root
    assert [(node.incoming, node.name) for node in users.children] == [(True, "robot")]


def test_every_relation_has_a_case() -> None:
    assert {relation for relation, _, _ in CASES} | {"event"} == ALL


def test_a_deployment_shows_what_serves_scales_and_guards_it() -> None:
    pods = [pod(f"web-1-{letter}", owners=[SET], labels=labels(app="web"), node="n7") for letter in "ab"]
    ends = make(SLICE, "shop-1", references=(refers("endpoints", SHOP), *(refers("endpoints", item) for item in pods)))
    others = [
        *(SHOP, ends, MACHINE),
        make(INGRESS, "in", references=(refers("ingress", SHOP), refers("tls", MONEY))),
        make(AUTOSCALER, "hpa", references=(refers("scale", WEB),)),
        make(BUDGET, "budget", selector=selects(app="web")),
        make(POLICY, "policy", selector=selects(app="web")),
        MONEY,
    ]
    root = drawn([WEB, SET, *pods, *others], WEB).root
    assert [(node.kind, node.incoming) for node in root.related] == [("HorizontalPodAutoscaler", True)]
    first, second = root.children[0].children
    shown = [("disruption", True), ("endpoints", True), ("networkPolicy", True), ("node", None)]
    for node in (first, second):
        assert [(found.relation, found.incoming) for found in node.related] == shown
    (service,) = first.related[1].related
    assert [(node.kind, node.incoming) for node in service.related] == [("Ingress", True)]
    assert not service.related[0].related, "what is reached backwards does not lead forward again"
    assert not second.related[1].related, "what stands again leads nowhere again"


def test_an_edge_between_owned_objects_is_drawn_once() -> None:
    service = make(SERVICE, "shop")
    ends = make(
        SLICE, "shop-1", owners=[service], references=(refers("endpoints", service), refers("endpoints", FRONT))
    )
    root = drawn([service, ends, FRONT], service).root
    assert [(node.relation, node.name, node.incoming) for node in root.related] == [("endpoints", "shop-1", None)]
    assert [(node.relation, node.name) for node in root.children[0].related] == [("endpoints", "front")]


def test_ways_end_at_what_is_used() -> None:
    account = make(ACCOUNT, "robot", references=(refers("tokenSecret", MONEY),))
    one = pod("p", refers("serviceAccount", account), refers("claim", DATA))
    disk = structs.replace(DISK, references=(refers("storageClass", CLASS),))
    root = drawn([account, one, DATA, disk, CLASS, MONEY], one).root
    assert {(node.relation, node.name) for node in walk(root) if node.relation} == {
        ("serviceAccount", "robot"),
        ("claim", "data-db-0"),
        ("volume", "pv-1"),
        ("storageClass", "fast"),
    }


def test_siblings_share_what_is_said_of_what_they_use() -> None:
    config = make(CONFIG, "c")
    shared = (refers("configMap", config),)
    pods = [make(POD, f"p{number}", owners=[WEB], references=shared) for number in range(4)]
    related = [node.related[0] for node in drawn([WEB, config, *pods], WEB).root.children]
    assert all(node is related[1] for node in related[1:])


# Events


def test_the_latest_events_stand_at_what_they_are_about() -> None:
    one = pod("p", owners=[WEB])
    told = [event(f"e{number}", one, number) for number in (3, 9, 5, 1, 7, 8)]
    root = drawn([WEB, one, *told, event("other", WEB, 4, uid="a former one")], WEB).root
    assert root.events is None
    found = root.children[0].events
    assert found is not None
    assert [one.message for one in found] == ["of e9", "of e8", "of e7", "of e5", "of e3"]
    assert msgspec.to_builtins(found[0]) == {
        "type": "Warning",
        "reason": "Because",
        "message": "of e9",
        "count": 2,
        "lastTimestamp": "1970-01-01T00:00:09Z",
    }


def test_events_alone_stand_at_every_object_of_a_tree() -> None:
    replicas = make(REPLICA_SET, "web-1", owners=[WEB])
    told = [event("one", WEB, 4), event("two", WEB, 5), event("three", replicas)]
    root = drawn([WEB, replicas, *told], WEB, drawing=Drawing(relations=frozenset(("event",)))).root
    found = [[told.message for told in node.events or ()] for node in (root, *root.children)]
    assert found == [["of two", "of one"], ["of three"]]
    assert not root.related


def test_events_without_a_uid_are_about_who_they_name() -> None:
    told = [event("from-kubelet", MACHINE, uid="n7"), event("from-file", MACHINE, uid="")]
    found = drawn([MACHINE, *told, event("of-former", MACHINE, uid="former")], MACHINE).root.events
    assert found is not None
    assert [one.message for one in found] == ["of from-file", "of from-kubelet"]


def test_events_are_shown_where_they_are_asked_for_and_may_be_seen() -> None:
    told = event("e", WEB)
    assert drawn([WEB, told], WEB, drawing=Drawing(relations=ALL - {"event"})).root.events is None
    sight = Sight(None, EVERYBODY.kinds - {told.kind})
    assert drawn([WEB, told], WEB, sight).root.events is None


# Other namespaces


def test_what_is_in_another_namespace_is_shown_to_who_may_list_it_there() -> None:
    far = make(SERVICE, "far", "other")
    route = make(ROUTE, "r", references=(refers("route", far, "other"),))
    near = Sight("shop", EVERYBODY.kinds)
    assert not drawn([far, route], route, near).root.related
    both = structs.replace(near, everywhere=frozenset((SERVICE,)))
    assert [node.namespace for node in drawn([far, route], route, both).root.related] == ["other"]


def test_the_version_moves_when_an_edge_goes() -> None:
    config = make(CONFIG, "c", resource_version=40)
    one = pod("p", refers("configMap", config), resource_version=10)
    store = stored([one, config])
    before = build_tree(store, one, EVERYBODY, EVERY_RELATION)
    store.remove(config, 50)
    after = build_tree(store, one, EVERYBODY, EVERY_RELATION)
    assert (before.version, after.version) == (40, 50)
    assert not after.root.related


def test_no_change_of_what_is_hidden_moves_the_version() -> None:
    one, near = pod("p", resource_version=10), Sight("shop", EVERYBODY.kinds - {SECRET})
    store = stored([one])
    for other in (make(SECRET, "s", resource_version=90), make(CONFIG, "c", "other", resource_version=91)):
        store.put(other)
    assert build_tree(store, one, near, EVERY_RELATION).version == 10


def test_what_is_related_counts_for_nothing() -> None:
    late = structs.replace(WORKLOAD, observed_generation=0)
    scaled = make(DEPLOYMENT, "late", state=late)
    scaler = make(AUTOSCALER, "hpa", references=(refers("scale", scaled),))
    tree = drawn([scaled, scaler, FRONT, make(POLICY, "p", selector=EVERYTHING)], scaler)
    assert [node.health for node in tree.root.related] == ["Progressing"]
    assert (tree.health, tree.pods, tree.members) == ("Healthy", 0, (scaler,))
