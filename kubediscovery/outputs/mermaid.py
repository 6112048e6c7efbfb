"""Compositions as a flowchart for Mermaid (https://mermaid.js.org/syntax/flowchart.html), as Markdown pages show it."""

from collections.abc import Iterator, Mapping

from kubediscovery.composition import Composition, CompositionList
from kubediscovery.outputs.graph import Edge, graph_of
from kubediscovery.outputs.looks import COLOURS, label_of, names_of
from kubediscovery.printable import printable

# What means nothing to Mermaid, to Markdown in its labels, or to HTML; all else is written as an entity of Mermaid's.
_HARMLESS = frozenset(" -./:,") | frozenset("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


def mermaid_of(answer: Composition | CompositionList) -> str:
    """A flowchart: boxes in the colour of their health; solid lines for ownership, dotted ones for relations."""
    return "\n".join(("flowchart LR", *_statements(answer), ""))


def _statements(answer: Composition | CompositionList) -> Iterator[str]:
    graph = graph_of(answer)
    names = names_of(graph)
    for key, node in graph.nodes.items():
        yield f'  {names[key]}["{"<br/>".join(map(_escaped, label_of(node)))}"]:::{node.health.lower()}'
    for edge in graph.edges:
        yield f"  {_line(edge, names)}"
    for health in sorted({node.health for node in graph.nodes.values()}):
        fill, line = COLOURS[health]
        yield f"  classDef {health.lower()} fill:{fill},stroke:{line},color:#000000"


def _line(edge: Edge, names: Mapping[str, str]) -> str:
    tail, head = edge.ends
    if not edge.owns:
        arrow = f'-. "{_escaped(edge.relation)}" .->'
    else:
        # There is no other head for an owner that is not the controller: the line says it.
        arrow = '-- "owner" -->' if edge.controller is False else "-->"
    return f"{names[tail]} {arrow} {names[head]}"


def _escaped(text: str) -> str:
    return "".join(found if found in _HARMLESS else f"#{ord(found)};" for found in printable(text))
