"""From a request to its answer: who asks, may they, and who answers.

Paths are not matched by a router but taken apart once, by :mod:`kubediscovery.requests`, so that what is reviewed and
what is served cannot differ.
"""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from kubediscovery.authz import Attributes, NonResourceAttributes, refusal
from kubediscovery.endpoints import Endpoints
from kubediscovery.identity import ANONYMOUS
from kubediscovery.requests import parse_resource_path, split_path
from kubediscovery.resources import Resources
from kubediscovery.services import Services

# Exactly these need no proof of anything (k8s.io/apiserver, pkg/server/options/authorization.go).
_OPEN = {("healthz",), ("livez",), ("readyz",)}
# Verbs that metrics tell apart; a method may be any word.
_READING = ("get", "head", "list", "watch")
_VERBS = frozenset((*_READING, "post", "put", "create", "update", "patch", "delete", "deletecollection"))


@dataclass(slots=True)
class Labels:
    """What metrics call a request; known resources only, so that no caller can make up series."""

    verb: str = ""
    resource: str = ""
    subresource: str = ""


class Handler:
    """From a request to its answer; raises :class:`StatusError` for everything else."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._api = services.api
        self._endpoints = Endpoints(services)
        self._resources = Resources(services)

    async def respond(self, request: Request, labels: Labels) -> Response:
        """Authenticate, authorise, answer."""
        segments = split_path(request.scope["raw_path"])
        if segments in _OPEN:
            return self._endpoints.probe(request, segments)
        peer_certificate = request.scope.get("state", {}).get("peer_certificate")
        user = await self._services.authenticator.authenticate(request.scope["headers"], peer_certificate)
        attributes = self._attributes(request, segments)
        labels.verb = attributes.verb if attributes.verb in _VERBS else "other"
        if user is None:
            # Not asked for, whatever the cluster grants its anonymous users: nobody without proof gets an answer here.
            raise refusal(ANONYMOUS, attributes)
        await self._services.authorizer.authorize(user, attributes)
        if isinstance(attributes, NonResourceAttributes):
            return self._endpoints.respond(request, segments)
        labels.resource, labels.subresource = self._resources.names(attributes)
        return await self._resources.respond(request, user, attributes)

    def _attributes(self, request: Request, segments: tuple[str, ...]) -> Attributes:
        prefix = ("apis", self._api.group, self._api.version)
        if segments[:3] == prefix and len(segments) > 3:
            query = request.scope["query_string"]
            return parse_resource_path(segments[3:], request.method, query, self._api.group, self._api.version)
        return NonResourceAttributes("/" + "/".join(segments), request.method.lower())
