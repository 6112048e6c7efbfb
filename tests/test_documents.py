"""YAML and JSON files to JSON documents."""

from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kubediscovery.documents import MAX_DEPTH, read_documents

NUMBERS = st.integers(-(10**17), 10**17) | st.floats(allow_nan=False, allow_infinity=False)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=20,
)
law = settings(deadline=None)


class Quoting(yaml.SafeDumper):
    """Writes text in quotes, as kubectl does wherever it could be read as something else."""

    def ignore_aliases(self, _: Any) -> bool:
        return True


def quoted(dumper: Quoting, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')


Quoting.add_representer(str, quoted)


def read(data: bytes | str) -> list[Any]:
    encoded = data.encode() if isinstance(data, str) else data
    return [msgspec.json.decode(document) for document in read_documents(encoded)]


@law
@given(VALUES, st.booleans())
def test_yaml_is_read_as_it_was_meant(value: object, flow: bool) -> None:
    assert read(yaml.dump(value, Dumper=Quoting, default_flow_style=flow)) == [value]


@law
@given(st.lists(VALUES) | st.dictionaries(TEXT, VALUES))
def test_json_is_read_as_it_was_meant(value: object) -> None:
    assert read(msgspec.json.encode(value)) == [value]


@law
@given(st.lists(VALUES))
def test_a_file_may_hold_several_documents(values: list[object]) -> None:
    assert read("".join(f"---\n{yaml.dump(value, Dumper=Quoting)}" for value in values)) == values


@law
@given(st.binary() | st.text("{}[]\"'\\&*!|>%@-?:#,~ \n\tab01.\x1b\ufeff").map(str.encode))
@example(b"[" * 100_000)
@example(b'{"a":' * 100_000)
@example(b"- " * 100_000)
@example(b"\xff\xfe")
@example(b"a: 1e999")
def test_whatever_a_file_holds_it_is_read_or_refused_in_one_line(data: bytes) -> None:
    refused = ""
    try:
        documents = list(read_documents(data))
    except ValueError as error:
        documents, refused = [], f"{error}"
    assert len(refused.splitlines()) <= 1
    assert all(msgspec.json.decode(document, type=msgspec.Raw) for document in documents)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 2024-05-01T10:00:00Z", {"a": "2024-05-01T10:00:00Z"}),
        ("a: yes\nb: on", {"a": "yes", "b": "on"}),
        ("a: true\nb: false", {"a": True, "b": False}),
        ("a: 1\nb: -1.5e3\nc: 0x10\nd: 1.2.3\ne: 010", {"a": 1, "b": -1500.0, "c": "0x10", "d": "1.2.3", "e": "010"}),
        ("a: '1'\nb: !!str 2", {"a": "1", "b": "2"}),
        ("a: 99999999999999999999", {"a": "99999999999999999999"}),
        ("a: null\nb:\nc: ~\nd: [null]", {"d": [None]}),
        ("1: one\ntrue: two", {"1": "one", "true": "two"}),
        ("a: &anchor 1", {"a": 1}),
        ("{a: 1, b: [x],}", {"a": 1, "b": ["x"]}),
        ("a: |\n  two\n  lines\n", {"a": "two\nlines\n"}),
        ("items:\n- a: 1\n- [x]\n- plain\n", {"items": [{"a": 1}, ["x"], "plain"]}),
    ],
)
def test_scalars_and_nulls(text: str, value: object) -> None:
    assert read(text) == [value]


@pytest.mark.parametrize("data", [b"", b"\n", b"---\n---\n", b"# nothing\n"])
def test_nothing(data: bytes) -> None:
    assert read(data) == []


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks(encoding: str) -> None:
    assert read('{"a": "é"}'.encode(encoding)) == [{"a": "é"}]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"a: &x [1]\nb: *x", "YAML: aliases are not supported, line 2"),
        (b"? [a]\n: b", "YAML: a key must be text, line 1"),
        (b"a: b: c", "not YAML: mapping values are not allowed in this context, line 1"),
        (b'{"a": 1} {"b": 2}', "not JSON: JSON is malformed: trailing characters"),
        (b'{"a": ', "not JSON: Input data was truncated"),
        (b"a: \x1b[31m", "not YAML: unacceptable character #x001b"),
    ],
)
def test_what_is_wrong_is_said(data: bytes, said: str) -> None:
    with pytest.raises(ValueError) as raised:
        read(data)
    assert str(raised.value).startswith(said)


def test_nesting_has_an_end() -> None:
    assert read("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    with pytest.raises(ValueError, match="must not nest so deep"):
        read("- " * (MAX_DEPTH + 1) + "a")
