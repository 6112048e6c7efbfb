"""Connections: all edges around an object with their rules, as far as both ends may be seen."""

import pytest
from hypothesis import given, settings

from kubediscovery.connections import MOST_EDGES, Connections, ConnectionsQuery, Walk, connections
from kubediscovery.errors import BadRequest
from kubediscovery.objects import Object
from kubediscovery.relations import EVENT, OWNER, RELEASE, Relations
from kubediscovery.sight import Sight
from kubediscovery.store import may_own
from kubediscovery.subresource import Seen, SubresourceRequest
from tests.objects import DEPLOYMENT, REPLICA_SET, make
from tests.relating import (
    ACCOUNT,
    ALL,
    CONFIG,
    EVERYBODY,
    SERVICE,
    SLICE,
    event,
    graphs,
    lines,
    pod,
    refers,
    sights,
    stored,
)
from tests.serving import PREFIX, Serving

WEB = make(DEPLOYMENT, "web")
SET = make(REPLICA_SET, "web-1", owners=[WEB])
EVERY = ALL | {OWNER}


def around(
    objects: list[Object], root: Object, *, depth: int = 1, wanted: frozenset[str] = EVERY, sight: Sight = EVERYBODY
) -> Connections:
    return Walk(Seen(stored(objects), sight), wanted).around(root, depth)


def told(found: Connections) -> list[tuple[str, str, str]]:
    return [(edge.source.name, edge.relation, edge.target.name) for edge in found.edges]


def neighbourhood() -> list[Object]:
    config, account = make(CONFIG, "settings"), make(ACCOUNT, "robot")
    service = make(SERVICE, "web")
    one = pod("p", refers("configMap", config), refers("serviceAccount", account), owners=[SET])
    ends = make(SLICE, "ends", references=(refers("endpoints", service), refers("endpoints", one)))
    return [one, WEB, SET, config, account, service, ends]


def test_all_directions_with_the_rule_behind_each() -> None:
    objects = neighbourhood()
    found = around(objects, objects[0])
    assert told(found) == [
        ("p", "configMap", "settings"),
        ("ends", "endpoints", "p"),
        ("web-1", "owner", "p"),
        ("p", "serviceAccount", "robot"),
    ]
    rules = {edge.relation: (edge.by, edge.rule) for edge in found.edges}
    assert rules == {
        "configMap": ("reference", "a Pod to the ConfigMaps of its containers and volumes"),
        "endpoints": ("reference", "an EndpointSlice to the pods that it lists"),
        "owner": ("ownerReference", "an owner to what it owns, by metadata.ownerReferences"),
        "serviceAccount": ("reference", "a Pod to its ServiceAccount"),
    }
    assert [edge.controller for edge in found.edges if edge.relation == "owner"] == [True]


def test_more_steps_show_what_lies_behind() -> None:
    objects = neighbourhood()
    further = told(around(objects, objects[0], depth=2))
    assert ("web", "owner", "web-1") in further
    assert ("web", "endpoints", "ends") in further
    assert len(further) == len(set(further))
    only = around(objects, objects[0], depth=3, wanted=frozenset({OWNER}))
    assert told(only) == [("web-1", "owner", "p"), ("web", "owner", "web-1")]


def test_events_lead_from_what_they_are_about() -> None:
    one, other = pod("p"), pod("q")
    objects = [one, other, event("e", one), event("late", one, uid="former"), event("f", other)]
    assert told(around(objects, one)) == [("p", "event", "e")]
    assert told(around(objects, objects[2])) == [("p", "event", "e")]


def test_a_release_is_told_once_for_two_of_its_members() -> None:
    members = [make(CONFIG, name, release="shop/app") for name in ("a", "b", "c")]
    found = told(around(members, members[0], depth=2))
    assert len(found) == 3
    assert {relation for _, relation, _ in found} == {RELEASE}


def test_more_edges_than_anybody_reads_are_cut() -> None:
    account = make(ACCOUNT, "robot")
    pods = [pod(f"p{number}", refers("serviceAccount", account)) for number in range(MOST_EDGES + 1)]
    found = around([account, *pods], account)
    assert (len(found.edges), found.truncated) == (MOST_EDGES, True)


@given(graphs(), sights())
@settings(max_examples=150, deadline=None)
def test_they_are_what_an_obvious_reading_finds(objects: list[Object], sight: Sight) -> None:
    root = objects[0]
    sees = {item.uid for item in objects if item is root or sight.sees(item)}
    wanted = {line for line in lines(objects) if root.uid in (line.above, line.below)}
    by_uid = {item.uid: item for item in objects}
    wanted_edges = {(line.relation, line.above, line.below) for line in wanted}
    for child in objects:
        for reference in child.owners:
            owner = by_uid.get(reference.uid)
            if owner is not None and may_own(owner, child) and root.uid in (owner.uid, child.uid):
                wanted_edges.add((OWNER, owner.uid, child.uid))
    visible = {edge for edge in wanted_edges if set(edge[1:]) <= sees}
    if not sight.sees(root):
        # Of an object itself that may not be listed an edge to itself says nothing.
        visible = {edge for edge in visible if edge[1] != edge[2]}
    found = around(objects, root, wanted=EVERY - {EVENT, RELEASE}, sight=sight)
    assert {(edge.relation, edge.source.uid, edge.target.uid) for edge in found.edges} == visible
    assert all(edge.rule and edge.by for edge in found.edges)


async def test_an_unknown_relation_is_named_with_all_that_there_are() -> None:
    request: SubresourceRequest = SubresourceRequest(
        parent=WEB, seen=Seen(stored([WEB]), EVERYBODY), query=ConnectionsQuery(relations="guesses")
    )
    with pytest.raises(BadRequest, match='relations: "guesses" is not known') as caught:
        await connections(request)
    assert all(name in str(caught.value) for name in Relations().names | {OWNER})


async def test_they_are_served_of_every_kind() -> None:
    serving = Serving()
    path = f"{PREFIX}/namespaces/shop/replicasets/web-1/connections"
    answer = (await serving.get(path)).json()
    assert (answer["kind"], answer["metadata"]["name"]) == ("Connections", "web-1")
    assert [(edge["from"]["name"], edge["to"]["name"]) for edge in answer["edges"]] == [
        ("web", "web-1"),
        ("web-1", "web-1-a"),
        ("web-1", "web-1-b"),
    ]
    table = (await serving.get(path, headers=[("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")])).json()
    assert table["rows"][0]["cells"][:3] == ["web-1", 3, "owner"]
    refused = await serving.get(f"{path}?depth=9")
    assert (refused.status_code, "depth" in refused.json()["message"]) == (400, True)


async def test_what_the_caller_may_not_list_is_not_told() -> None:
    serving = Serving()
    serving.rights.grant("alice", verb="get", resource="replicasets/connections", namespace="shop")
    serving.rights.grant("alice", verb="list", resource="deployments", group="apps", namespace="shop")
    answer = await serving.get(f"{PREFIX}/namespaces/shop/replicasets/web-1/connections", user="alice")
    assert [edge["from"]["name"] for edge in answer.json()["edges"]] == ["web"]
    assert "web-1-a" not in answer.text
