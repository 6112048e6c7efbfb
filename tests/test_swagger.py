"""OpenAPI 2.0: the same API in the words that the aggregator and old clients read."""

import json
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV2SpecValidator

from kubediscovery.api import ApiGroup
from kubediscovery.specification import specification
from kubediscovery.swagger import swagger_of
from tests.objects import KINDS
from tests.test_specification import references

GROUP = "kubediscovery.cloudark.io"
V3 = specification(ApiGroup(GROUP, "v1", KINDS))
DOCUMENT: dict[str, Any] = json.loads(json.dumps(swagger_of(V3)))
DEFINITIONS = "#/definitions/io.cloudark.kubediscovery.v1."
P = f"/apis/{GROUP}/v1"


def definition(name: str) -> Any:
    return DOCUMENT["definitions"][f"io.cloudark.kubediscovery.v1.{name}"]


def test_it_is_valid() -> None:
    assert list(OpenAPIV2SpecValidator(DOCUMENT).iter_errors()) == []


def test_the_document_of_version_3_is_not_touched() -> None:
    assert specification(ApiGroup(GROUP, "v1", KINDS)) == V3


@pytest.mark.parametrize("path", V3["paths"])
def test_operations_are_the_same(path: str) -> None:
    ours, other = DOCUMENT["paths"][path]["get"], V3["paths"][path]["get"]
    for key in ("operationId", "description", "tags", "x-kubernetes-action", "x-kubernetes-group-version-kind"):
        assert ours[key] == other[key]
    assert list(ours["responses"]) == list(other["responses"])
    names = [reference["$ref"].rpartition("/")[2] for reference in other["parameters"]]
    assert ours["parameters"] == [{"$ref": f"#/parameters/{name}"} for name in names]
    assert "application/json" in ours["produces"]
    assert len(set(ours["produces"])) == len(ours["produces"])


def test_answers_have_their_schemas_and_304_has_none() -> None:
    found = DOCUMENT["paths"][f"{P}/compositions"]["get"]["responses"]
    assert found["200"]["schema"] == {"$ref": f"{DEFINITIONS}CompositionList"}
    assert found["404"]["schema"] == {"$ref": f"{DEFINITIONS}Status"}
    assert set(found["304"]) == {"description"}
    # There is no word for one or the other.
    either = DOCUMENT["paths"][f"{P}/namespaces/{{namespace}}/deployments/{{name}}/compositions"]["get"]
    assert either["responses"]["200"]["schema"] == {"$ref": f"{DEFINITIONS}Composition"}


def test_a_parameter_has_its_type_beside_its_name() -> None:
    limit = DOCUMENT["parameters"]["limit"]
    assert (limit["in"], limit["type"], limit["format"], limit["minimum"]) == ("query", "integer", "int64", 0)
    assert DOCUMENT["parameters"]["all"]["enum"] == ["*"]
    assert DOCUMENT["paths"][f"{P}/deployments/{{name}}/compositions"]["parameters"] == [{"$ref": "#/parameters/all"}]


def test_references_have_their_description_beside_them() -> None:
    root = definition("Composition")["properties"]["root"]
    assert set(root) == {"$ref", "description"}
    assert root["$ref"] == f"{DEFINITIONS}Node"
    assert definition("Node")["properties"]["children"]["items"] == {"$ref": f"{DEFINITIONS}Node"}


def test_definitions_are_those_that_are_used() -> None:
    """The aggregator publishes all others under this group too."""
    used = {reference for reference in references(DOCUMENT) if reference.startswith("#/definitions/")}
    assert used == {f"#/definitions/{name}" for name in DOCUMENT["definitions"]}
    assert f"{DEFINITIONS}Table" not in used


def test_words_of_version_3_are_gone() -> None:
    text = json.dumps(DOCUMENT)
    for word in ("#/components", '"allOf"', '"oneOf"', '"nullable"', '"content"'):
        assert word not in text
