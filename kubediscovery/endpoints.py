"""What is answered beside resources: probes, metrics, the version and the documents that describe the API."""

from starlette.requests import Request
from starlette.responses import Response

from kubediscovery import __version__
from kubediscovery.discovery import Discovery, Document
from kubediscovery.errors import NotFound
from kubediscovery.metrics import CONTENT_TYPE
from kubediscovery.negotiation import AGGREGATED_DISCOVERY, PLAIN, negotiate
from kubediscovery.readiness import Report
from kubediscovery.responses import document_response, json_response, require_reading, text_response
from kubediscovery.services import Services


class Endpoints:
    """Answers for paths that are no resources; who may ask has been decided."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._api = services.api
        self._discovery = Discovery(services.api)

    def respond(self, request: Request, segments: tuple[str, ...]) -> Response:
        """The answer; raises :class:`NotFound` for a path that is not served and :class:`MethodNotAllowed`."""
        require_reading(request.method)
        match segments:
            case ("healthz" | "livez" | "readyz", *_):
                return self.probe(request, segments)
            case ("metrics",):
                return text_response(self._services.metrics.render(), media_type=CONTENT_TYPE)
            case ("version",):
                return json_response(_VERSION)
            case ():
                return json_response({"paths": self._paths()})
        return document_response(self._document(request, segments), request.headers.get("if-none-match", ""))

    def probe(self, request: Request, segments: tuple[str, ...]) -> Response:
        """``/livez`` or ``/readyz``, whole or one of its checks."""
        require_reading(request.method)
        name = "/".join(segments[1:])
        readiness = self._services.readiness
        probe = readiness.ready if segments[0] == "readyz" else readiness.live
        excluded = frozenset(request.query_params.getlist("exclude"))
        report: Report = probe(name, verbose="verbose" in request.query_params, excluded=excluded)
        return text_response(report.text, code=200 if report.passed else 500)

    def _document(self, request: Request, segments: tuple[str, ...]) -> Document:
        accept = request.headers.get("accept", "")
        found = self._discovery
        if segments in (("api",), ("apis",)):
            wanted = negotiate(accept, (*AGGREGATED_DISCOVERY, PLAIN))
            plain, aggregated = {
                "api": (found.core, found.aggregated_core),
                "apis": (found.groups, found.aggregated),
            }[segments[0]]
            return aggregated[wanted.version] if wanted.as_kind else plain
        documents = {
            ("apis", self._api.group): found.group,
            ("apis", self._api.group, self._api.version): found.resources,
        }
        if segments not in documents:
            raise NotFound("the server could not find the requested resource")
        negotiate(accept, (PLAIN,))
        return documents[segments]

    def _paths(self) -> list[str]:
        group = f"/apis/{self._api.group}"
        return ["/apis", group, f"{group}/{self._api.version}", "/healthz", "/livez", "/metrics", "/readyz", "/version"]


_MAJOR, _MINOR, _ = __version__.split(".", 2)
_VERSION = {"major": _MAJOR, "minor": _MINOR, "gitVersion": f"v{__version__}"}
