"""JSON that is nested too deeply: what is left out, and that nothing else is."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.json_decoder import DEEPEST, at_any_depth, metadata_of, shallow

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.sampled_from('[]{}",\\\n:aé'), max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('[]{}"\\a', max_size=3), inner, max_size=3),
    max_leaves=10,
)


def nested(value: Any, depth: int) -> Any:
    for level in range(depth):
        value = [level, value, "]"] if level % 2 else {"[": value, "after": level}
    return value


def pruned(value: Any, left: int) -> Any:
    """What is to be left, told in the plainest way."""
    if not isinstance(value, (list, dict)):
        return value
    if left == 0:
        return None
    if isinstance(value, list):
        return [pruned(item, left - 1) for item in value]
    return {key: pruned(item, left - 1) for key, item in value.items()}


@given(values)
def test_what_is_not_deep_stays_byte_for_byte(value: Any) -> None:
    for ensure_ascii in (True, False):
        document = json.dumps(value, ensure_ascii=ensure_ascii).encode()
        assert shallow(document) == document


@given(values, st.integers(-4, 4))
def test_what_is_deep_is_null(value: Any, more: int) -> None:
    deep = nested(value, DEEPEST + more)
    assert json.loads(shallow(json.dumps(deep).encode())) == pruned(deep, DEEPEST)


@given(st.binary() | st.text('[]{}"\\a,').map(str.encode))
def test_what_is_no_json_is_borne(document: bytes) -> None:
    shallow(document)


def test_a_text_that_never_ends_takes_no_time() -> None:
    shallow(b'"' + b"\\a" * 200_000)
    shallow(b'"a' * 100_001)


def test_only_what_cannot_be_read_is_cut() -> None:
    deep = json.dumps(nested(1, 300)).encode()
    assert at_any_depth(len, deep) == len(deep)

    def refuse(document: bytes) -> bytes:
        if len(document) == len(deep):
            raise RecursionError
        return document

    assert at_any_depth(refuse, deep) == shallow(deep)


@pytest.mark.parametrize("depth", [5_000, 100_000])
def test_depth_that_would_end_the_process_is_borne(depth: int) -> None:
    document = b"[" * depth + b"]" * depth
    assert shallow(document) == b"[" * DEEPEST + b"null" + b"]" * DEEPEST


def test_of_the_metadata_nothing_is_left_out() -> None:
    document = b'{"kind":"K","apiVersion":"v1","metadata":{"name":"a","x":[1]},"data":{"a":"b"},"stringData":{}}'
    assert metadata_of(document) == {"apiVersion": "v1", "kind": "K", "metadata": {"name": "a", "x": [1]}}
