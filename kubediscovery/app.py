"""The HTTP side: one entry for every request, which is authenticated, authorised and then answered.

Paths are not matched by a router but taken apart once, by :mod:`kubediscovery.requests`, so that what is reviewed and
what is served cannot differ.
"""

import logging
import re
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from kubediscovery import __version__
from kubediscovery.api import COMPOSITIONS, ApiGroup
from kubediscovery.authz import Attributes, NonResourceAttributes, ResourceAttributes
from kubediscovery.compositions import Composition, CompositionList, Compositions, Target
from kubediscovery.discovery import Discovery, Document
from kubediscovery.errors import InternalError, MethodNotAllowed, NotFound, StatusError, Subject
from kubediscovery.identity import Headers, User
from kubediscovery.kinds import Kind
from kubediscovery.metrics import CONTENT_TYPE, Metrics
from kubediscovery.negotiation import AGGREGATED_DISCOVERY, PLAIN, TABLES, MediaType, negotiate
from kubediscovery.options import Options, check_version, parse_options
from kubediscovery.readiness import Readiness, Report
from kubediscovery.requests import ALL, parse_resource_path, split_path
from kubediscovery.responses import document_response, error_response, json_response, text_response, warnings
from kubediscovery.store import Store
from kubediscovery.table import table_of
from kubediscovery.visibility import Asks, Visibility

logger = logging.getLogger(__name__)

# Exactly these need no proof of anything (k8s.io/apiserver, pkg/server/options/authorization.go).
_OPEN = {("healthz",), ("livez",), ("readyz",)}
AUDIT_ID = "audit-id"
# What comes in is written to the log and into a header: nothing may end the line.
_AUDIT_ID = re.compile(r"[!-~]{1,64}")
# Verbs that metrics tell apart; a method may be any word.
_READING = ("get", "head", "list", "watch")
_VERBS = frozenset((*_READING, "post", "put", "create", "update", "patch", "delete", "deletecollection"))


class Authenticates(Protocol):
    """Who tells callers apart."""

    async def authenticate(self, headers: Headers, peer_certificate: bytes | None) -> User:
        """The caller; raises :class:`Unauthorized` for a bad credential."""
        ...


class Authorizes(Asks, Protocol):
    """Who tells what a caller may."""

    async def authorize(self, user: User, attributes: Attributes) -> None:
        """Return for what is allowed; raise :class:`Forbidden` or :class:`InternalError` otherwise."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that answers are made with."""

    api: ApiGroup
    store: Store
    authenticator: Authenticates
    authorizer: Authorizes
    readiness: Readiness
    metrics: Metrics


def create_app(services: Services) -> Starlette:
    """The ASGI application; it starts and stops nothing."""
    app = Starlette()
    # No route: one would match the decoded path, and leave out paths with a line end in them.
    app.router.default = Entry(services)
    return app


class Entry:
    """The one endpoint: renders every error, counts and logs every request."""

    def __init__(self, services: Services) -> None:
        self._metrics = services.metrics
        self._handler = Handler(services)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; no exception leaves here."""
        request = Request(scope, receive)
        audit_id = _audit_id(request)
        labels = Labels()
        started = time.perf_counter()
        with self._metrics.inflight.track_inprogress():
            try:
                response = await self._handler.respond(request, labels)
            except StatusError as error:
                if error.__cause__ is not None:
                    # The caller is not told why a review failed; whoever runs the server has to know.
                    logger.warning("request %s: %s: %s", audit_id, error, error.__cause__)
                response = error_response(error)
            except Exception:
                logger.exception("request %s failed", audit_id)
                response = error_response(InternalError(f"an internal error occurred; the log has it as {audit_id}"))
            response.headers[AUDIT_ID] = audit_id
            await response(scope, receive, send)
        seconds = time.perf_counter() - started
        self._metrics.observe(labels.verb, labels.resource, labels.subresource, response.status_code, seconds)


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
        self._discovery = Discovery(services.api)
        self._compositions = Compositions(services.api, services.store)
        self._visibility = Visibility(services.authorizer, services.api.kinds)

    async def respond(self, request: Request, labels: Labels) -> Response:
        """Authenticate, authorise, answer."""
        segments = split_path(request.scope["raw_path"])
        if segments in _OPEN:
            return self._probe(request, segments)
        peer_certificate = request.scope.get("state", {}).get("peer_certificate")
        user = await self._services.authenticator.authenticate(request.scope["headers"], peer_certificate)
        attributes = self._attributes(request, segments)
        labels.verb = attributes.verb if attributes.verb in _VERBS else "other"
        await self._services.authorizer.authorize(user, attributes)
        if isinstance(attributes, NonResourceAttributes):
            return self._non_resource(request, segments)
        return await self._resource(request, user, attributes, labels)

    def _attributes(self, request: Request, segments: tuple[str, ...]) -> Attributes:
        prefix = ("apis", self._api.group, self._api.version)
        if segments[:3] == prefix and len(segments) > 3:
            query = request.scope["query_string"]
            return parse_resource_path(segments[3:], request.method, query, self._api.group, self._api.version)
        return NonResourceAttributes("/" + "/".join(segments), request.method.lower())

    def _probe(self, request: Request, segments: tuple[str, ...]) -> Response:
        _require_reading(request.method)
        name = "/".join(segments[1:])
        readiness = self._services.readiness
        probe = readiness.ready if segments[0] == "readyz" else readiness.live
        excluded = frozenset(request.query_params.getlist("exclude"))
        report: Report = probe(name, verbose="verbose" in request.query_params, excluded=excluded)
        return text_response(report.text, code=200 if report.passed else 500)

    def _non_resource(self, request: Request, segments: tuple[str, ...]) -> Response:
        _require_reading(request.method)
        match segments:
            case ("healthz" | "livez" | "readyz", *_):
                return self._probe(request, segments)
            case ("metrics",):
                return text_response(self._services.metrics.render(), media_type=CONTENT_TYPE)
            case ("version",):
                return json_response(_VERSION)
            case ():
                return json_response({"paths": self._paths()})
        return document_response(self._document(request, segments), request.headers.get("if-none-match", ""))

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

    async def _resource(self, request: Request, user: User, attributes: ResourceAttributes, labels: Labels) -> Response:
        target = self._target(attributes)
        labels.resource = target.kind.group_resource if target.kind else COMPOSITIONS
        labels.subresource = attributes.subresource
        _require_reading(request.method)
        if attributes.verb == "watch":
            raise MethodNotAllowed("watch is not supported on this resource; accepted are get and list")
        wanted = negotiate(request.headers.get("accept", ""), (*TABLES, PLAIN))
        options = parse_options(request.scope["query_string"])
        check_version(options, self._services.store.version)
        visible = await self._visibility.kinds(user, target.namespace)
        answer = self._answer(attributes, target, options, visible)
        return _represent(answer, wanted, options)

    def _target(self, attributes: ResourceAttributes) -> Target:
        namespace = attributes.namespace or None
        if attributes.resource == COMPOSITIONS and not attributes.subresource:
            if attributes.verb == "get" and namespace is None:
                raise _no_such(attributes, "give its namespace: namespaces/{namespace}/compositions/{name}")
            return Target(None, namespace)
        kind = self._api.parent(attributes.resource)
        if kind is None or attributes.subresource != COMPOSITIONS:
            raise _no_such(attributes)
        if not kind.namespaced and namespace is not None:
            raise _no_such(attributes, f"{kind.group_resource} is not namespaced")
        if kind.namespaced and namespace is None and attributes.name != ALL:
            raise _no_such(attributes, f"{kind.group_resource} is namespaced: give the namespace, or * as the name")
        return Target(kind, namespace)

    def _answer(
        self, attributes: ResourceAttributes, target: Target, options: Options, visible: frozenset[Kind]
    ) -> Composition | CompositionList:
        if target.kind is None and attributes.verb == "get":
            return self._compositions.named(target.namespace or "", attributes.name, visible)
        if target.kind is None or attributes.name == ALL:
            return self._compositions.many(target, options, visible)
        return self._compositions.one(target.kind, target.namespace or "", attributes.name, visible)


def _represent(answer: Composition | CompositionList, wanted: MediaType, options: Options) -> Response:
    said = [f'unknown query parameter "{name}" was ignored' for name in options.ignored]
    if isinstance(answer, CompositionList):
        items, version = answer.items, answer.metadata.resource_version
        said += [f"{found.resource} are left out: {found.message}" for found in answer.omitted]
    else:
        items, version = [answer], answer.metadata.resource_version
    content: object = answer
    if wanted.as_kind:
        content = table_of(
            items,
            version=wanted.version,
            include_object=options.include_object,
            now=datetime.now(UTC),
            list_version=version,
        )
    return json_response(content, pretty=options.pretty, headers=warnings(said))


def _no_such(attributes: ResourceAttributes, hint: str = "") -> NotFound:
    resource = "/".join(filter(None, (attributes.resource, attributes.subresource)))
    return NotFound(
        f'the server could not find the requested resource "{resource}"' + (f": {hint}" if hint else ""),
        subject=Subject(attributes.group, attributes.resource, attributes.name),
    )


def _audit_id(request: Request) -> str:
    given = request.headers.get(AUDIT_ID, "")
    return given if _AUDIT_ID.fullmatch(given) else str(uuid.uuid4())


def _require_reading(method: str) -> None:
    if method not in ("GET", "HEAD"):
        raise MethodNotAllowed(f"{method} is not supported here; accepted are GET and HEAD")


_MAJOR, _MINOR, _ = __version__.split(".", 2)
_VERSION = {"major": _MAJOR, "minor": _MINOR, "gitVersion": f"v{__version__}"}
