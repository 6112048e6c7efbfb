"""As much of protobuf's wire format as is needed to put messages together (protobuf.dev, "Encoding")."""

from __future__ import annotations

from collections.abc import Iterator

from kubediscovery.gnostic import varint

_LENGTH_DELIMITED = 2
_VARINT = 0


def head(number: int, length: int) -> bytes:
    """What goes before a field of so many bytes: a text, or another message."""
    return varint(number << 3 | _LENGTH_DELIMITED) + varint(length)


def field(number: int, content: bytes) -> bytes:
    """A text, or another message, as a field."""
    return head(number, len(content)) + content


def fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """The number, the content and all bytes of each field, in order.

    The content of a number is its varint. ``ValueError`` for what Kubernetes's messages never have.
    """
    start = 0
    while start < len(message):
        key, after = _read_varint(message, start)
        if key & 7 == _LENGTH_DELIMITED:
            length, begin = _read_varint(message, after)
            end = begin + length
        elif key & 7 == _VARINT:
            begin, (_, end) = after, _read_varint(message, after)
        else:
            raise ValueError(f"a field of wire type {key & 7}")
        yield key >> 3, message[begin:end], message[start:end]
        start = end


def with_field(message: bytes, number: int, content: bytes) -> bytes:
    """The message with another content of a field that it has."""
    return b"".join(field(number, content) if found == number else whole for found, _, whole in fields(message))


def _read_varint(message: bytes, start: int) -> tuple[int, int]:
    value = shift = 0
    for position in range(start, len(message)):
        value |= (message[position] & 0x7F) << shift
        if message[position] < 0x80:
            return value, position + 1
        shift += 7
    raise ValueError("the message ends within a number")
