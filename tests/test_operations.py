"""Operations: everything that is served, once, and nothing else."""

import pytest

from kubediscovery.api import ApiGroup
from kubediscovery.operations import Operation, camel, operations
from kubediscovery.requests import parse_resource_path
from tests.objects import KINDS

API = ApiGroup("kubediscovery.cloudark.io", "v1", KINDS)
FOUND = list(operations(API))
BY_PATH = {operation.path: operation for operation in FOUND}


def test_the_top_level_resource() -> None:
    found = {path: operation.action for path, operation in BY_PATH.items() if not path.endswith("{name}/compositions")}
    assert found == {
        "/compositions": "list",
        "/namespaces/{namespace}/compositions": "list",
        "/namespaces/{namespace}/compositions/{name}": "get",
        "/watch/compositions": "watchlist",
        "/watch/namespaces/{namespace}/compositions": "watchlist",
        "/watch/namespaces/{namespace}/compositions/{name}": "watch",
    }


def test_a_kind_of_namespaces_and_one_of_the_cluster() -> None:
    one = BY_PATH["/namespaces/{namespace}/deployments/{name}/compositions"]
    assert (one.action, one.answers, one.only_all) == ("get", ("Composition", "CompositionList"), False)
    everywhere = BY_PATH["/deployments/{name}/compositions"]
    assert (everywhere.answers, everywhere.only_all) == (("CompositionList",), True)
    assert BY_PATH["/fleets/{name}/compositions"].answers == ("Composition", "CompositionList")
    assert "/namespaces/{namespace}/fleets/{name}/compositions" not in BY_PATH


def test_a_plural_of_two_groups_is_the_first_one_s_and_the_other_is_found_by_its_group() -> None:
    assert BY_PATH["/namespaces/{namespace}/deployments.example.com/{name}/compositions"].noun == (
        "NamespacedDeploymentsExampleComCompositions"
    )


def test_every_kind_that_is_served_has_its_operation() -> None:
    named = {API.parent(path.split("/")[-3]) for path in BY_PATH if path.endswith("{name}/compositions")}
    assert named == set(KINDS)
    below = {resource.name for resource in API.resources() if "/" in resource.name}
    assert below <= {f"{path.split('/')[-3]}/compositions" for path in BY_PATH if path.endswith("}/compositions")}


@pytest.mark.parametrize("operation", FOUND, ids=lambda operation: operation.path)
def test_actions_are_the_verbs_that_are_reviewed(operation: Operation) -> None:
    path = operation.path.format(namespace="shop", name="*" if operation.only_all else "web")
    attributes = parse_resource_path(tuple(path[1:].split("/")), "GET", b"", API.group, API.version)
    assert attributes.verb == operation.action.removesuffix("list") or operation.action == attributes.verb == "list"
    assert attributes.namespace == ("shop" if "{namespace}" in operation.path else "")


def test_everything_can_be_watched() -> None:
    read = [operation for operation in FOUND if not operation.watches]
    assert [operation.watched for operation in read] == [operation for operation in FOUND if operation.watches]
    assert {operation.path for operation in FOUND if operation.watches} == {f"/watch{each.path}" for each in read}


def test_identifiers_are_formed_as_kubernetes_forms_them_and_unique() -> None:
    identifiers = [operation.identifier(API) for operation in FOUND]
    assert len(set(identifiers)) == len(identifiers)
    assert identifiers[:2] == [
        "listKubediscoveryCloudarkIoV1CompositionForAllNamespaces",
        "watchKubediscoveryCloudarkIoV1CompositionForAllNamespacesList",
    ]
    assert BY_PATH["/namespaces/{namespace}/pods/{name}/compositions"].identifier(API) == (
        "readKubediscoveryCloudarkIoV1NamespacedPodsCompositions"
    )


def test_camel() -> None:
    assert camel("stable.example-site.com.v1") == "StableExampleSiteComV1"
