"""Sharing: equal values are one value, equal parts of messages are read once, and neither costs more and more."""

from typing import Annotated, Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery import schema
from kubediscovery.protobuf import Messages
from kubediscovery.sharing import KEPT_LIMIT, LONGEST_READ, READ_LIMIT, SHARED_LIMIT, Sharing
from tests.encoding import delimited, number


class Part(schema.Message, frozen=True):
    text: Annotated[str, 1] = ""
    words: Annotated[list[str], 2] = []  # noqa: RUF012  # it is a Struct
    count: Annotated[int, 3] = 0


PART = Messages(Part).message_class(Part)


def parsed(text: str, words: list[str], count: int, unknown: bytes = b"") -> Any:
    parts = (delimited(1, text.encode()), *(delimited(2, word.encode()) for word in words), number(3, count))
    return PART.FromString(b"".join(parts) + unknown)


def content(part: Any) -> tuple[str, tuple[str, ...], int]:
    return part.text, tuple(part.words), part.count


def test_equal_values_are_one() -> None:
    sharing = Sharing()
    first, second = ("a", str(1)), ("a", str(1))
    assert first is not second
    assert sharing.share(first) is sharing.share(second) is first


def test_what_is_shared_does_not_grow_for_ever() -> None:
    sharing = Sharing()
    for count in range(SHARED_LIMIT + 5):
        assert sharing.share((count,)) == (count,)
    assert SHARED_LIMIT - 100 < len(sharing._shared) <= SHARED_LIMIT
    # What came first has gone.
    assert (0,) not in sharing._shared
    assert (SHARED_LIMIT,) in sharing._shared


def test_a_part_is_read_once_however_much_else_it_says() -> None:
    sharing, asked = Sharing(), list[object]()

    def read(part: Any) -> tuple[str, tuple[str, ...], int]:
        asked.append(part)
        return content(part)

    first = sharing.read_once(parsed("a", ["b"], 1), read)
    second = sharing.read_once(parsed("a", ["b"], 1, unknown=delimited(9, b"other")), read)
    assert first is second
    assert len(asked) == 1
    assert sharing.read_once(parsed("a", ["c"], 1), read) == ("a", ("c",), 1)
    assert len(asked) == 2


texts = st.sampled_from(["", "a", "b", "ab", "größe"])
parts = st.tuples(texts, st.lists(texts, max_size=3), st.integers(-1, 2))


@given(st.lists(st.tuples(parts, st.booleans()), max_size=20))
def test_what_was_remembered_is_what_would_be_read(said: list[tuple[tuple[str, list[str], int], bool]]) -> None:
    sharing = Sharing()
    for (text, words, count), in_json in said:
        document = msgspec.json.encode({"text": text, "words": words, "count": count})
        part = msgspec.json.decode(document, type=Part) if in_json else parsed(text, words, count)
        assert sharing.read_once(part, content) == (text, tuple(words), count)


def test_what_is_remembered_does_not_grow_for_ever() -> None:
    sharing = Sharing()
    for count in range(READ_LIMIT + 5):
        sharing.read_once(parsed("", [], count), content)
    assert READ_LIMIT - 100 < len(sharing._read) <= READ_LIMIT


def test_a_long_part_is_read_each_time() -> None:
    sharing = Sharing()
    for _ in range(2):
        assert sharing.read_once(parsed("x" * LONGEST_READ, [], 1), content)[2] == 1
    assert not sharing._read


def test_what_is_kept_is_known_when_all_else_is_forgotten() -> None:
    sharing = Sharing()
    kept = sharing.keep(("app", "web", str(1)))
    shared = sharing.share(("app", "api", str(1)))
    for value in range(SHARED_LIMIT):
        sharing.share(value)
    assert sharing.share(("app", "web", str(1))) is kept
    assert sharing.share(("app", "api", str(1))) is not shared
    for value in range(KEPT_LIMIT):
        sharing.keep(value)
    assert len(sharing._kept) <= KEPT_LIMIT
