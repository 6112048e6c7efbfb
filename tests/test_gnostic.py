"""Documents in protobuf: what gnostic itself made of two documents is read by the same tables, and is the same."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubediscovery.api import ApiGroup
from kubediscovery.gnostic import ENTRY, EXTENSION, V2, V3, Dialect, Field, encode
from kubediscovery.specification import specification
from kubediscovery.swagger import swagger_of
from tests.encoding import varint
from tests.objects import KINDS

DATA = Path(__file__).parent / "data"
DIALECTS = {"v2": V2, "v3": V3}
SPECIFICATION = specification(ApiGroup("kubediscovery.cloudark.io", "v1", KINDS))
DOCUMENTS = {"v2": swagger_of(SPECIFICATION), "v3": SPECIFICATION}


def sample(version: str) -> tuple[Any, bytes]:
    """A document, and what github.com/google/gnostic-models v0.7.0 (ParseDocument, proto.Marshal) makes of it."""
    file = DATA / f"openapi_{version}.json"
    return json.loads(file.read_bytes()), file.with_suffix(".pb").read_bytes()


@pytest.mark.parametrize("version", DIALECTS)
def test_the_tables_have_the_numbers_of_gnostic(version: str) -> None:
    document, protobuf = sample(version)
    assert decode(protobuf, DIALECTS[version]) == document


@pytest.mark.parametrize("version", DIALECTS)
def test_the_sample_has_all_fields_that_are_used(version: str) -> None:
    """Otherwise the test above would say nothing about some."""
    dialect = DIALECTS[version]
    used: set[tuple[str, str]] = set()
    Reader(dialect, used).message(sample(version)[1], "Document")
    tables = {**dialect.messages, **dialect.choices}
    assert {(name, key) for name, fields in tables.items() for key in fields} == used


@pytest.mark.parametrize("version", DIALECTS)
def test_what_is_written_is_the_document(version: str) -> None:
    document = DOCUMENTS[version]
    assert decode(encode(document, DIALECTS[version]), DIALECTS[version]) == json.loads(json.dumps(document))


@pytest.mark.parametrize("version", DIALECTS)
def test_it_is_what_gnostic_writes_but_for_the_style_of_its_yaml(version: str) -> None:
    document, protobuf = sample(version)
    ours = encode(document, DIALECTS[version])
    assert [number for number, _ in records(ours)] == [number for number, _ in records(protobuf)]
    assert decode(ours, DIALECTS[version]) == document


@pytest.mark.parametrize(
    "document", [{"swagger": "2.0", "host": "example.org"}, {"paths": {"/": {"get": {"summary": "x"}}}}]
)
def test_nothing_is_left_out_silently(document: dict[str, Any]) -> None:
    with pytest.raises(KeyError):
        encode(document, V2)


def test_what_no_condition_covers_is_no_field_of_another() -> None:
    with pytest.raises(KeyError):
        encode({"parameters": {"a": {"name": "a", "in": "header"}}}, V2)


def test_lengths_above_a_byte() -> None:
    title = "x" * 300
    assert encode({"info": {"title": title}}, V3) == (b"\x12" + varint(303) + b"\x0a" + varint(300) + title.encode())


def decode(body: bytes, dialect: Dialect) -> Any:
    return Reader(dialect, set()).message(body, "Document")


class Reader:
    """Reads by a dialect's tables; ``used`` collects which fields there were."""

    def __init__(self, dialect: Dialect, used: set[tuple[str, str]]) -> None:
        self._dialect = dialect
        self._used = used

    def message(self, body: bytes, name: str) -> Any:
        if name in self._dialect.choices:
            return self._choice(body, name)
        by_number: dict[int, list[tuple[str, str]]] = {}
        for key, (number, type_) in self._dialect.messages[name].items():
            by_number.setdefault(number, []).append((key, type_))
        found: dict[str, Any] = {}
        for number, raw in records(body):
            ((key, type_),) = by_number[number]
            self._used.add((name, key))
            if key in (ENTRY, EXTENSION):
                named = dict(records(raw))
                found[named[1].decode()] = self._value(named.get(2, b""), type_)
            elif type_.startswith("[]"):
                found.setdefault(key, []).append(self._value(raw, type_[2:]))
            else:
                found[key] = self._value(raw, type_)
        return found

    def _choice(self, body: bytes, name: str) -> Any:
        fields: dict[int, tuple[str, Field]] = {f[0]: (key, f) for key, f in self._dialect.choices[name].items()}
        found = list(records(body))
        if not found:
            return []
        for number, _ in found:
            self._used.add((name, fields[number][0]))
        type_ = fields[found[0][0]][1][1]
        if type_.startswith("[]"):
            return [self._value(raw, type_[2:]) for _, raw in found]
        return self._value(found[0][1], type_)

    def _value(self, raw: Any, type_: str) -> Any:
        match type_:
            case "string":
                return raw.decode()
            case "boolean":
                return bool(raw)
            case "number":
                return struct.unpack("<d", raw)[0]
            case "any":
                return yaml.safe_load(dict(records(raw))[2])
        return self.message(raw, type_)


def records(body: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a message: number, and bytes or a whole number."""
    position = 0
    while position < len(body):
        tag, position = read_varint(body, position)
        value: Any
        match tag & 7:
            case 0:
                value, position = read_varint(body, position)
            case 1:
                value, position = body[position : position + 8], position + 8
            case 2:
                length, position = read_varint(body, position)
                value, position = body[position : position + length], position + length
                assert len(value) == length
            case _:
                raise AssertionError(tag)
        yield tag >> 3, value


def read_varint(body: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = body[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position
