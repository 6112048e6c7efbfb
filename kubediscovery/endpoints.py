"""What is answered beside resources: probes, metrics, the version and the documents that describe the API."""

from functools import cached_property
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from kubediscovery import __version__
from kubediscovery.discovery import Discovery, Document
from kubediscovery.errors import NotFound
from kubediscovery.metrics import CONTENT_TYPE
from kubediscovery.negotiation import (
    AGGREGATED_DISCOVERY,
    PLAIN,
    UNCONVERTED,
    Representation,
    negotiate,
    representation_of,
)
from kubediscovery.readiness import Report
from kubediscovery.responses import json_response, known_tags, require_reading, text_response
from kubediscovery.served import Served
from kubediscovery.services import Services

if TYPE_CHECKING:
    from kubediscovery.openapi import OpenApi


class Endpoints:
    """Answers for paths that are no resources; who may ask has been decided."""

    def __init__(self, services: Services, served: Served) -> None:
        self._services = services
        self._served = served
        self._made = served.kinds.version, Discovery(served)

    @property
    def _discovery(self) -> Discovery:
        """As of the present kinds."""
        version = self._served.kinds.version
        if self._made[0] != version:
            self._made = version, Discovery(self._served)
        return self._made[1]

    @cached_property
    def _openapi(self) -> "OpenApi":
        """Imported when it is first asked for: all that is in it would take a twentieth of every start.

        It is the same whatever kinds there are: who merges it into a cluster's document does that once.
        """
        from kubediscovery.openapi import OpenApi

        return OpenApi(self._served)

    async def respond(self, request: Request, segments: tuple[str, ...]) -> Response:
        """The answer; raises :class:`NotFound` for a path that is not served and :class:`MethodNotAllowed`."""
        require_reading(request.method)
        match segments:
            case ("healthz" | "livez" | "readyz", *_):
                return self.probe(request, segments)
            case ("metrics",):
                return text_response(self._services.metrics.render(), media_type=CONTENT_TYPE)
            case ("version",):
                # JSON is all that there is of it (k8s.io/apiserver, pkg/server/routes/version.go).
                negotiate(request.headers.get("accept", ""), (PLAIN,))
                return json_response(_VERSION)
            case ():
                return json_response({"paths": self._paths()})
            case ("openapi", *rest):
                return await self._described(request, tuple(rest))
        representation, document = self._document(request, segments)
        return await self._services.renderer.document(document, representation, known=known_tags(request.headers))

    def probe(self, request: Request, segments: tuple[str, ...]) -> Response:
        """``/livez`` or ``/readyz``, whole or one of its checks."""
        require_reading(request.method)
        name = "/".join(segments[1:])
        readiness = self._services.readiness
        probe = readiness.ready if segments[0] == "readyz" else readiness.live
        excluded = frozenset(request.query_params.getlist("exclude"))
        report: Report = probe(name, verbose="verbose" in request.query_params, excluded=excluded)
        return text_response(report.text, code=200 if report.passed else 500)

    async def _described(self, request: Request, segments: tuple[str, ...]) -> Response:
        found = self._openapi.find(segments, request.headers, request.scope["query_string"])
        known = known_tags(request.headers)
        response = await self._services.renderer.document(found.document, found.representation, known=known)
        response.headers.update(found.headers)
        return response

    def _document(self, request: Request, segments: tuple[str, ...]) -> tuple[Representation, Document]:
        found = self._discovery
        both = {("api",): (found.core, found.aggregated_core), ("apis",): (found.groups, found.aggregated)}
        query = request.scope["query_string"]
        if segments in both:
            representation = representation_of(request.headers, query, (*UNCONVERTED, *AGGREGATED_DISCOVERY))
            legacy, aggregated = both[segments]
            media_type = representation.media_type
            return representation, aggregated[media_type.version] if media_type.as_kind else legacy
        plain = found.below.get(segments[1:]) if segments[0] == "apis" else None
        if plain is None:
            raise NotFound("the server could not find the requested resource")
        return representation_of(request.headers, query, UNCONVERTED), plain

    def _paths(self) -> list[str]:
        below = {"/".join(("/apis", *segments)) for segments in self._discovery.below}
        documents = {f"/openapi/v3/apis/{found.api_version}" for found in self._served.versions}
        probes = ("/healthz", "/livez", "/metrics", "/readyz", "/version")
        return sorted({"/apis", *below, "/openapi/v2", "/openapi/v3", *documents, *probes})


_MAJOR, _MINOR, _ = __version__.split(".", 2)
_VERSION = {"major": _MAJOR, "minor": _MINOR, "gitVersion": f"v{__version__}"}
