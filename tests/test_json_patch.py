"""JSON Patch: the examples of RFC 6902, what it refuses, and that a patch is carried out as a whole or not at all."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.errors import EntityTooLarge
from kubediscovery.json_patch import MOST_OPERATIONS, carried_out, operations_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(alphabet="ab/~", max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet="ab/~", max_size=2), inner, max_size=4)
    ),
    max_leaves=12,
)


def patched(document: object, *operations: object) -> object:
    return carried_out(operations_of(list(operations)), copy.deepcopy(document))


def at(op: str, path: str, **rest: object) -> dict[str, object]:
    return {"op": op, "path": path, **{name.strip("_"): value for name, value in rest.items()}}


@pytest.mark.parametrize(
    ("document", "operation", "outcome"),
    [
        ({"foo": "bar"}, at("add", "/baz", value="qux"), {"baz": "qux", "foo": "bar"}),
        ({"foo": ["bar", "baz"]}, at("add", "/foo/1", value="qux"), {"foo": ["bar", "qux", "baz"]}),
        ({"baz": "qux", "foo": "bar"}, at("remove", "/baz"), {"foo": "bar"}),
        ({"foo": ["bar", "qux", "baz"]}, at("remove", "/foo/1"), {"foo": ["bar", "baz"]}),
        ({"baz": "qux", "foo": "bar"}, at("replace", "/baz", value="boo"), {"baz": "boo", "foo": "bar"}),
        (
            {"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}},
            at("move", "/qux/thud", from_="/foo/waldo"),
            {"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}},
        ),
        (
            {"foo": ["all", "grass", "cows", "eat"]},
            at("move", "/foo/3", from_="/foo/1"),
            {"foo": ["all", "cows", "eat", "grass"]},
        ),
        ({"foo": "bar"}, at("add", "/child", value={"grandchild": {}}), {"foo": "bar", "child": {"grandchild": {}}}),
        ({"foo": "bar"}, at("add", "/baz", value="qux", xyz=123), {"foo": "bar", "baz": "qux"}),
        ({"foo": ["bar"]}, at("add", "/foo/-", value=["abc", "def"]), {"foo": ["bar", ["abc", "def"]]}),
        ({"a": 1}, at("add", "/a", value=None), {"a": None}),
        ({"a": [1]}, at("copy", "/b", from_="/a"), {"a": [1], "b": [1]}),
        ({"a": [1]}, at("move", "/a", from_="/a"), {"a": [1]}),
        ({"a": 1}, at("replace", "", value=[1]), [1]),
        ({"a": 1}, at("add", "", value=[1]), [1]),
        ({"": 1, "a/b": 2, "m~n": 3}, at("remove", "/"), {"a/b": 2, "m~n": 3}),
        ({"a/b": 2, "~1": 3}, at("replace", "/a~1b", value=0), {"a/b": 0, "~1": 3}),
        ({"a/b": 2, "~1": 3}, at("remove", "/~01"), {"a/b": 2}),
        ({"1": "a"}, at("replace", "/1", value="b"), {"1": "b"}),
    ],
)
def test_what_becomes_of_a_document(document: object, operation: object, outcome: object) -> None:
    assert patched(document, operation) == outcome


@pytest.mark.parametrize(
    ("value", "other", "same"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        ("10", 10, False),
        (None, None, True),
        ({"a": [1, {"b": None}]}, {"a": [1.0, {"b": None}]}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ([1, 2], [2, 1], False),
        ([1, 2], [1], False),
    ],
)
def test_what_counts_as_the_same(value: object, other: object, same: bool) -> None:
    document = {"value": value}
    if same:
        assert patched(document, at("test", "/value", value=other)) == document
    else:
        with pytest.raises(ValueError, match='operation 0: the value at "/value" is another one'):
            patched(document, at("test", "/value", value=other))


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        (at("remove", "/absent"), 'there is no "absent"'),
        (at("replace", "/absent", value=1), 'there is no "absent"'),
        (at("add", "/absent/deep", value=1), 'there is no "absent"'),
        (at("add", "/text/deep", value=1), 'there is nothing that could have "deep"'),
        (at("test", "/text/deep", value=1), 'there is no "deep"'),
        (at("add", "/list/3", value=1), 'there is no "3"'),
        (at("add", "/list/01", value=1), 'there is no "01"'),
        (at("add", "/list/-1", value=1), 'there is no "-1"'),
        (at("add", "/list/1e0", value=1), 'there is no "1e0"'),
        (at("add", "/list/" + "9" * 5_000, value=1), 'there is no "999'),
        (at("replace", "/list/-", value=1), 'there is no "-"'),
        (at("remove", "/list/2"), 'there is no "2"'),
        (at("remove", ""), "the whole document cannot be removed"),
        (at("add", "list", value=1), '"list" is no path: accepted is one as /spec/replicas'),
        (at("add", "/a~2", value=1), '"/a~2" is no path'),
        (at("add", "/a~", value=1), '"/a~" is no path'),
        (at("move", "/list/0/x", from_="/list/0"), '"/list/0" cannot be moved into itself'),
        (at("copy", "/x", from_="/absent"), 'there is no "absent"'),
    ],
)
def test_what_cannot_be_carried_out(operation: object, words: str) -> None:
    document = {"list": [{}, 2], "text": "a"}
    with pytest.raises(ValueError, match=r"^operation 1: ") as refused:
        patched(document, at("test", "/text", value="a"), operation)
    assert words in str(refused.value)
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"op": "add"}, "Expected `array`"),
        (["add"], "Expected `object`"),
        ([{"path": "/a"}], "op"),
        ([{"op": "merge", "path": "/a"}], "Invalid value 'merge' - at `$[0].op`"),
        ([{"op": "add", "value": 1}], "missing required field `path`"),
        ([{"op": "add", "path": "/a"}], "missing required field `value`"),
        ([{"op": "copy", "path": "/a"}], "missing required field `from`"),
        ([{"op": "remove", "path": 1}], "`$[0].path`"),
    ],
)
def test_what_is_no_patch(document: object, words: str) -> None:
    with pytest.raises(ValueError, match=r"at `|Expected|Object") as refused:
        operations_of(document)
    assert words in str(refused.value)


def test_what_it_may_cost_is_bounded() -> None:
    with pytest.raises(EntityTooLarge, match="is 10000, got 10001"):
        operations_of([at("remove", "/a")] * (MOST_OPERATIONS + 1))
    doubling = [at("copy", f"/{number}", from_="") for number in range(64)]
    with pytest.raises(EntityTooLarge, match="may copy 3145728 bytes"):
        patched({"a": "b"}, *doubling)
    with pytest.raises(EntityTooLarge, match="lists that are too long"):
        patched({"a": [0] * 10_000}, *[at("add", "/a/0", value=0)] * MOST_OPERATIONS)


@given(JSON, JSON)
def test_a_whole_document_can_be_replaced_and_found_again(before: Any, after: Any) -> None:
    assert patched(before, at("replace", "", value=after), at("test", "", value=after)) == after


@given(st.dictionaries(st.text(alphabet="ab/~", max_size=2), JSON, min_size=1, max_size=4), JSON)
def test_what_is_added_is_there_and_gone_once_it_is_removed(document: dict[str, Any], value: Any) -> None:
    for name in document:
        path = "/" + name.replace("~", "~0").replace("/", "~1")
        added = patched(document, at("add", path, value=value))
        assert added == {**document, name: value}
        assert patched(added, at("move", "/moved", from_=path), at("move", path, from_="/moved")) == added
        rest = {other: kept for other, kept in document.items() if other != name}
        assert patched(added, at("remove", path)) == rest
