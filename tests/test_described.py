"""What is registered in OpenAPI: valid, true of what is answered, and nothing that depends on a cluster's kinds."""

import json
from typing import Any

import pytest
from openapi_schema_validator import OAS30Validator
from openapi_spec_validator import OpenAPIV2SpecValidator, OpenAPIV30SpecValidator

from kubediscovery.built_in_registry import built_in_registry
from kubediscovery.described import descriptions
from kubediscovery.gnostic import V2, V3, encode
from kubediscovery.kinds import Kinds
from kubediscovery.served import Served
from kubediscovery.specification import document
from kubediscovery.swagger import swagger_of
from tests.registering import ACTIONS, IMAGES, WEB_IMAGES, action_registry, image_registry, patch_registry
from tests.serving import KINDS, Serving

SERVED = Served((built_in_registry(), image_registry(), action_registry(), patch_registry()), Kinds(KINDS))
DOCUMENTS: dict[str, Any] = {
    version.group: json.loads(json.dumps(document(descriptions(version, SERVED.of(version)))))
    for version in SERVED.versions
}
WHOLE = document(part for version in SERVED.versions for part in descriptions(version, SERVED.of(version)))
PREFIX = "#/components/schemas/org.example.images.v1."
ONE = f"/apis/{IMAGES}/v1/namespaces/{{namespace}}/deployments/{{name}}/images"


@pytest.mark.parametrize("group", DOCUMENTS)
def test_every_document_is_valid_and_can_be_written(group: str) -> None:
    assert list(OpenAPIV30SpecValidator(DOCUMENTS[group]).iter_errors()) == []
    assert encode(DOCUMENTS[group], V3)


def test_together_they_are_a_document_of_version_2() -> None:
    found = json.loads(json.dumps(swagger_of(WHOLE)))
    assert list(OpenAPIV2SpecValidator(found).iter_errors()) == []
    assert encode(found, V2)
    restart = found["paths"][f"/apis/{ACTIONS}/v1alpha1/namespaces/{{namespace}}/deployments/{{name}}/restart"]
    assert set(restart) == {"get", "post", "put", "parameters"}
    body = restart["post"]["parameters"][-1]
    assert (body["in"], body["schema"]["$ref"]) == ("body", "#/definitions/org.example.actions.v1alpha1.Order2")


def test_a_patch_says_which_types_are_taken() -> None:
    path = f"/apis/{ACTIONS}/v1alpha1/namespaces/{{namespace}}/deployments/{{name}}"
    size = DOCUMENTS[ACTIONS]["paths"][f"{path}/size"]
    assert set(size) == {"get", "put", "patch", "parameters"}
    patch = size["patch"]
    assert (patch["x-kubernetes-action"], patch["operationId"]) == (
        "patch",
        "patchActionsExampleOrgV1alpha1NamespacedDeploymentsSize",
    )
    assert list(patch["requestBody"]["content"]) == ["application/json-patch+json", "application/merge-patch+json"]
    named = DOCUMENTS[ACTIONS]["components"]["parameters"]
    options = {named[each["$ref"].rpartition("/")[2]]["name"] for each in patch["parameters"]}
    assert options == {"dryRun", "fieldManager", "fieldValidation", "force"}
    assert len(DOCUMENTS[ACTIONS]["paths"][f"{path}/label"]["patch"]["requestBody"]["content"]) == 4
    found = json.loads(json.dumps(swagger_of(WHOLE)))["paths"][f"{path}/size"]["patch"]
    assert found["consumes"] == ["application/json-patch+json", "application/merge-patch+json"]


def test_identifiers_are_unique_and_paths_are_of_the_group() -> None:
    identifiers = [
        operation["operationId"]
        for item in WHOLE["paths"].values()
        for method, operation in item.items()
        if method != "parameters"
    ]
    assert len(set(identifiers)) == len(identifiers)
    assert "readImagesExampleOrgV1NamespacedDeploymentsImages" in identifiers
    assert "watchImagesExampleOrgV1NamespacedDeploymentsImages" in identifiers
    assert all(path.startswith(f"/apis/{IMAGES}/v1/") for path in DOCUMENTS[IMAGES]["paths"])


def test_an_operation_says_what_its_handler_says() -> None:
    operation = DOCUMENTS[IMAGES]["paths"][ONE]["get"]
    assert operation["description"] == "The images in the tree of one object."
    assert operation["x-kubernetes-group-version-kind"] == {"group": IMAGES, "kind": "ImageList", "version": "v1"}
    parameters = DOCUMENTS[IMAGES]["components"]["parameters"]
    names = {parameters[each["$ref"].rpartition("/")[2]]["name"] for each in operation["parameters"]}
    assert {"order", "least", "of", "short", "prefix", "labelSelector", "limit", "watch"} <= names
    least = parameters["org.example.images.v1.images.least"]
    assert least["description"] == "Accepted is a whole number of at least 1 and at most 100."


def test_kinds_are_marked_and_what_is_answered_is_as_described() -> None:
    schemas = DOCUMENTS[IMAGES]["components"]["schemas"]
    marked = {name for name, schema in schemas.items() if "x-kubernetes-group-version-kind" in schema}
    assert {name.rpartition(".")[2] for name in marked} == {"ImageList", "ImageListList", "Done", "DoneList"}


@pytest.mark.parametrize(
    ("path", "schema"), [(WEB_IMAGES, "ImageList"), (WEB_IMAGES.replace("/web/", "/*/"), "ImageListList")]
)
async def test_answers_are_as_described(path: str, schema: str) -> None:
    answer = (await Serving(registries=[image_registry()]).get(path)).json()
    described = {"$ref": f"{PREFIX}{schema}", "components": DOCUMENTS[IMAGES]["components"]}
    assert list(OAS30Validator(described).iter_errors(answer)) == []


async def test_they_are_served_each_under_its_group() -> None:
    serving = Serving(registries=[image_registry(), action_registry()])
    paths = (await serving.get("/openapi/v3")).json()["paths"]
    assert list(paths) == ["apis/kubediscovery.cloudark.io/v1", f"apis/{IMAGES}/v1", f"apis/{ACTIONS}/v1alpha1"]
    found = await serving.get(paths[f"apis/{IMAGES}/v1"]["serverRelativeURL"])
    assert set(found.json()["paths"]) == set(DOCUMENTS[IMAGES]["paths"])
    assert found.headers["cache-control"] == "public, immutable"
    assert ONE in (await serving.get("/openapi/v2")).json()["paths"]
