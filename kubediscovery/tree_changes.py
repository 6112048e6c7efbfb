"""What changed in a tree, put together from versions and from what the caches saw; newest first."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from kubediscovery.differences import Difference, What, differences
from kubediscovery.field_paths import Path
from kubediscovery.happenings import Happened, Happening
from kubediscovery.objects import Object
from kubediscovery.versions import TEMPLATE, Version


class TreeChange(NamedTuple):
    """What happened to an object, with its fields where they are known; ``version`` is None where none is kept."""

    time: float
    what: Happened
    item: Object
    fields: Sequence[Difference] = ()
    version: Version | None = None


def tree_changes(
    members: Iterable[Object],
    happened: Iterable[Happening],
    versions: Mapping[str, Sequence[Version]],
    moment: float,
) -> list[TreeChange]:
    """All since ``moment``, in seconds since 1970; ``versions`` are those of some members by UID, the oldest first."""
    written = [change for item in members for change in _written(item, versions.get(item.uid, ()), moment)]
    known = {(change.item.uid, change.version.generation) for change in written if change.version is not None}
    told = [found for found in happened if (found.item.uid, found.item.generation) not in known or _is_end(found)]
    found = [
        *(TreeChange(float(item.created), Happened.CREATED, item) for item in members if item.created >= moment),
        *written,
        *(TreeChange(each.time, each.what, each.item, [*map(_difference, each.fields)]) for each in told),
    ]
    return sorted(found, key=lambda change: (-change.time, _RANK[change.what], change.item.kind.kind, change.item.name))


_RANK = {what: place for place, what in enumerate((Happened.DELETED, Happened.CHANGED, Happened.CREATED))}


def _is_end(found: Happening) -> bool:
    return found.what is Happened.DELETED


def _written(item: Object, versions: Sequence[Version], moment: float) -> Iterator[TreeChange]:
    """Each version is what it is beside the one before it."""
    for place, version in enumerate(versions):
        if place and version.time >= moment and version.time > item.created:
            fields = between(versions[place - 1], version)
            if fields:
                yield TreeChange(version.time, Happened.CHANGED, item, fields, version)


def between(before: Version, after: Version) -> list[Difference]:
    """What is different, as far as both versions know it."""
    if not (before.partial or after.partial):
        return differences(before.document, after.document)
    found = differences(before.template, after.template)
    return [difference._replace(path=(*TEMPLATE, *difference.path)) for difference in found]


def _difference(field: tuple[Path, object, object]) -> Difference:
    path, before, after = field
    what = What.ADDED if before is None else What.REMOVED if after is None else What.CHANGED
    return Difference(path, what, before, after)
