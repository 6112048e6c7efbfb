"""What of a composition is drawn: relations beside owners, direction, depth and kinds."""

import re
from collections.abc import Iterable
from enum import StrEnum
from fnmatch import translate

from msgspec import Struct

from kubediscovery.errors import BadRequest
from kubediscovery.kinds import Kind

# Real chains have five levels; a longer one than this was made by hand, and would overflow every JSON reader.
MAX_DEPTH = 64
ALL, NONE = "all", "none"
_TAKEN_AWAY = "!"
_MOST_WORDS, _LONGEST_WORD = 100, 253
# A resource, a group and a kind have these characters alone; the others make a glob.
_WORD = re.compile(r"[A-Za-z0-9.*?\-]+")
_MOST_WILDCARDS = 8


class Direction(StrEnum):
    """Which way a tree grows from the object that was asked for."""

    CHILDREN = "children"
    OWNERS = "owners"
    USERS = "users"
    USES = "uses"
    COLLECTED = "collected"


class KindFilter(Struct, frozen=True, cache_hash=True):
    """Globs for kinds: what matches none of ``refused`` and, where there are any, one of ``accepted``.

    A glob is compared with the plural and its group (``deployments.apps``), the plural, and the kind's name, upper and
    lower case alike.
    """

    accepted: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()

    @property
    def is_everything(self) -> bool:
        """Whether it lets all kinds pass."""
        return not self.accepted and not self.refused

    def passes(self, kind: Kind) -> bool:
        """Whether objects of the kind are drawn for their own sake."""
        names = (kind.group_resource.lower(), kind.resource.lower(), kind.kind.lower())
        if any(_matches(glob, names) for glob in self.refused):
            return False
        return not self.accepted or any(_matches(glob, names) for glob in self.accepted)


EVERY_KIND = KindFilter()


class Drawing(Struct, frozen=True, cache_hash=True):
    """What somebody wants to see of a composition.

    ``relations`` are the rules that are followed beside ownership; ``depth`` counts the levels below the root.
    ``hide_inactive`` leaves out what a controller keeps only to be able to go back: old ReplicaSets that want no pods
    and have none, and ControllerRevisions other than the present ones.
    """

    relations: frozenset[str] = frozenset()
    direction: Direction = Direction.CHILDREN
    depth: int = MAX_DEPTH
    kinds: KindFilter = EVERY_KIND
    hide_inactive: bool = False

    @property
    def reaches_out(self) -> bool:
        """Whether it can come to what the root does not own."""
        return bool(self.relations) or self.direction is not Direction.CHILDREN

    @property
    def narrows(self) -> bool:
        """Whether something of what lies in its direction may not be drawn."""
        return self.depth < MAX_DEPTH or self.hide_inactive or not self.kinds.is_everything


DEFAULT = Drawing()


def parse_relations(text: str, known: Iterable[str]) -> frozenset[str]:
    """``endpoints,scale``, ``all``, ``none``, ``all,!event``; empty is none.

    ``!name`` takes away from what the other words name, or from all of them where there are no others. Raises
    :class:`BadRequest` that quotes what is no relation and names those that are ``known``.
    """
    names = frozenset(known)
    added, taken = _split("relations", text)
    for name in (*added, *taken):
        if name not in names and name not in (ALL, NONE):
            accepted = ", ".join((ALL, NONE, *sorted(names)))
            raise BadRequest(f'relations: "{name}" is not known; accepted are {accepted}, and each with ! before it')
    for name in taken:
        if name in (ALL, NONE):
            raise BadRequest(
                f'relations: "!{name}" says nothing; accepted are !name for one relation, {ALL} and {NONE}'
            )
    chosen = names if ALL in added or (taken and not added) else frozenset(added) - {NONE}
    return chosen - frozenset(taken)


def parse_kinds(text: str) -> KindFilter:
    """``Pod,*.apps,!replicasets``; empty is every kind. Raises :class:`BadRequest` that quotes what is no glob."""
    accepted, refused = _split("kinds", text)
    for word in (*accepted, *refused):
        if not _WORD.fullmatch(word) or sum(map(word.count, "*?")) > _MOST_WILDCARDS:
            raise BadRequest(
                f'kinds: "{word}" is not understood; accepted are kinds (Pod), plurals (pods), plurals with their '
                f"group (deployments.apps), globs of these with * and ?, and each with ! before it"
            )
    return KindFilter(tuple(word.lower() for word in accepted), tuple(word.lower() for word in refused))


def parse_direction(text: str) -> Direction:
    """One of :class:`Direction`; empty is ``children``. Raises :class:`BadRequest` that names them."""
    if not text:
        return Direction.CHILDREN
    try:
        return Direction(text)
    except ValueError:
        accepted = ", ".join(Direction)
        raise BadRequest(f'direction: "{_shortened(text)}" is not known; accepted are {accepted}') from None


def parse_depth(text: str) -> int:
    """Levels below the root, from 1; empty is all of them. Raises :class:`BadRequest` that says what is accepted."""
    if not text:
        return MAX_DEPTH
    is_number = text.isascii() and text.isdecimal() and len(text) < 10
    if not is_number or not 1 <= int(text) <= MAX_DEPTH:
        raise BadRequest(f'depth must be a whole number from 1 to {MAX_DEPTH}, not "{_shortened(text)}"')
    return int(text)


def _split(name: str, text: str) -> tuple[list[str], list[str]]:
    """The words between commas, and those that have a ``!``, without it."""
    words = [word.strip() for word in text.split(",")] if text.strip() else []
    if len(words) > _MOST_WORDS:
        raise BadRequest(f"{name} has {len(words)} words; accepted are {_MOST_WORDS}")
    for word in words:
        if not word.removeprefix(_TAKEN_AWAY) or len(word) > _LONGEST_WORD:
            said = "an empty word" if len(word) < 2 else f'"{_shortened(word)}"'
            raise BadRequest(f"{name}: {said} is not understood; accepted are words between commas, as in a,b,!c")
    taken = [word.removeprefix(_TAKEN_AWAY) for word in words if word.startswith(_TAKEN_AWAY)]
    return [word for word in words if not word.startswith(_TAKEN_AWAY)], taken


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_WORD else f"{text[:_LONGEST_WORD]}..."


def _matches(glob: str, names: tuple[str, ...]) -> bool:
    # The module of regular expressions keeps what it compiled.
    return any(map(re.compile(translate(glob)).match, names))
