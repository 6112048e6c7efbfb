"""Everything that is registered, as one server serves it: routing and discovery are derived from it."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from kubediscovery.api import GroupVersion, Resource, camel
from kubediscovery.authz import ResourceAttributes
from kubediscovery.errors import NotFound, Subject
from kubediscovery.kinds import Kind, Kinds
from kubediscovery.registry import Registration, Registry, refuse_conflict
from kubediscovery.requests import ALL

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Route:
    """What a request is about: what is registered and, of a subresource, the kind of its parent."""

    registration: Registration
    kind: Kind | None

    @property
    def names(self) -> tuple[str, str]:
        """Resource and subresource as metrics call them."""
        if self.kind is None:
            return self.registration.name, ""
        return self.kind.group_resource, self.registration.name


class Served:
    """The registries of a server and the kinds that it tracks; of the same group and version there may be several.

    Raises :class:`RegistrationError` where two of them are in conflict.
    """

    def __init__(self, registries: Iterable[Registry], kinds: Kinds) -> None:
        self.kinds = kinds
        self.registries = tuple(registries)
        self._registered: dict[GroupVersion, list[Registration]] = {}
        self._told: set[tuple[Registration, Kind]] = set()
        for registry in self.registries:
            registered = self._registered.setdefault(GroupVersion(registry.group, registry.version), [])
            for registration in registry:
                for other in registered:
                    refuse_conflict(registration, other)
                registered.append(registration)

    def __iter__(self) -> Iterator[Registration]:
        for registered in self._registered.values():
            yield from registered

    @cached_property
    def versions(self) -> tuple[GroupVersion, ...]:
        """All that is served, in the order in which it was registered."""
        return tuple(self._registered)

    def of(self, version: GroupVersion) -> tuple[Registration, ...]:
        """What is registered of a version."""
        return tuple(self._registered.get(version, ()))

    def has(self, group: str, version: str) -> bool:
        """Whether a version of a group is served."""
        return GroupVersion(group, version) in self._registered

    def route(self, asked: ResourceAttributes) -> Route:
        """What answers; raises :class:`NotFound` that says what the path would have to be."""
        registered = self._registered[GroupVersion(asked.group, asked.version)]
        if not asked.subresource:
            found = next((each for each in registered if each.on is None and each.name == asked.resource), None)
            if found is None:
                raise no_such(asked)
            return Route(found, None)
        kind = self.kinds.by_resource(asked.resource)
        found = self._subresource(registered, asked.subresource, kind)
        if kind is None or found is None:
            raise no_such(asked)
        if not kind.namespaced and asked.namespace:
            raise no_such(asked, f"{kind.group_resource} is not namespaced")
        if kind.namespaced and not asked.namespace and asked.name != ALL:
            raise no_such(asked, f"{kind.group_resource} is namespaced: give the namespace, or * as the name")
        return Route(found, kind)

    def resources(self, version: GroupVersion) -> Iterator[Resource]:
        """Those of a version: resources of its own first, then each parent before its subresources."""
        registered = self._registered[version]
        own = [each for each in registered if each.on is None]
        for each in own:
            yield Resource(each.name, each.singular, each.kind, each.namespaced, each.verbs, each.short_names)
        taken = {each.name for each in own}
        for kind in self.kinds:
            if kind.resource in taken or self.kinds.by_resource(kind.resource) is not kind:
                # Its plural means something else: it is asked for as <plural>.<group>, which needs no entry.
                continue
            below = self._below(registered, kind)
            if below:
                # A kind of its own: "Deployment" must go on meaning the one in apps.
                name = f"{kind.kind}{camel(below[0].name)}"
                yield Resource(kind.resource, kind.singular, name, kind.namespaced, verbs=())
            for each in below:
                yield Resource(f"{kind.resource}/{each.name}", "", each.kind, kind.namespaced, each.verbs)

    def _below(self, registered: list[Registration], kind: Kind) -> list[Registration]:
        found: dict[str, Registration] = {}
        for each in registered:
            if each.on is None or not each.on.passes(kind):
                continue
            first = found.setdefault(each.name, each)
            if first is not each and (each, kind) not in self._told:
                # Nobody knew of the kind when they were registered.
                self._told.add((each, kind))
                logger.error("%s: %s is not served for %s: %s has it already", each.place, each, kind, first.place)
        return list(found.values())

    def _subresource(self, registered: list[Registration], name: str, kind: Kind | None) -> Registration | None:
        if kind is None:
            return None
        named = (each for each in registered if each.on is not None and each.name == name)
        return next((each for each in named if each.on is not None and each.on.passes(kind)), None)


def no_such(asked: ResourceAttributes, hint: str = "") -> NotFound:
    """What is raised where nothing is served, with what would be."""
    resource = "/".join(filter(None, (asked.resource, asked.subresource)))
    return NotFound(
        f'the server could not find the requested resource "{resource}"' + (f": {hint}" if hint else ""),
        subject=Subject(asked.group, asked.resource, asked.name),
    )
