"""The subresource ``connections``: what an object has to do with others, as edges, each with the rule behind it.

The first kubediscovery had these in its command line, found by names; here they are the edges that
compositions draw, of all directions at once.
"""

from collections.abc import Iterator
from typing import Annotated, Any

from msgspec import Meta, Struct

from kubediscovery.drawing import parse_relations
from kubediscovery.edges import Edges
from kubediscovery.nodes import controls
from kubediscovery.objects import EventState, Object
from kubediscovery.registry import Registry
from kubediscovery.relations import ANY, EVENT, OWNER, RELEASE, GroupKind, Relations, Rule
from kubediscovery.subresource import Column, Seen, SubresourceRequest

MOST_STEPS = 8
#: Edges in one answer; those that are nearest to the object come first.
MOST_EDGES = 5_000
_OWNERSHIP = "an owner to what it owns, by metadata.ownerReferences"


class End(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """One of the two objects of an edge."""

    api_version: Annotated[str, Meta(description="Group and version of the object, as in apps/v1.")]
    kind: Annotated[str, Meta(description="Kind of the object, as in Deployment.")]
    name: Annotated[str, Meta(description="Name of the object.")]
    uid: Annotated[str, Meta(description="UID of the object.")]
    namespace: Annotated[str, Meta(description="Namespace of the object; left out for cluster-scoped kinds.")] = ""


class Connection(Struct, frozen=True, omit_defaults=True, rename={"source": "from", "target": "to"}):
    """One edge: a relation leads from one object to another."""

    relation: Annotated[str, Meta(description="Name of the relation, as in configMap; owner for ownership.")]
    source: Annotated[End, Meta(description="Where the edge begins: the owner, or what the rule names first.")]
    target: Annotated[End, Meta(description="Where the edge ends.")]
    rule: Annotated[str, Meta(description="Why there is an edge: the rule, from which kinds to which, and by what.")]
    by: Annotated[
        str,
        Meta(
            description="Where the fact stands: ownerReference, reference (a field of from names to), reversed (to "
            "names from), selector, event or release."
        ),
    ]
    controller: Annotated[
        bool | None, Meta(description="Of ownership: whether the owner is the controller, rather than one of several.")
    ] = None


class Connections(Struct, frozen=True, omit_defaults=True):
    """What an object has to do with others, as far as you may list them."""

    edges: Annotated[
        list[Connection],
        Meta(description="The edges, each once, those of the object itself first; sorted by relation and both ends."),
    ]
    truncated: Annotated[
        bool, Meta(description=f"True where there are more edges than the {MOST_EDGES} that are answered at most.")
    ] = False


class ConnectionsQuery(Struct, frozen=True):
    """What is wanted of the edges."""

    depth: Annotated[
        int,
        Meta(ge=1, le=MOST_STEPS, description="How many edges away from the object an edge may begin; 1 is its own."),
    ] = 1
    relations: Annotated[
        str,
        Meta(
            description="Relations, comma-separated: all (the default), names as in owner,scale, and !name for all but "
            "that one."
        ),
    ] = "all"


def register(registry: Registry) -> None:
    """Register it for all kinds."""
    registry.subresource(
        "connections",
        on="*",
        returns=Connections,
        query=ConnectionsQuery,
        watch=True,
        related=True,
        columns=[
            Column("Connections", "integer", lambda found: len(found.edges), description="Number of edges."),
            Column("Relations", "string", _names, description="Relations that the edges are of."),
        ],
    )(connections)


async def connections(request: SubresourceRequest[Any]) -> Connections:
    """The edges around the object; raises :class:`BadRequest` for a relation that is not known."""
    query, seen = request.query, request.seen
    wanted = parse_relations(query.relations or "all", {*seen.relations.names, OWNER})
    return Walk(seen, wanted).around(request.parent, query.depth)


class Walk:
    """Edges of a store for as long as nothing in it changes."""

    def __init__(self, seen: Seen, wanted: frozenset[str]) -> None:
        self._seen = seen
        self._edges: Edges = seen.edges
        self._rules = _Rules(seen.relations)
        self._owners = OWNER in wanted
        self._tells, self._releases = EVENT in wanted, RELEASE in wanted
        self._wanted = wanted - {OWNER, EVENT, RELEASE}

    def around(self, root: Object, depth: int) -> Connections:
        """All edges of the object, and of what they lead to, so many steps away."""
        found: dict[tuple[str, str, str], Connection] = {}
        frontier, expanded = {root.uid: root}, set[str]()
        for _ in range(depth):
            following: dict[str, Object] = {}
            for item in frontier.values():
                expanded.add(item.uid)
                for relation, source, target in sorted(self._of(item), key=_place):
                    found.setdefault((relation, source.uid, target.uid), self._connection(relation, source, target))
                    if len(found) > MOST_EDGES:
                        return Connections([*found.values()][:MOST_EDGES], truncated=True)
                    following.update((end.uid, end) for end in (source, target) if end.uid not in expanded)
            frontier = following
        return Connections([*found.values()])

    def _of(self, item: Object) -> Iterator[tuple[str, Object, Object]]:
        if self._owners:
            yield from ((OWNER, owner, item) for owner in self._seen.owners(item))
            yield from ((OWNER, item, child) for child in self._seen.children(item))
        yield from ((edge.relation, item, edge.item) for edge in self._edges.leading_from(item, self._wanted))
        yield from ((edge.relation, edge.item, item) for edge in self._edges.leading_to(item, self._wanted))
        if self._releases:
            # Neither is the first of the two: an edge that two members of a release would tell of is told once.
            for other in self._edges.released_with(item):
                ends = (item, other) if item.uid < other.uid else (other, item)
                yield RELEASE, *ends
        if self._tells:
            told = [edge.item for edge in self._edges.naming(item, frozenset((EVENT,)))]
            yield from ((EVENT, item, event) for event in told if _is_about(event, item))
            about = [edge.item for edge in self._edges.leading_from(item, frozenset((EVENT,)))]
            yield from ((EVENT, other, item) for other in about if _is_about(item, other))

    def _connection(self, relation: str, source: Object, target: Object) -> Connection:
        if relation == OWNER:
            ends = _end(source), _end(target)
            return Connection(relation, *ends, _OWNERSHIP, "ownerReference", controls(source, target))
        rule = self._rules.of(relation, source, target)
        sentence, how = (rule.sentence, str(rule.how)) if rule is not None else ("", "")
        return Connection(relation, _end(source), _end(target), sentence, how)


class _Rules:
    """The rule of an edge, by its relation and the kinds of both ends."""

    def __init__(self, relations: Relations) -> None:
        self._relations = relations
        self._found: dict[tuple[str, GroupKind, GroupKind], Rule | None] = {}

    def of(self, relation: str, source: Object, target: Object) -> Rule | None:
        ends = (source.kind.group, source.kind.kind), (target.kind.group, target.kind.kind)
        key = (relation, *ends)
        if key not in self._found:
            rules = (rule for rule in self._relations.rules if rule.name == relation)
            self._found[key] = next((rule for rule in rules if _fits(rule, *ends)), None)
        return self._found[key]


def _fits(rule: Rule, source: GroupKind, target: GroupKind) -> bool:
    return rule.source in (ANY, source) and rule.target in (ANY, target)


def _is_about(event: Object, item: Object) -> bool:
    # The kubelet gives a Node's name for its UID; what is read from a file may have none.
    return isinstance(event.state, EventState) and event.state.about in ("", item.uid, item.name)


def _end(item: Object) -> End:
    return End(item.kind.api_version, item.kind.kind, item.name, item.uid, item.namespace)


def _place(edge: tuple[str, Object, Object]) -> tuple[str, ...]:
    relation, *ends = edge
    return relation, *(part for end in ends for part in (end.kind.kind, end.namespace, end.name, end.kind.group))


def _names(found: Connections) -> str:
    return ",".join(sorted({edge.relation for edge in found.edges}))
