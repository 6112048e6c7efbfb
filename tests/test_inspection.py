"""Lint over HTTP: what is in a report, who gets it, and what is refused."""

from typing import Any

import httpx
import pytest
import yaml

from kubediscovery.objects import Object
from tests.objects import DEPLOYMENT, FLEET, POD, REPLICA_SET
from tests.objects import make as make_object
from tests.serving import PREFIX, Serving, cluster

ALL = f"{PREFIX}/lint"
SHOP = f"{PREFIX}/namespaces/shop/lint"
KUBECTL = ("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json")
GONE = make_object(DEPLOYMENT, "gone")
HERE, THERE = "replicasets.apps.left.ownernotfound", "pods.lost.ownernotfound"


def broken() -> list[Object]:
    """An object in each of two namespaces and one in none, all with an owner that does not exist."""
    lost = make_object(POD, "lost", "vault", owners=[make_object(REPLICA_SET, "gone", "vault")])
    stray = make_object(FLEET, "south", owners=[make_object(FLEET, "gone")])
    return [make_object(REPLICA_SET, "left", owners=[GONE], labels=(("app", "web"),)), lost, stray]


@pytest.fixture
def serving() -> Serving:
    return Serving([*cluster(), *broken()])


def names(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["metadata"]["name"] for item in answer.json()["items"]]


async def test_a_report_of_a_namespace_and_of_all(serving: Serving) -> None:
    answer = await serving.get(SHOP)
    assert names(answer) == [HERE]
    report = answer.json()
    assert (report["kind"], report["apiVersion"]) == ("LintReport", "kubediscovery.cloudark.io/v1")
    assert report["metadata"] == {"resourceVersion": "900"}
    (found,) = report["items"]
    assert (found["kind"], found["apiVersion"], found["severity"]) == ("Finding", report["apiVersion"], "Error")
    assert found["metadata"]["labels"] == {"app": "web"}
    assert found["object"] == {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "namespace": "shop",
        "name": "left",
        "uid": found["object"]["uid"],
    }
    assert found["reference"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "gone", "uid": GONE.uid}
    assert names(await serving.get(ALL)) == ["fleets.example.com.south.ownernotfound", HERE, THERE]


async def test_nothing_wrong_is_an_empty_report() -> None:
    report = (await Serving().get(ALL)).json()
    assert report["items"] == []
    assert report["omitted"] == []


async def test_kubectl_gets_a_table(serving: Serving) -> None:
    table = (await serving.get(SHOP, headers=[KUBECTL])).json()
    assert table["kind"] == "Table"
    assert [row["cells"][:3] for row in table["rows"]] == [[HERE, "Error", "OwnerNotFound"]]
    assert [row["object"]["metadata"]["name"] for row in table["rows"]] == [HERE]
    whole = (await serving.get(f"{SHOP}?includeObject=Object", headers=[KUBECTL])).json()
    assert whole["rows"][0]["object"] == (await serving.get(SHOP)).json()["items"][0]


async def test_yaml_and_entity_tags(serving: Serving) -> None:
    answer = await serving.get(SHOP)
    in_yaml = await serving.get(SHOP, headers=[("Accept", "application/yaml")])
    assert yaml.safe_load(in_yaml.content) == answer.json()
    again = await serving.get(SHOP, headers=[("If-None-Match", answer.headers["etag"])])
    assert again.status_code == 304


async def test_labels_select_objects(serving: Serving) -> None:
    assert names(await serving.get(f"{ALL}?labelSelector=app%3Dweb")) == [HERE]
    assert names(await serving.get(f"{ALL}?labelSelector=app%21%3Dweb")) == [
        "fleets.example.com.south.ownernotfound",
        THERE,
    ]


async def test_circles_are_found_through_what_labels_do_not_select() -> None:
    two = [make_object(DEPLOYMENT, "a", labels=(("app", "web"),)), make_object(DEPLOYMENT, "b")]
    serving = Serving(
        [
            make_object(DEPLOYMENT, "b", owners=[two[0]]),
            make_object(DEPLOYMENT, "a", labels=two[0].labels, owners=[two[1]]),
        ]
    )
    assert names(await serving.get(f"{ALL}?labelSelector=app")) == ["deployments.apps.a.ownershipcycle"]


async def test_what_kubectl_sends_besides_is_taken(serving: Serving) -> None:
    answer = await serving.get(f"{SHOP}?limit=1&pretty=true&resourceVersion=900&timeout=10s&other=1")
    assert names(answer) == [HERE]
    assert "other" in answer.headers["warning"]
    assert (await serving.get(f"{SHOP}?resourceVersion=1&resourceVersionMatch=Exact")).status_code == 410


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("output=dot", ["output", "labelSelector"]),
        ("fieldSelector=metadata.namespace%3Dshop", ["fieldSelector", "labelSelector"]),
        ("depth=2", ["labelSelector"]),
        ("relations=all", ["labelSelector"]),
        ("limit=many", ["limit"]),
        ("labelSelector=a%20b", ["labelSelector"]),
    ],
)
async def test_what_means_nothing_here_is_refused(serving: Serving, query: str, words: list[str]) -> None:
    answer = await serving.get(f"{SHOP}?{query}")
    assert (answer.status_code, answer.json()["reason"]) == (400, "BadRequest")
    assert [word for word in words if word not in answer.json()["message"]] == []


@pytest.mark.parametrize(
    "target", [f"{PREFIX}/watch/lint", f"{ALL}?watch=true", f"{PREFIX}/watch/namespaces/shop/lint"]
)
async def test_it_cannot_be_watched(serving: Serving, target: str) -> None:
    answer = await serving.get(target)
    assert (answer.status_code, answer.json()["reason"]) == (405, "MethodNotAllowed")


@pytest.mark.parametrize("target", [f"{SHOP}/{HERE}", f"{SHOP}/x/status", f"{ALL}/x/compositions"])
async def test_it_is_only_listed(serving: Serving, target: str) -> None:
    answer = await serving.get(target)
    assert (answer.status_code, answer.json()["reason"]) == (404, "NotFound")


async def test_it_is_only_read(serving: Serving) -> None:
    assert (await serving.get(SHOP, method="DELETE")).status_code == 405


@pytest.mark.parametrize("accept", ["text/plain", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"])
async def test_no_other_form_is_served(serving: Serving, accept: str) -> None:
    assert (await serving.get(SHOP, headers=[("Accept", accept)])).status_code == 406


async def test_who_may_not_list_findings_gets_none(serving: Serving) -> None:
    serving.rights.grant("alice", verb="list", resource="compositions")
    assert (await serving.get(SHOP, user="alice")).status_code == 403


async def test_findings_are_of_what_may_be_listed_and_the_rest_is_named(serving: Serving) -> None:
    serving.rights.grant("alice", verb="list", resource="lint", namespace="shop")
    answer = await serving.get(SHOP, user="alice")
    assert names(answer) == []
    assert "left" not in answer.text
    serving.rights.grant("alice", verb="list", resource="replicasets", namespace="shop")
    serving.time.now += 20
    answer = await serving.get(SHOP, user="alice")
    assert names(answer) == []
    omitted: list[dict[str, Any]] = answer.json()["omitted"]
    assert "deployments" in {found["resource"] for found in omitted}
    assert "replicasets" not in {found["resource"] for found in omitted}
    assert "not all resources were looked at" in answer.headers["warning"]
    serving.rights.grant("alice", verb="list", resource="deployments", namespace="shop")
    serving.time.now += 20
    assert names(await serving.get(SHOP, user="alice")) == [HERE]
    assert (await serving.get(ALL, user="alice")).status_code == 403


async def test_many_objects_leave_others_their_turn() -> None:
    pods = [make_object(POD, f"pod-{number}", owners=[make_object(REPLICA_SET, "gone")]) for number in range(2_500)]
    assert len(names(await Serving(pods).get(SHOP))) == 2_500
