"""Requests for resources of the API group, answered as the caller may see them."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from kubediscovery.api import COMPOSITIONS
from kubediscovery.authz import ResourceAttributes
from kubediscovery.broadcast import Broadcaster
from kubediscovery.compositions import Composition, CompositionList, Compositions, Target, composition_name_of
from kubediscovery.errors import Expired, NotFound, ServiceUnavailable, Subject
from kubediscovery.freshness import fresh_enough, require_exact
from kubediscovery.identity import User
from kubediscovery.kinds import Kind
from kubediscovery.negotiation import READABLE, WATCHABLE, Representation, representation_of
from kubediscovery.options import Options, Terms, parse_options, parse_terms, wants_watch
from kubediscovery.representation import transform
from kubediscovery.requests import ALL
from kubediscovery.responses import known_tags, require_reading, warnings
from kubediscovery.selectors import Requirement, Selector
from kubediscovery.services import Services
from kubediscovery.streaming import WatchResponse
from kubediscovery.tokens import websocket_protocols
from kubediscovery.views import Selection
from kubediscovery.visibility import Visibility
from kubediscovery.watch import REVIEW_MAX_AGE, Watch

# What has one name, or *, is no long request to kube-apiserver, which cuts it off after a minute: this ends before.
_SHORT_WATCH = 50.0

Renew = Callable[[], Awaitable[None]]


class Resources:
    """Answers for compositions, one, many and watched; who may ask has been decided."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._api = services.api
        self._compositions = Compositions(services.api, services.store, services.journal)
        self._broadcaster = Broadcaster(services.store, self._compositions, services.journal, services.past)
        self._visibility = Visibility(services.authorizer, services.api.kinds)

    def names(self, attributes: ResourceAttributes) -> tuple[str, str]:
        """Resource and subresource as metrics call them; empty for what does not exist."""
        try:
            target = self._target(attributes)
        except NotFound:
            return "", ""
        return target.kind.group_resource if target.kind else COMPOSITIONS, attributes.subresource

    async def respond(self, request: Request, user: User, attributes: ResourceAttributes, renew: Renew) -> Response:
        """The answer; raises :class:`StatusError` for what there is none for.

        ``renew`` reviews the request once more, not with an old verdict, and raises what it did not raise before.
        """
        target = self._target(attributes)
        require_reading(request.method)
        query = request.scope["query_string"]
        if attributes.verb == "watch" or (attributes.subresource and wants_watch(query)):
            return await self._watch(request, user, attributes, target, renew)
        options = parse_options(query)
        representation = representation_of(request.headers, query, READABLE, options.include_object)
        await fresh_enough(self._services.store, options.least_version)
        visible = await self._visibility.kinds(user, target.namespace)
        require_exact(self._services.store, options)
        answer = self._answer(attributes, target, options, visible)
        return await self._represent(request, answer, representation, options)

    async def _watch(
        self, request: Request, user: User, attributes: ResourceAttributes, target: Target, renew: Renew
    ) -> Response:
        if self._services.readiness.draining.is_set():
            # It would end at once, which client-go takes for a fault, and lists anew: there may be another replica
            # (pkg/server/filters/watch_termination.go, waitgroup.go).
            raise ServiceUnavailable("the server is shutting down", retry_after=1)
        query = request.scope["query_string"]
        options, terms = parse_options(query, watch=True), parse_terms(query)
        representation = representation_of(request.headers, query, WATCHABLE, options.include_object)
        self._compositions.require_known(target)
        # A client may come from a replica that has seen more: what is told here must not be older.
        await fresh_enough(self._services.store, options.least_version)
        visible = await self._visible_now(user, target)
        await renew()

        async def review() -> None:
            await renew()
            if await self._visible_now(user, target) != visible:
                raise Expired("what you may see has changed, list again")

        watch = Watch(
            self._broadcaster,
            _selection(attributes, target, options),
            visible,
            representation,
            terms if attributes.verb == "watch" else _shortened(terms),
            review,
            api_version=self._api.api_version,
        )
        protocols = websocket_protocols(request.headers.raw)
        sent = self._services.metrics.watched(attributes.group, attributes.version, self.names(attributes)[0])
        return WatchResponse(
            watch, sent=sent, subprotocol=next(iter(protocols), None), headers=warnings(_ignored(options))
        )

    async def _visible_now(self, user: User, target: Target) -> frozenset[Kind]:
        return await self._visibility.kinds(user, target.namespace, max_age=REVIEW_MAX_AGE)

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

    async def _represent(
        self, request: Request, answer: Composition | CompositionList, representation: Representation, options: Options
    ) -> Response:
        return await self._services.renderer.answer(
            transform(answer, representation, datetime.now(UTC)),
            representation,
            known=known_tags(request.headers),
            headers=warnings(_said(answer, options)),
        )


def _selection(attributes: ResourceAttributes, target: Target, options: Options) -> Selection:
    """What a watch is about: the path's name is one more field to select by."""
    fields = options.fields
    if attributes.name not in ("", ALL):
        name = composition_name_of(target.kind, attributes.name) if target.kind else attributes.name
        named = Requirement("metadata.name", "in", frozenset((name,)))
        fields = Selector((named, *(found for found in fields.requirements if found != named)))
    return Selection(target, options.labels, fields)


def _shortened(terms: Terms) -> Terms:
    return replace(terms, seconds=min(terms.seconds, _SHORT_WATCH))


def _ignored(options: Options) -> Iterator[str]:
    return (f'unknown query parameter "{name}" was ignored' for name in options.ignored)


def _said(answer: Composition | CompositionList, options: Options) -> Iterator[str]:
    """What the caller is warned of."""
    yield from _ignored(options)
    if isinstance(answer, CompositionList):
        for found in answer.omitted:
            yield f"{found.resource} are left out: {found.message}"


def _no_such(attributes: ResourceAttributes, hint: str = "") -> NotFound:
    resource = "/".join(filter(None, (attributes.resource, attributes.subresource)))
    return NotFound(
        f'the server could not find the requested resource "{resource}"' + (f": {hint}" if hint else ""),
        subject=Subject(attributes.group, attributes.resource, attributes.name),
    )
