"""The document of OpenAPI 3.0: valid, whole, and enough for kubectl."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator

from kubediscovery.api import ApiGroup
from kubediscovery.errors import StatusError
from kubediscovery.negotiation import READABLE
from kubediscovery.parameters import OF_LINT, PARAMETERS
from kubediscovery.specification import ERRORS, specification
from tests.objects import KINDS

GROUP = "kubediscovery.cloudark.io"
DOCUMENT = json.loads(json.dumps(specification(ApiGroup(GROUP, "v1", KINDS))))
SCHEMAS = "#/components/schemas/io.cloudark.kubediscovery.v1."
P = f"/apis/{GROUP}/v1"
NAMED = f"{P}/namespaces/{{namespace}}/compositions/{{name}}"
OF_DEPLOYMENTS = f"{P}/namespaces/{{namespace}}/deployments/{{name}}/compositions"


def resolved(reference: dict[str, Any]) -> Any:
    found: Any = DOCUMENT
    for part in reference["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return found


def content(path: str) -> dict[str, Any]:
    found: dict[str, Any] = resolved(DOCUMENT["paths"][path]["get"]["responses"]["200"])["content"]
    return {media_type: schema["schema"] for media_type, schema in found.items()}


def parameters(path: str) -> list[str]:
    return [resolved(parameter)["name"] for parameter in DOCUMENT["paths"][path]["get"]["parameters"]]


def references(content: Any) -> Iterator[str]:
    if isinstance(content, dict):
        yield from ([content["$ref"]] if "$ref" in content else [])
        for value in content.values():
            yield from references(value)
    elif isinstance(content, list):
        for value in content:
            yield from references(value)


def test_it_is_valid() -> None:
    assert list(OpenAPIV30SpecValidator(DOCUMENT).iter_errors()) == []


def test_it_has_the_group_s_own_paths_alone() -> None:
    assert [path for path in DOCUMENT["paths"] if not path.startswith(f"{P}/")] == []
    assert {method for item in DOCUMENT["paths"].values() for method in item} == {"get", "parameters"}


def test_every_part_is_used() -> None:
    used = set(references(DOCUMENT))
    sections = ("schemas", "parameters", "responses")
    assert {
        f"#/components/{section}/{name}" for section in sections for name in DOCUMENT["components"][section]
    } == used


@pytest.mark.parametrize("path", DOCUMENT["paths"])
def test_every_operation_is_explained_and_names_its_kind(path: str) -> None:
    item = DOCUMENT["paths"][path]
    operation = item["get"]
    assert operation["description"].endswith(".")
    assert operation["tags"] == ["kubediscoveryCloudarkIo_v1"]
    kind = "Finding" if path.endswith("/lint") else "Composition"
    assert operation["x-kubernetes-group-version-kind"] == {"group": GROUP, "kind": kind, "version": "v1"}
    in_path = [resolved(parameter) for parameter in item.get("parameters", ())]
    assert [f"{{{parameter['name']}}}" for parameter in in_path] == [part for part in path.split("/") if "{" in part]
    assert all(parameter["description"] and parameter["required"] for parameter in in_path)


def test_kubectl_finds_the_schema_by_the_operation_s_kind() -> None:
    """As kubectl's template does (k8s.io/kubectl, pkg/explain/v2/templates/plaintext.tmpl)."""
    for path in (f"{P}/compositions", f"{P}/namespaces/{{namespace}}/compositions", NAMED):
        kind = DOCUMENT["paths"][path]["get"]["x-kubernetes-group-version-kind"]
        marked = [
            name
            for name, schema in DOCUMENT["components"]["schemas"].items()
            if kind in schema.get("x-kubernetes-group-version-kind", ())
        ]
        assert marked == ["io.cloudark.kubediscovery.v1.Composition"]


def test_answers_of_lists_of_one_and_of_what_the_name_decides() -> None:
    listed, one, either = content(f"{P}/compositions"), content(NAMED), content(OF_DEPLOYMENTS)
    for encoding in ("application/json", "application/yaml"):
        assert chosen(listed[encoding]) == ["CompositionList", "CompositionNodes", ["Former"]]
        assert chosen(one[encoding]) == ["Composition", "CompositionNodes", ["Former"]]
        assert chosen(either[encoding]) == ["Composition", "CompositionList", "CompositionNodes", ["Former"]]
    stream = "application/json;stream=watch"
    assert listed[stream] == either[stream] == {"$ref": f"{SCHEMAS}WatchEvent"}
    assert stream not in one
    assert set(content(f"{P}/watch/compositions")) == {"application/json", stream}


def chosen(schema: dict[str, Any]) -> list[object]:
    """The names of the schemas of which there is one; in a list the name of one of which there is an array."""
    return [[last(found["items"])] if "items" in found else last(found) for found in schema["oneOf"]]


def last(reference: dict[str, Any]) -> str:
    name: str = reference["$ref"]
    assert name.startswith(SCHEMAS)
    return name.removeprefix(SCHEMAS)


def test_drawings_are_text() -> None:
    for path in (f"{P}/compositions", NAMED, OF_DEPLOYMENTS):
        found = {media_type: schema for media_type, schema in content(path).items() if media_type.startswith("text/")}
        assert set(found) == {"text/vnd.graphviz", "text/vnd.mermaid", "text/plain"}
        assert all(schema == {"type": "string"} for schema in found.values())


def test_lint_is_a_report_or_its_table_and_has_few_parameters() -> None:
    for path in (f"{P}/lint", f"{P}/namespaces/{{namespace}}/lint"):
        found = {media_type: last(schema) for media_type, schema in content(path).items()}
        assert {found.pop("application/json"), found.pop("application/yaml")} == {"LintReport"}
        assert set(found.values()) == {"Table"}
        assert set(parameters(path)) == set(OF_LINT)


def test_conversions_are_those_that_are_offered() -> None:
    offered = {str(media_type) for media_type in READABLE}
    for path in (f"{P}/compositions", NAMED, OF_DEPLOYMENTS):
        converted = {media_type: schema for media_type, schema in content(path).items() if ";as=" in media_type}
        assert set(converted) <= offered
        assert converted["application/json;as=Table;v=v1;g=meta.k8s.io"] == {"$ref": f"{SCHEMAS}Table"}
    assert "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io" not in content(NAMED)
    assert "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io" not in content(f"{P}/compositions")


def test_lists_take_every_parameter_and_one_only_those_that_mean_something_for_it() -> None:
    every = [parameter.name for parameter in PARAMETERS]
    assert parameters(f"{P}/compositions") == parameters(OF_DEPLOYMENTS) == every
    listed_only = {"labelSelector", "fieldSelector", "limit", "continue", "watch", "allowWatchBookmarks"}
    listed_only |= {"resourceVersionMatch", "sendInitialEvents"}
    assert parameters(NAMED) == [name for name in every if name not in listed_only]


def test_every_error_is_documented_with_a_status() -> None:
    raised = {error.code for error in errors(StatusError)}
    assert raised <= set(ERRORS)
    for path, item in DOCUMENT["paths"].items():
        responses = item["get"]["responses"]
        not_modified = [] if "/watch/" in path else ["304"]
        assert list(responses) == ["200", *not_modified, *map(str, ERRORS)]
        for code in map(str, ERRORS):
            found = resolved(responses[code])
            assert found["description"].endswith(".")
            schemas = [media_type["schema"]["$ref"] for media_type in found["content"].values()]
            assert schemas == [f"{SCHEMAS}Status"] * 2


def errors(error: type[StatusError]) -> Iterator[type[StatusError]]:
    for below in error.__subclasses__():
        yield below
        yield from errors(below)
