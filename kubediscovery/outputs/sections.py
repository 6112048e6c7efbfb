"""Compositions as a table for each kind, every object once, as kubectl prints several kinds.

kube-lineage calls this split (github.com/tohjustin/kube-lineage, ``internal/printers/printers.go``).
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from kubediscovery.composition import Composition, CompositionList
from kubediscovery.nodes import Info, Node
from kubediscovery.outputs.graph import graph_of
from kubediscovery.outputs.lines import NOTHING, aligned
from kubediscovery.printable import printable
from kubediscovery.table import age

# What only some kinds have: such a column is there where an object of the section has something in it.
_FACTS: Mapping[str, Callable[[Info], str]] = {
    "REVISION": lambda info: info.revision or "",
    "RESTARTS": lambda info: "" if info.restarts is None else str(info.restarts),
    "NODE": lambda info: info.node or "",
    "IMAGES": lambda info: ",".join(info.images or ()),
}


def sections_of(answer: Composition | CompositionList, now: datetime) -> str:
    """A heading and a line for each object, an empty line between kinds; these are in the order of their names.

    Objects are named as ``deployment.apps/web``; nothing at all is an empty text.
    """
    kinds: dict[tuple[str, str], list[Node]] = {}
    for node in graph_of(answer).nodes.values():
        kinds.setdefault((node.kind, node.api_version.rpartition("/")[0]), []).append(node)
    return "\n".join("".join(_section(*kind, nodes, now)) for kind, nodes in sorted(kinds.items()))


def _section(kind: str, group: str, nodes: list[Node], now: datetime) -> Iterator[str]:
    columns = {"NAMESPACE": [node.namespace for node in nodes]} if any(node.namespace for node in nodes) else {}
    prefix = f"{kind}.{group}".rstrip(".").lower()
    columns |= {
        "NAME": [f"{prefix}/{node.name}" for node in nodes],
        "READY": [node.ready or "" for node in nodes],
        "HEALTH": [node.health for node in nodes],
        "REASON": [node.reason for node in nodes],
    }
    for heading, fact in _FACTS.items():
        facts = [fact(node.info) if node.info else "" for node in nodes]
        columns |= {heading: facts} if any(facts) else {}
    columns["AGE"] = [age(node.creation_timestamp, now) for node in nodes]
    rows = sorted([printable(cell) or NOTHING for cell in row] for row in zip(*columns.values(), strict=True))
    return aligned([list(columns), *rows])
