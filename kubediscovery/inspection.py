"""Requests for what lint finds, answered as the caller may see it."""

import asyncio
from collections.abc import Collection, Iterator

from starlette.requests import Request
from starlette.responses import Response

from kubediscovery.api import LINT
from kubediscovery.authz import ResourceAttributes
from kubediscovery.errors import BadRequest, MethodNotAllowed, NotFound, Subject
from kubediscovery.findings import Finding, LintReport, sort_findings, table_of_report
from kubediscovery.freshness import Settled, fresh_enough, require_exact
from kubediscovery.identity import User
from kubediscovery.lint import Lint
from kubediscovery.meta import ListMeta, Table
from kubediscovery.negotiation import FINDINGS, TABLE, Representation, representation_of
from kubediscovery.omissions import Omitted, omissions, require_filled
from kubediscovery.options import NOTHING_ASKED, Options, parse_options
from kubediscovery.parameters import OF_LINT
from kubediscovery.responses import known_tags, require_reading, warnings
from kubediscovery.selectors import Selector
from kubediscovery.services import Services
from kubediscovery.sight import Sight
from kubediscovery.store import Store
from kubediscovery.visibility import Visibility

# Objects that are looked at before others have their turn: about a millisecond.
_AT_ONCE = 1_000
_UNFIT = {"fields": "fieldSelector", "start": "continue", "output": "output", "wish": "waitFor"}
_ACCEPTED = ", ".join(OF_LINT)


class Inspection:
    """Answers for lint; who may ask has been decided."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._store = services.store
        self._settled = Settled(services.store)
        self._visibility = Visibility(services.authorizer, services.store)

    async def respond(self, request: Request, user: User, attributes: ResourceAttributes) -> Response:
        """The findings in a namespace, or in all and about what is in none; raises :class:`StatusError` otherwise."""
        require_reading(request.method)
        _require_list(attributes)
        query = request.scope["query_string"]
        options = _options(query, self._services.store.links.relations.names)
        representation = representation_of(request.headers, query, FINDINGS, options.include_object)
        await fresh_enough(self._store if options.exact else self._settled, options.least_version)
        sight = await self._visibility.sight(user, attributes.namespace or None, related=True)
        require_exact(self._store, options)
        require_filled(self._store.pending)
        report = await self._report(sight, options.labels)
        return await self._services.renderer.answer(
            _shaped(report, representation),
            representation,
            known=known_tags(request.headers),
            headers=warnings(_said(report.omitted, options)),
        )

    async def _report(self, sight: Sight, labels: Selector) -> LintReport:
        """What is there is looked at little by little: what has gone when its turn comes is not reported on."""
        api_version, version = self._services.api.api_version, self._store.version
        lint = Lint(self._store, sight, api_version)
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
        findings.extend(lint.cycles(owners))
        return LintReport(
            api_version=api_version,
            metadata=ListMeta(resource_version=str(version)),
            items=sort_findings([found for found in findings if labels.matches(found.metadata.labels or {})]),
            omitted=list(omissions(self._store, sight)),
        )


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
