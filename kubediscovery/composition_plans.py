"""What requests for compositions ask for, whoever sent them: read once from their path, query and head, and kept."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from kubediscovery.api import COMPOSITIONS, ApiGroup
from kubediscovery.asked import KEPT, LONGEST_KEPT, Lines, length_of, said_in
from kubediscovery.authz import ResourceAttributes
from kubediscovery.composition import Composition, CompositionList
from kubediscovery.compositions import Target
from kubediscovery.errors import BadRequest
from kubediscovery.namespaces import spread
from kubediscovery.negotiation import READABLE, WATCHABLE, Representation, representation_of
from kubediscovery.options import Options, parse_options, wants_watch
from kubediscovery.output import Output
from kubediscovery.relations import Relations
from kubediscovery.requests import ALL
from kubediscovery.responses import known_tags, require_reading
from kubediscovery.served import no_such
from kubediscovery.sight import Sight
from kubediscovery.store import Store

if TYPE_CHECKING:
    from kubediscovery.outputs import Drawer


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """The answer to who may see as much, as long as the store is at this generation."""

    sight: Sight
    generation: int
    response: Response


@dataclass(slots=True, eq=False)
class Plan:
    """What a request asks for, whoever sent it."""

    target: Target
    options: Options
    representation: Representation
    known: frozenset[str]
    watches: bool
    beside: tuple[str, ...] = ()
    kept: Kept | None = None

    def lasts(self, answer: Composition | CompositionList) -> bool:
        """Whether it would be the same later: a list has the version of its moment, a Table tells ages."""
        is_one = isinstance(answer, Composition)
        is_tree = self.options.output is Output.TREE and self.options.wish is None
        return is_one and is_tree and not self.representation.media_type.as_kind and not self.options.ignored


class CompositionPlans:
    """Reads the requests for compositions of one API group."""

    def __init__(self, api: ApiGroup, store: Store) -> None:
        self._api = api
        self._links = store.links
        self._kept = lru_cache(KEPT)(self._read)

    def plan(self, request: Request, attributes: ResourceAttributes) -> Plan:
        """What the request asks for; raises :class:`StatusError` for what cannot be asked."""
        scope = request.scope
        query, said = scope["query_string"], said_in(scope["headers"])
        is_short = len(query) + len(scope["raw_path"]) + length_of(said) <= LONGEST_KEPT
        read = self._kept if is_short else self._read
        return read(attributes, request.method, query, said, self._api.kinds.version, self._links.relations)

    def target(self, attributes: ResourceAttributes) -> Target:
        """What the path is about; raises :class:`NotFound` that says what it would have to be."""
        namespace = attributes.namespace or None
        if attributes.resource == COMPOSITIONS and not attributes.subresource:
            if attributes.verb == "get" and namespace is None:
                raise no_such(attributes, "give its namespace: namespaces/{namespace}/compositions/{name}")
            return Target(None, namespace)
        kind = self._api.parent(attributes.resource)
        if kind is None or attributes.subresource != COMPOSITIONS:
            raise no_such(attributes)
        if not kind.namespaced and namespace is not None:
            raise no_such(attributes, f"{kind.group_resource} is not namespaced")
        if kind.namespaced and namespace is None and attributes.name != ALL:
            raise no_such(attributes, f"{kind.group_resource} is namespaced: give the namespace, or * as the name")
        return Target(kind, namespace)

    def _read(
        self,
        attributes: ResourceAttributes,
        method: str,
        query: bytes,
        said: Lines,
        kinds_version: int,
        relations: Relations,
    ) -> Plan:
        # What is kept of one version of the kinds is found under no other.
        del kinds_version
        target, headers = self.target(attributes), Headers(raw=list(said))
        require_reading(method)
        watches = attributes.verb == "watch" or bool(attributes.subresource and wants_watch(query))
        options = parse_options(query, watch=watches, relations=relations.names)
        target, beside = _spread(attributes, target, options)
        drawer = drawer_of(options)
        offered = WATCHABLE if watches else READABLE if drawer is None else drawer.offered
        representation = representation_of(headers, query, offered, options.include_object)
        return Plan(target, options, representation, known_tags(headers), watches, beside)


def drawer_of(options: Options) -> "Drawer | None":
    """Who draws another output than the tree; imported when it is first asked for, as few ever do."""
    if options.output is Output.TREE:
        return None
    from kubediscovery.outputs import DRAWERS

    return DRAWERS[options.output]


def _spread(attributes: ResourceAttributes, target: Target, options: Options) -> tuple[Target, tuple[str, ...]]:
    """The target in the first namespace that a request looks into, and the others that it names.

    Raises :class:`BadRequest` where what it lists is in no namespace.
    """
    if not options.namespaces:
        return target, ()
    if target.kind is not None and not target.kind.namespaced and attributes.name == ALL:
        raise BadRequest(f"namespaces: {target.kind.group_resource} is not namespaced, list it without")
    first, *beside = spread(target.namespace, options.namespaces)
    return replace(target, namespace=first), tuple(beside)
