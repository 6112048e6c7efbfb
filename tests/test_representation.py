"""Every form of an answer: what it says, and that YAML says what JSON does."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kubediscovery.api import ApiGroup
from kubediscovery.composition import Composition, CompositionList
from kubediscovery.compositions import Compositions
from kubediscovery.errors import NotAcceptable
from kubediscovery.kinds import Kinds
from kubediscovery.meta import ListMeta, ObjectMeta
from kubediscovery.negotiation import JSON, PLAIN, PLAIN_YAML, READABLE, YAML, MediaType, Representation
from kubediscovery.representation import bookmark, encode, transform
from tests.objects import POD, filled, make, seeing

NOW = datetime(2024, 1, 1, tzinfo=UTC)
KIND, LIST = "PartialObjectMetadata", "PartialObjectMetadataList"
IN_YAML = Representation(PLAIN_YAML)
METADATA = ListMeta(resource_version="900", continue_="token", remaining_item_count=4)


def one() -> Composition:
    kinds = Kinds()
    store = filled([make(POD, "web", labels=(("app", "web"),))], kinds)
    return Compositions(ApiGroup("g.io", "v1", kinds), store).one(POD, "shop", "web", seeing(kinds))


def many() -> CompositionList:
    return CompositionList(api_version="g.io/v1", metadata=METADATA, items=[one()], omitted=[])


def asked(
    kind: str = "", version: str = "v1", encoding: str = JSON, include_object: str = "Metadata"
) -> Representation:
    return Representation(MediaType(kind, "meta.k8s.io" if kind else "", version, encoding), include_object)


def read(content: object) -> Any:
    return json.loads(msgspec.json.encode(content))


def test_what_was_not_converted_stays_what_it_is() -> None:
    for answer in (one(), many()):
        assert transform(answer, Representation(PLAIN), NOW) is answer
        assert transform(answer, IN_YAML, NOW) is answer


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_metadata_alone(version: str) -> None:
    found = read(transform(one(), asked(KIND, version), NOW))
    assert found == {"kind": KIND, "apiVersion": f"meta.k8s.io/{version}", "metadata": read(one().metadata)}
    assert found["metadata"]["name"] == "pods.web"


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_a_list_of_metadata_goes_on_where_the_list_does(version: str) -> None:
    found = read(transform(many(), asked(LIST, version), NOW))
    assert (found["kind"], found["apiVersion"]) == (LIST, f"meta.k8s.io/{version}")
    assert found["metadata"] == {"resourceVersion": "900", "continue": "token", "remainingItemCount": 4}
    assert found["items"] == [read(transform(one(), asked(KIND, version), NOW))]


def test_an_empty_list_of_metadata_is_not_null() -> None:
    empty = CompositionList(api_version="g.io/v1", metadata=METADATA, items=[], omitted=[])
    assert read(transform(empty, asked(LIST), NOW))["items"] == []
    assert read(transform(empty, asked("Table"), NOW))["rows"] == []


def test_one_is_not_a_list_nor_the_other_way_round() -> None:
    with pytest.raises(NotAcceptable, match=rf"^you requested {LIST}, but the requested object is not a list \(Comp"):
        transform(one(), asked(LIST), NOW)
    with pytest.raises(NotAcceptable, match=rf"^you requested {KIND}, but the requested object is a list \(Comp"):
        transform(many(), asked(KIND), NOW)


def test_a_table_goes_on_where_the_list_does() -> None:
    found = read(transform(many(), asked("Table", "v1beta1"), NOW))
    assert (found["kind"], found["apiVersion"]) == ("Table", "meta.k8s.io/v1beta1")
    assert found["metadata"] == {"resourceVersion": "900", "continue": "token", "remainingItemCount": 4}
    assert [row["object"]["kind"] for row in found["rows"]] == [KIND]


def test_the_table_of_one_object_has_its_version() -> None:
    found = read(transform(one(), asked("Table", include_object="Object"), NOW))
    assert found["metadata"] == {"resourceVersion": "100"}
    assert [row["object"]["kind"] for row in found["rows"]] == ["Composition"]
    assert len(found["columnDefinitions"]) == len(found["rows"][0]["cells"])
    assert read(transform(one(), asked("Table"), NOW, columns=False))["columnDefinitions"] is None


def test_every_form_that_is_offered_can_be_made() -> None:
    for media_type in READABLE:
        answer = many() if media_type.as_kind == LIST else one()
        body = encode(transform(answer, Representation(media_type), NOW), Representation(media_type))
        found = yaml.safe_load(body) if media_type.encoding == YAML else json.loads(body)
        assert found["kind"] == (media_type.as_kind or "Composition")


def test_bookmarks_have_the_form_of_the_watch() -> None:
    metadata = ObjectMeta(resource_version="8", annotations={"k8s.io/initial-events-end": "true"})
    written = {"resourceVersion": "8", "annotations": {"k8s.io/initial-events-end": "true"}}
    plain = read(bookmark(metadata, "g.io/v1", asked()))
    assert plain == {"kind": "Composition", "apiVersion": "g.io/v1", "metadata": written}
    partial = {"kind": KIND, "apiVersion": "meta.k8s.io/v1", "metadata": written}
    assert read(bookmark(metadata, "g.io/v1", asked(KIND))) == partial
    table = read(bookmark(metadata, "g.io/v1", asked("Table", include_object="None")))
    assert (table["kind"], table["metadata"]) == ("Table", {"resourceVersion": "8"})
    assert [row["object"] for row in table["rows"]] == [partial]
    assert len(table["columnDefinitions"]) == len(table["rows"][0]["cells"])
    again = read(bookmark(metadata, "g.io/v1", asked("Table"), columns=False))
    assert (again["columnDefinitions"], again["rows"]) == (None, table["rows"])


def test_json_is_compact_or_indented() -> None:
    assert encode({"a": [1]}, Representation(PLAIN)) == b'{"a":[1]}'
    assert encode({"a": [1]}, Representation(PLAIN, pretty=True)) == b'{\n  "a": [\n    1\n  ]\n}\n'


def test_yaml_keeps_the_order_and_one_line_for_each_value() -> None:
    content = {"z": "yes", "a": ["1e3", "x y", {}], "m": "one\ntwo", "n": "é", "long": "word " * 100}
    lines = encode(content, IN_YAML).decode().splitlines()
    assert lines[:6] == ['z: "yes"', "a:", '- "1e3"', '- "x y"', "- {}", 'm: "one\\ntwo"']
    assert lines[6] == '"n": "é"'
    assert len(lines) == 8
    assert encode(content, Representation(PLAIN_YAML, pretty=True)) == encode(content, IN_YAML)


def test_yaml_writes_a_composition_as_people_do() -> None:
    lines = encode(one(), IN_YAML).decode().splitlines()
    assert lines[0] == "kind: Composition"
    assert {"  name: pods.web", "    app: web", '  resourceVersion: "100"', '    - "nginx:1.27"'} - set(lines) == set()


def test_yaml_has_no_anchors() -> None:
    shared = {"a": [1]}
    assert yaml.safe_load(encode([shared, shared], IN_YAML)) == [shared, shared]
    assert b"&" not in encode([shared, shared], IN_YAML)


# What some version of YAML takes for something else than text, and what has a meaning where it stands.
SPECIAL = [
    *("yes", "No", "on", "OFF", "y", "N", "true", "null", "~", "Null", "=", "<<", "nan", ".inf", ".NaN"),
    *("1e3", "1E400", "0x1", "0o7", "012", "0b1", "1_000", "1:30", "2020-01-01", ".5", "1.", "+1", "-1", "1"),
    *("-", "---", "...", "?", "!", "!!str", "&", "*", "|", ">", "@", "`", "%", "#", ",", "[", "]", "{", "}", ":"),
    *("''", '"', "'", "\\", "a:b", "key:", "-a", "?a", "a: b", "a #b", " a", "a "),
]
STRANGE = [
    *("", " ", "\n", "a\nb", "a\r\nb", "\n a\n\n  b\n", "\t", "\0", "\x1b", "\x7f", "\x85", "\u2028", "\ufeff"),
    *("\U0001f600", "\ufffd", "\ud7ff", "\ue000", "é", "ключ: значение", "x" * 200, "x " * 200),
]
texts = st.text() | st.sampled_from(SPECIAL + STRANGE)
scalars = (
    texts | st.integers(-(2**63), 2**63) | st.booleans() | st.none() | st.floats(allow_nan=False, allow_infinity=False)
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=15
)


@settings(deadline=None)
@given(values)
def test_yaml_says_what_json_does(value: object) -> None:
    body = encode(value, IN_YAML)
    assert yaml.safe_load(body) == json.loads(encode(value, Representation(PLAIN)))
    body.decode()


@pytest.mark.parametrize("text", SPECIAL + STRANGE)
def test_text_stays_text(text: str) -> None:
    assert yaml.safe_load(encode({text: [text, {text: text}]}, IN_YAML)) == {text: [text, {text: text}]}


@given(texts)
def test_what_is_not_in_quotes_could_be_nothing_but_text(text: str) -> None:
    """Readers of YAML 1.1 and 1.2 differ in what they take for a number, a time or a word for true."""
    line = encode(text, IN_YAML).decode()
    if not line.startswith('"'):
        assert re.match(r"[A-Za-z]", text)
        assert text.lower() not in {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
        assert not re.search(r"[^A-Za-z0-9_./-]", text)
