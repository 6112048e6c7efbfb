"""Schemas: every field explained, in the words of OpenAPI 3.0, and true of what is answered."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from openapi_schema_validator import OAS30Validator

from kubediscovery.api import ApiGroup
from kubediscovery.compositions import Compositions, Target
from kubediscovery.definitions import REFERENCE, definitions, schema_prefix
from kubediscovery.errors import NotFound, StatusError, Subject
from kubediscovery.health import Health
from kubediscovery.meta import status_of
from kubediscovery.options import Options
from kubediscovery.outcome import RolloutState
from tests.objects import DEPLOYMENT, KINDS, POD, REPLICA_SET, filled, make, seeing

API = ApiGroup("kubediscovery.cloudark.io", "v1", KINDS)
FOUND = definitions(API)
PREFIX = "io.cloudark.kubediscovery.v1."


def field(schema: str, name: str) -> Any:
    return FOUND[f"{PREFIX}{schema}"]["properties"][name]


def walk(schema: Any) -> Iterator[dict[str, Any]]:
    """A schema and all that are written into it."""
    yield schema
    for part in (*schema.get("properties", {}).values(), *schema.get("allOf", ()), *schema.get("oneOf", ())):
        yield from walk(part)
    for name in ("items", "additionalProperties"):
        if name in schema:
            yield from walk(schema[name])


EVERY = [(name, part) for name, schema in FOUND.items() for part in walk(schema)]


def test_names_begin_with_the_group_from_its_end() -> None:
    assert schema_prefix(API) == PREFIX
    assert all(name.startswith(PREFIX) for name in FOUND)
    other = definitions(ApiGroup("trees.example.com", "v2", KINDS))
    assert other["com.example.trees.v2.Composition"]["x-kubernetes-group-version-kind"] == [
        {"group": "trees.example.com", "kind": "Composition", "version": "v2"}
    ]
    assert json.dumps(other).count(PREFIX) == 0


@pytest.mark.parametrize("name", FOUND)
def test_every_schema_and_every_field_is_explained(name: str) -> None:
    schema = FOUND[name]
    texts = {"": schema.get("description", "")}
    texts |= {key: found.get("description", "") for key, found in schema["properties"].items()}
    for key, text in texts.items():
        assert text.endswith("."), (name, key, text)
        assert text[0].isupper() or text.startswith("0 "), (name, key, text)
        assert len(text.split()) > 1, (name, key, text)
        # What is written for Python's documentation is shown as it is.
        assert "``" not in text, (name, key, text)
        assert ":class:" not in text, (name, key, text)


def test_only_the_group_s_own_kinds_are_kinds() -> None:
    """A kind of meta.k8s.io that stood twice in a cluster's documents would stop clients that read them all."""
    marked = {name: schema.get("x-kubernetes-group-version-kind") for name, schema in FOUND.items()}
    own = {"Composition", "CompositionList", "CompositionNodes", "Finding", "LintReport"}
    assert {name.removeprefix(PREFIX) for name, kinds in marked.items() if kinds} == own


def test_every_reference_leads_somewhere() -> None:
    referred = {part["$ref"] for _, part in EVERY if "$ref" in part}
    assert referred
    assert {f"{REFERENCE}{name}" for name in FOUND} >= referred


def test_a_node_holds_nodes() -> None:
    assert field("Node", "children")["items"] == {"$ref": f"{REFERENCE}{PREFIX}Node"}


def test_nothing_stands_beside_a_reference() -> None:
    assert [part for _, part in EVERY if "$ref" in part and len(part) > 1] == []
    assert field("Composition", "root")["allOf"] == [{"$ref": f"{REFERENCE}{PREFIX}Node"}]


def test_every_array_says_what_it_holds() -> None:
    """Without, kubectl refuses the documents of the whole cluster (kube-openapi, pkg/util/proto/document.go)."""
    arrays = [(name, part) for name, part in EVERY if part.get("type") == "array"]
    assert arrays
    assert [name for name, part in arrays if not part.get("items")] == []


def test_types_are_single_words() -> None:
    assert {type(part.get("type", "")) for _, part in EVERY} == {str}


def test_words_of_json_schema_that_openapi_does_not_have_are_gone() -> None:
    assert {key for _, part in EVERY for key in part} & {"anyOf", "default", "title", "$defs", "const"} == set()


def test_healths_stand_where_they_are_used_and_from_best_to_worst() -> None:
    for name in ("Node", "CompositionStatus"):
        assert field(name, "health")["type"] == "string"
        assert field(name, "health")["enum"] == list(Health)
    assert field("Rollout", "state")["enum"] == list(RolloutState)
    assert f"{PREFIX}Health" not in FOUND
    assert f"{PREFIX}RolloutState" not in FOUND


def test_what_may_be_left_out_is_not_required_and_never_null() -> None:
    assert set(FOUND[f"{PREFIX}CompositionStatus"]["required"]) == {"health"}
    assert "required" not in FOUND[f"{PREFIX}Info"]
    assert "nullable" not in field("CompositionStatus", "pods")
    # A watch leaves the columns out of its second Table as null.
    assert field("Table", "columnDefinitions")["nullable"]


def answers() -> Iterator[tuple[str, object]]:
    web = make(DEPLOYMENT, "web", labels=(("app", "web"),), created=1_700_000_000)
    below = make(REPLICA_SET, "web-1", owners=[web])
    compositions = Compositions(API, filled([web, below, make(POD, "web-1-a", owners=[below])]))
    for visible in (seeing(KINDS), seeing([DEPLOYMENT])):
        yield "Composition", compositions.one(DEPLOYMENT, web.namespace, "web", visible)
        yield "CompositionList", compositions.many(Target(None, None), Options(), visible)
    errors: list[StatusError] = [
        NotFound("not found", subject=Subject("apps", "deployments", "web")),
        NotFound("busy", retry_after=3, cause="Busy"),
    ]
    for error in errors:
        yield "Status", status_of(error)


@pytest.mark.parametrize(("name", "answer"), list(answers()))
def test_answers_are_as_their_schemas_say(name: str, answer: object) -> None:
    document = {"components": {"schemas": FOUND}, "$ref": f"{REFERENCE}{PREFIX}{name}"}
    content = msgspec.json.decode(msgspec.json.encode(answer))
    errors = [error.message for error in OAS30Validator(document).iter_errors(content)]
    assert errors == []
    undescribed = set(undocumented(content, FOUND[f"{PREFIX}{name}"]))
    assert undescribed == set()


def undocumented(content: Any, schema: dict[str, Any]) -> Iterator[str]:
    """Keys that the schema does not have."""
    for part in (schema, *schema.get("allOf", ())):
        if "$ref" in part:
            yield from undocumented(content, FOUND[part["$ref"].removeprefix(REFERENCE)])
            return
    if isinstance(content, list):
        for item in content:
            yield from undocumented(item, schema["items"])
    elif isinstance(content, dict) and "additionalProperties" not in schema:
        for key, value in content.items():
            if key not in schema["properties"]:
                yield key
            else:
                yield from undocumented(value, schema["properties"][key])
