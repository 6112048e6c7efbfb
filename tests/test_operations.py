"""Operations: everything that is served, once, and nothing else."""

import pytest

from kubediscovery.api import ApiGroup
from kubediscovery.kinds import BUILT_IN_KINDS
from kubediscovery.operations import Operation, operations
from kubediscovery.requests import parse_resource_path
from tests.objects import KINDS

API = ApiGroup("kubediscovery.cloudark.io", "v1", KINDS)
FOUND = list(operations())
BY_PATH = {operation.path: operation for operation in FOUND}


def test_the_top_level_resources() -> None:
    found = {path: operation.action for path, operation in BY_PATH.items() if not path.endswith("{name}/compositions")}
    assert found == {
        "/compositions": "list",
        "/namespaces/{namespace}/compositions": "list",
        "/namespaces/{namespace}/compositions/{name}": "get",
        "/lint": "list",
        "/namespaces/{namespace}/lint": "list",
        "/watch/compositions": "watchlist",
        "/watch/namespaces/{namespace}/compositions": "watchlist",
        "/watch/namespaces/{namespace}/compositions/{name}": "watch",
    }


def test_a_kind_of_namespaces_and_one_of_the_cluster() -> None:
    one = BY_PATH["/namespaces/{namespace}/deployments/{name}/compositions"]
    assert (one.action, one.answers, one.only_all) == ("get", ("Composition", "CompositionList"), False)
    everywhere = BY_PATH["/deployments/{name}/compositions"]
    assert (everywhere.answers, everywhere.only_all) == (("CompositionList",), True)


def test_what_no_cluster_need_have_is_asked_for_by_its_name() -> None:
    for path in ("/namespaces/{namespace}/{resource}/{name}/compositions", "/{resource}/{name}/compositions"):
        assert BY_PATH[path].answers == ("Composition", "CompositionList")


def test_every_kind_of_every_cluster_has_its_operation() -> None:
    named = {API.parent(path.split("/")[-3]) for path in BY_PATH if path.endswith("{name}/compositions")}
    assert named == {*BUILT_IN_KINDS, None}


@pytest.mark.parametrize("operation", FOUND, ids=lambda operation: operation.path)
def test_actions_are_the_verbs_that_are_reviewed(operation: Operation) -> None:
    path = operation.path.format(namespace="shop", resource="fleets", name="*" if operation.only_all else "web")
    attributes = parse_resource_path(tuple(path[1:].split("/")), "GET", b"", API.group, API.version)
    assert attributes.verb == operation.action.removesuffix("list") or operation.action == attributes.verb == "list"
    assert attributes.namespace == ("shop" if "{namespace}" in operation.path else "")


def test_every_composition_can_be_watched() -> None:
    read = [operation for operation in FOUND if not operation.watches and operation.kind == "Composition"]
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
