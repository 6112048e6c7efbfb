"""Parameters of typed handlers: read as their types say, refused in words that a user can act on."""

import contextlib
from enum import Enum
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct

from kubediscovery.arguments import RESERVED, Arguments, accepted, argument_faults
from kubediscovery.errors import BadRequest


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


class Everything(Struct, frozen=True, rename="camel"):
    name: str
    count: int = 3
    some_ratio: float = 0.5
    is_on: bool = False
    size: Size | None = None
    form: Literal["a", "b"] = "a"
    words: tuple[str, ...] = ()
    numbers: list[int] = []
    short: Annotated[str, Meta(max_length=3)] = ""
    page: Annotated[int, Meta(ge=1)] | None = None


ARGUMENTS = Arguments(Everything)


def refusal(**values: str) -> str:
    with pytest.raises(BadRequest) as refused:
        ARGUMENTS.read({"name": "x", **values})
    return str(refused.value)


def test_defaults_hold_for_what_is_left_out() -> None:
    assert ARGUMENTS.read({"name": "x", "unknown": "y"}) == Everything("x")


def test_every_type_is_read() -> None:
    values = {
        "name": "web",
        "count": "-7",
        "someRatio": "1.5",
        "isOn": "True",
        "size": "large",
        "form": "b",
        "words": "a, b",
        "numbers": "1,2",
        "short": "abc",
        "page": "2",
    }
    assert ARGUMENTS.read(values) == Everything("web", -7, 1.5, True, Size.LARGE, "b", ("a", "b"), [1, 2], "abc", 2)
    assert ARGUMENTS.names == values.keys()


def test_a_flag_without_a_value_is_on_and_a_list_without_one_is_empty() -> None:
    found = ARGUMENTS.read({"name": "", "isOn": "", "words": ""})
    assert (found.name, found.is_on, found.words) == ("", True, ())


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"count": "x"}, 'count must be a whole number, not "x"'),
        ({"count": ""}, 'count must be a whole number, not ""'),
        ({"someRatio": "x"}, 'someRatio must be a number, not "x"'),
        ({"isOn": "maybe"}, 'isOn must be true or false, not "maybe"'),
        ({"size": "medium"}, 'size must be one of small, large, not "medium"'),
        ({"form": "c"}, 'form must be one of a, b, not "c"'),
        ({"numbers": "1,x"}, 'numbers must be values between commas, each a whole number, not "1,x"'),
        ({"short": "abcd"}, 'short must be a text of at most 3 characters, not "abcd"'),
        ({"page": "0"}, 'page must be a whole number of at least 1, not "0"'),
    ],
)
def test_what_cannot_be_used_is_named_with_what_is_accepted(values: dict[str, str], words: str) -> None:
    assert refusal(**values) == words


def test_a_long_value_is_not_repeated_in_full() -> None:
    assert len(refusal(count="x" * 10_000)) < 200


def test_what_is_needed_is_asked_for() -> None:
    with pytest.raises(BadRequest, match="name is needed: accepted is a text"):
        ARGUMENTS.read({})


def test_what_goes_together_is_for_the_struct_to_say() -> None:
    class Range(Struct, frozen=True):
        start: int
        end: int

        def __post_init__(self) -> None:
            if self.start > self.end:
                raise ValueError("start is after end")

    with pytest.raises(BadRequest, match="the query parameters do not go together: start is after end"):
        Arguments(Range).read({"start": "2", "end": "1"})


@given(st.dictionaries(st.sampled_from(sorted(ARGUMENTS.names)), st.text(max_size=20)))
def test_nothing_else_is_ever_raised(values: dict[str, str]) -> None:
    with contextlib.suppress(BadRequest):
        assert ARGUMENTS.read(values).name == values["name"]


def test_fields_that_no_query_can_have() -> None:
    class Wrong(Struct, frozen=True):
        watch: bool
        inner: Everything
        either: int | str

    found = list(argument_faults(Wrong))
    assert 'the parameter "watch" is one that every request has' in found[0]
    assert 'the parameter "inner" cannot be given in a query' in found[1]
    assert 'the parameter "either" cannot be given in a query' in found[2]
    assert list(argument_faults(Everything)) == list(argument_faults(None)) == []
    assert "labelSelector" in RESERVED


def test_words_for_what_is_accepted() -> None:
    assert accepted(Annotated[int, Meta(ge=1, le=5)]) == "a whole number of at least 1 and at most 5"
    assert accepted(list[Size]) == "values between commas, each one of small, large"
