"""What an answer says nothing about, and why: kinds that the caller may not list, and kinds that are not known here.

It never depends on what there is of a kind: that a caller may not list one is said of those alone that every cluster
has, and of all others together.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Annotated

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from kubediscovery.errors import NotFound, ServiceUnavailable, Subject
from kubediscovery.kinds import Kind
from kubediscovery.sight import Sight
from kubediscovery.store import Coverage, Store

ANY = "*"
_UNKNOWN: Mapping[Coverage, str] = {
    Coverage.PENDING: "the cache of this resource is being filled",
    Coverage.FORBIDDEN: "kubediscovery may not list this resource",
    Coverage.NOT_FOUND: "the cluster does not serve this resource",
    Coverage.UNAVAILABLE: "the cluster cannot list this resource at the moment",
}


class Omitted(msgspec.Struct, frozen=True, omit_defaults=True):
    """A resource that the answer says nothing about, whether or not there is anything of it, and why."""

    resource: Annotated[str, Meta(description="Plural of the resource, as in pods; * for all others of the group.")]
    reason: Annotated[
        str, Meta(description="One CamelCase word for why: Forbidden, NotFound, Pending, Unavailable or TooDeep.")
    ]
    message: Annotated[str, Meta(description="The reason in a sentence for people.")]
    group: Annotated[
        str, Meta(description="API group of the resource; left out for the core group, * for all groups.")
    ] = ""


def omissions(store: Store, sight: Sight, *, roots: bool = False) -> Iterator[Omitted]:
    """What is left out of all answers to who sees that much; with ``roots`` only kinds that the top-level list has."""
    kinds = [kind for kind in store.kinds if kind.workload or not roots]
    hidden = [kind for kind in kinds if kind in sight.named and kind not in sight.kinds]
    for kind in hidden:
        yield Omitted(kind.resource, "Forbidden", "you may not list this resource", kind.group)
    if not sight.all and any(kind not in sight.named for kind in kinds):
        yield Omitted(ANY, "Forbidden", "of all other resources you are shown those that you may list", ANY)
    yield from _unknown(store, kinds, frozenset(hidden))


def omissions_in(store: Store, sights: Sequence[Sight], *, roots: bool = False) -> list[Omitted]:
    """The same for several namespaces together: what is hidden in some of them alone is told of these."""
    found: dict[Omitted, list[str]] = {}
    for sight in sights:
        for each in omissions(store, sight, roots=roots):
            found.setdefault(each, []).append(sight.namespace or "")
    return [
        each if len(where) == len(sights) else replace(each, message=f"{each.message} (in {', '.join(where)})")
        for each, where in found.items()
    ]


def require_filled(pending: Collection[Kind]) -> None:
    """Raise :class:`ServiceUnavailable` where the first lists of some kinds have not come yet."""
    if pending:
        waited_for = ", ".join(kind.group_resource for kind in pending)
        raise ServiceUnavailable(f"the caches are not filled yet: waiting for {waited_for}", retry_after=1)


def require_known(store: Store, kind: Kind) -> None:
    """Raise :class:`NotFound` or :class:`ServiceUnavailable` where nothing can be told of a kind."""
    coverage = store.coverage(kind)
    if coverage is Coverage.NOT_FOUND:
        raise NotFound(f"the cluster does not serve {kind.group_resource}", subject=Subject(kind.group, kind.resource))
    if coverage is Coverage.PENDING:
        require_filled([kind])
    if coverage is Coverage.FORBIDDEN:
        raise ServiceUnavailable(f"kubediscovery may not list {kind.group_resource}")
    if coverage is Coverage.UNAVAILABLE:
        raise ServiceUnavailable(f"the cluster cannot list {kind.group_resource} at the moment", retry_after=10)


def too_deep(kinds: Iterable[Kind]) -> Iterator[Omitted]:
    """What lies deeper in a tree than trees are."""
    for kind in sorted(kinds, key=str):
        yield Omitted(kind.resource, "TooDeep", "the chain of owners is too long to follow", kind.group)


def _unknown(store: Store, kinds: Iterable[Kind], told: frozenset[Kind]) -> Iterator[Omitted]:
    """Custom kinds of a group of which nothing is known are told together: there can be hundreds."""
    by_group: dict[str, list[Kind]] = defaultdict(list)
    for kind in kinds:
        by_group[kind.group].append(kind)
    for group, members in by_group.items():
        found = {kind: store.coverage(kind) for kind in members}
        together = set(found.values())
        if len(members) > 1 and len(together) == 1 and all(kind.custom for kind in members):
            (coverage,) = together
            if coverage in _UNKNOWN:
                yield Omitted(ANY, coverage.value, _UNKNOWN[coverage], group)
            continue
        for kind, coverage in found.items():
            if coverage in _UNKNOWN and kind not in told:
                yield Omitted(kind.resource, coverage.value, _UNKNOWN[coverage], group)
