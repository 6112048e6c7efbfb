"""Values that are watched, asked for and written once for all who see the same.

A value may be shown to others where they have the same sight and query, and where its handler did not look at who asks:
a handler that does is asked for each user from then on.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable

import msgspec

from kubediscovery.identity import User
from kubediscovery.journal import Journal
from kubediscovery.negotiation import Representation
from kubediscovery.objects import EventType
from kubediscovery.values import Form, Value
from kubediscovery.views import line_of

# Seconds for which a line is kept: who is told of it at about the same time has it too.
_KEPT = 1.0

#: What a handler gives of the object with a UID, None where there is none, and whether it looked at who asks.
Ask = Callable[[str, User], Awaitable[tuple[Value | None, bool]]]
# A UID, and the user where it matters.
_Key = tuple[str, User | None]


class Told:
    """A value, and what tells it from others: all that is seen of it but its version.

    It shows every change before ``position`` in the journal.
    """

    __slots__ = ("digest", "position", "value")

    def __init__(self, value: Value | None, position: int) -> None:
        self.value = value
        self.position = position
        seen = (value.given, value.parent.labels) if value is not None else None
        self.digest = hashlib.blake2b(msgspec.json.encode(seen), digest_size=16).digest() if seen else b""


class SharedValues:
    """What all who have one sight and one query watch."""

    def __init__(self, ask: Ask, form: Form, journal: Journal) -> None:
        self.form = form
        self._ask = ask
        self._journal = journal
        self._is_personal = False
        self._told: dict[_Key, Told] = {}
        self._asking: dict[_Key, asyncio.Event] = {}
        self._lines: dict[tuple[object, ...], bytes] = {}

    async def ask(self, uid: str, user: User, position: int) -> Told:
        """The value of an object, in which every change shows that is before a position in the journal."""
        while True:
            key = (uid, user if self._is_personal else None)
            found = self._told.get(key)
            if found is not None and found.position >= position:
                return found
            asking = self._asking.get(key)
            if asking is None:
                return await self._renewed(key, user)
            await asking.wait()

    def forget(self, uid: str, user: User) -> None:
        """There is no such object any more."""
        self._told.pop((uid, None), None)
        self._told.pop((uid, user), None)

    def line(
        self, type_: EventType, value: Value, digest: bytes, representation: Representation, *, columns: bool
    ) -> bytes:
        """An event with the value, as a line; ``columns`` asks for a Table's column definitions."""
        key = (type_, value.parent.uid, value.version, digest, representation, columns)
        line = self._lines.get(key)
        if line is None:
            if not self._lines:
                asyncio.get_running_loop().call_later(_KEPT, self._lines.clear)
            line = self._lines[key] = line_of(type_, self.form.one(value, representation, columns=columns))
        return line

    async def _renewed(self, key: _Key, user: User) -> Told:
        position, asking = self._journal.end, asyncio.Event()
        self._asking[key] = asking
        try:
            value, is_personal = await self._ask(key[0], user)
        finally:
            del self._asking[key]
            asking.set()
        told = Told(value, position)
        if is_personal and not self._is_personal:
            self._is_personal = True
            # What others saw did not depend on them; what this one sees may.
            self._told.clear()
        self._told[key[0], user if is_personal or self._is_personal else None] = told
        return told
