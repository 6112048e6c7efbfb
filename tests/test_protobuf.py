"""Messages derived from schema classes: what they read is what was written by hand."""

from typing import Annotated, Any, ClassVar

import msgspec
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from kubediscovery import schema, schema_pods
from kubediscovery.built_in import KUBERNETES_KINDS
from kubediscovery.protobuf import Messages, numbered_fields
from kubediscovery.shapes import shape_of
from tests.encoding import delimited, number, varint


class Inner(schema.Message, frozen=True):
    text: Annotated[str, 15] = ""


class Outer(schema.Message, frozen=True):
    """One field of every sort, with numbers of one and of two bytes."""

    text: Annotated[str, 1] = ""
    whole: Annotated[int, 2] = 0
    flag: Annotated[bool, 3] = False
    raw: Annotated[bytes, 4] = b""
    inner: Annotated[Inner, 5] = Inner()
    inners: Annotated[list[Inner], 16] = msgspec.field(default_factory=list)
    words: Annotated[list[str], 17] = msgspec.field(default_factory=list)
    string_map: Annotated[dict[str, str], 18] = msgspec.field(default_factory=dict)
    quantities: Annotated[dict[str, schema.Quantity], 19] = msgspec.field(default_factory=dict)
    time: Annotated[schema.Time | None, 2000] = schema.NO_TIME
    not_sent: int = 0


OUTER = Messages(Outer).message_class(Outer)


def parse(body: bytes) -> Any:
    return OUTER.FromString(body)


def test_every_sort_of_field_is_read() -> None:
    found = parse(
        delimited(1, "größe".encode())
        + number(2, -5)
        + number(3, 1)
        + delimited(4, b"\xff\x00")
        + delimited(5, delimited(15, b"in"))
        + delimited(16, delimited(15, b"a"))
        + delimited(16, b"")
        + delimited(17, b"x")
        + delimited(17, b"y")
        + delimited(18, delimited(1, b"k") + delimited(2, b"v"))
        + delimited(18, delimited(1, b"only a key"))
        + delimited(19, delimited(1, b"cpu") + delimited(2, delimited(1, b"300m")))
        + delimited(2000, number(1, 7))
    )
    assert (found.text, found.whole, found.flag, found.raw, found.inner.text) == ("größe", -5, True, b"\xff\x00", "in")
    assert [inner.text for inner in found.inners] == ["a", ""]
    assert list(found.words) == ["x", "y"]
    assert dict(found.string_map) == {"k": "v", "only a key": ""}
    assert {name: quantity.string for name, quantity in found.quantities.items()} == {"cpu": "300m"}
    assert found.time.seconds == 7


def test_absent_fields_are_what_the_schema_says_of_them() -> None:
    found, wanted = parse(b""), Outer()
    assert (found.text, found.whole, found.flag, found.raw) == (wanted.text, wanted.whole, wanted.flag, wanted.raw)
    assert found.inner.text == wanted.inner.text
    assert (list(found.inners), list(found.words), dict(found.string_map)) == ([], [], {})
    assert found.time.seconds == schema.NO_TIME.seconds


@given(st.integers(-(2**63), 2**63 - 1))
def test_numbers_of_all_sizes_are_read(value: int) -> None:
    assert parse(number(2, value)).whole == value


def test_the_last_of_a_repeated_single_field_counts() -> None:
    assert parse(number(2, 1) + number(2, 2)).whole == 2


def test_messages_in_pieces_are_joined() -> None:
    found = parse(delimited(5, b"") + delimited(5, delimited(15, b"x")))
    assert found.inner.text == "x"


def test_unknown_fields_are_skipped() -> None:
    unknown = (
        delimited(900, b"\xff") + number(901, 3) + varint(902 << 3 | 5) + b"1234" + varint(903 << 3 | 1) + b"12345678"
    )
    assert parse(unknown + number(2, 4)).whole == 4


@pytest.mark.parametrize("body", [b"\xff", delimited(1, b"\xff"), delimited(1, b"abc")[:-1], delimited(5, b"\x0a")])
def test_what_is_no_message_is_an_error(body: bytes) -> None:
    with pytest.raises(DecodeError):
        parse(body)


def test_what_has_no_number_is_not_sent() -> None:
    assert "not_sent" not in OUTER.DESCRIPTOR.fields_by_name


def test_derivations_do_not_disturb_one_another() -> None:
    again = Messages(Outer, schema.Status)
    assert again.message_class(Outer) is not OUTER
    assert again.message_class(Outer) is again.message_class(Outer)
    assert again.message_class(schema.StatusDetails).DESCRIPTOR.name == "StatusDetails"
    with pytest.raises(KeyError):
        again.message_class(schema_pods.Pod)


def test_every_message_of_the_schema_can_be_derived() -> None:
    shapes = [shape_of(kind) for kind in KUBERNETES_KINDS]
    messages = Messages(*(shape.message for shape in shapes))
    for shape in shapes:
        names = {field.name for field in messages.message_class(shape.message).DESCRIPTOR.fields}
        assert names == {name for name, _, _ in numbered_fields(shape.message)} == set(shape.message.__struct_fields__)


class Part(schema.Message, frozen=True):
    text: Annotated[str, 3] = ""


class Whole(Part, frozen=True):
    name: Annotated[str, 1] = ""
    part: ClassVar[Annotated[Part, 2]] = schema.inlined()


def test_what_json_has_inline_is_nested() -> None:
    assert list(numbered_fields(Whole)) == [("name", 1, str), ("part", 2, Part)]
    whole = Messages(Whole).message_class(Whole)
    found: Any = whole.FromString(delimited(1, b"n") + delimited(2, delimited(3, b"t")))
    in_json = msgspec.json.decode(b'{"name":"n","text":"t"}', type=Whole)
    assert (found.name, found.part.text) == (in_json.name, in_json.part.text) == ("n", "t")


class Holder(schema.Message, frozen=True):
    part: Annotated[Part | None, 1] = None


@pytest.mark.parametrize(
    ("body", "document", "there"), [(b"", b"{}", False), (delimited(1, b""), b'{"part":{}}', True)]
)
def test_an_empty_message_is_told_from_none(body: bytes, document: bytes, there: bool) -> None:
    assert schema.has(Messages(Holder).message_class(Holder).FromString(body), "part") is there
    assert schema.has(msgspec.json.decode(document, type=Holder), "part") is there
