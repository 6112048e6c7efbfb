"""Several namespaces in one request: which they are."""

import re
from collections.abc import Iterable

from kubediscovery.errors import BadRequest

#: Namespaces in one request: each costs as many reviews as there are kinds.
MOST_NAMESPACES = 32
# apimachinery, pkg/util/validation, IsDNS1123Label.
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LONGEST = 63


def parse_namespaces(text: str) -> tuple[str, ...]:
    """``a,b`` in order, each once; empty is none. Raises :class:`BadRequest` that quotes what is no namespace."""
    words = [word.strip() for word in text.split(",", MOST_NAMESPACES)] if text.strip() else []
    if len(words) > MOST_NAMESPACES:
        raise BadRequest(f"namespaces has too many names; accepted are {MOST_NAMESPACES}")
    for word in words:
        if not _NAME.fullmatch(word):
            said = f'"{word[:_LONGEST]}" is no name of a namespace' if word else "a name is empty"
            raise BadRequest(f"namespaces: {said}; accepted are names between commas, as in shop,vault")
    return tuple(sorted(set(words)))


def spread(namespace: str | None, named: Iterable[str]) -> tuple[str, ...]:
    """The namespaces of a request whose path has one, or None for all: that one first, then those that it names."""
    first = () if namespace is None else (namespace,)
    return (*first, *(name for name in named if name != namespace))
