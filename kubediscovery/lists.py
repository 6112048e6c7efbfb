"""Lists, answered while they are made: whatever their length, they take the memory of a part and nobody's time.

A list is of the version at which it was begun, and shows each composition as it is when its turn comes; a watch that
goes on from that version tells of all that changed meanwhile. That is what holds of the pages of a list, too.
"""

import asyncio
import hashlib
import os
import zlib
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from typing import TypeVar

from msgspec import Raw, structs
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from kubediscovery.composition import Composition, CompositionList
from kubediscovery.compositions import Begun, Compositions
from kubediscovery.freshness import require_exact
from kubediscovery.negotiation import JSON, TABLE, Representation
from kubediscovery.options import Options
from kubediscovery.pages import Place, list_metadata, needs_trees
from kubediscovery.pieces import Pieces, form_of, pieces_of
from kubediscovery.responses import NEGOTIATED, PRIVATE, Renderer
from kubediscovery.store import Store
from kubediscovery.turns import Turns

T = TypeVar("T")

# Bytes of JSON that are sent at a time, and up to which a list is answered as anything else is. A part is there three
# times while it is sent, which is less than the heap keeps free at its end (startup.py): to give that back and ask for
# it again, part by part, would take a seventh of the time.
PART, SHORT = 96 * 1024, 128 * 1024
# As responses.py has it.
_LEAST_EFFORT, _GZIP = 1, 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class ListRequest:
    """A list that somebody asked for, in which form, and the entity tags of what he has."""

    begun: Begun
    options: Options
    representation: Representation
    known: frozenset[str]
    headers: Mapping[str, str]


class Lists:
    """Answers lists from a store; all of them together take their turns."""

    def __init__(self, store: Store, compositions: Compositions, renderer: Renderer, turns: Turns) -> None:
        self._store = store
        self._compositions = compositions
        self._renderer = renderer
        self._turns = turns
        self._nonce = os.urandom(8)

    async def answer(self, asked: ListRequest) -> Response:
        """The list: what is short as any other answer, what is long as it is made; 304 for who has it.

        Raises :class:`NotAcceptable` where the representation is not one of a list, and :class:`Expired` where a list
        of exactly one version was to be made, and something has changed meanwhile.
        """
        representation, now, tag = asked.representation, datetime.now(UTC), self._tag(asked)
        if tag.removeprefix("W/") in asked.known:
            return Response(status_code=304, headers={**PRIVATE, **NEGOTIATED, "ETag": tag})
        head, items = await self._items(asked, now)
        first: list[bytes] = []
        total = 0
        async with aclosing(self._turns.portions(items, size=len, enough=PART)) as portions:
            async for portion in portions:
                first += portion
                total += sum(map(len, portion))
                if total > SHORT:
                    break
        if total <= SHORT:
            in_json = replace(
                representation, media_type=replace(representation.media_type, encoding=JSON), pretty=False
            )
            content = Raw(pieces_of(head, in_json, now).whole(first))
            return await self._renderer.answer(content, representation, known=asked.known, headers=asked.headers)
        pieces = pieces_of(head, representation, now)
        written = self._turns.portions(map(pieces.of, chain(first, items)), size=len, enough=PART)
        headers = {**PRIVATE, **asked.headers, **NEGOTIATED} | ({"ETag": tag} if tag else {})
        return ListResponse(pieces, written, representation, headers)

    async def whole(self, begun: Begun, options: Options) -> CompositionList:
        """The list as it is drawn, all of it."""
        made = await self._turns.all(_up_to(options.limit, self._compositions_of(begun, options)))
        metadata = list_metadata(begun.version, begun.places, len(begun.places) - len(made), options)
        return structs.replace(begun.head, items=[item for item in made if item is not None], metadata=metadata)

    async def _items(self, asked: ListRequest, now: datetime) -> tuple[CompositionList, Iterator[bytes]]:
        """The head that the list comes to have, and its items as JSON, each made when it is asked for."""
        begun, options = asked.begun, asked.options
        if options.exact:
            items = await self._turns.all(self._made(begun.places, asked, now))
            require_exact(self._store, options)
            return begun.head, filter(None, items)
        if not options.limit:
            return begun.head, filter(None, self._made(begun.places, asked, now))
        if needs_trees(options):
            # Which is the last of a page is known once they are made.
            made = await self._turns.all(_up_to(options.limit, self._made(begun.places, asked, now)))
            left, found = len(begun.places) - len(made), iter(made)
        else:
            left = max(len(begun.places) - options.limit, 0)
            found = self._made(begun.places[: options.limit], asked, now)
        metadata = list_metadata(begun.version, begun.places, left, options)
        return structs.replace(begun.head, metadata=metadata), filter(None, found)

    def _made(self, places: Iterable[Place], asked: ListRequest, now: datetime) -> Iterator[bytes]:
        """Each item as JSON as it is when its turn comes, empty for what is gone by then or not wanted."""
        begun, drawing, fields = asked.begun, asked.options.drawing, asked.options.fields
        selects, form = needs_trees(asked.options), form_of(begun.head, asked.representation)
        for _, place in places:
            root = self._store.get(place.uid)
            if root is None:
                yield b""
                continue
            sight = begun.sight_of(root)
            if selects and not fields.matches(self._compositions.fields(root, sight, drawing)):
                yield b""
            else:
                yield form.at(self._compositions.written(root, sight, drawing, form.key, form.of), root, now)

    def _compositions_of(self, begun: Begun, options: Options) -> Iterator[Composition | None]:
        for _, place in begun.places:
            root = self._store.get(place.uid)
            sight = begun.sight_of(place)
            yield self._compositions.matching(root, options, sight, keep=False) if root is not None else None

    def _tag(self, asked: ListRequest) -> str:
        """A weak entity tag: who has it began when nothing at all had changed. A Table has none: it tells ages."""
        if asked.representation.media_type.as_kind == TABLE:
            return ""
        begun = asked.begun
        seen = sorted((name or "", hash(sight)) for name, sight in begun.sights.items())
        about = (self._store.generation, begun.version, begun.target, seen, asked.options, asked.representation)
        return f'W/"{hashlib.blake2b(self._nonce + repr(about).encode(), digest_size=20).hexdigest()}"'


class ListResponse(Response):
    """A long list, sent in parts while it is made; what its reader does not take is not made."""

    def __init__(
        self,
        pieces: Pieces,
        written: AsyncGenerator[list[bytes], None],
        representation: Representation,
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(None, 200, headers, representation.media_type.encoding)
        del self.headers["content-length"]
        self._pieces = pieces
        self._written = written
        self._gzip = representation.gzip
        if self._gzip:
            self.headers["Content-Encoding"] = "gzip"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; returns when all is said or nobody listens."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        leaving = asyncio.create_task(_left(receive))
        try:
            parts = self._compressed() if self._gzip else self._parts()
            async with aclosing(self._written), aclosing(parts):
                if scope["method"] != "HEAD":
                    async for part, more in parts:
                        await send({"type": "http.response.body", "body": part, "more_body": more})
                        if leaving.done():
                            return
                else:
                    await send({"type": "http.response.body", "body": b""})
        finally:
            leaving.cancel()

    async def _parts(self) -> AsyncGenerator[tuple[bytes, bool], None]:
        """Each with whether more come."""
        pieces, is_first = self._pieces, True
        async for items in self._written:
            # Joined behind nothing they begin with what stands between two.
            yield pieces.before + pieces.between.join(items) if is_first else pieces.between.join((b"", *items)), True
            is_first = False
        yield pieces.after, False

    async def _compressed(self) -> AsyncGenerator[tuple[bytes, bool], None]:
        compressor = zlib.compressobj(_LEAST_EFFORT, wbits=_GZIP)
        async with aclosing(self._parts()) as parts:
            async for part, _ in parts:
                # It lets others have the interpreter meanwhile.
                if compressed := await asyncio.to_thread(compressor.compress, part):
                    yield compressed, True
        yield compressor.flush(), False


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _up_to(limit: int, items: Iterator[T]) -> Iterator[T]:
    """Items until so many of them are some; 0 is no limit."""
    for item in items:
        yield item
        limit -= bool(item)
        if not limit and item:
            return
