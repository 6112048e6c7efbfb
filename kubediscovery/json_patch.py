"""JSON Patch (RFC 6902): operations that change a document one after another, all of them or none."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from kubediscovery.errors import EntityTooLarge

#: Operations of one patch (k8s.io/apiserver, pkg/endpoints/handlers/patch.go, maxJSONPatchOperations).
MOST_OPERATIONS = 10_000
# Bytes that a patch may copy in all, as without a bound it could double the document with every operation; and the
# entries of lists that it may move on or up.
_MOST_COPIED, _MOST_MOVED = 3 << 20, 50_000_000
_LONGEST_SHOWN = 100
_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")
_BAD_ESCAPE = re.compile(r"~(?![01])")
_END = "-"


class _At(Struct, frozen=True, tag_field="op"):
    path: str


class _With(_At, frozen=True):
    value: Any


class _From(_At, frozen=True, rename={"origin": "from"}):
    origin: str


class Add(_With, frozen=True, tag="add"):
    """A new member of an object or entry of a list, or another in the place of the member that there is."""


class Replace(_With, frozen=True, tag="replace"):
    """Another value in the place of one that is there."""


class Compare(_With, frozen=True, tag="test"):
    """Nothing but the question whether the value is this one."""


class Remove(_At, frozen=True, tag="remove"):
    """What is there is not any more."""


class Move(_From, frozen=True, tag="move"):
    """What is at one place comes to another."""


class Copy(_From, frozen=True, tag="copy"):
    """What is at one place is at another too."""


Operation = Add | Replace | Compare | Remove | Move | Copy


def operations_of(document: object) -> Sequence[Operation]:
    """The operations in a patch, as decoded from JSON.

    Raises ``ValueError`` that says which of them cannot be read, and :class:`EntityTooLarge`.
    """
    if isinstance(document, list) and len(document) > MOST_OPERATIONS:
        given = f"the allowed maximum operations in a JSON patch is {MOST_OPERATIONS}, got {len(document)}"
        raise EntityTooLarge(given)
    return msgspec.convert(document, list[Operation])


def carried_out(operations: Sequence[Operation], document: object) -> object:
    """The document as the operations leave it; it is theirs to change.

    Raises ``ValueError`` that says which operation cannot be carried out and why, :class:`EntityTooLarge`, and
    ``RecursionError`` for what is nested too deep.
    """
    patching = _Patching(document)
    for number, operation in enumerate(operations):
        try:
            patching.carry_out(operation)
        except ValueError as error:
            raise ValueError(f"operation {number}: {error}") from None
    return patching.document


class _Patching:
    """A document on its way."""

    def __init__(self, document: object) -> None:
        self.document: Any = document
        self._copied = 0
        self._moved = 0

    def carry_out(self, operation: Operation) -> None:
        _HOW[type(operation)](self, operation)

    def add(self, operation: Add) -> None:
        self._put(_parts(operation.path), operation.value)

    def replace(self, operation: Replace) -> None:
        parts = _parts(operation.path)
        if not parts:
            self.document = operation.value
            return
        container = self._at(parts[:-1])
        container[_place(container, parts[-1])] = operation.value

    def compare(self, operation: Compare) -> None:
        if not _same(self._at(_parts(operation.path)), operation.value):
            raise ValueError(f"the value at {_shown(operation.path)} is another one")

    def remove(self, operation: Remove) -> None:
        self._take(_parts(operation.path))

    def move(self, operation: Move) -> None:
        origin, parts = _parts(operation.origin), _parts(operation.path)
        if parts[: len(origin)] == origin and parts != origin:
            raise ValueError(f"{_shown(operation.origin)} cannot be moved into itself")
        found = self._at(origin)
        if parts != origin:
            self._take(origin)
            self._put(parts, found)

    def copy(self, operation: Copy) -> None:
        written = msgspec.json.encode(self._at(_parts(operation.origin)))
        self._copied += len(written)
        if self._copied > _MOST_COPIED:
            raise EntityTooLarge(f"a JSON patch may copy {_MOST_COPIED} bytes in all, and this one copies more")
        self._put(_parts(operation.path), msgspec.json.decode(written))

    def _at(self, parts: Sequence[str]) -> Any:
        found = self.document
        for part in parts:
            found = found[_place(found, part)]
        return found

    def _put(self, parts: Sequence[str], value: object) -> None:
        if not parts:
            self.document = value
            return
        container = self._at(parts[:-1])
        if isinstance(container, list):
            place = len(container) if parts[-1] == _END else _place(container, parts[-1], beyond=1)
            self._count(len(container) - place)
            container.insert(place, value)
        elif isinstance(container, dict):
            container[parts[-1]] = value
        else:
            raise ValueError(f'there is nothing that could have "{_cut(parts[-1])}"')  # noqa: TRY004 - the caller's

    def _take(self, parts: Sequence[str]) -> None:
        if not parts:
            raise ValueError("the whole document cannot be removed")
        container = self._at(parts[:-1])
        place = _place(container, parts[-1])
        if isinstance(place, int):
            self._count(len(container) - place)
        del container[place]

    def _count(self, moved: int) -> None:
        self._moved += moved
        if self._moved > _MOST_MOVED:
            raise EntityTooLarge("the JSON patch puts too many entries into lists that are too long")


_HOW: Mapping[type[Struct], Callable[[_Patching, Any], None]] = {
    Add: _Patching.add,
    Replace: _Patching.replace,
    Compare: _Patching.compare,
    Remove: _Patching.remove,
    Move: _Patching.move,
    Copy: _Patching.copy,
}


def _place(container: object, part: str, *, beyond: int = 0) -> Any:
    """Where in a container a part of a path leads to: a name or an index."""
    if isinstance(container, dict) and part in container:
        return part
    if isinstance(container, list) and _INDEX.fullmatch(part) and int(part) < len(container) + beyond:
        return int(part)
    raise ValueError(f'there is no "{_cut(part)}"')


def _parts(path: str) -> tuple[str, ...]:
    """The parts of a JSON pointer (RFC 6901)."""
    if path and (path[0] != "/" or _BAD_ESCAPE.search(path)):
        raise ValueError(
            f'{_shown(path)} is no path: accepted is one as /spec/replicas, with ~1 for "/" and ~0 for "~"'
        )
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:])


def _same(one: object, other: object) -> bool:
    """Equality of JSON, for which 1 is 1.0 but not true."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def _shown(path: str) -> str:
    return f'"{_cut(path)}"'


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
