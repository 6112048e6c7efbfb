"""Every output over HTTP: its media type whatever is asked for besides, its errors, and what a cache may do with it."""

import gzip

import pytest
import yaml

from kubediscovery.output import Output
from tests.objects import DEPLOYMENT, POD
from tests.serving import PREFIX, Serving, make

WEB = f"{PREFIX}/namespaces/shop/deployments/web/compositions"
SHOP = f"{PREFIX}/namespaces/shop/deployments/*/compositions"
ROOTS = f"{PREFIX}/compositions"
TEXTS = {"dot": "text/vnd.graphviz", "mermaid": "text/vnd.mermaid", "text": "text/plain", "split": "text/plain"}
KUBECTL_RAW = ("Accept", "application/json, */*")
KUBECTL_TABLE = ("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json")


@pytest.fixture
def serving() -> Serving:
    return Serving()


@pytest.mark.parametrize("target", [WEB, SHOP, ROOTS])
@pytest.mark.parametrize(("output", "media_type"), TEXTS.items())
async def test_texts_have_their_own_media_type(serving: Serving, target: str, output: str, media_type: str) -> None:
    for headers in ([], [KUBECTL_RAW], [("Accept", media_type)], [("User-Agent", "curl/8")]):
        answer = await serving.get(f"{target}?output={output}&pretty=true", headers=headers)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == f"{media_type}; charset=utf-8"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "web" in answer.text


async def test_texts_may_be_asked_for_as_plain_text(serving: Serving) -> None:
    answer = await serving.get(f"{WEB}?output=dot", headers=[("Accept", "text/plain")])
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text.startswith("digraph compositions {")


@pytest.mark.parametrize("output", TEXTS)
async def test_who_does_not_take_a_text_gets_none(serving: Serving, output: str) -> None:
    for accept in ("application/json", "application/yaml", "*/*;q=0"):
        answer = await serving.get(f"{WEB}?output={output}", headers=[("Accept", accept)])
        assert (answer.status_code, answer.headers["content-type"]) == (
            406,
            "application/yaml" if "yaml" in accept else "application/json",
        )
        assert TEXTS[output] in answer.text


async def test_text_is_a_line_an_object(serving: Serving) -> None:
    answer = await serving.get(f"{WEB}?output=text")
    assert [line.split()[1] for line in answer.text.splitlines()] == [
        "NAME",
        "Deployment/web",
        "└─ReplicaSet/web-1",
        "├─Pod/web-1-a",
        "└─Pod/web-1-b",
    ]


async def test_nodes_of_one_and_of_many(serving: Serving) -> None:
    one = (await serving.get(f"{WEB}?output=nodes", headers=[KUBECTL_TABLE])).json()
    assert (one["kind"], one["apiVersion"]) == ("CompositionNodes", "kubediscovery.cloudark.io/v1")
    assert [node["name"] for node in one["nodes"]] == ["web", "web-1", "web-1-a", "web-1-b"]
    assert one["nodes"][1]["parents"] == [{"uid": one["nodes"][0]["uid"], "controller": True}]
    assert one["metadata"] == {"resourceVersion": "130"}
    many = (await serving.get(f"{ROOTS}?output=nodes&limit=2")).json()
    whole = (await serving.get(f"{ROOTS}?limit=2")).json()
    assert many["metadata"] == whole["metadata"]
    assert [found["metadata"] for found in many["compositions"]] == [item["metadata"] for item in whole["items"]]


@pytest.mark.parametrize("output", ["nodes", "kubediscovery"])
async def test_what_is_no_text_may_be_yaml(serving: Serving, output: str) -> None:
    as_json = await serving.get(f"{SHOP}?output={output}")
    as_yaml = await serving.get(f"{SHOP}?output={output}", headers=[("Accept", "application/yaml")])
    assert as_yaml.headers["content-type"] == "application/yaml"
    assert yaml.safe_load(as_yaml.content) == as_json.json()
    refused = await serving.get(f"{SHOP}?output={output}", headers=[("Accept", "text/plain")])
    assert refused.status_code == 406


@pytest.mark.parametrize("target", [WEB, f"{SHOP}?labelSelector=app%3Dweb"])
async def test_the_first_kubediscovery_s_answer(serving: Serving, target: str) -> None:
    answer = await serving.get(f"{target}{'&' if '?' in target else '?'}output=kubediscovery")
    pods: list[dict[str, object]] = [
        {"Level": 3, "Kind": "Pod", "Name": name, "Namespace": "shop", "Status": "Running", "Children": []}
        for name in ("web-1-a", "web-1-b")
    ]
    named = {"Namespace": "shop", "Status": "Ready"}
    below = {"Level": 2, "Kind": "ReplicaSet", "Name": "web-1", **named, "Children": pods}
    assert answer.json() == [{"Level": 1, "Kind": "deployment", "Name": "web", **named, "Children": [below]}]


@pytest.mark.parametrize("output", [output for output in Output if output is not Output.TREE])
async def test_errors_are_a_status_as_always(serving: Serving, output: str) -> None:
    answer = await serving.get(f"{PREFIX}/namespaces/shop/deployments/none/compositions?output={output}")
    assert (answer.status_code, answer.json()["kind"]) == (404, "Status")
    forbidden = await serving.get(f"{WEB}?output={output}", user="alice")
    assert (forbidden.status_code, forbidden.json()["reason"]) == (403, "Forbidden")
    for watch in (f"{SHOP}?watch=true&output={output}", f"{PREFIX}/watch/compositions?output={output}"):
        refused = await serving.get(watch)
        assert (refused.status_code, refused.json()["reason"]) == (400, "BadRequest")


async def test_an_unknown_output_is_refused(serving: Serving) -> None:
    answer = await serving.get(f"{WEB}?output=png")
    assert answer.status_code == 400
    assert [name for name in Output if name not in answer.json()["message"]] == []


@pytest.mark.parametrize("output", ["nodes", "dot", "mermaid", "kubediscovery"])
async def test_who_has_it_is_told_so_until_it_changes(serving: Serving, output: str) -> None:
    tag = (await serving.get(f"{WEB}?output={output}")).headers["etag"]
    trees = await serving.get(WEB)
    assert tag != trees.headers["etag"]
    assert (await serving.get(f"{WEB}?output={output}", headers=[("If-None-Match", tag)])).status_code == 304
    owner = serving.store.find(DEPLOYMENT, "shop", "web")
    assert owner is not None
    serving.store.put(make(POD, "web-new", owner=owner, version=950))
    after = await serving.get(f"{WEB}?output={output}", headers=[("If-None-Match", tag)])
    assert after.status_code == 200
    assert "web-new" in after.text


async def test_a_tree_is_never_kept_for_another_output(serving: Serving) -> None:
    for _ in range(2):
        assert (await serving.get(WEB)).json()["kind"] == "Composition"
        assert (await serving.get(f"{WEB}?output=nodes")).json()["kind"] == "CompositionNodes"


async def test_what_is_hidden_is_in_no_output_but_named_in_warnings(serving: Serving) -> None:
    serving.rights.grant("alice", verb="get", resource="deployments/compositions")
    serving.rights.grant("alice", verb="list", resource="replicasets")
    serving.rights.grant("alice", verb="list", resource="deployments")
    for output in ("nodes", *TEXTS, "kubediscovery"):
        answer = await serving.get(f"{WEB}?output={output}", user="alice")
        assert answer.status_code == 200
        assert "web-1" in answer.text
        assert "web-1-a" not in answer.text
        assert ("pods are left out" in answer.headers.get("warning", "")) is (output != "nodes")
    nodes = (await serving.get(f"{WEB}?output=nodes", user="alice")).json()
    assert "pods" in {found["resource"] for found in nodes["compositions"][0]["status"]["omitted"]}


async def test_long_texts_are_compressed() -> None:
    web = make(DEPLOYMENT, "web")
    serving = Serving([web, *(make(POD, f"pod-{number}", owner=web) for number in range(3_000))])
    for output in TEXTS:
        answer = await serving.get(f"{WEB}?output={output}", headers=[("Accept-Encoding", "gzip")])
        assert answer.headers["content-encoding"] == "gzip"
        plain = await serving.get(f"{WEB}?output={output}", headers=[("Accept-Encoding", "identity")])
        assert "content-encoding" not in plain.headers
        if output != "text":
            assert answer.text == plain.text
        assert len(gzip.compress(plain.content)) < len(plain.content)
