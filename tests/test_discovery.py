"""Discovery: what client-go, kubectl and the aggregator make of it."""

import hashlib
import json
from typing import Any

import pytest

from kubediscovery.built_in_registry import built_in_registry
from kubediscovery.discovery import Discovery, Document
from kubediscovery.kinds import Kind, Kinds
from kubediscovery.served import Served
from tests.serving import GROUP, KINDS

API = Served((built_in_registry(),), Kinds(KINDS))
VERSIONS = ["v2", "v2beta1"]


def content(document: Document) -> Any:
    return json.loads(document.body)


def legacy() -> dict[str, dict[str, Any]]:
    return {entry["name"]: entry for entry in content(Discovery(API).below[GROUP, "v1"])["resources"]}


def aggregated(version: str = "v2") -> list[dict[str, Any]]:
    (group,) = content(Discovery(API).aggregated[version])["items"]
    (listed,) = group["versions"]
    resources: list[dict[str, Any]] = listed["resources"]
    return resources


def test_the_list_of_groups_holds_this_group_alone() -> None:
    version = {"groupVersion": f"{GROUP}/v1", "version": "v1"}
    group = {"name": GROUP, "versions": [version], "preferredVersion": version}
    assert content(Discovery(API).groups) == {"kind": "APIGroupList", "apiVersion": "v1", "groups": [group]}
    assert content(Discovery(API).below[GROUP,]) == {"kind": "APIGroup", "apiVersion": "v1", **group}


def test_there_is_no_core_group() -> None:
    found = content(Discovery(API).core)
    assert (found["kind"], found["versions"]) == ("APIVersions", [])
    assert content(Discovery(API).aggregated_core["v2"])["items"] == []


def test_the_top_level_resource() -> None:
    found = content(Discovery(API).below[GROUP, "v1"])
    assert (found["kind"], found["apiVersion"], found["groupVersion"]) == ("APIResourceList", "v1", f"{GROUP}/v1")
    assert found["resources"][0] == {
        "name": "compositions",
        "singularName": "composition",
        "namespaced": True,
        "kind": "Composition",
        "verbs": ["get", "list", "watch"],
        "shortNames": ["comp"],
    }


def test_a_parent_and_its_subresource() -> None:
    found = legacy()
    assert found["deployments"] == {
        "name": "deployments",
        "singularName": "deployment",
        "namespaced": True,
        "kind": "DeploymentCompositions",
        "verbs": [],
    }
    assert found["deployments/compositions"] == {
        "name": "deployments/compositions",
        "singularName": "",
        "namespaced": True,
        "kind": "Composition",
        "verbs": ["get", "watch"],
    }


def test_every_parent_stands_right_before_its_subresource_and_has_its_scope() -> None:
    names = list(legacy())
    parents = [name for name in names[2:] if "/" not in name]
    below = [each.name for each in built_in_registry() if each.on is not None]
    assert below[0] == "compositions"
    assert names[2:] == [name for each in parents for name in (each, *(f"{each}/{found}" for found in below))]
    for parent in parents:
        assert {legacy()[f"{parent}/{found}"]["namespaced"] for found in below} == {legacy()[parent]["namespaced"]}
    assert [parent for parent in parents if not legacy()[parent]["namespaced"]] == ["fleets"]


def test_no_parent_is_taken_for_the_kind_that_it_carries() -> None:
    """``kubectl get deployments`` must go on meaning the ones in apps, whose kind is Deployment."""
    kinds = {kind.kind for kind in KINDS}
    assert kinds & {entry["kind"] for entry in legacy().values()} == set()


def test_no_verb_troubles_the_garbage_collector_the_namespace_controller_or_quotas() -> None:
    used = {verb for entry in legacy().values() for verb in entry["verbs"]}
    assert used == {"get", "list", "watch"}


def test_names_are_unique_where_two_groups_have_the_same_plural() -> None:
    entries = content(Discovery(API).below[GROUP, "v1"])["resources"]
    below = [each for each in built_in_registry() if each.on is not None]
    assert len(entries) == len(legacy()) == 2 + (1 + len(below)) * (len(KINDS) - 1)
    assert len({entry["resource"] for entry in aggregated()}) == len(aggregated())


@pytest.mark.parametrize("version", VERSIONS)
def test_aggregated_discovery_says_the_same(version: str) -> None:
    flattened: dict[str, dict[str, Any]] = {}
    for entry in aggregated(version):
        flattened[entry["resource"]] = entry
        for below in entry.get("subresources", []):
            flattened[f"{entry['resource']}/{below['subresource']}"] = {**below, "scope": entry["scope"]}
    assert list(flattened) == list(legacy())
    for name, entry in legacy().items():
        same = flattened[name]
        assert same["scope"] == ("Namespaced" if entry["namespaced"] else "Cluster")
        assert same["responseKind"] == {"group": GROUP, "version": "v1", "kind": entry["kind"]}
        assert same["verbs"] == entry["verbs"]
        assert same.get("singularResource", "") == entry["singularName"]
        assert same.get("shortNames") == entry.get("shortNames")


@pytest.mark.parametrize("version", VERSIONS)
def test_aggregated_discovery_names_group_version_and_kind_in_its_content_type(version: str) -> None:
    document = Discovery(API).aggregated[version]
    assert document.content_type == f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
    found = content(document)
    assert (found["kind"], found["apiVersion"]) == ("APIGroupDiscoveryList", f"apidiscovery.k8s.io/{version}")
    (group,) = found["items"]
    assert group["metadata"] == {"name": GROUP}
    assert [(each["version"], each["freshness"]) for each in group["versions"]] == [("v1", "Current")]


def test_no_list_is_null() -> None:
    discovery = Discovery(API)
    documents = [discovery.groups, *discovery.below.values(), discovery.core]
    documents += [*discovery.aggregated.values(), *discovery.aggregated_core.values()]
    assert not [document for document in documents if b"null" in document.body]


def test_an_etag_is_a_quoted_hash_of_the_bytes() -> None:
    document = Discovery(API).groups
    assert document.etag == f'"{hashlib.sha512(document.body).hexdigest().upper()}"'


def test_etags_are_the_same_in_every_replica_and_differ_with_the_content() -> None:
    one, other = Discovery(API), Discovery(Served((built_in_registry(),), Kinds(KINDS)))
    assert one.below == other.below
    assert one.aggregated == other.aggregated
    more = Kinds((*KINDS, Kind("example.com", "v1", "ships", "Ship", "ship")))
    changed = Discovery(Served((built_in_registry(),), more))
    assert changed.below[GROUP, "v1"].etag != one.below[GROUP, "v1"].etag
    assert changed.aggregated["v2"].etag != one.aggregated["v2"].etag
    assert changed.groups.etag == one.groups.etag
    etags = [document.etag for document in (one.groups, *one.below.values(), *one.aggregated.values())]
    assert len(set(etags)) == len(etags)
