"""What drawings of compositions have in common: the words on a box and its colours."""

from collections.abc import Iterator, Mapping

from kubediscovery.health import Health
from kubediscovery.nodes import Node
from kubediscovery.outputs.graph import Graph
from kubediscovery.relations import OWNER

# Fill and line of each health: light enough for black letters, and told apart by who sees no red or green.
COLOURS: Mapping[Health, tuple[str, str]] = {
    Health.HEALTHY: ("#d9f2e3", "#1b7f4b"),
    Health.SUSPENDED: ("#dbe9fb", "#2f6fb5"),
    Health.PROGRESSING: ("#fff1c9", "#b58900"),
    Health.MISSING: ("#eee3f7", "#7d4ea3"),
    Health.DEGRADED: ("#f9cfc8", "#c0291a"),
    Health.UNKNOWN: ("#e6e6e6", "#666666"),
}


def names_of(graph: Graph) -> Mapping[str, str]:
    """Short names for a graph's nodes by their keys, without any letter that a language gives a meaning."""
    return {key: f"n{number}" for number, key in enumerate(graph.nodes)}


def label_of(node: Node) -> Iterator[str]:
    """The lines on a node's box: its kind, where and how it is called, and how it is."""
    yield node.kind
    yield f"{node.namespace}/{node.name}" if node.namespace else node.name
    yield " ".join(filter(None, (node.ready, node.health, node.reason)))


def title_of(node: Node) -> str:
    """What there is to say about a node's health."""
    return ": ".join(filter(None, (node.reason, node.message))) or str(node.health)


def relation_of(node: Node) -> str:
    """`` (← configMap)`` for what is referred to from above, `` (→ endpoints)`` for what refers to it, else nothing.

    An owner below what it owns is `` (owner)``.
    """
    if not node.relation or node.relation == OWNER:
        return f" ({OWNER})" if node.relation else ""
    return f" ({'→' if node.incoming else '←'} {node.relation})"
