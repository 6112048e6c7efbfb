"""Patches and what they make of an answer: the examples of RFC 7396, and what may not be changed."""

from typing import Annotated, Any

import msgspec
import pytest
from msgspec import Meta, Struct

from kubediscovery.acting import FieldValidation
from kubediscovery.errors import Conflict, Invalid, Subject, UnsupportedMediaType
from kubediscovery.patches import Patch, PatchType, merged

HEAD = {
    "kind": "Scale",
    "apiVersion": "sizes.example.org/v1",
    "metadata": {"name": "web", "uid": "1", "resourceVersion": "7", "labels": {"app": "web"}},
}


class Port(Struct, frozen=True):
    number: int
    name: str = ""


class Scale(Struct, frozen=True, rename="camel"):
    wanted_replicas: Annotated[int, Meta(ge=0)]
    note: str | None = None
    ports: tuple[Port, ...] = ()
    weights: dict[int, float] = {}


CURRENT = Scale(2, "as it was", (Port(80),), {1: 0.5})


def shown(given: Struct) -> bytes:
    return msgspec.json.encode({**HEAD, **msgspec.json.decode(msgspec.json.encode(given))})


def patch(document: Any, type_: PatchType = PatchType.MERGE, **rest: Any) -> Patch:
    return Patch(
        type=type_, document=document, subject=Subject("sizes.example.org", "Scale", "web"), shown=shown, **rest
    )


def operations(*given: Any, **rest: Any) -> Patch:
    return patch(list(given), PatchType.JSON, **rest)


@pytest.mark.parametrize(
    ("before", "document", "after"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_what_a_merge_patch_makes_of_a_document(before: Any, document: Any, after: Any) -> None:
    kept = msgspec.json.encode(before)
    assert merged(before, document) == after
    assert msgspec.json.encode(before) == kept


def test_a_merge_patch_leaves_the_rest_as_it_is() -> None:
    assert patch({"wantedReplicas": 3}).apply(CURRENT) == Scale(3, "as it was", (Port(80),), {1: 0.5})
    assert patch({"note": None, "ports": [{"number": 8080}]}).apply(CURRENT).ports == (Port(8080),)
    assert patch({"note": None}).apply(CURRENT).note is None
    assert patch({"weights": {"2": 1}}).apply(CURRENT).weights == {1: 0.5, 2: 1.0}


def test_a_json_patch_is_of_the_answer_as_it_is_read() -> None:
    done = operations(
        {"op": "test", "path": "/metadata/resourceVersion", "value": "7"},
        {"op": "test", "path": "/kind", "value": "Scale"},
        {"op": "replace", "path": "/wantedReplicas", "value": 5},
        {"op": "add", "path": "/ports/-", "value": {"number": 443, "name": "tls"}},
    ).apply(CURRENT)
    assert done == Scale(5, "as it was", (Port(80), Port(443, "tls")), {1: 0.5})
    assert CURRENT.ports == (Port(80),)


def test_without_a_head_it_is_of_the_struct_alone() -> None:
    assert Patch(type=PatchType.MERGE, document={"number": 1}).apply(Port(80, "web")) == Port(1, "web")


@pytest.mark.parametrize(
    "document",
    [
        {"kind": "Scale", "apiVersion": "sizes.example.org/v1"},
        {"metadata": {"name": "web", "uid": "1", "resourceVersion": "7"}},
        {"metadata": None},
        {"metadata": {"resourceVersion": None}},
        {"kind": None},
    ],
)
def test_what_it_is_may_be_repeated_or_left_out(document: dict[str, object]) -> None:
    told: list[str] = []
    assert patch(document, warn=told.append).apply(CURRENT) == CURRENT
    assert told == []


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (patch({"wantedReplicas": -1}), "Expected `int` >= 0 - at `$.wantedReplicas`"),
        (patch({"wantedReplicas": None}), "missing required field `wantedReplicas`"),
        (patch({"ports": [{"number": "many"}]}), "at `$.ports[0].number`"),
        (patch({"kind": "Other"}), "kind cannot be changed"),
        (patch({"apiVersion": "v1"}), "apiVersion cannot be changed"),
        (patch({"metadata": {"name": "other"}}), "metadata.name cannot be changed"),
        (patch({"metadata": {"namespace": "other"}}), "metadata.namespace cannot be changed"),
        (patch({"metadata": "web"}), "metadata must be an object"),
        (operations({"op": "replace", "path": "", "value": []}), "nothing but an object can be the outcome"),
        (operations({"op": "remove", "path": "/absent"}), 'operation 0: there is no "absent"'),
        (operations({"op": "test", "path": "/note", "value": "x"}), 'operation 0: the value at "/note" is another one'),
        (patch({"wanted": 3}, validation=FieldValidation.STRICT), 'strict decoding error: unknown field "wanted"'),
    ],
)
def test_what_cannot_be_is_invalid_and_says_why(made: Patch, words: str) -> None:
    with pytest.raises(Invalid) as refused:
        made.apply(CURRENT)
    assert str(refused.value).startswith('Scale.sizes.example.org "web" is invalid: patch: Invalid value: ')
    assert words in str(refused.value)
    assert [cause.field for cause in refused.value.causes] == ["patch"]


@pytest.mark.parametrize("metadata", [{"resourceVersion": "6"}, {"uid": "2"}])
def test_a_patch_of_another_version_or_object_is_in_conflict(metadata: dict[str, str]) -> None:
    with pytest.raises(Conflict, match='on Scale "web": the object has been modified'):
        patch({"metadata": metadata}).apply(CURRENT)


def test_what_is_ignored_is_told() -> None:
    told: list[str] = []
    document = {"ports": [{"number": 1, "protocol": "TCP"}], "wanted": 3, "metadata": {"labels": {"app": "x"}}}
    patch(document, warn=told.append).apply(CURRENT)
    assert told == [
        "metadata.labels is not changed by this subresource",
        'unknown field "ports[0].protocol"',
        'unknown field "wanted"',
    ]
    told.clear()
    patch({"wanted": 3}, warn=told.append, validation=FieldValidation.IGNORE).apply(CURRENT)
    assert told == []


def test_what_is_nested_too_deep_is_invalid() -> None:
    deep: dict[str, object] = {}
    for _ in range(5_000):
        deep = {"note": deep}
    with pytest.raises(Invalid, match="nested too deep"):
        patch(deep).apply(CURRENT)
    adding = [{"op": "add", "path": "/x" * number, "value": {}} for number in range(1, 1_500)]
    with pytest.raises(Invalid, match="nested too deep"):
        operations(*adding).apply(CURRENT)


@pytest.mark.parametrize("type_", [PatchType.STRATEGIC, PatchType.APPLY])
def test_other_patches_are_not_carried_out(type_: PatchType) -> None:
    with pytest.raises(UnsupportedMediaType, match="include: application/json-patch\\+json, application/merge-patch"):
        patch({}, type_).apply(CURRENT)
