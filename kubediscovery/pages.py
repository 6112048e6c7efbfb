"""Pages of a list: from where the one before ended, as far as the limit.

A page holds what is there when it is asked for, from the key after which it begins: an object that was there all the
time is in exactly one page. What came, went or changed meanwhile may or may not be in one. Every page carries the
resource version of the first, so that a watch that goes on from it sends all of that: together they are consistent.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Protocol, TypeVar

from kubediscovery.continuation import LATEST, Continuation, Key, encode_continuation
from kubediscovery.errors import Expired
from kubediscovery.kinds import Kind
from kubediscovery.meta import ListMeta
from kubediscovery.objects import Object
from kubediscovery.options import Options

Place = tuple[Key, Object]
Item = TypeVar("Item")

_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)
_KEY = itemgetter(0)
# What field selectors can be asked without a tree.
_OF_ROOTS = frozenset(("metadata.name", "metadata.namespace", "root.kind"))


class Versions(Protocol):
    """Who knows which versions can be gone on from."""

    @property
    def oldest(self) -> int:
        """Lists that were begun at an earlier version have expired."""
        ...

    def issue(self) -> int:
        """The version of what is answered now."""
        ...


def list_version(start: Continuation | None, newest: int, oldest: int) -> int:
    """The resource version of a page: that of the list's first.

    Raises :class:`Expired` for a list that was begun before ``oldest``, the version from which on changes are known: no
    watch could send what was missed. As in Kubernetes (k8s.io/apiserver, pkg/storage/etcd3/errors.go) the error has a
    token for who wants the rest of the list all the same.
    """
    if start is None or start.version == LATEST:
        return newest
    if start.version < oldest:
        raise Expired(_TOO_OLD, continue_token=encode_continuation(Continuation(LATEST, start.key)))
    return start.version


def placed(roots: Iterable[Object]) -> Iterator[Place]:
    """Roots with the keys of their compositions."""
    names: dict[Kind, str] = {}
    for root in roots:
        kind = root.kind
        name = names.get(kind) or names.setdefault(kind, kind.group_resource)
        # As the name of its composition has it.
        yield Key(root.namespace, f"{name}.{root.name}", name), root


def places_after(places: Iterable[Place], options: Options) -> list[Place]:
    """Those where a page may find its items, in their order, as far as can be said without building trees."""
    start, labels, fields = options.start, options.labels, options.fields.about(_OF_ROOTS)
    after = start.key if start else None
    found = [
        (key, root)
        for key, root in places
        if (after is None or key > after)
        and (not labels.terms or labels.matches(dict(root.labels)))
        and (not fields.terms or fields.matches(_fields(key, root)))
    ]
    return sorted(found, key=_KEY)


def needs_trees(options: Options) -> bool:
    """Whether a tree has to be looked at to say if it is wanted."""
    return any(found.key not in _OF_ROOTS for found in options.fields.requirements)


def fill(places: Sequence[Place], limit: int, answer: Callable[[Object], Item | None]) -> tuple[list[Item], int]:
    """The items of a page, and how many places are left behind the last that was looked at.

    ``answer`` gives None for what does not match. A limit of 0 is none.
    """
    items: list[Item] = []
    for number, (_, root) in enumerate(places, 1):
        item = answer(root)
        if item is not None:
            items.append(item)
            if len(items) == limit:
                return items, len(places) - number
    return items, 0


def list_metadata(version: int, places: Sequence[Place], left: int, options: Options) -> ListMeta:
    """The metadata of a page behind which so many places are left.

    As in Kubernetes their number is told only without selectors, with which it is not that of the items to come.
    """
    metadata = ListMeta(resource_version=str(version))
    if left:
        metadata.continue_ = encode_continuation(Continuation(version, places[-left - 1][0]))
        if not options.labels.terms and not options.fields.terms:
            metadata.remaining_item_count = left
    return metadata


def _fields(key: Key, root: Object) -> dict[str, str]:
    return {"metadata.name": key.name, "metadata.namespace": key.namespace, "root.kind": root.kind.kind}
