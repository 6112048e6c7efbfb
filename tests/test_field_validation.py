"""Fields that nobody knows, or that are there twice."""

from typing import Annotated, Any

import pytest
from msgspec import Meta, Struct

from kubediscovery.field_validation import duplicate_fields, field_names, unknown_fields


class Leaf(Struct, frozen=True, rename="camel"):
    leaf_name: str = ""


class Cat(Struct, tag="cat"):
    lives: int = 9


class Dog(Struct, tag="dog"):
    tricks: int = 0


class Tree(Struct, frozen=True, rename="camel", tag_field="kind", tag="Tree"):
    one: Leaf | None = None
    many: list[Leaf] = []
    some: tuple[Leaf, ...] = ()
    by_name: dict[str, Leaf] = {}
    anything: Any = None
    free: dict[str, Any] = {}
    marked: Annotated[Leaf, Meta(description="One.")] | None = None
    pet: Cat | Dog | None = None
    either: dict[str, Leaf] | list[Leaf] = {}


LEAF = {"leafName": "a"}


@pytest.mark.parametrize(
    ("document", "paths"),
    [
        ({"kind": "Tree", "one": LEAF, "many": [LEAF], "byName": {"a": LEAF}, "some": [LEAF]}, []),
        ({"by_name": {}}, ["by_name"]),
        ({"one": {"leaf_name": 1}}, ["one.leaf_name"]),
        ({"one": None, "more": None}, ["more"]),
        ({"many": [LEAF, {"x": 1}], "some": [{"y": 1}]}, ["many[1].x", "some[0].y"]),
        ({"byName": {"a": {"x": 1}}}, ["byName.a.x"]),
        ({"anything": {"x": {"y": 1}}, "free": {"x": {"y": 1}}}, []),
        ({"marked": {"x": 1}}, ["marked.x"]),
        ({"pet": {"type": "dog", "tricks": 1, "lives": 1}}, ["pet.lives"]),
        ({"pet": {"type": "bird", "wings": 2}}, []),
        ({"either": [{"x": 1}]}, ["either[0].x"]),
        ({"either": {"a": {"x": 1}}}, ["either.a.x"]),
    ],
)
def test_what_a_struct_has_no_word_for(document: object, paths: list[str]) -> None:
    assert unknown_fields(document, Tree) == [f'unknown field "{path}"' for path in paths]


def test_not_more_is_told_than_somebody_reads() -> None:
    found = unknown_fields({f"{'x' * 500}{number}": 1 for number in range(100)}, Tree)
    assert (len(found), max(map(len, found)) < 130) == (20, True)
    assert unknown_fields({"metadata": {}, "x": 1}, Tree, but=("metadata",)) == ['unknown field "x"']


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (b'{"a": 1, "b": {"a": 2}}', []),
        (b'{"a": 1, "a": 2}', ["a"]),
        (b'[{"x": [{"b": 1, "b": 2, "a": 1, "a": 1}]}, {"b": 1, "b": 1}]', ["a", "b"]),
        (b'{"n": ' + b"9" * 10_000 + b', "f": 1e999, "f": 2}', ["f"]),
        (b"{}", []),
    ],
)
def test_what_is_there_twice(content: bytes, names: list[str]) -> None:
    assert duplicate_fields(content) == [f'duplicate field "{name}"' for name in names]


def test_the_names_of_fields_are_those_of_json() -> None:
    assert field_names(Leaf) == {"leafName"}
    assert field_names(Tree) >= {"kind", "byName"}
