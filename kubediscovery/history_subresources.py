"""The subresources of what objects were like: versions, spechistory, diff, bisect, and changes of a whole tree.

Specs are shown, so whoever asks needs the right to ``get`` the object itself, beside the one to the subresource; what
comes of ReplicaSets and ControllerRevisions, the right to list those; what is in the tree below, to list that.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct

from kubediscovery.authz import ResourceAttributes, refusal
from kubediscovery.errors import ServiceUnavailable
from kubediscovery.field_paths import covers, covers_part, parse_path
from kubediscovery.history_answers import (
    Bisection,
    Changes,
    Comparison,
    SpecHistory,
    VersionInfo,
    Versions,
    changes,
    field_changes,
    spec_history,
    version_info,
)
from kubediscovery.kinds import Kind
from kubediscovery.omissions import Omitted
from kubediscovery.registry import Registry
from kubediscovery.subresource import SubresourceRequest
from kubediscovery.versions import LATEST, TEMPLATE, Version, find, moment_of, stamp

if TYPE_CHECKING:
    from kubediscovery.chronicle import Chronicle
    from kubediscovery.client import Client
    from kubediscovery.services import Services

_HOW = "its name, r and a revision's number (r3), latest, oldest, a time (2026-01-31T12:00:00Z), or a duration (10m)"


class SpecHistoryQuery(Struct, frozen=True):
    """What is wanted of the specs."""

    last: Annotated[int, Meta(ge=1, le=100, description="Number of versions, the newest of all.")] = 10


class DiffQuery(Struct, frozen=True):
    """Which versions are compared."""

    start: Annotated[
        str, Meta(description=f"A version: {_HOW}. Without it the one before the other.", examples=["r1"])
    ] = ""
    end: Annotated[str, Meta(description=f"The version to compare it with: {_HOW}.", examples=["10m"])] = LATEST
    field: Annotated[
        str,
        Meta(
            description="Path of the fields to compare, as in spec.template or containers[*].image; all without it.",
            examples=["spec.template"],
        ),
    ] = ""


class BisectQuery(Struct, frozen=True):
    """What is looked for."""

    field: Annotated[
        str, Meta(description="Path of the field, as in spec.replicas, or the end of it, as in containers[*].image.")
    ]
    value: Annotated[
        str | None,
        Meta(description="The value that it holds, a number or truth value as its text; without it any value will do."),
    ] = None


class ChangesQuery(Struct, frozen=True):
    """Which changes are wanted."""

    since: Annotated[str, Meta(description="How long ago, as in 10m, or from when on, as in 2026-01-31T12:00:00Z.")] = (
        "10m"
    )
    last: Annotated[int, Meta(ge=1, le=1000, description="Number of changes, the newest of all.")] = 200


@dataclass(frozen=True, slots=True)
class _Known:
    versions: tuple[Version, ...]
    omitted: list[Omitted]


class HistorySubresources:
    """The handlers, with what tells them."""

    def __init__(self, chronicle: "Chronicle") -> None:
        self._chronicle = chronicle

    async def versions(self, request: SubresourceRequest) -> Versions:
        """The versions that are known of an object."""
        known = await self._known(request)
        return Versions([*map(version_info, known.versions)], known.omitted)

    async def spechistory(self, request: SubresourceRequest[SpecHistoryQuery]) -> SpecHistory:
        """What an object was like."""
        known = await self._known(request)
        return spec_history(known.versions, request.query.last, known.omitted)

    async def diff(self, request: SubresourceRequest[DiffQuery]) -> Comparison:
        """What is different between two versions."""
        from kubediscovery.tree_changes import between

        query, now = request.query, request.now.timestamp()
        wanted = parse_path(query.field) if query.field else ()
        known = await self._known(request)
        end = find(known.versions, query.end, now, "end")
        start = find(known.versions, query.start, now, "start") if query.start else max(0, end - 1)
        before, after = known.versions[start], known.versions[end]
        found = await asyncio.to_thread(between, before, after)
        if wanted:
            is_rooted = any(wanted[0] in version.document for version in known.versions)
            covered = covers if is_rooted else covers_part
            found = [each for each in found if covered(wanted, each.path) or covered(each.path, wanted)]
        fields, more = field_changes(found)
        is_partial = before.partial or after.partial
        return Comparison(
            start=version_info(before),
            end=version_info(after),
            changes=fields,
            more=more,
            compared=".".join(map(str, TEMPLATE)) if is_partial else "",
            omitted=known.omitted,
        )

    async def bisect(self, request: SubresourceRequest[BisectQuery]) -> Bisection:
        """The version in which a field got a value."""
        from kubediscovery.bisecting import bisect

        query = request.query
        field = parse_path(query.field)
        known = await self._known(request)
        versions = known.versions
        found = await asyncio.to_thread(bisect, versions, field, query.value)
        return Bisection(
            field=query.field,
            found=found.first is not None,
            holds=found.since is not None,
            versions=len(versions),
            value=query.value,
            first=_info(versions, found.first),
            before=_info(versions, found.before),
            since=_info(versions, found.since),
            omitted=known.omitted,
        )

    async def changes(self, request: SubresourceRequest[ChangesQuery]) -> Changes:
        """What changed in the tree below an object, and of itself."""
        from kubediscovery.happenings import among
        from kubediscovery.tree_changes import tree_changes

        query, now = request.query, request.now.timestamp()
        moment = moment_of(query.since, now, "since")
        known = await self._known(request)
        seen, happenings = request.seen, self._chronicle.happenings
        told = [found for found in happenings.after(moment) if seen.sight.sees(found.item)]
        members, happened = among(told, request.parent, seen.children)
        written = await self._chronicle.changed(members, moment)
        written[request.parent.uid] = known.versions
        found = await asyncio.to_thread(tree_changes, members, happened, written, moment)
        return Changes(
            since=stamp(moment),
            until=stamp(now),
            changes=changes(found[: query.last]),
            older=max(0, len(found) - query.last),
            complete_since=stamp(happenings.since) if happenings.since > moment else "",
            omitted=known.omitted,
        )

    async def _known(self, request: SubresourceRequest) -> _Known:
        """The versions that the caller may know of; raises :class:`Forbidden` for who may not get the object."""
        from kubediscovery.kept_revisions import revisions_kind

        await _require_get(request)
        kind = revisions_kind(request.kind)
        may_list = kind is not None and await _may(request, "list", kind)
        told = await self._chronicle.versions(request.parent, _client(request), revisions=may_list)
        return _Known(told.versions, [*_omitted(None if may_list else kind, told.unavailable)])


def register(registry: Registry, chronicle: "Chronicle") -> None:
    """Register the subresources of history on all kinds."""
    answers = HistorySubresources(chronicle)
    registry.subresource("versions", returns=Versions)(answers.versions)
    registry.subresource("spechistory", returns=SpecHistory, query=SpecHistoryQuery)(answers.spechistory)
    registry.subresource("diff", returns=Comparison, query=DiffQuery)(answers.diff)
    registry.subresource("bisect", returns=Bisection, query=BisectQuery)(answers.bisect)
    registry.subresource("changes", returns=Changes, query=ChangesQuery)(answers.changes)

    @registry.background
    async def record(services: "Services") -> None:
        await chronicle.run(services.client, services.store, services.turns)


async def _require_get(request: SubresourceRequest) -> None:
    """Who may get all objects of the kind is asked about once for all of a list."""
    kind = request.kind
    if await _may(request, "get", kind) or await _may(request, "get", kind, request.name):
        return
    wanted = ResourceAttributes(
        "get", kind.group, kind.version, kind.resource, namespace=request.namespace, name=request.name
    )
    raise refusal(request.user, wanted)


async def _may(request: SubresourceRequest, verb: str, kind: Kind, name: str = "") -> bool:
    return await request.may(
        verb, kind.resource, group=kind.group, version=kind.version, namespace=request.namespace, name=name
    )


def _client(request: SubresourceRequest) -> "Client | None":
    try:
        return request.client
    except ServiceUnavailable:
        return None


def _omitted(hidden: Kind | None, unavailable: Iterable[Kind]) -> Iterable[Omitted]:
    if hidden is not None:
        yield Omitted(hidden.resource, "Forbidden", "you may not list this resource", hidden.group)
    for kind in unavailable:
        yield Omitted(kind.resource, "Unavailable", "kube-apiserver did not answer", kind.group)


def _info(versions: tuple[Version, ...], place: int | None) -> VersionInfo | None:
    return version_info(versions[place]) if place is not None else None
