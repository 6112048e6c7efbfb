"""A list as the pieces that it is joined of, in the form that was negotiated, so that it never has to be there whole.

What the pieces make is, byte for byte, what :func:`kubediscovery.representation.written` makes of the whole list.
"""

from collections.abc import Callable, Hashable, Iterable
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
from msgspec import structs

from kubediscovery.composition import Composition, CompositionList
from kubediscovery.meta import PartialObjectMetadataList, Table, TableRow
from kubediscovery.negotiation import JSON, PLAIN, TABLE, YAML, Representation
from kubediscovery.nodes import timestamp
from kubediscovery.objects import Object
from kubediscovery.representation import encode, transform, written
from kubediscovery.table import AGE_CELL, age

_INDENTED = Representation(PLAIN, pretty=True)
# Bytes of a length.
_LENGTH = 4


class Pieces(NamedTuple):
    """What stands before all items, between two of them and after all, and what is made of an item's JSON."""

    before: bytes
    between: bytes
    after: bytes
    of: Callable[[bytes], bytes]
    empty: bytes

    def whole(self, items: Iterable[bytes]) -> bytes:
        """The list of these items, each as JSON."""
        joined = self.between.join(map(self.of, items))
        return self.before + joined + self.after if joined else self.empty


def pieces_of(head: CompositionList, representation: Representation, now: datetime) -> Pieces:
    """The pieces of a list with this head, which has no items; raises :class:`NotAcceptable` for what is no list."""
    content = transform(head, representation, now)
    name = b"rows" if isinstance(content, Table) else b"items"
    media_type = representation.media_type
    empty = encode(content, representation)
    if media_type.encoding == YAML:
        before, _, after = empty.partition(b"\n%b: []\n" % name)
        return Pieces(before + b"\n%b:\n- " % name, b"- ", after, _in_yaml(representation), empty)
    # Within a string each of these quotes would have a backslash before it.
    if representation.pretty and media_type.encoding == JSON:
        before, mark, after = empty.partition(b'"%b": [' % name)
        return Pieces(before + mark + b"\n    ", b",\n    ", b"\n  " + after, _indented, empty)
    before, mark, after = empty.partition(b'"%b":[' % name)
    return Pieces(before + mark, b",", after, _as_it_is, empty)


class Form(NamedTuple):
    """How one item is written as JSON, so that it can be kept, and what is then put in of the time.

    ``key`` tells the forms apart.
    """

    key: Hashable
    of: Callable[[Composition], bytes]
    at: Callable[[bytes, Object, datetime], bytes]


def form_of(head: CompositionList, representation: Representation) -> Form:
    """The form of the items of a list."""
    kind, include_object = representation.media_type.as_kind, representation.include_object
    key = (kind, representation.media_type.version, include_object)
    if not kind:
        return Form((), msgspec.json.encode, lambda item, *_: item)
    if kind == TABLE:
        return Form(key, lambda item: _row(_converted(item, head, representation)), _aged)
    return Form(key, lambda item: msgspec.json.encode(_converted(item, head, representation)), lambda item, *_: item)


def _converted(item: Composition, head: CompositionList, representation: Representation) -> object:
    # Which time it is does not matter to what is kept.
    content = transform(structs.replace(head, items=[item]), representation, datetime.fromtimestamp(0, UTC))
    if isinstance(content, Table):
        return content.rows[0]
    assert isinstance(content, PartialObjectMetadataList)  # noqa: S101 - whatever else there is has no items
    return content.items[0]


def _row(row: object) -> bytes:
    """A row of a Table without its age, behind the length of what stands before that."""
    assert isinstance(row, TableRow)  # noqa: S101
    before, cells = row.cells[:AGE_CELL], row.cells[AGE_CELL + 1 :]
    start = b'{"cells":%b,"' % msgspec.json.encode(before)[:-1]
    end = b'",%b,"object":%b}' % (msgspec.json.encode(cells)[1:], msgspec.json.encode(row.object))
    return len(start).to_bytes(_LENGTH) + start + end


def _aged(row: bytes, root: Object, now: datetime) -> bytes:
    place = _LENGTH + int.from_bytes(row[:_LENGTH])
    return b"%b%b%b" % (row[_LENGTH:place], age(timestamp(root.created), now).encode(), row[place:])


def _as_it_is(item: bytes) -> bytes:
    return item


def _indented(item: bytes) -> bytes:
    # No string in JSON has a line end in it.
    return written(item, _INDENTED).rstrip(b"\n").replace(b"\n", b"\n    ")


def _in_yaml(representation: Representation) -> Callable[[bytes], bytes]:
    def piece(item: bytes) -> bytes:
        # Nor has one in this YAML, whose texts are never folded.
        return written(item, representation).rstrip(b"\n").replace(b"\n", b"\n  ") + b"\n"

    return piece
