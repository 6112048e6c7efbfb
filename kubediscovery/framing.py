"""Where one event of a watch ends and the next begins, in either encoding, and one item of a list in protobuf."""

from collections.abc import Iterator

from google.protobuf.message import DecodeError

from kubediscovery.errors import UpstreamError

# An object is at most 3 MiB at kube-apiserver's door; a longer frame is garbage.
FRAME_LIMIT = 16 * 2**20
MAGIC = b"k8s\x00"
# Fields of runtime.Unknown and of every list, and how long the fields are that have no length of their own.
_RAW, _METADATA, _ITEM = 2, 1, 2
_DELIMITED, _VARINT = 2, 0
_FIXED = {1: 8, 5: 4}
_LONGEST_VARINT = 10


class Frames:
    """Splits at four bytes of big-endian length (k8s.io/apimachinery, pkg/util/framer/framer.go)."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The frames that are complete; raises :class:`UpstreamError` for one that is too long."""
        buffer = self._buffer
        buffer += chunk
        while len(buffer) >= 4:
            length = int.from_bytes(buffer[:4], "big")
            if length > FRAME_LIMIT:
                raise UpstreamError(f"a watch sent a frame of {length} bytes")
            if len(buffer) < 4 + length:
                return
            frame = bytes(buffer[4 : 4 + length])
            del buffer[: 4 + length]
            yield frame


class Lines:
    """Splits at line ends."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The lines that are complete; raises :class:`UpstreamError` for one that is too long."""
        self._buffer += chunk
        *lines, rest = bytes(self._buffer).split(b"\n")
        if len(rest) > FRAME_LIMIT:
            raise UpstreamError(f"a watch sent a line of over {FRAME_LIMIT} bytes")
        self._buffer = bytearray(rest)
        yield from filter(None, lines)


class Items:
    """Splits a list in protobuf at its items, which need not all have arrived.

    It is the magic and a ``runtime.Unknown`` that holds a message with ``metadata`` and ``items``
    (k8s.io/apimachinery, pkg/runtime/serializer/protobuf). Raises ``DecodeError`` for anything else.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._has_begun = self._has_list = False
        # Bytes of the list that are still to come; None outside of it.
        self._left: int | None = None
        #: The list's own metadata, encoded.
        self.metadata = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """The items that are complete."""
        found = list[bytes]()
        arrived = self._rest + chunk if self._rest else chunk
        at = self._split(memoryview(arrived), found)
        self._rest = arrived[at:]
        return found

    def end(self) -> None:
        """Nothing more will come; raises ``DecodeError`` where it should."""
        if self._rest or not self._has_list or self._left is not None:
            raise DecodeError("it ends in the middle" if self._has_begun else "it is not Kubernetes protobuf")

    def _split(self, view: memoryview, found: list[bytes]) -> int:
        at = 0
        if not self._has_begun:
            if len(view) < len(MAGIC) and MAGIC.startswith(view):
                return 0
            if view[: len(MAGIC)] != MAGIC:
                raise DecodeError("it is not Kubernetes protobuf")
            self._has_begun, at = True, len(MAGIC)
        while (after := self._step(view, at, found)) > at:
            at = after
        return at

    def _step(self, view: memoryview, at: int, found: list[bytes]) -> int:
        """Where the next field begins; ``at`` itself where this one is not complete."""
        tag, start = _varint(view, at)
        length, start = _length(tag & 7, view, start)
        if start < 0:
            return at
        if self._left is None:
            if tag == _RAW << 3 | _DELIMITED:
                self._has_list, self._left = True, length or None
                return start
            return start + length if start + length <= len(view) else at
        if length > FRAME_LIMIT or start + length - at > self._left:
            raise DecodeError("an item is longer than its list")
        end = start + length
        if end > len(view):
            return at
        if tag == _ITEM << 3 | _DELIMITED:
            found.append(bytes(view[start:end]))
        elif tag == _METADATA << 3 | _DELIMITED:
            self.metadata = bytes(view[start:end])
        self._left = self._left - (end - at) or None
        return end


def _length(wire_type: int, view: memoryview, at: int) -> tuple[int, int]:
    """How long the value of a field is and where it begins, -1 where that has not arrived."""
    if at < 0 or wire_type == _DELIMITED:
        return _varint(view, at)
    if wire_type == _VARINT:
        return 0, _varint(view, at)[1]
    if wire_type not in _FIXED:
        raise DecodeError(f"it has a field of wire type {wire_type}")
    return _FIXED[wire_type], at


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    """A number and where it ends, -1 where it has not arrived."""
    if at < 0:
        return 0, -1
    # Most are of one byte or of two.
    if at + 1 < len(view):
        first, second = view[at], view[at + 1]
        if first < 128:
            return first, at + 1
        if second < 128:
            return first & 127 | second << 7, at + 2
    value = shift = 0
    for place in range(at, min(len(view), at + _LONGEST_VARINT)):
        byte = view[place]
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place + 1
        shift += 7
    if len(view) - at >= _LONGEST_VARINT:
        raise DecodeError("it has a number that does not end")
    return 0, -1
