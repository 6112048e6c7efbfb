"""Requests for resources of the API group, answered as the caller may see them."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from kubediscovery.api import COMPOSITIONS
from kubediscovery.authz import ResourceAttributes
from kubediscovery.broadcast import Broadcaster
from kubediscovery.composition import Composition, CompositionList, composition_name_of
from kubediscovery.composition_plans import CompositionPlans, Kept, Plan, drawer_of
from kubediscovery.compositions import Target
from kubediscovery.errors import BadRequest, Expired, NotFound, ServiceUnavailable
from kubediscovery.freshness import fresh_enough, require_exact
from kubediscovery.identity import User
from kubediscovery.lists import ListRequest, Lists
from kubediscovery.omissions import ANY, Omitted
from kubediscovery.options import Options, Terms, parse_terms
from kubediscovery.patience import Asking, Patience, gone
from kubediscovery.registry import Renew
from kubediscovery.representation import transform
from kubediscovery.requests import ALL
from kubediscovery.responses import warnings
from kubediscovery.reviews import REVIEW_MAX_AGE
from kubediscovery.selectors import Requirement, Selector
from kubediscovery.services import Services
from kubediscovery.sight import Sight
from kubediscovery.streaming import WatchResponse
from kubediscovery.tokens import websocket_protocols
from kubediscovery.views import Selection
from kubediscovery.visibility import authorize_beside
from kubediscovery.watch import Watch
from kubediscovery.wish import HEADER, MOST_SECONDS, REACHED, TIMED_OUT

# What has one name, or *, is no long request to kube-apiserver, which cuts it off after a minute: this ends before.
_SHORT_WATCH = float(MOST_SECONDS)
# Bytes of an answer that is kept, as it was given last, with what it was asked by.
_LONGEST_ANSWER = 16 * 1024


class Resources:
    """Answers for compositions, one, many and watched; who may ask has been decided."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._api = services.api
        self._compositions = services.compositions
        self._broadcaster = Broadcaster(
            services.store, self._compositions, services.journal, services.past, services.turns
        )
        self._settled = services.settled
        self._lists = Lists(services.store, self._compositions, services.renderer, services.turns)
        self._patience = Patience(self._broadcaster, services.api.kinds)
        self._visibility = services.visibility
        self._plans = CompositionPlans(services.api, services.store)

    def names(self, attributes: ResourceAttributes) -> tuple[str, str]:
        """Resource and subresource as metrics call them; empty for what does not exist."""
        try:
            target = self._plans.target(attributes)
        except NotFound:
            return "", ""
        return target.kind.group_resource if target.kind else COMPOSITIONS, attributes.subresource

    async def respond(self, request: Request, user: User, attributes: ResourceAttributes, renew: Renew) -> Response:
        """The answer; raises :class:`StatusError` for what there is none for.

        ``renew`` reviews the request once more, not with an old verdict, and raises what it did not raise before.
        """
        plan, store = self._plans.plan(request, attributes), self._services.store
        if plan.watches:
            return await self._watch(request, user, attributes, plan, renew)
        # A page goes on with what was answered before, and what may not be newer cannot be waited for.
        is_first = plan.options.start is None and not plan.options.exact
        await fresh_enough(self._settled if is_first else store, plan.options.least_version)
        beside = await self._beside(user, attributes, plan) if plan.beside else ()
        related = plan.options.drawing.reaches_out
        sight = beside[0] if beside else await self._visibility.sight(user, plan.target.namespace, related=related)
        if plan.options.wish is not None:
            return await self._wait(request, user, attributes, plan, sight, renew)
        require_exact(store, plan.options)
        generation, kept = store.generation, plan.kept
        if kept is not None and kept.sight == sight and kept.generation == generation:
            return kept.response
        if attributes.name == ALL if plan.target.kind is not None else attributes.verb != "get":
            return await self._list(plan, sight, *beside[1:])
        answer = self._answer(attributes, plan.target, plan.options, sight)
        response = await self._represent(answer, plan)
        if plan.lasts(answer) and len(response.body) <= _LONGEST_ANSWER:
            plan.kept = Kept(sight, generation, response)
        return response

    async def _wait(
        self, request: Request, user: User, attributes: ResourceAttributes, plan: Plan, sight: Sight, renew: Renew
    ) -> Response:
        if plan.options.wish is None or attributes.verb != "get" or attributes.name == ALL:
            raise BadRequest("waitFor is for one composition, not for a list of them")
        wish = plan.options.wish.within(self._services.limits.seconds)

        async def review() -> Sight:
            await renew()
            return await self._sight_now(user, plan)

        def answer(sight: Sight) -> Composition:
            found = self._answer(attributes, plan.target, plan.options, sight)
            wish.require_of(found.root.kind, found.status.rollout)
            return found

        draining = self._services.readiness.draining
        asking = Asking(wish, answer, review, plan.options.drawing, lambda: gone(request.receive, draining))
        composition, reached = await self._patience.wait(asking, sight)
        response = await self._represent(composition, plan, wish.warnings(reached=reached))
        response.headers[HEADER] = REACHED if reached else TIMED_OUT
        return response

    async def _watch(
        self, request: Request, user: User, attributes: ResourceAttributes, plan: Plan, renew: Renew
    ) -> Response:
        if self._services.readiness.draining.is_set():
            # It would end at once, which client-go takes for a fault, and lists anew: there may be another replica
            # (pkg/server/filters/watch_termination.go, waitgroup.go).
            raise ServiceUnavailable("the server is shutting down", retry_after=1)
        target, options, terms = plan.target, plan.options, parse_terms(request.scope["query_string"])
        self._compositions.require_known(target)
        # A client may come from a replica that has seen more: what is told here must not be older.
        await fresh_enough(self._services.store, options.least_version)
        sight = await self._sight_now(user, plan)
        await renew()

        async def review() -> None:
            await renew()
            if await self._sight_now(user, plan) != sight:
                raise Expired("what you may see has changed, list again")

        watch = Watch(
            self._broadcaster,
            _selection(attributes, target, options),
            sight,
            plan.representation,
            terms if attributes.verb == "watch" else _shortened(terms),
            review,
            api_version=self._api.api_version,
        )
        protocols = websocket_protocols(request.headers.raw)
        sent = self._services.metrics.watched(attributes.group, attributes.version, self.names(attributes)[0])
        return WatchResponse(
            watch, sent=sent, subprotocol=next(iter(protocols), None), headers=warnings(_ignored(options))
        )

    async def _sight_now(self, user: User, plan: Plan) -> Sight:
        if plan.beside:
            return (await self._sights(user, plan, max_age=REVIEW_MAX_AGE))[0]
        related = plan.options.drawing.reaches_out
        return await self._visibility.sight(user, plan.target.namespace, related=related, max_age=REVIEW_MAX_AGE)

    async def _sights(self, user: User, plan: Plan, *, max_age: float | None = None) -> tuple[Sight, ...]:
        """What the caller may see in each namespace of the request, in the path's own or the first named one first."""
        names, related = (plan.target.namespace or "", *plan.beside), plan.options.drawing.reaches_out
        return await self._visibility.sights(user, names, related=related, max_age=max_age)

    async def _beside(self, user: User, attributes: ResourceAttributes, plan: Plan) -> tuple[Sight, ...]:
        if attributes.verb == "list" or attributes.name == ALL:
            await authorize_beside(self._services.authorizer, user, attributes, plan.beside)
        return await self._sights(user, plan)

    def _answer(self, attributes: ResourceAttributes, target: Target, options: Options, sight: Sight) -> Composition:
        if target.kind is None:
            return self._compositions.named(attributes.namespace, attributes.name, sight, options.drawing)
        return self._compositions.one(target.kind, attributes.namespace, attributes.name, sight, options.drawing)

    async def _list(self, plan: Plan, sight: Sight, *beside: Sight) -> Response:
        begun = self._compositions.begin(plan.target, plan.options, sight, *beside)
        if drawer_of(plan.options) is not None:
            return await self._represent(await self._lists.whole(begun, plan.options), plan)
        said = warnings(_said(begun.head, plan.options))
        return await self._lists.answer(ListRequest(begun, plan.options, plan.representation, plan.known, said))

    async def _represent(self, answer: Composition | CompositionList, plan: Plan, said: Iterable[str] = ()) -> Response:
        renderer, representation = self._services.renderer, plan.representation
        if plan.lasts(answer):
            return await renderer.lasting(answer, representation, known=plan.known)
        headers = warnings((*_said(answer, plan.options), *said))
        drawer = drawer_of(plan.options)
        if drawer is None:
            content = transform(answer, representation, datetime.now(UTC))
        else:
            # A drawing of ten thousand objects takes longer than others should wait for.
            content = await asyncio.to_thread(drawer.draw, answer, datetime.now(UTC), self._services.store.get)
        return await renderer.answer(content, representation, known=plan.known, headers=headers)


def _selection(attributes: ResourceAttributes, target: Target, options: Options) -> Selection:
    """What a watch is about: the path's name is one more field to select by."""
    fields = options.fields
    if attributes.name not in ("", ALL):
        name = composition_name_of(target.kind, attributes.name) if target.kind else attributes.name
        named = Requirement("metadata.name", "in", frozenset((name,)))
        fields = Selector((named, *(found for found in fields.requirements if found != named)))
    return Selection(target, options.labels, fields, options.drawing)


def _shortened(terms: Terms) -> Terms:
    return replace(terms, seconds=min(terms.seconds, _SHORT_WATCH))


def _ignored(options: Options) -> Iterator[str]:
    return (f'unknown query parameter "{name}" was ignored' for name in options.ignored)


def _said(answer: Composition | CompositionList, options: Options) -> Iterator[str]:
    """What the caller is warned of."""
    yield from _ignored(options)
    for found in _omitted(answer, options):
        if found.group != ANY:
            what = f"all resources of {found.group}" if found.resource == ANY else found.resource
            yield f"{what} are left out: {found.message}"


def _omitted(answer: Composition | CompositionList, options: Options) -> Iterable[Omitted]:
    """What was left out, of one composition only where its answer has no place to say so."""
    if isinstance(answer, CompositionList):
        return answer.omitted
    drawer = drawer_of(options)
    return answer.status.omitted or () if drawer is not None and not drawer.tells_omitted else ()
