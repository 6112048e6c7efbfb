"""Documents as kube-apiserver sends them, made up, in both encodings.

The protobuf side is written by hand here, so that what is tested does not write what it reads.
"""

import json
import struct
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from types import NoneType
from typing import Annotated, Any, ClassVar, NamedTuple, get_args, get_origin, get_type_hints

import msgspec
from hypothesis import strategies as st

from kubediscovery import schema

# By the fields' Python names; times are seconds, or None.
Document = dict[str, Any]

PROTOBUF = "application/vnd.kubernetes.protobuf"
JSON = "application/json"
TEXT = st.text(st.characters(codec="utf-8"), max_size=6)
TIMES = st.none() | st.integers(1, 253_402_300_799)
NUMBERS = st.integers(-(2**31), 2**31 - 1)
QUANTITIES = st.sampled_from(["0", "300m", "1.5Gi", "64Mi", "2", "12e6", "-1", ".5", "1e", "Mi", " 7k "]) | TEXT
_SCALARS: Mapping[type, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: NUMBERS,
    bool: st.booleans(),
    schema.Quantity: QUANTITIES,
}


class Field(NamedTuple):
    name: str
    number: int
    type: Any
    json_name: str
    is_inlined: bool = False

    @property
    def item(self) -> Any:
        """What a list holds."""
        return get_args(self.type)[0]


def fields(message: type) -> Iterator[Field]:
    """The fields as protobuf has them; what JSON has inline is a field of its own here."""
    hints = get_type_hints(message, include_extras=True)
    inlined = {name: get_args(hint)[0] for name, hint in hints.items() if get_origin(hint) is ClassVar}
    inherited = {name for hint in inlined.values() for name in get_type_hints(get_args(hint)[0])}
    json_names = {field.name: field.encode_name for field in msgspec.structs.fields(message)}
    for name, hint in hints.items():
        found = inlined.get(name, hint)
        if get_origin(found) is Annotated and name not in inherited:
            declared, number = get_args(found)
            choices = [choice for choice in get_args(declared) if choice is not NoneType]
            if get_origin(declared) not in (list, dict) and choices:
                (declared,) = choices
            yield Field(name, number, declared, json_names.get(name, ""), name in inlined)


@cache
def documents(message: type) -> st.SearchStrategy[Document]:
    """Any document of the message, with any of its fields absent."""
    if message is schema.LabelSelectorRequirement:
        operators = st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist"]) | TEXT
        values = st.lists(TEXT, max_size=2)
        return st.fixed_dictionaries({}, optional={"key": TEXT, "operator": operators, "values": values})
    return st.fixed_dictionaries({}, optional={field.name: _values(field.type) for field in fields(message)})


def _values(declared: Any) -> st.SearchStrategy[Any]:
    if declared is schema.Time:
        return TIMES
    if get_origin(declared) is list:
        return st.lists(_values(get_args(declared)[0]), max_size=2)
    if get_origin(declared) is dict:
        return st.dictionaries(TEXT, _values(get_args(declared)[1]), max_size=3)
    return _SCALARS[declared] if declared in _SCALARS else documents(declared)


def to_json(message: type, document: Document) -> Document:
    """The document as JSON has it, with a field that nobody knows."""
    found: Document = {"unknown": {"x": [1, None]}}
    for field in fields(message):
        if field.is_inlined:
            found |= to_json(field.type, document.get(field.name, {}))
        elif _in(field, document):
            found[field.json_name] = _json_value(field, document[field.name])
    return found


def _in(field: Field, document: Document) -> bool:
    return field.name in document


def _json_value(field: Field, value: Any) -> Any:
    if field.type is schema.Time:
        return None if value is None else datetime.fromtimestamp(value, UTC).isoformat().replace("+00:00", "Z")
    if get_origin(field.type) is list:
        return [item if isinstance(item, str) else to_json(field.item, item) for item in value]
    return to_json(field.type, value) if isinstance(value, dict) and get_origin(field.type) is not dict else value


def to_protobuf(message: type, document: Document) -> bytes:
    """The document on the wire, with a field that nobody knows."""
    found = (_wire(field, document[field.name]) for field in fields(message) if _in(field, document))
    return delimited(1000, b"unknown") + b"".join(found)


def _wire(field: Field, value: Any) -> bytes:
    if field.type is schema.Time:
        return delimited(field.number, b"" if value is None else number(1, value) + number(2, 5))
    if get_origin(field.type) is list:
        contents = (item.encode() if isinstance(item, str) else to_protobuf(field.item, item) for item in value)
        return b"".join(delimited(field.number, content) for content in contents)
    if get_origin(field.type) is dict:
        declared = get_args(field.type)[1]
        entries = (delimited(1, key.encode()) + delimited(2, _held(declared, held)) for key, held in value.items())
        return b"".join(delimited(field.number, entry) for entry in entries)
    if field.type is str:
        return delimited(field.number, value.encode())
    return (
        number(field.number, value)
        if isinstance(value, int)
        else delimited(field.number, to_protobuf(field.type, value))
    )


def _held(declared: Any, value: str) -> bytes:
    return delimited(1, value.encode()) if declared is schema.Quantity else value.encode()


def varint(value: int) -> bytes:
    """A negative number takes 64 bits, as protobuf has it."""
    value &= 2**64 - 1
    groups = []
    while value > 127:
        groups.append(value & 127 | 128)
        value >>= 7
    return bytes([*groups, value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def delimited(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


def enveloped(content: bytes, *, api_version: str = "v1", kind: str = "") -> bytes:
    """The magic and a ``runtime.Unknown``, with its type, encoding and content type."""
    type_meta = delimited(1, api_version.encode()) + delimited(2, kind.encode())
    return b"k8s\x00" + delimited(1, type_meta) + delimited(2, content) + delimited(3, b"") + delimited(4, b"")


def framed(frame: bytes) -> bytes:
    return struct.pack(">I", len(frame)) + frame


class Encoding(NamedTuple):
    """One of the two, with its content type; the same calls make the same content."""

    content_type: str

    def page(self, message: type, metadata: Document, items: list[Document]) -> bytes:
        if self.content_type == JSON:
            listed = [to_json(message, item) for item in items]
            return json.dumps(
                {"kind": "List", "metadata": to_json(schema.ListMeta, metadata), "items": listed}
            ).encode()
        meta = delimited(1, to_protobuf(schema.ListMeta, metadata))
        return enveloped(meta + b"".join(delimited(2, to_protobuf(message, item)) for item in items))

    def event(self, type_: str, message: type, item: Document) -> bytes:
        if self.content_type == JSON:
            return json.dumps({"type": type_, "object": to_json(message, item)}).encode() + b"\n"
        raw = delimited(1, enveloped(to_protobuf(message, item)))
        return framed(delimited(1, type_.encode()) + delimited(2, raw))


ENCODINGS = (Encoding(PROTOBUF), Encoding(JSON))
