"""Outputs beside the tree: everything is in them once, and nothing that objects say is taken for a command."""

import html
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from msgspec import structs
from openapi_schema_validator import OAS30Validator

from kubediscovery.api import ApiGroup
from kubediscovery.composition import Composition, CompositionList
from kubediscovery.compositions import Compositions, Target
from kubediscovery.definitions import REFERENCE, definitions, schema_prefix
from kubediscovery.health import Health
from kubediscovery.nodes import Facts, Info, Node
from kubediscovery.objects import MetadataState, Object, StatusState
from kubediscovery.omissions import Omitted
from kubediscovery.options import Options
from kubediscovery.output import Output
from kubediscovery.outputs import DRAWERS
from kubediscovery.outputs.dot import dot_of
from kubediscovery.outputs.flat import nodes_of
from kubediscovery.outputs.former import former_of, status_of
from kubediscovery.outputs.graph import Step, compositions_of, graph_of, key_of, walk
from kubediscovery.outputs.lines import lines_of
from kubediscovery.outputs.mermaid import mermaid_of
from kubediscovery.outputs.sections import sections_of
from kubediscovery.printable import printable
from kubediscovery.relations import OWNER
from tests import objects
from tests.drawings import ANSWERS, CREATED, composition, listed, node
from tests.objects import DAEMON_SET, DEPLOYMENT, FLEET, JOB, KINDS, POD, REPLICA_SET, RUNNING_POD, filled, make, seeing
from tests.serving import cluster

NOW = datetime(2023, 11, 14, 22, 18, 20, tzinfo=UTC)
Answer = Composition | CompositionList
API = ApiGroup("kubediscovery.cloudark.io", "v1", KINDS)


def web() -> Node:
    """A Deployment, its ReplicaSet, a pod that it shares with another owner, and what the pod uses and is used by."""
    config = node("ConfigMap", "settings", relation="configMap")
    service = node("Service", "web", relation="endpoints", incoming=True)
    pod = node("Pod", "web-1-a", controller=True, ready="0/1", health=Health.DEGRADED, reason="CrashLoopBackOff")
    pod.related = [config, service]
    replica_set = node("ReplicaSet", "web-1", controller=True, children=[pod], creation_timestamp=CREATED)
    shared = node("Pod", "web-1-a", ready="0/1", health=Health.DEGRADED, reason="CrashLoopBackOff", controller=False)
    root = node("Deployment", "web", ready="2/3", children=[shared, replica_set], namespace="shop")
    # What stands first leads on.
    shared.related, pod.related = pod.related, []
    return root


def read(content: object) -> Any:
    return json.loads(msgspec.json.encode(content))


def test_every_output_but_the_tree_is_drawn() -> None:
    assert set(DRAWERS) == set(Output) - {Output.TREE}


# Nodes


def rebuilt(nodes: list[dict[str, Any]], root: str) -> dict[str, Any]:
    """The tree that the nodes came from."""
    by_uid = {found["uid"]: found for found in nodes}
    led_on = set()

    def grown(uid: str, parent: dict[str, Any]) -> dict[str, Any]:
        found = {name: value for name, value in by_uid[uid].items() if name != "parents"}
        found |= {name: value for name, value in parent.items() if name != "uid"}
        if uid not in led_on:
            led_on.add(uid)
            below = [(other["uid"], each) for other in nodes for each in other["parents"] if each["uid"] == uid]
            for name, related in (("children", False), ("related", True)):
                found[name] = [each for each in below if ("relation" in each[1]) is related]
                found[name].sort(key=lambda each: [each[1].get("relation", ""), *place(by_uid[each[0]])])
            for name in ("children", "related"):
                found[name] = [grown(*each) for each in found[name]]
        return {name: value for name, value in found.items() if value != []}

    return grown(root, {})


def place(found: dict[str, Any]) -> list[str]:
    return [found["kind"], found.get("namespace", ""), found["name"], found["apiVersion"]]


def test_trees_can_be_built_from_nodes_again() -> None:
    compositions = Compositions(API, filled(cluster()))
    answer = compositions.many(Target(None, None), Options(), seeing(KINDS))
    found = read(nodes_of(answer))
    assert len(found["compositions"]) == len(answer.items) > 5
    for item, listed_ in zip(read(answer)["items"], found["compositions"], strict=True):
        assert listed_ == {"metadata": item["metadata"], "status": item["status"]}
        assert rebuilt(found["nodes"], listed_["metadata"]["uid"]) == item["root"]


def test_what_relations_lead_to_is_built_again_too() -> None:
    found = read(nodes_of(composition(web())))
    assert rebuilt(found["nodes"], "uid-Deployment-web") == read(web())
    assert [each["name"] for each in found["nodes"]] == ["web", "web-1-a", "settings", "web", "web-1"]
    assert found["nodes"][1]["parents"] == [
        {"uid": "uid-Deployment-web", "controller": False},
        {"uid": "uid-ReplicaSet-web-1", "controller": True},
    ]
    assert found["nodes"][3]["parents"] == [{"uid": "uid-Pod-web-1-a", "relation": "endpoints", "incoming": True}]


@given(ANSWERS)
def test_nodes_are_every_object_once_with_every_edge(answer: Answer) -> None:
    found = nodes_of(answer)
    uids = [each.uid for each in found.nodes]
    assert len(set(uids)) == len(uids)
    steps = steps_of(answer)
    assert set(uids) == {step.node.uid for step in steps}
    edges = {
        (step.parent.uid, step.node.uid, step.node.relation, step.node.controller, step.node.incoming)
        for step in steps
        if step.parent
    }
    assert edges == {
        (parent.uid, each.uid, parent.relation, parent.controller, parent.incoming)
        for each in found.nodes
        for parent in each.parents
    }
    facts = {step.node.uid: facts_of(step.node) for step in steps}
    assert {each.uid: facts_of(each) for each in found.nodes} == facts


def steps_of(answer: Answer) -> list[Step]:
    return [step for found in compositions_of(answer) for step in walk(found.root)]


def facts_of(found: Facts) -> tuple[object, ...]:
    return tuple(getattr(found, name) for name in Facts.__struct_fields__)


@given(ANSWERS)
def test_nodes_are_as_their_schema_says(answer: Answer) -> None:
    schemas = definitions(API)
    document = {
        "components": {"schemas": schemas},
        "$ref": f"{REFERENCE}{schema_prefix(API)}CompositionNodes",
    }
    assert [error.message for error in OAS30Validator(document).iter_errors(read(nodes_of(answer)))] == []


def test_nodes_of_a_list_are_continued_as_the_list_is_and_tell_what_is_omitted() -> None:
    answer = listed(web())
    answer.metadata.continue_, answer.omitted = "token", [Omitted("jobs", "Forbidden", "you may not", "batch")]
    found = nodes_of(answer)
    assert found.metadata is answer.metadata
    assert found.omitted == answer.omitted
    assert nodes_of(composition(web())).metadata.resource_version == "9"


def test_what_is_missing_has_no_uid_and_is_told_apart_by_its_name() -> None:
    lost = [node("Secret", name, relation="secret", health=Health.MISSING) for name in ("a", "b")]
    for each in lost:
        each.uid = ""
    root = node(related=[*lost, msgspec.structs.replace(lost[0])])
    assert [each.name for each in nodes_of(composition(root)).nodes] == ["web", "a", "b"]
    assert len(set(map(key_of, lost))) == 2


# DOT

TOKEN = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*")|([A-Za-z_]\w*|\d+)|(->|[{}\[\];,=]))', re.DOTALL)


def tokens(text: str) -> Iterator[str]:
    """The tokens of a DOT graph; fails where something is none."""
    position, end = 0, len(text.rstrip())
    while position < end:
        found = TOKEN.match(text, position)
        assert found, text[position : position + 40]
        position = found.end()
        yield found[0].strip()


def statements(text: str) -> list[tuple[list[str], dict[str, str]]]:
    """The statements of a digraph: what stands before the attributes, and these."""
    head, name, opened, *rest, closed = tokens(text)
    assert (head, name, opened, closed) == ("digraph", "compositions", "{", "}")
    found: list[tuple[list[str], dict[str, str]]] = []
    words: list[str] = []
    pair: list[str] = []
    attributes: dict[str, str] = {}
    inside = False
    for token in rest:
        if token == ";" and not inside:
            found.append((words, dict(attributes)))
            words, attributes = [], {}
        elif token in "[]":
            inside = token == "["
        elif not inside:
            words.append(token)
        elif token not in ",=":
            pair.append(token)
            if len(pair) == 2:
                attributes[pair[0]] = pair[1]
                pair = []
    assert (words, inside) == ([], False)
    return found


def shown(quoted: str) -> str:
    """What Graphviz shows for a quoted label."""
    lines = {"\\n": "\n", "\\\\": "\\", '\\"': '"'}
    return html.unescape(re.sub(r"\\.", lambda found: lines[found[0]], quoted[1:-1]))


@given(ANSWERS)
def test_dot_is_a_graph_of_all_nodes_and_edges_whatever_they_say(answer: Answer) -> None:
    graph, found = graph_of(answer), statements(dot_of(answer))
    boxes = [(words, attributes) for words, attributes in found if len(words) == 1 and re.fullmatch(r"n\d+", words[0])]
    arrows = [(words, attributes) for words, attributes in found if "->" in words]
    assert len(boxes) == len(graph.nodes)
    assert len(arrows) == len(graph.edges)
    assert len(found) == len(boxes) + len(arrows) + 3
    names = {words[0]: key for (words, _), key in zip(boxes, graph.nodes, strict=True)}
    for (words, attributes), (key, each) in zip(boxes, graph.nodes.items(), strict=True):
        assert names[words[0]] == key
        kind, where, state = shown(attributes["label"]).split("\n")
        assert (kind, where) == (printable(each.kind), f"shop/{printable(each.name)}")
        assert each.health in state
    for (words, attributes), edge in zip(arrows, graph.edges, strict=True):
        assert (names[words[0]], names[words[2]]) == edge.ends
        assert (attributes.get("style") == "dashed") is not edge.owns
        if not edge.owns:
            assert shown(attributes["label"]) == edge.relation


def test_arrows_point_from_owners_and_to_what_is_referred_to() -> None:
    root = node("Pod", "web")
    root.related = [
        node("ConfigMap", "used", relation="configMap"),
        node("Service", "uses", relation="endpoints", incoming=True),
    ]
    root.children = [node("Deployment", "above", relation=OWNER), node("Job", "below")]
    found = {edge.ends for edge in graph_of(composition(root)).edges}
    web = root.uid
    assert found == {
        (web, "uid-ConfigMap-used"),
        ("uid-Service-uses", web),
        ("uid-Deployment-above", web),
        (web, "uid-Job-below"),
    }


def test_an_owner_that_is_no_controller_is_drawn_otherwise() -> None:
    text = dot_of(composition(web()))
    assert "n0 -> n1 [arrowhead=empty];" in text
    assert "n4 -> n1;" in text
    assert mermaid_of(composition(web())).count('-- "owner" -->') == 1


# Mermaid

BOX = re.compile(r'  (n\d+)\["([^"]*)"\]:::(\w+)')
LINE = re.compile(r'  (n\d+) (-->|-- "owner" -->|-\. "([^"]*)" \.->) (n\d+)')
STYLE = re.compile(r"  classDef (\w+) fill:#\w{6},stroke:#\w{6},color:#000000")
SAFE = re.compile(r"(?:[ A-Za-z0-9./:,-]|#\d+;|<br/>)*")


def spoken(label: str) -> str:
    return re.sub(r"#(\d+);", lambda found: chr(int(found[1])), label.replace("<br/>", "\n"))


@given(ANSWERS)
def test_mermaid_has_a_box_and_a_line_for_all_and_nothing_else(answer: Answer) -> None:
    graph = graph_of(answer)
    head, *rest = mermaid_of(answer).splitlines()
    assert head == "flowchart LR"
    boxes = [found for line in rest if (found := BOX.fullmatch(line))]
    lines = [found for line in rest if (found := LINE.fullmatch(line))]
    styles = {found[1] for line in rest if (found := STYLE.fullmatch(line))}
    assert len(boxes) + len(lines) + len(styles) == len(rest)
    assert (len(boxes), len(lines)) == (len(graph.nodes), len(graph.edges))
    assert styles == {found[3] for found in boxes}
    for found, each in zip(boxes, graph.nodes.values(), strict=True):
        assert SAFE.fullmatch(found[2])
        assert spoken(found[2]).split("\n")[:2] == [printable(each.kind), f"shop/{printable(each.name)}"]
    assert all(SAFE.fullmatch(found[3] or "") for found in lines)


# Text


@given(ANSWERS)
def test_text_has_one_line_for_each_place(answer: Answer) -> None:
    text = lines_of(answer, NOW)
    steps = steps_of(answer)
    assert text.endswith("\n")
    # Whatever else ends lines for Python does not for a terminal, and is not there.
    assert text.splitlines() == text[:-1].split("\n")
    assert len(text.splitlines()) == 1 + len(steps)
    for line, step in zip(text.splitlines()[1:], steps, strict=True):
        assert f"{printable(step.node.kind)}/{printable(step.node.name)}".strip() in line
    assert printable(text.replace("\n", "")) == text.replace("\n", "")


def test_text_is_in_columns_below_one_another() -> None:
    assert lines_of(composition(web()), NOW).splitlines() == [
        "NAMESPACE  NAME                                  READY  HEALTH    REASON            AGE",
        "shop       Deployment/web                        2/3    Healthy   -                 <unknown>",
        "shop       ├─Pod/web-1-a                         0/1    Degraded  CrashLoopBackOff  <unknown>",
        "shop       │ ├─ConfigMap/settings (← configMap)  -      Healthy   -                 <unknown>",
        "shop       │ └─Service/web (→ endpoints)         -      Healthy   -                 <unknown>",
        "shop       └─ReplicaSet/web-1                    -      Healthy   -                 5m",
        "shop         └─Pod/web-1-a                       0/1    Degraded  CrashLoopBackOff  <unknown>",
    ]


def test_an_owner_below_what_it_owns_is_called_so() -> None:
    root = node("Pod", "web", children=[node("Job", "above", relation=OWNER, incoming=True)])
    assert lines_of(composition(root), NOW).splitlines()[2].split()[:4] == ["shop", "└─Job/above", "(owner)", "-"]


def test_of_nothing_there_is_the_heading_alone() -> None:
    assert lines_of(listed(), NOW) == "NAMESPACE  NAME  READY  HEALTH  REASON  AGE\n"


# Text by kind


@given(ANSWERS)
def test_sections_have_each_object_once(answer: Answer) -> None:
    nodes, sections = graph_of(answer).nodes.values(), sections_of(answer, NOW)
    blocks = [block.splitlines() for block in sections.split("\n\n")] if sections else []
    assert sum(len(block) - 1 for block in blocks) == len(nodes)
    assert len(blocks) == len({(found.api_version, found.kind) for found in nodes})
    assert printable(sections.replace("\n", "")) == sections.replace("\n", "")


def test_a_section_has_the_columns_of_its_kind() -> None:
    info = Info(restarts=3, node="n1", images=("app:1", "side:2"))
    root = web()
    root.api_version, root.info = "apps/v1", Info(revision="4", images=("app:1",))
    root.children[0].info = info
    root.children.append(node("Node", "n1", namespace=""))
    assert sections_of(composition(root), NOW).splitlines() == [
        "NAMESPACE  NAME                READY  HEALTH   REASON  AGE",
        "shop       configmap/settings  -      Healthy  -       <unknown>",
        "",
        "NAMESPACE  NAME                 READY  HEALTH   REASON  REVISION  IMAGES  AGE",
        "shop       deployment.apps/web  2/3    Healthy  -       4         app:1   <unknown>",
        "",
        "NAME     READY  HEALTH   REASON  AGE",
        "node/n1  -      Healthy  -       <unknown>",
        "",
        "NAMESPACE  NAME         READY  HEALTH    REASON            RESTARTS  NODE  IMAGES        AGE",
        "shop       pod/web-1-a  0/1    Degraded  CrashLoopBackOff  3         n1    app:1,side:2  <unknown>",
        "",
        "NAMESPACE  NAME              READY  HEALTH   REASON  AGE",
        "shop       replicaset/web-1  -      Healthy  -       5m",
        "",
        "NAMESPACE  NAME         READY  HEALTH   REASON  AGE",
        "shop       service/web  -      Healthy  -       <unknown>",
    ]


def test_of_nothing_there_is_no_section() -> None:
    assert sections_of(listed(), NOW) == ""


# The first kubediscovery's


def test_the_first_kubediscovery_s_answer_to_the_letter() -> None:
    """As its README shows it, made by Go's json.Marshal of its struct."""
    deployment = make(DEPLOYMENT, "nginx", "default")
    replica_set = make(REPLICA_SET, "nginx-7567", "default", owners=[deployment])
    pods = [make(POD, f"nginx-7567-{name}", "default", owners=[replica_set]) for name in ("4z8fs", "xqht8")]
    store = filled([deployment, replica_set, *pods])
    answer = Compositions(API, store).one(DEPLOYMENT, "default", "nginx", seeing(KINDS))
    pod = '{"Level":3,"Kind":"Pod","Name":"nginx-7567-%s","Namespace":"default","Status":"Running","Children":[]}'
    expected = (
        '[{"Level":1,"Kind":"deployment","Name":"nginx","Namespace":"default","Status":"Ready","Children":['
        '{"Level":2,"Kind":"ReplicaSet","Name":"nginx-7567","Namespace":"default","Status":"Ready","Children":['
        f"{pod % '4z8fs'},{pod % 'xqht8'}]}}]}}]"
    )
    assert msgspec.json.encode(former_of(answer, store.get)).decode() == expected


def test_one_is_a_list_and_none_an_empty_one() -> None:
    assert [each.name for each in former_of(composition(web()), lambda _: None)] == ["web"]
    assert former_of(listed(), lambda _: None) == []
    assert [each.name for each in former_of(listed(node(name="a"), node(name="b")), lambda _: None)] == ["a", "b"]


def test_relations_are_not_in_it() -> None:
    assert "settings" not in msgspec.json.encode(former_of(composition(web()), lambda _: None)).decode()


@pytest.mark.parametrize(
    ("item", "status"),
    [
        (make(POD, "a", state=msgspec.structs.replace(objects.RUNNING_POD, phase="Pending")), "Pending"),
        (make(DEPLOYMENT, "a"), "Ready"),
        (make(DAEMON_SET, "a"), "Ready"),
        (make(DEPLOYMENT, "a", state=msgspec.structs.replace(objects.WORKLOAD, available=1)), ""),
        (make(DEPLOYMENT, "a", state=msgspec.structs.replace(objects.WORKLOAD, ready=1)), ""),
        (make(REPLICA_SET, "a", state=msgspec.structs.replace(objects.WORKLOAD, replicas=0, ready=0, available=0)), ""),
        (make(FLEET, "a", state=StatusState(phase="Running")), "Running"),
        (make(FLEET, "a", state=MetadataState()), ""),
        (make(JOB, "a"), ""),
    ],
)
def test_its_status_is_the_phase_or_that_all_replicas_are_there(item: Object, status: str) -> None:
    assert status_of(item) == status


def test_an_owner_that_is_none_has_no_status_though_something_has_its_uid() -> None:
    """Whoever has that UID may be of a kind that the caller may not list."""
    missing = node(name="gone", uid="uid-of-a-pod", resource_version="", health=Health.MISSING, relation=OWNER)
    hidden = make(POD, "hidden", state=structs.replace(RUNNING_POD, phase="Running"))
    root, *_ = former_of(composition(node(children=[missing])), lambda uid: hidden if uid == "uid-of-a-pod" else None)
    assert [child.status for child in root.children] == [""]


def test_an_object_that_has_gone_since_has_no_status() -> None:
    assert former_of(composition(node()), lambda _: None)[0].status == ""


def test_images_are_in_no_drawing() -> None:
    """They are anything, and many."""
    root = node(info=Info(images=("a",) * 100))
    assert len(dot_of(composition(root))) < 1_000
