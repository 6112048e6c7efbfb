"""Requests to typed handlers: what these are given is read, they are called, and what they give is written."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from kubediscovery.authz import ResourceAttributes
from kubediscovery.bodies import Bodies, Sent
from kubediscovery.compositions import Target
from kubediscovery.continuation import Key
from kubediscovery.contracts import CONNECT, CREATE, GET, WATCH, Contract, Handler
from kubediscovery.deadline import Bounded
from kubediscovery.drawing import EVERY_KIND
from kubediscovery.errors import Expired, NotFound, ServerTimeout, ServiceUnavailable, Subject
from kubediscovery.freshness import fresh_enough, require_exact
from kubediscovery.identity import User
from kubediscovery.kinds import Kind
from kubediscovery.objects import Object
from kubediscovery.options import parse_terms
from kubediscovery.pages import list_metadata, list_version, places_after
from kubediscovery.patches import Patch, Shown
from kubediscovery.plans import Plan, Plans
from kubediscovery.registry import Registration, Renew
from kubediscovery.requests import ALL
from kubediscovery.responses import warnings
from kubediscovery.reviews import REVIEW_MAX_AGE
from kubediscovery.services import Services
from kubediscovery.shared_values import SharedValues
from kubediscovery.sight import Sight
from kubediscovery.streaming import WatchResponse
from kubediscovery.subresource import Around, ObservedRequest, Seen, SubresourceRequest
from kubediscovery.tokens import websocket_protocols
from kubediscovery.value_watch import Changes, ValueWatch, Watched
from kubediscovery.values import Form, Success, Value
from kubediscovery.wish import MOST_SECONDS

# Handlers of one list that wait for something at the same time, and calls after which others have their turn.
_SIDE_BY_SIDE, _AT_ONCE = 8, 64
_KINDS = 1_024
# What has one name, or *, is no long request to kube-apiserver, which cuts it off after a minute: this ends before.
_SHORT_WATCH = float(MOST_SECONDS)
_NOTHING_SENT = Sent()


class Calls:
    """Answers for one registration; who may ask has been decided."""

    def __init__(self, services: Services, registration: Registration) -> None:
        assert registration.contract is not None  # noqa: S101 - who answers otherwise is asked otherwise
        self._services = services
        self._registration = registration
        self._contract: Contract = registration.contract
        self._plans = Plans(registration, self._contract)
        self._bodies = Bodies(self._contract)
        self._form = Form(registration, self._contract)
        self._around = Around(services.compositions, services.authorizer, services.client)
        self._related = self._contract.related
        self._means = lru_cache(_KINDS)((registration.on or EVERY_KIND).passes)

    @cached_property
    def _changes(self) -> Changes:
        """Made for the first watch: it is told of every change."""
        return Changes(self._services.store, self._services.journal, self._services.past)

    async def respond(self, request: Request, user: User, attributes: ResourceAttributes, renew: Renew) -> Response:
        """The answer; raises :class:`StatusError` for what there is none for."""
        plan = self._plans.plan(request, attributes)
        kind = self._kind(attributes)
        if plan.watches:
            return await self._watch(request, user, attributes, kind, plan, renew)
        if plan.options.least_version:
            is_first = plan.options.start is None and not plan.options.exact
            seen = self._services.settled if is_first else self._services.store
            await fresh_enough(seen, plan.options.least_version)
        if attributes.name == ALL:
            return await self._list(user, attributes, kind, plan)
        return await self._one(request, user, attributes, kind, plan)

    def _kind(self, attributes: ResourceAttributes) -> Kind:
        """The kind that was asked about; kinds may have come and gone since that was looked up for the route."""
        kind = self._services.api.kinds.by_resource(attributes.resource)
        if kind is None or not self._means(kind):
            raise NotFound("the server could not find the requested resource")
        return kind

    async def _one(
        self, request: Request, user: User, attributes: ResourceAttributes, kind: Kind, plan: Plan
    ) -> Response:
        acts = plan.verb not in (GET, CONNECT)
        sent = await self._bodies.read(request, plan.verb, plan.acting) if acts else _NOTHING_SENT
        sight = await self._services.visibility.sight(user, attributes.namespace or None, related=self._related)
        parent = self._parent(kind, attributes)
        warned, body, dry_run = [*sent.warned], sent.body, plan.acting.dry_run or sent.dry_run
        if isinstance(body, Patch):
            body = replace(body, subject=self._subject(parent), shown=self._shown(parent), warn=warned.append)
        given = await self._call(
            plan.handler,
            SubresourceRequest(
                user=user,
                verb=plan.verb,
                parent=parent,
                query=plan.query,
                body=body,
                dry_run=dry_run,
                seen=Seen(self._services.store, sight),
                http=request if plan.verb == CONNECT else None,
                around=self._rehearsing() if dry_run else self._around,
            ),
        )
        if plan.verb == CONNECT:
            return _response(given)
        return await self._represent(given, parent, plan, warned)

    def _subject(self, parent: Object) -> Subject:
        return Subject(self._registration.group, self._registration.kind, parent.name)

    def _shown(self, parent: Object) -> Shown:
        """Writes what a handler gives of an object as it is answered, which is what patches are of."""
        return lambda given: self._form.written(Value(parent, given))

    def _parent(self, kind: Kind, attributes: ResourceAttributes) -> Object:
        """The object that was asked about.

        Raises :class:`NotFound`, and :class:`ServiceUnavailable` where nothing is known of its kind.
        """
        store = self._services.store
        parent = store.find(kind, attributes.namespace, attributes.name)
        if parent is None or store.pending:
            self._services.compositions.require_known(Target(kind, attributes.namespace or None))
        if parent is None:
            subject = Subject(kind.group, kind.resource, attributes.name)
            raise NotFound(f'{kind.group_resource} "{attributes.name}" not found', subject=subject)
        return parent

    async def _call(self, handler: Handler, asked: SubresourceRequest) -> object:
        """What the handler gives; raises :class:`ServerTimeout` where its time is over."""
        return await Bounded(handler(asked), self._contract.timeout, self._overdue)

    def _overdue(self) -> ServerTimeout:
        return ServerTimeout(f"{self._registration} did not answer within {self._contract.timeout:g} s")

    def _checked(self, given: object) -> msgspec.Struct:
        """What a handler gave, if it is what it was registered to give; a fault of its author's otherwise."""
        returns = self._contract.returns
        if returns is None or not isinstance(given, returns):
            wanted = returns.__name__ if returns is not None else None
            raise TypeError(f"{self._registration.place}: the handler gave a {type(given).__name__}, not a {wanted}")
        return given

    def _rehearsing(self) -> Around:
        from kubediscovery.rehearsal import Rehearsal

        client = self._services.client
        return replace(self._around, client=Rehearsal(client)) if client is not None else self._around

    async def _represent(self, given: object, parent: Object, plan: Plan, warned: Sequence[str]) -> Response:
        code = 201 if plan.verb == CREATE else 200
        if self._contract.returns is None and given is None:
            content: object = Success(code=code)
        else:
            content = self._form.one(Value(parent, self._checked(given)), plan.representation)
        said = warnings((*plan.ignored, *warned)) if warned else plan.said
        response = await self._services.renderer.answer(content, plan.representation, known=plan.known, headers=said)
        if plan.verb == CREATE:
            response.status_code = code
        return response

    async def _list(self, user: User, attributes: ResourceAttributes, kind: Kind, plan: Plan) -> Response:
        await self._authorize_list(user, kind, attributes.namespace)
        namespace, store, journal = attributes.namespace or None, self._services.store, self._services.journal
        sight = await self._services.visibility.sight(user, namespace, related=self._related)
        require_exact(store, plan.options)
        self._services.compositions.require_known(Target(kind, namespace))
        options = plan.options
        version = list_version(options.start, journal.issue(), journal.oldest)
        places = places_after(((_key(root), root) for root in store.objects(kind, namespace)), options)
        taken = places[: options.limit] if options.limit else places
        metadata = list_metadata(version, places, len(places) - len(taken), options)
        values = await self._values((root for _, root in taken), user, sight, plan.query)
        content = self._form.many(values, metadata, plan.representation)
        return await self._services.renderer.answer(content, plan.representation, known=plan.known, headers=plan.said)

    async def _authorize_list(self, user: User, kind: Kind, namespace: str, max_age: float | None = None) -> None:
        """Raise :class:`Forbidden` where the caller may not list the objects themselves, whose names a list tells."""
        asked = ResourceAttributes("list", kind.group, kind.version, kind.resource, namespace=namespace)
        await self._services.authorizer.authorize(user, asked, max_age=max_age)

    async def _values(self, roots: Iterable[Object], user: User, sight: Sight, query: object) -> list[Value]:
        """The values of those objects that are still there when their turn comes, in their order."""
        found: dict[int, Value] = {}
        waiting = iter(enumerate(roots))

        async def work() -> None:
            for number, root in waiting:
                value = await self._value(root.uid, user, sight, query)
                if value is not None:
                    found[number] = value
                if number % _AT_ONCE == _AT_ONCE - 1:
                    await asyncio.sleep(0)

        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(_SIDE_BY_SIDE):
                    tasks.create_task(work())
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        return [found[number] for number in sorted(found)]

    async def _value(self, uid: str, user: User, sight: Sight, query: object) -> Value | None:
        """What the handler gives of one object; None where it, or what is asked of it, is not there any more."""
        parent = self._services.store.get(uid)
        if parent is None:
            return None
        seen = Seen(self._services.store, sight)
        return await self._valued(
            SubresourceRequest(user=user, parent=parent, query=query, seen=seen, around=self._around)
        )

    async def _valued(self, asked: SubresourceRequest) -> Value | None:
        try:
            return Value(asked.parent, self._checked(await self._call(self._contract.handlers[GET], asked)))
        except NotFound:
            return None

    async def _observed(self, uid: str, user: User, sight: Sight, query: object) -> tuple[Value | None, bool]:
        """What :meth:`_value` gives, and whether the handler has looked at who asks."""
        parent = self._services.store.get(uid)
        if parent is None:
            return None, False
        seen = Seen(self._services.store, sight)
        asked = ObservedRequest(user=user, parent=parent, query=query, seen=seen, around=self._around)
        return await self._valued(asked), asked.is_personal

    def _shared(self, sight: Sight, query: object) -> SharedValues:
        """The values of all who watch with this sight and this query."""

        async def ask(uid: str, user: User) -> tuple[Value | None, bool]:
            return await self._observed(uid, user, sight, query)

        journal = self._services.journal
        return self._changes.shared(sight, msgspec.json.encode(query), lambda: SharedValues(ask, self._form, journal))

    async def _watch(
        self, request: Request, user: User, attributes: ResourceAttributes, kind: Kind, plan: Plan, renew: Renew
    ) -> Response:
        services, namespace = self._services, attributes.namespace or None
        if services.readiness.draining.is_set():
            # As for compositions: there may be another replica.
            raise ServiceUnavailable("the server is shutting down", retry_after=1)
        services.compositions.require_known(Target(kind, namespace))
        await fresh_enough(services.store, plan.options.least_version)

        async def sight_now() -> Sight:
            if attributes.name == ALL:
                await self._authorize_list(user, kind, attributes.namespace, REVIEW_MAX_AGE)
            return await services.visibility.sight(user, namespace, related=self._related, max_age=REVIEW_MAX_AGE)

        sight = await sight_now()
        await renew()

        async def review() -> None:
            await renew()
            if await sight_now() != sight:
                raise Expired("what you may see has changed, list again")

        name = "" if attributes.name == ALL else attributes.name
        terms = parse_terms(request.scope["query_string"])
        watch = ValueWatch(
            self._changes,
            Watched(kind, namespace, name, plan.options, sight.kinds, self._related),
            self._shared(sight, plan.query),
            user,
            plan.representation,
            terms if attributes.verb == WATCH else replace(terms, seconds=min(terms.seconds, _SHORT_WATCH)),
            review,
        )
        protocols = websocket_protocols(request.headers.raw)
        sent = services.metrics.watched(attributes.group, attributes.version, kind.group_resource)
        return WatchResponse(watch, sent=sent, subprotocol=next(iter(protocols), None), headers=plan.said)


def _key(root: Object) -> Key:
    return Key(root.namespace, root.name, root.kind.group_resource)


def _response(given: object) -> Response:
    """What a handler of connections gave."""
    if not isinstance(given, Response):
        raise TypeError(f"a handler for {CONNECT} gives a starlette Response, not a {type(given).__name__}")
    return given
