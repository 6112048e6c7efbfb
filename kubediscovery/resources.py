"""Requests for resources of the API group, answered as the caller may see them."""

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from kubediscovery.api import COMPOSITIONS
from kubediscovery.authz import ResourceAttributes
from kubediscovery.compositions import Composition, CompositionList, Compositions, Target
from kubediscovery.errors import MethodNotAllowed, NotFound, Subject
from kubediscovery.identity import User
from kubediscovery.kinds import Kind
from kubediscovery.negotiation import PLAIN, TABLES, MediaType, negotiate
from kubediscovery.options import Options, check_version, parse_options
from kubediscovery.requests import ALL
from kubediscovery.responses import json_response, require_reading, warnings
from kubediscovery.services import Services
from kubediscovery.table import table_of
from kubediscovery.visibility import Visibility


class Resources:
    """Answers for compositions, one, many and watched; who may ask has been decided."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._api = services.api
        self._compositions = Compositions(services.api, services.store)
        self._visibility = Visibility(services.authorizer, services.api.kinds)

    def names(self, attributes: ResourceAttributes) -> tuple[str, str]:
        """Resource and subresource as metrics call them; raises :class:`NotFound` for what does not exist."""
        target = self._target(attributes)
        return target.kind.group_resource if target.kind else COMPOSITIONS, attributes.subresource

    async def respond(self, request: Request, user: User, attributes: ResourceAttributes) -> Response:
        """The answer; raises :class:`StatusError` for what there is none for."""
        target = self._target(attributes)
        require_reading(request.method)
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
