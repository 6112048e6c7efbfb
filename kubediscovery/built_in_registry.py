"""What kubediscovery itself serves, registered as anybody's subresources are: nothing here has another way in."""

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from kubediscovery import connections, podmetrics
from kubediscovery.api import COMPOSITIONS, LINT, READ, SINGLE, GroupVersion
from kubediscovery.authz import ResourceAttributes
from kubediscovery.config import API_VERSION, DEFAULT_GROUP
from kubediscovery.identity import User
from kubediscovery.registry import Description, Registration, Registry, Renew, Responder

if TYPE_CHECKING:
    from kubediscovery.services import Services


def built_in_registry(group: str = DEFAULT_GROUP, version: str = API_VERSION) -> Registry:
    """The registry of kubediscovery's own group, a new one each time.

    What takes time to import is imported by who answers: everything here is a part of every start.
    """
    registry = Registry(group, version)
    registry.resource(
        COMPOSITIONS,
        kind="Composition",
        singular="composition",
        verbs=READ,
        short_names=("comp",),
        by=_compositions,
        describe=_described,
    )
    registry.respond(COMPOSITIONS, on="*", kind="Composition", verbs=SINGLE, by=_compositions)
    registry.resource(LINT, kind="Finding", verbs=("list",), by=_Lint)
    connections.register(registry)
    podmetrics.register(registry)
    for name in ("explain", "man"):
        registry.respond(name, on="*", kind="Explanation", by=_explaining, describe=_explained)
    return registry


def _compositions(services: "Services", registration: Registration) -> Responder:
    del registration
    from kubediscovery.resources import Resources

    return Resources(services)


def _described(registration: Registration) -> Description:
    """Of all that is built in: each names the schemas of the others."""
    from kubediscovery.specification import description

    return description(GroupVersion(registration.group, registration.version))


def _explaining(services: "Services", registration: Registration) -> Responder:
    del registration
    return _Explaining(services)


def _explained(registration: Registration) -> Description:
    from kubediscovery.explaining import describe

    return describe(registration)


class _Explaining:
    """The same of what explains kinds; one for all of its subresources, which share what it has read."""

    def __init__(self, services: "Services") -> None:
        self._services = services
        self._made: Responder | None = None

    async def respond(self, request: Request, user: User, attributes: ResourceAttributes, renew: Renew) -> Response:
        if self._made is None:
            from kubediscovery.explaining import Explaining

            self._made = Explaining(self._services)
        return await self._made.respond(request, user, attributes, renew)


class _Lint:
    """Imports what lints when it is first asked for: it is seldom, and would add to every start."""

    def __init__(self, services: "Services", registration: Registration) -> None:
        del registration
        self._services = services
        self._made: Responder | None = None

    async def respond(self, request: Request, user: User, attributes: ResourceAttributes, renew: Renew) -> Response:
        if self._made is None:
            from kubediscovery.inspection import Inspection

            self._made = Inspection(self._services)
        return await self._made.respond(request, user, attributes, renew)
