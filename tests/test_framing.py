"""Items of a list in protobuf: however they are cut they are those that were sent, and nothing else is an item."""

from itertools import pairwise

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery.framing import FRAME_LIMIT, MAGIC, Items
from tests.encoding import delimited, enveloped, number, varint

CONTENTS = st.lists(st.binary(max_size=300), max_size=6)


def listed(items: list[bytes], metadata: bytes = b"m") -> bytes:
    # With fields that a later kube-apiserver might add.
    others = number(9, 300) + varint(10 << 3 | 5) + b"1234" + varint(11 << 3 | 1) + b"12345678" + delimited(12, b"x")
    return enveloped(delimited(1, metadata) + others + b"".join(delimited(2, item) for item in items))


@given(items=CONTENTS, data=st.data())
def test_items_are_those_that_were_sent_however_they_are_cut(items: list[bytes], data: st.DataObject) -> None:
    body = listed(items)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(body)), max_size=8)))
    parts, found = Items(), list[bytes]()
    for start, end in pairwise([0, *cuts, len(body)]):
        found += parts.feed(body[start:end])
    parts.end()
    assert (found, parts.metadata) == (items, b"m")


@given(items=CONTENTS, data=st.data())
def test_a_list_that_is_cut_short_is_none(items: list[bytes], data: st.DataObject) -> None:
    # After the list nothing is needed: the last fields of the envelope are empty.
    body = listed(items)[:-4]
    parts = Items()
    found = parts.feed(body[: data.draw(st.integers(0, len(body) - 1))])
    assert found == items[: len(found)]
    with pytest.raises(DecodeError):
        parts.end()


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"k8s\x01",
        MAGIC + delimited(2, delimited(2, b"abc")[:-1]),
        MAGIC + delimited(2, varint(2 << 3 | 3)),
        MAGIC + b"\xff" * 11,
        MAGIC + varint(2 << 3 | 2) + varint(2**40) + varint(2 << 3 | 2) + varint(FRAME_LIMIT + 1),
    ],
)
def test_what_is_no_list_is_an_error(body: bytes) -> None:
    with pytest.raises(DecodeError):
        _read(body)


def _read(body: bytes) -> None:
    parts = Items()
    parts.feed(body)
    parts.end()


def test_what_has_been_given_is_not_kept() -> None:
    parts = Items()
    body = listed([b"x" * 1000] * 50)
    for place in range(0, len(body), 500):
        parts.feed(body[place : place + 500])
        assert len(parts._rest) < 2_000
