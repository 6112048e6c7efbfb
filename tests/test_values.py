"""What handlers give, written as objects, lists, Tables and metadata."""

import json
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from kubediscovery.errors import NotAcceptable
from kubediscovery.framework import Column, Registry, SubresourceRequest
from kubediscovery.meta import ListMeta, ObjectMeta
from kubediscovery.negotiation import PLAIN, MediaType, Representation
from kubediscovery.values import Form, Nothing, Value
from tests.objects import DEPLOYMENT
from tests.serving import make

JSON = Representation(PLAIN)
WEB = make(DEPLOYMENT, "web", version=110, labels={"app": "web"})
VERSION = "images.example.org/v1"


class Plain(Struct, frozen=True):
    count: int = 1
    names: tuple[str, ...] = ()


class Empty(Struct, frozen=True):
    pass


class Own(Struct, frozen=True, tag_field="kind", tag="Tagged"):
    metadata: dict[str, str]


class Whole(Struct, frozen=True, rename="camel"):
    kind: str
    api_version: str
    metadata: None = None


def form(struct: type[Struct] = Plain, *columns: Column) -> Form:
    registry = Registry(group="images.example.org")

    @registry.subresource("images", returns=struct, columns=columns)
    async def images(request: SubresourceRequest) -> Struct:
        raise NotImplementedError

    (registration,) = registry
    assert registration.contract is not None
    return Form(registration, registration.contract)


def converted(kind: str, version: str = "v1", **rest: Any) -> Representation:
    return Representation(MediaType(kind, "meta.k8s.io", version), **rest)


def read(content: object) -> Any:
    return json.loads(msgspec.json.encode(content))


def test_kind_version_and_metadata_come_first() -> None:
    found = read(form().one(Value(WEB, Plain(2, ("a",))), JSON))
    assert list(found) == ["kind", "apiVersion", "metadata", "count", "names"]
    assert (found["kind"], found["apiVersion"], found["count"]) == ("Plain", VERSION, 2)
    assert found["metadata"]["labels"] == {"app": "web"}
    assert found["metadata"]["resourceVersion"] == "110"
    assert read(form().one(Value(WEB, Plain(), 120), JSON))["metadata"]["resourceVersion"] == "120"


@pytest.mark.parametrize(
    ("given", "rest"),
    [
        (Empty(), {"kind": "Empty", "apiVersion": VERSION}),
        (Own({"name": "WEB"}), {"kind": "Tagged", "apiVersion": VERSION, "metadata": {"name": "WEB"}}),
        (Whole("Mine", "v3"), {"kind": "Mine", "apiVersion": "v3", "metadata": None}),
    ],
)
def test_what_a_struct_has_itself_is_left_as_it_is(given: Struct, rest: dict[str, object]) -> None:
    found = read(form(type(given)).one(Value(WEB, given), JSON))
    assert {name: value for name, value in found.items() if name in rest} == rest
    assert found["metadata"] is None or found["metadata"]["name"].lower() == "web"


def test_many_are_a_list() -> None:
    metadata = ListMeta(resource_version="900")
    found = read(form().many([Value(WEB, Plain()), Value(WEB, Plain(5))], metadata, JSON))
    assert (found["kind"], found["apiVersion"], found["metadata"]) == ("PlainList", VERSION, {"resourceVersion": "900"})
    assert [item["count"] for item in found["items"]] == [1, 5]
    assert read(form().many([], metadata, JSON))["items"] == []


@pytest.mark.parametrize(
    ("given", "cell"),
    [
        (None, ""),
        (True, True),
        (3, 3),
        (0.5, 0.5),
        (["a", "b"], "a,b"),
        (("a",), "a"),
        (Plain, str(Plain)),
    ],
)
def test_cells(given: object, cell: object) -> None:
    columns = [Column("What", "string", lambda _: given, 1, "Something.")]
    table = read(form(Plain, *columns).one(Value(WEB, Plain()), converted("Table")))
    assert table["rows"][0]["cells"][:2] == ["web", cell]
    (what,) = [each for each in table["columnDefinitions"] if each["name"] == "What"]
    assert (what["type"], what["priority"], what["description"]) == ("string", 1, "Something.")


def test_columns_of_ones_own_take_the_place_of_name_and_age() -> None:
    columns = [Column("Name", "string", lambda found: found.count), Column("Age", "string", lambda _: "old")]
    table = read(form(Plain, *columns).one(Value(WEB, Plain(7)), converted("Table")))
    assert [each["name"] for each in table["columnDefinitions"]] == ["Name", "Age"]
    assert table["rows"][0]["cells"] == [7, "old"]


def test_the_object_of_a_row_is_what_was_asked_for() -> None:
    def row(**rest: Any) -> Any:
        return read(form().one(Value(WEB, Plain(3)), converted("Table", **rest)))["rows"][0]["object"]

    assert row()["kind"] == "PartialObjectMetadata"
    assert row(include_object="Object")["count"] == 3
    assert row(include_object="None") is None


def test_later_tables_have_no_columns_and_what_is_gone_no_cells() -> None:
    columns = [Column("Count", "integer", lambda found: found.count)]
    table = read(form(Plain, *columns).one(Value(WEB, Nothing()), converted("Table"), columns=False))
    assert table["columnDefinitions"] is None
    assert table["rows"][0]["cells"][:2] == ["web", ""]


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_metadata_alone(version: str) -> None:
    one = read(form().one(Value(WEB, Plain()), converted("PartialObjectMetadata", version)))
    assert (one["kind"], one["apiVersion"]) == ("PartialObjectMetadata", f"meta.k8s.io/{version}")
    many = read(form().many([Value(WEB, Plain())], ListMeta(), converted("PartialObjectMetadataList", version)))
    assert (many["kind"], many["items"]) == ("PartialObjectMetadataList", [one])


def test_one_is_no_list_and_a_list_not_one() -> None:
    with pytest.raises(NotAcceptable, match="is not a list"):
        form().one(Value(WEB, Plain()), converted("PartialObjectMetadataList"))
    with pytest.raises(NotAcceptable, match=r"is a list \(PlainList\)"):
        form().many([], ListMeta(), converted("PartialObjectMetadata"))


def test_a_bookmark_has_metadata_only() -> None:
    metadata = ObjectMeta(resource_version="7")
    rest = {"metadata": {"resourceVersion": "7"}}
    assert read(form().bookmark(metadata, JSON)) == {"kind": "Plain", "apiVersion": VERSION, **rest}
    partial = read(form().bookmark(metadata, converted("PartialObjectMetadata")))
    assert partial == {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", **rest}
    table = read(form().bookmark(metadata, converted("Table")))
    assert table["rows"] == [{"cells": ["", ""], "object": partial}]
    assert len(table["columnDefinitions"]) == 2
    assert read(form().bookmark(metadata, converted("Table"), columns=False))["columnDefinitions"] is None
