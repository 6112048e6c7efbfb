"""From a request to its answer: who asks, may they, and who answers.

Paths are not matched by a router but taken apart once, by :mod:`kubediscovery.requests`, so that what is reviewed and
what is served cannot differ.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from kubediscovery.authz import Attributes, NonResourceAttributes, ResourceAttributes, refusal
from kubediscovery.built_in_registry import built_in_registry
from kubediscovery.calls import Calls
from kubediscovery.endpoints import Endpoints
from kubediscovery.errors import NotFound, ServiceUnavailable
from kubediscovery.exchange import Exchange
from kubediscovery.identity import ANONYMOUS, Caller, User
from kubediscovery.impersonation import Impersonation
from kubediscovery.registry import Registration, Renew, Responder
from kubediscovery.requests import parse_resource_path, split_path
from kubediscovery.reviews import REVIEW_MAX_AGE
from kubediscovery.served import Served
from kubediscovery.services import Services

# Exactly these need no proof of anything (k8s.io/apiserver, pkg/server/options/authorization.go).
_OPEN = {("healthz",), ("livez",), ("readyz",)}
# What was asked lately, and the bytes of a path and query that anybody may have that many times kept.
_ASKED, _LONGEST_ASKED = 2_048, 512
_NOBODY_TRUSTED = "callers cannot be told apart yet: it is not known which authorities certify them; try again"


class _Asked(NamedTuple):
    """What a method, a path and a query mean, and who answers; the names are those that metrics have for it."""

    segments: tuple[str, ...]
    attributes: Attributes
    responder: Responder | None = None
    resource: str = ""
    subresource: str = ""


class Handler:
    """From a request to its answer; raises :class:`StatusError` for everything else."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._kinds = services.api.kinds
        registries = services.registries or (built_in_registry(services.api.group, services.api.version),)
        self._served = Served(registries, self._kinds)
        self._responders = dict(_responders(services, self._served))
        self._endpoints = Endpoints(services, self._served)
        self._impersonation = Impersonation(services.authorizer)
        self._known = lru_cache(_ASKED)(self._read)

    async def respond(self, request: Request, exchange: Exchange) -> Response:
        """Authenticate, take for whom the caller may act as, authorise, answer; the exchange comes to tell of it."""
        asked = self._asked(request)
        exchange.attributes, segments, attributes = asked.attributes, asked.segments, asked.attributes
        exchange.resource, exchange.subresource = asked.resource, asked.subresource
        if segments in _OPEN:
            return self._endpoints.probe(request, segments)
        headers, state = request.scope["headers"], request.scope.get("state", {})
        caller = await self._services.authenticator.authenticate(headers, state.get("peer_certificate"))
        if caller is None:
            if not state.get("certificate_asked", True):
                raise ServiceUnavailable(_NOBODY_TRUSTED, retry_after=1)
            # Not asked for, whatever the cluster grants its anonymous users: nobody without proof gets an answer here.
            raise refusal(ANONYMOUS, attributes)
        exchange.caller = Caller(caller)
        exchange.caller = await self._impersonation.act_as(caller, headers)
        user = exchange.user
        self._services.limits.admit(exchange)
        exchange.reason = await self._services.authorizer.authorize(user, attributes)
        exchange.decision = "allow"
        if asked.responder is None or isinstance(attributes, NonResourceAttributes):
            return await self._endpoints.respond(request, segments)

        async def renew() -> None:
            await self._impersonation.act_as(caller, headers, max_age=REVIEW_MAX_AGE)
            await self._still_allowed(user, attributes)

        return await asked.responder.respond(request, user, attributes, renew)

    async def _still_allowed(self, user: User, attributes: ResourceAttributes) -> None:
        """Raise what a review raises. Who may see all may see one: one review then does for all that a user watches."""
        authorizer = self._services.authorizer
        wider = msgspec.structs.replace(attributes, name="", field_selector=(), label_selector=())
        if not await authorizer.allowed_many(user, (wider,), max_age=REVIEW_MAX_AGE):
            await authorizer.authorize(user, attributes, max_age=REVIEW_MAX_AGE)

    def _asked(self, request: Request) -> _Asked:
        raw_path, query = request.scope["raw_path"], request.scope["query_string"]
        read = self._known if len(raw_path) + len(query) <= _LONGEST_ASKED else self._read
        return read(raw_path, request.method, query, self._kinds.version)

    def _read(self, raw_path: bytes, method: str, query: bytes, kinds_version: int) -> _Asked:
        # What is kept of one version of the kinds is found under no other.
        del kinds_version
        segments = split_path(raw_path)
        if segments[:1] != ("apis",) or len(segments) < 4 or not self._served.has(segments[1], segments[2]):
            return _Asked(segments, NonResourceAttributes("/" + "/".join(segments), method.lower()))
        attributes = parse_resource_path(segments[3:], method, query, segments[1], segments[2])
        try:
            route = self._served.route(attributes)
        except NotFound as error:
            return _Asked(segments, attributes, _Nobody(error))
        return _Asked(segments, attributes, self._responders[route.registration], *route.names)


class _Nobody:
    """Answers where nothing is registered: only who may ask is told so."""

    def __init__(self, error: NotFound) -> None:
        self._error = error

    async def respond(self, request: Request, user: User, attributes: ResourceAttributes, renew: Renew) -> Response:
        """Raises :class:`NotFound`."""
        del request, user, attributes, renew
        raise NotFound(str(self._error), subject=self._error.subject)


def _responders(services: Services, served: Served) -> Iterator[tuple[Registration, Responder]]:
    """Who answers for each registration; what has the same maker in one version of a group is one."""
    made: dict[object, Responder] = {}
    for registration in served:
        if registration.by is None:
            yield registration, Calls(services, registration)
            continue
        key = (registration.by, registration.api_version)
        if key not in made:
            made[key] = registration.by(services, registration)
        yield registration, made[key]
