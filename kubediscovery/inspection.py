"""Requests for what lint finds, answered as the caller may see it."""

import asyncio
from collections.abc import Collection, Iterator, Sequence

from starlette.requests import Request
from starlette.responses import Response

from kubediscovery.api import LINT
from kubediscovery.authz import ResourceAttributes
from kubediscovery.errors import BadRequest, MethodNotAllowed, NotFound, Subject
from kubediscovery.findings import Finding, LintReport, sort_findings, table_of_report
from kubediscovery.freshness import fresh_enough, require_exact
from kubediscovery.identity import User
from kubediscovery.lint import Lint
from kubediscovery.meta import ListMeta, Table
from kubediscovery.namespaces import spread
from kubediscovery.negotiation import FINDINGS, TABLE, Representation, representation_of
from kubediscovery.omissions import Omitted, omissions_in, require_filled
from kubediscovery.options import NOTHING_ASKED, Options, parse_options
from kubediscovery.parameters import OF_LINT
from kubediscovery.registry import Renew
from kubediscovery.responses import known_tags, require_reading, warnings
from kubediscovery.selectors import Selector
from kubediscovery.services import Services
from kubediscovery.sight import Sight
from kubediscovery.store import Store
from kubediscovery.visibility import authorize_beside

# Objects that are looked at before others have their turn: about a millisecond.
_AT_ONCE = 1_000
_UNFIT = {"fields": "fieldSelector", "start": "continue", "output": "output", "wish": "waitFor"}
_ACCEPTED = ", ".join(OF_LINT)


class Inspection:
    """Answers for lint; who may ask has been decided."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._store = services.store
        self._settled = services.settled
        self._visibility = services.visibility

    async def respond(self, request: Request, user: User, attributes: ResourceAttributes, renew: Renew) -> Response:
        """The findings in a namespace, or in all and about what is in none; raises :class:`StatusError` otherwise."""
        del renew
        require_reading(request.method)
        _require_list(attributes)
        query = request.scope["query_string"]
        options = _options(query, self._services.store.links.relations.names)
        representation = representation_of(request.headers, query, FINDINGS, options.include_object)
        await fresh_enough(self._store if options.exact else self._settled, options.least_version)
        sights = await self._sights(user, attributes, options)
        require_exact(self._store, options)
        require_filled(self._store.pending)
        report = await self._report(sights, options.labels)
        return await self._services.renderer.answer(
            _shaped(report, representation),
            representation,
            known=known_tags(request.headers),
            headers=warnings(_said(report.omitted, options)),
        )

    async def _sights(self, user: User, attributes: ResourceAttributes, options: Options) -> tuple[Sight, ...]:
        """What the caller may see in each namespace that is looked at."""
        await authorize_beside(self._services.authorizer, user, attributes, options.namespaces)
        namespaces = spread(attributes.namespace or None, options.namespaces)
        if len(namespaces) > 1:
            return await self._visibility.sights(user, namespaces, related=True)
        return (await self._visibility.sight(user, next(iter(namespaces), None), related=True),)

    async def _report(self, sights: Sequence[Sight], labels: Selector) -> LintReport:
        api_version, version = self._services.api.api_version, self._store.version
        findings = [each for sight in sights for each in await self._findings(sight)]
        return LintReport(
            api_version=api_version,
            metadata=ListMeta(resource_version=str(version)),
            items=sort_findings([found for found in findings if labels.matches(found.metadata.labels or {})]),
            omitted=omissions_in(self._store, sights),
        )

    async def _findings(self, sight: Sight) -> list[Finding]:
        """What is there is looked at little by little: what has gone when its turn comes is not reported on."""
        lint = Lint(self._store, sight, self._services.api.api_version)
        findings: list[Finding] = []
        owners: dict[str, list[str]] = {}
        for number, uid in enumerate(_looked_at(self._store, sight)):
            item = self._store.get(uid)
            if item is not None:
                findings.extend(lint.of(item))
                if item.owners:
                    owners[uid] = lint.owners(item)
            if number % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)
        return [*findings, *lint.cycles(owners)]


def _looked_at(store: Store, sight: Sight) -> list[str]:
    """The UIDs of all that may be seen where the request looks."""
    return [item.uid for kind in sight.kinds for item in store.objects(kind, sight.namespace)]


def _require_list(attributes: ResourceAttributes) -> None:
    if attributes.verb == "watch":
        raise MethodNotAllowed(f"{LINT} cannot be watched; list it again")
    if attributes.verb != "list":
        raise NotFound(
            f'{LINT}.{attributes.group} "{attributes.name}" not found: {LINT} is only listed',
            subject=Subject(attributes.group, LINT, attributes.name),
        )


def _options(query: bytes, relations: Collection[str]) -> Options:
    """The options of a list; raises :class:`BadRequest` for what compositions alone have."""
    options = parse_options(query, relations=relations)
    for name, parameter in _UNFIT.items():
        if getattr(options, name) != getattr(NOTHING_ASKED, name):
            raise BadRequest(f"{parameter} is not supported for {LINT}; accepted are {_ACCEPTED}")
    if options.drawing != NOTHING_ASKED.drawing:
        raise BadRequest(f"what is drawn of a tree means nothing for {LINT}; accepted are {_ACCEPTED}")
    return options


def _shaped(report: LintReport, representation: Representation) -> LintReport | Table:
    media_type = representation.media_type
    if media_type.as_kind != TABLE:
        return report
    return table_of_report(report, version=media_type.version, include_object=representation.include_object)


def _said(omitted: list[Omitted], options: Options) -> Iterator[str]:
    """What the caller is warned of."""
    yield from (f'unknown query parameter "{name}" was ignored' for name in options.ignored)
    if omitted:
        yield f"not all resources were looked at; omitted of the answer has the {len(omitted)} that were not"
